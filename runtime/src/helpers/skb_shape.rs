//! Growing and shrinking an skb: VLAN tags, room at its head and tail.
//!
//! What is pushed in front goes into the packet's headroom, what is appended
//! into its tailroom. The kernel allocates more where there is none; here that
//! fails with `ENOMEM`, as an allocation does there.

use super::fail;
use super::memory::{clear, copy_in, copy_out};
use crate::context::ethernet;
use brolga_core::prog_type::host::SkBuffHost;
use rustix::io::Errno;

/// `ETH_P_8021Q` and `ETH_P_8021AD`, in network order.
const TAGGED: [u32; 2] = [0x8100u16.to_be() as u32, 0x88a8u16.to_be() as u32];
/// The length of a VLAN header, in bytes.
const VLAN: u32 = 4;
/// The length of the two hardware addresses, in bytes.
const ADDRESSES: usize = 12;
/// The length of a tagged Ethernet header, in bytes.
const TAGGED_HEADER: usize = 18;
/// The longest skb of the loopback interface: its MTU and an Ethernet header.
const MAX_LEN: u32 = 65536 + 14;

/// The packet behind a context.
///
/// # Safety
///
/// `ctx` is the address of an [`SkBuffHost`] that a packet filled, and nobody
/// else uses it as long as this.
unsafe fn skb<'a>(ctx: u64) -> &'a mut SkBuffHost {
    // SAFETY: as the caller says.
    unsafe { &mut *std::ptr::with_exposed_provenance_mut(ctx as usize) }
}

/// Whether packet pointers start at the Ethernet header.
const fn at_mac_header(skb: &SkBuffHost) -> bool {
    skb.data - skb.head == skb.mac_header as u64
}

/// Moves the start of the packet, where there is room.
const fn push(skb: &mut SkBuffHost, len: u32) -> Result<(), Errno> {
    if skb.data - skb.head < len as u64 {
        return Err(Errno::NOMEM);
    }
    skb.data -= len as u64;
    skb.data_meta = skb.data;
    skb.len += len;
    Ok(())
}

const fn result(result: Result<(), Errno>) -> u64 {
    match result {
        Ok(()) => 0,
        Err(errno) => fail(errno),
    }
}

/// Puts the tag that was taken off the packet back into its bytes.
fn insert_tag(skb: &mut SkBuffHost) -> Result<(), Errno> {
    if !at_mac_header(skb) || (skb.len as usize) < ADDRESSES {
        return Err(Errno::INVAL);
    }
    push(skb, VLAN)?;
    let mut header = [0; ADDRESSES + VLAN as usize];
    // SAFETY: the old header's addresses follow the four bytes of headroom that
    // are the packet's now.
    unsafe {
        copy_out(skb.data + u64::from(VLAN), header.as_mut_ptr(), ADDRESSES);
        header[ADDRESSES..][..2].copy_from_slice(&(skb.vlan_proto as u16).to_ne_bytes());
        header[ADDRESSES + 2..].copy_from_slice(&(skb.vlan_tci as u16).to_be_bytes());
        copy_in(skb.data, &header);
    }
    skb.mac_header -= VLAN;
    skb.network_header -= VLAN;
    skb.protocol = skb.vlan_proto;
    Ok(())
}

/// Takes a tag out of the packet's bytes: its number, and the protocol of what
/// follows it.
fn remove_tag(skb: &mut SkBuffHost) -> Result<u16, Errno> {
    if !at_mac_header(skb) {
        return Err(Errno::INVAL);
    }
    // The header, and what tells a raw 802.3 frame.
    let mut bytes = [0; TAGGED_HEADER + 2];
    let there = (skb.len as usize).min(bytes.len());
    if there < TAGGED_HEADER {
        return Err(Errno::NOMEM);
    }
    // SAFETY: the packet has these bytes.
    unsafe {
        copy_out(skb.data, bytes.as_mut_ptr(), there);
        copy_in(skb.data + u64::from(VLAN), &bytes[..ADDRESSES]);
    }
    let tci = u16::from_be_bytes([bytes[14], bytes[15]]);
    bytes.copy_within(..ADDRESSES, VLAN as usize);
    skb.protocol = ethernet::protocol(&bytes[VLAN as usize..there]);
    skb.data += u64::from(VLAN);
    skb.data_meta = skb.data;
    skb.len -= VLAN;
    skb.mac_header += VLAN;
    let data = (skb.data - skb.head) as u32;
    skb.network_header = skb.network_header.max(data + ethernet::HEADER as u32);
    Ok(tci)
}

