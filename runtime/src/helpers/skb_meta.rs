//! What is known of an skb besides its bytes.

use super::fail;
use super::memory::copy_out;
use super::skb::Skb;
use brolga_core::prog_type::host::SkBuffHost;
use rustix::io::Errno;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// `ENOTSUPP`, which is no error number of user space's.
const NOTSUPP: i32 = 524;

/// # Safety
///
/// `ctx` is the address of an [`SkBuffHost`] that a packet filled, and nobody
/// else uses it as long as this.
unsafe fn skb<'a>(ctx: u64) -> &'a mut SkBuffHost {
    // SAFETY: as the caller says.
    unsafe { &mut *std::ptr::with_exposed_provenance_mut(ctx as usize) }
}

/// `(skb, csum)`: adds to the sum that a device made of the packet; no device
/// did.
pub(super) unsafe extern "C-unwind" fn csum_update(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    super::failure(NOTSUPP)
}

/// `(skb, level)`: how many checksums a device checked. None did, so that there
/// is nothing to change, and nothing to ask for.
pub(super) unsafe extern "C-unwind" fn csum_level(_: u64, level: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    match level {
        // `BPF_CSUM_LEVEL_QUERY`
        0 => fail(Errno::ACCESS),
        1..=3 => 0,
        _ => fail(Errno::INVAL),
    }
}

/// Of a packet whose task is in no class, or that has no route: 0.
pub(super) unsafe extern "C-unwind" fn none(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

/// `(skb, type)` to 0 or an error: whom the packet is for.
pub(super) unsafe extern "C-unwind" fn change_type(
    ctx: u64,
    new: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    /// `PACKET_OTHERHOST`
    const LAST: u32 = 3;
    // SAFETY: by its prototype the helper gets its context.
    let skb = unsafe { skb(ctx) };
    if skb.pkt_type > LAST || new as u32 > LAST {
        return fail(Errno::INVAL);
    }
    skb.pkt_type = new as u32;
    0
}

/// `(skb, hash)`: sets the flow hash.
pub(super) unsafe extern "C-unwind" fn set_hash(ctx: u64, hash: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    unsafe { skb(ctx) }.hash = hash as u32;
    0
}

/// `(skb)` to its flow hash, which is made where there is none.
pub(super) unsafe extern "C-unwind" fn get_hash_recalc(
    ctx: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let skb = unsafe { skb(ctx) };
    if skb.hash == 0 {
        // SAFETY: as above.
        skb.hash = flow_hash(&unsafe { Skb::at(ctx) });
    }
    skb.hash.into()
}

/// A number that is the same for all packets of a flow, in either direction, and
/// not known from outside: never 0.
fn flow_hash(skb: &Skb) -> u32 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    (SEED.hash_one(flow(skb)) as u32).max(1)
}

/// One end of a flow: an address and a port.
type End = ([u8; 16], [u8; 2]);

/// The transport protocol and both ends, the lesser one first; of other packets
/// than IPv4's and IPv6's nothing.
fn flow(skb: &Skb) -> (u8, [End; 2]) {
    match network::<1>(skb, 0).map(|[first]| first >> 4) {
        Some(4) => network(skb, 0).map(|ip| flow_v4(skb, &ip)),
        Some(6) => network(skb, 0).map(|ip| flow_v6(skb, &ip)),
        _ => None,
    }
    .unwrap_or_default()
}

fn flow_v4(skb: &Skb, ip: &[u8; 20]) -> (u8, [End; 2]) {
    // A later fragment has no ports, so those of the first do not count.
    let fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff != 0;
    let ports = if fragment { [0; 4] } else { ports(skb, u32::from(ip[0] & 15) * 4, ip[9]) };
    (ip[9], ends(&ip[12..16], &ip[16..20], ports))
}

fn flow_v6(skb: &Skb, ip: &[u8; 40]) -> (u8, [End; 2]) {
    (ip[6], ends(&ip[8..24], &ip[24..40], ports(skb, 40, ip[6])))
}

fn ends(from: &[u8], to: &[u8], [a, b, c, d]: [u8; 4]) -> [End; 2] {
    let whole = |address: &[u8]| {
        let mut whole = [0; 16];
        whole[..address.len()].copy_from_slice(address);
        whole
    };
    let mut ends = [(whole(from), [a, b]), (whole(to), [c, d])];
    ends.sort_unstable();
    ends
}

/// The ports at an offset from the network header, in a protocol that has them.
fn ports(skb: &Skb, off: u32, proto: u8) -> [u8; 4] {
    network(skb, off).filter(|_| has_ports(proto)).unwrap_or_default()
}

/// TCP, UDP, DCCP, SCTP, UDP-Lite.
const fn has_ports(proto: u8) -> bool {
    matches!(proto, 6 | 17 | 33 | 132 | 136)
}

/// The bytes at an offset from the network header.
fn network<const N: usize>(skb: &Skb, off: u32) -> Option<[u8; N]> {
    let addr = skb.network_bytes(off, N as u32)?;
    let mut bytes = [0; N];
    // SAFETY: the bytes are in the packet.
    unsafe { copy_out(addr, bytes.as_mut_ptr(), N) };
    Some(bytes)
}
