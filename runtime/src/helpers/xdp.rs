//! Moving the bounds of an XDP packet.

use super::fail;
use super::memory::{clear, transfer};
use brolga_core::prog_type::host::XdpHost;
use rustix::io::Errno;

/// What must be left of a packet: an Ethernet header.
const SHORTEST: u64 = 14;
/// The most metadata, in bytes.
const METADATA: u64 = 255;

/// The real context at an address.
///
/// # Safety
///
/// It is that of an [`XdpHost`] that a packet filled, and nobody else uses it as
/// long as this.
unsafe fn context<'a>(ctx: u64) -> &'a mut XdpHost {
    // SAFETY: as the caller says.
    unsafe { &mut *std::ptr::with_exposed_provenance_mut(ctx as usize) }
}

/// An address moved by a program's 32-bit signed offset.
const fn moved(addr: u64, offset: u64) -> u64 {
    addr.wrapping_add_signed(offset as i32 as i64)
}

/// `(xdp, offset)` to 0 or an error: where the packet starts. Its metadata moves
/// along.
pub(super) unsafe extern "C-unwind" fn adjust_head(
    ctx: u64,
    offset: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let xdp = unsafe { context(ctx) };
    let metadata = xdp.data - xdp.data_meta;
    let data = moved(xdp.data, offset);
    if data < xdp.data_hard_start + metadata || data > xdp.data_end - SHORTEST {
        return fail(Errno::INVAL);
    }
    // The two places may overlap; the copy between is at most 255 bytes.
    // SAFETY: the metadata lies in the packet's memory before and after.
    unsafe { move_metadata(xdp.data_meta, data - metadata, metadata) };
    xdp.data_meta = data - metadata;
    xdp.data = data;
    0
}

/// # Safety
///
/// `len` bytes, at most [`METADATA`], are readable at `from` and writable at
/// `to`.
unsafe fn move_metadata(from: u64, to: u64, len: u64) {
    // A piece of `transfer` is read whole before it is written, and the most
    // metadata is one piece.
    if len != 0 && from != to {
        // SAFETY: as the caller says.
        unsafe { transfer(from, to, len.min(METADATA) as usize) };
    }
}

/// `(xdp, offset)` to 0 or an error: where the metadata starts.
pub(super) unsafe extern "C-unwind" fn adjust_meta(
    ctx: u64,
    offset: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let xdp = unsafe { context(ctx) };
    let meta = moved(xdp.data_meta, offset);
    if meta < xdp.data_hard_start || meta > xdp.data {
        return fail(Errno::INVAL);
    }
    let len = xdp.data - meta;
    if !len.is_multiple_of(4) || len > METADATA {
        return fail(Errno::ACCESS);
    }
    xdp.data_meta = meta;
    0
}

/// `(xdp, offset)` to 0 or an error: where the packet ends. What it grows by is
/// zero.
pub(super) unsafe extern "C-unwind" fn adjust_tail(
    ctx: u64,
    offset: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets its context.
    let xdp = unsafe { context(ctx) };
    let end = moved(xdp.data_end, offset);
    if end > xdp.data_hard_end || end < xdp.data + SHORTEST {
        return fail(Errno::INVAL);
    }
    if end > xdp.data_end {
        // SAFETY: the bytes up to `data_hard_end` are the packet's memory.
        unsafe { clear(xdp.data_end, (end - xdp.data_end) as usize) };
    }
    xdp.data_end = end;
    0
}
