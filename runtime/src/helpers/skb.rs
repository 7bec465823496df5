//! What programs do with the bytes of an skb.

use super::fail;
use super::memory::{clear, copy_out, transfer};
use brolga_core::prog_type::host::SkBuffHost;
use rustix::io::Errno;

/// A packet of which a program has the context. Law: the `len` bytes at `data`
/// and all before it from `head` on are readable and writable.
pub(super) struct Skb(*mut SkBuffHost);

impl Skb {
    /// By the address of a context.
    ///
    /// # Safety
    ///
    /// It is that of an [`SkBuffHost`] that a packet filled, and nobody else uses
    /// it as long as this.
    pub(super) unsafe fn at(ctx: u64) -> Self {
        Self(std::ptr::with_exposed_provenance_mut(ctx as usize))
    }

    fn fields(&self) -> SkBuffHost {
        // SAFETY: the pointer is to an initialised structure of plain data that
        // is this helper's alone.
        unsafe { *self.0 }
    }

    /// The address of the `len` bytes at `offset`, where they all are in the
    /// packet.
    pub(super) fn bytes(&self, offset: u32, len: u32) -> Option<u64> {
        let fields = self.fields();
        let within = u64::from(offset) + u64::from(len) <= u64::from(fields.len);
        within.then_some(fields.data + u64::from(offset))
    }

    /// The address of the `len` bytes at `offset` from the network header, where
    /// they all are in the packet.
    pub(super) fn network_bytes(&self, offset: u32, len: u32) -> Option<u64> {
        header_bytes(self, offset, len, START_NET)
    }

    /// The same where the legacy packet loads count from: negative offsets from
    /// the network or the link-layer header.
    fn legacy(&self, offset: i32, len: u32) -> Option<u64> {
        let fields = self.fields();
        let data = (fields.data - fields.head) as i64;
        let start = |header: u32, base: i32| i64::from(offset) - i64::from(base) + i64::from(header) - data;
        let at = match offset {
            0.. => offset.into(),
            NET_OFF..0 => start(fields.network_header, NET_OFF),
            LL_OFF..NET_OFF => start(fields.mac_header, LL_OFF),
            ..LL_OFF => return None,
        };
        let within = data + at >= 0 && at + i64::from(len) <= i64::from(fields.len);
        within.then_some(fields.data.wrapping_add_signed(at))
    }

    fn clear_hash(&mut self) {
        // SAFETY: as in `fields`.
        unsafe { (*self.0).hash = 0 };
    }
}

/// `SKF_NET_OFF`: from here on up to 0, offsets count from the network header.
const NET_OFF: i32 = -0x10_0000;
/// `SKF_LL_OFF`: from here on up to [`NET_OFF`], from the link-layer header.
const LL_OFF: i32 = -0x20_0000;

/// The hook behind `LD_ABS` and `LD_IND`: the `size` (1, 2 or 4) bytes at an
/// offset, from network order; -1 where they are not all in the packet.
///
/// # Safety
///
/// `ctx` is the address of an [`SkBuffHost`] that a packet filled.
pub(crate) unsafe extern "C-unwind" fn load_packet(ctx: u64, off: i64, size: u64) -> i64 {
    // SAFETY: as the caller says.
    let skb = unsafe { Skb::at(ctx) };
    // The kernel's offset is an `int`; a size above 4 is no legacy load's.
    let size = size.min(4) as u32;
    let Some(addr) = skb.legacy(off as i32, size) else { return -1 };
    let mut bytes = [0; 8];
    let number = &mut bytes[8 - size as usize..];
    // SAFETY: the bytes are in the packet.
    unsafe { copy_out(addr, number.as_mut_ptr(), number.len()) };
    i64::from_be_bytes(bytes)
}