const fn set_tag(skb: &mut SkBuffHost, proto: u32, tci: u16) {
    skb.vlan_present = 1;
    skb.vlan_proto = proto;
    skb.vlan_tci = tci as u32;
}

/// `(skb, proto, tci)` to 0 or an error: gives the packet a VLAN tag. The one
/// that it has goes into its bytes.
pub(super) unsafe extern "C-unwind" fn vlan_push(
    ctx: u64,
    proto: u64,
    tci: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let skb = unsafe { skb(ctx) };
    let proto = proto as u16 as u32;
    let proto = if TAGGED.contains(&proto) { proto } else { TAGGED[0] };
    let room = if skb.vlan_present == 0 { Ok(()) } else { insert_tag(skb) };
    result(room.map(|()| set_tag(skb, proto, tci as u16)))
}

/// `(skb)` to 0 or an error: takes the packet's VLAN tag away, and the next one,
/// if any, out of its bytes.
pub(super) unsafe extern "C-unwind" fn vlan_pop(ctx: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let skb = unsafe { skb(ctx) };
    let tagged = |skb: &SkBuffHost| TAGGED.contains(&skb.protocol);
    if skb.vlan_present != 0 {
        (skb.vlan_present, skb.vlan_proto, skb.vlan_tci) = (0, 0, 0);
    } else if !tagged(skb) {
        return 0;
    } else if let Err(errno) = remove_tag(skb) {
        return fail(errno);
    }
    if !tagged(skb) {
        return 0;
    }
    let proto = skb.protocol;
    result(remove_tag(skb).map(|tci| set_tag(skb, proto, tci)))
}

/// `(skb, len, flags)` to 0 or an error: that many zeros before the packet, for
/// a link-layer header.
pub(super) unsafe extern "C-unwind" fn change_head(
    ctx: u64,
    len: u64,
    flags: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let skb = unsafe { skb(ctx) };
    let len = len as u32;
    let fits = skb.len.checked_add(len).is_some_and(|new| new <= MAX_LEN);
    if flags != 0 || !fits {
        return fail(Errno::INVAL);
    }
    if let Err(errno) = push(skb, len) {
        return fail(errno);
    }
    // SAFETY: the bytes are the packet's now.
    unsafe { clear(skb.data, len as usize) };
    skb.mac_header = (skb.data - skb.head) as u32;
    0
}

/// The least that a packet may be cut to: its headers.
fn min_len(skb: &SkBuffHost) -> u32 {
    let data = (skb.data - skb.head) as u32;
    skb.network_header.saturating_sub(data).max(ethernet::HEADER as u32)
}

/// `(skb, len, flags)` to 0 or an error: makes the packet that long. What it
/// grows by is zero.
pub(super) unsafe extern "C-unwind" fn change_tail(
    ctx: u64,
    len: u64,
    flags: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let skb = unsafe { skb(ctx) };
    let len = len as u32;
    if flags != 0 || len > MAX_LEN || len < min_len(skb) {
        return fail(Errno::INVAL);
    }
    let (old, new) = (skb.data + u64::from(skb.len), skb.data + u64::from(len));
    if new > skb.end {
        return fail(Errno::NOMEM);
    }
    if new > old {
        // SAFETY: the bytes up to `end` are the packet's memory.
        unsafe { clear(old, (new - old) as usize) };
    }
    skb.len = len;
    skb.data_end = new;
    0
}
