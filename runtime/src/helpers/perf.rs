//! `bpf_perf_event_output`, of packets and of other contexts.

use super::fail;
use super::map::object;
use super::skb::Skb;
use crate::map::{PerfArray, PerfError};
use brolga_core::prog_type::host::XdpHost;
use rustix::io::Errno;

/// `BPF_F_CTXLEN_MASK`: how much of the packet follows.
const CTX_LEN: u64 = 0xf_ffff << 32;
/// `BPF_F_INDEX_MASK`
const INDEX: u64 = u32::MAX as u64;

/// # Safety
///
/// `map` is a live map's handle, and the bytes of both pieces are readable.
unsafe fn output(map: u64, flags: u64, pieces: [(u64, u64); 2]) -> u64 {
    // SAFETY: as the caller says.
    let done = unsafe {
        match PerfArray::of(object(map).storage()) {
            Some(array) => array.output(flags as u32, pieces),
            None => return fail(Errno::INVAL),
        }
    };
    match done {
        Ok(()) => 0,
        Err(PerfError::Index) => fail(Errno::TOOBIG),
        Err(PerfError::Empty) => fail(Errno::NOENT),
        Err(PerfError::Full) => fail(Errno::NOSPC),
    }
}

/// `(ctx, map, flags, data, size)` to 0 or an error.
pub(super) unsafe extern "C-unwind" fn event_output(
    _: u64,
    map: u64,
    flags: u64,
    data: u64,
    size: u64,
    _: u64,
) -> u64 {
    if flags & !INDEX != 0 {
        return fail(Errno::INVAL);
    }
    // SAFETY: by its prototype the helper gets a live map and `size` readable
    // bytes.
    unsafe { output(map, flags, [(data, size), (0, 0)]) }
}

/// How many bytes of the packet the flags ask for; nothing, where there is no such
/// flag.
const fn packet_len(flags: u64) -> Option<u64> {
    if flags & !(CTX_LEN | INDEX) != 0 { None } else { Some((flags & CTX_LEN) >> 32) }
}

/// `(skb, map, flags, data, size)` to 0 or an error.
pub(super) unsafe extern "C-unwind" fn skb_output(
    ctx: u64,
    map: u64,
    flags: u64,
    data: u64,
    size: u64,
    _: u64,
) -> u64 {
    let Some(len) = packet_len(flags) else { return fail(Errno::INVAL) };
    // SAFETY: by its prototype the helper gets its context, a live map and `size`
    // readable bytes.
    unsafe {
        match Skb::at(ctx).bytes(0, len as u32) {
            Some(packet) => output(map, flags, [(data, size), (packet, len)]),
            None => fail(Errno::FAULT),
        }
    }
}

/// `(xdp, map, flags, data, size)` to 0 or an error.
pub(super) unsafe extern "C-unwind" fn xdp_output(
    ctx: u64,
    map: u64,
    flags: u64,
    data: u64,
    size: u64,
    _: u64,
) -> u64 {
    let Some(len) = packet_len(flags) else { return fail(Errno::INVAL) };
    // SAFETY: by its prototype the helper gets its context, a live map and `size`
    // readable bytes.
    unsafe {
        let xdp = &*std::ptr::with_exposed_provenance::<XdpHost>(ctx as usize);
        if len > xdp.data_end - xdp.data {
            return fail(Errno::FAULT);
        }
        output(map, flags, [(data, size), (xdp.data, len)])
    }
}