/// Copies packet bytes to a program, or zeros where there are none.
///
/// # Safety
///
/// `len` bytes at `to` are writable; `from` is the address of as many bytes of
/// the packet.
unsafe fn load(from: Option<u64>, to: u64, len: u32) -> u64 {
    // SAFETY: as the caller says.
    unsafe {
        match from {
            Some(from) => {
                transfer(from, to, len as usize);
                0
            }
            None => {
                clear(to, len as usize);
                fail(Errno::FAULT)
            }
        }
    }
}

/// `(skb, offset, to, len)` to 0 or an error; `to` is zero then.
pub(super) unsafe extern "C-unwind" fn load_bytes(
    ctx: u64,
    offset: u64,
    to: u64,
    len: u64,
    _: u64,
    _: u64,
) -> u64 {
    let (offset, len) = (offset as u32, len as u32);
    // SAFETY: by its prototype the helper gets its context and `len` writable
    // bytes.
    unsafe {
        let from = Skb::at(ctx).bytes(offset, len);
        load(from, to, len)
    }
}

/// `BPF_HDR_START_MAC`
const START_MAC: u32 = 0;
/// `BPF_HDR_START_NET`
const START_NET: u32 = 1;

/// `(skb, offset, to, len, start)`: [`load_bytes`] from where a header starts.
pub(super) unsafe extern "C-unwind" fn load_bytes_relative(
    ctx: u64,
    offset: u64,
    to: u64,
    len: u64,
    start: u64,
    _: u64,
) -> u64 {
    let (offset, len) = (offset as u32, len as u32);
    // SAFETY: by its prototype the helper gets its context and `len` writable
    // bytes.
    unsafe {
        let from = header_bytes(&Skb::at(ctx), offset, len, start as u32);
        load(from, to, len)
    }
}

/// The address of the `len` bytes at `offset` from where a header starts.
fn header_bytes(skb: &Skb, offset: u32, len: u32, start: u32) -> Option<u64> {
    let fields = skb.fields();
    let header = match start {
        START_MAC => fields.mac_header,
        START_NET => fields.network_header,
        _ => return None,
    };
    let start = fields.head + u64::from(header);
    let end = start + u64::from(offset) + u64::from(len);
    let within = offset <= 0xffff && end <= fields.data + u64::from(fields.len);
    within.then_some(start + u64::from(offset))
}

/// `BPF_F_RECOMPUTE_CSUM`, which has a meaning only where a device summed the
/// packet.
const RECOMPUTE_CSUM: u64 = 1;
/// `BPF_F_INVALIDATE_HASH`
const INVALIDATE_HASH: u64 = 2;

/// `(skb, offset, from, len, flags)` to 0 or an error.
pub(super) unsafe extern "C-unwind" fn store_bytes(
    ctx: u64,
    offset: u64,
    from: u64,
    len: u64,
    flags: u64,
    _: u64,
) -> u64 {
    let (offset, len) = (offset as u32, len as u32);
    if flags & !(RECOMPUTE_CSUM | INVALIDATE_HASH) != 0 {
        return fail(Errno::INVAL);
    }
    // SAFETY: by its prototype the helper gets its context and `len` readable
    // bytes; those of the packet are writable.
    unsafe {
        let mut skb = Skb::at(ctx);
        let Some(to) = skb.bytes(offset, len) else { return fail(Errno::FAULT) };
        transfer(from, to, len as usize);
        if flags & INVALIDATE_HASH != 0 {
            skb.clear_hash();
        }
    }
    0
}

/// `(skb, len)`: makes the first bytes directly accessible, which they always
/// are here.
pub(super) unsafe extern "C-unwind" fn pull_data(ctx: u64, len: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let there = unsafe { Skb::at(ctx) }.bytes(0, len as u32).is_some();
    if there { 0 } else { fail(Errno::NOMEM) }
}

/// `(skb)`: forgets the flow hash.
pub(super) unsafe extern "C-unwind" fn set_hash_invalid(
    ctx: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    unsafe { Skb::at(ctx) }.clear_hash();
    0
}
