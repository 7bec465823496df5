//! The helpers that generated programs call, over [`TestMap`]s.

#![expect(unsafe_code, reason = "programs pass addresses to helpers")]

use super::bodies;
use super::map::{PROCESSOR, TestMap, processors};
use brolga_core::helper::table::id;
use brolga_core::link::{HelperBody, HelperFn, Hooks, RunState};
use brolga_core::prog_type::host::XdpHost;

pub(super) fn body(number: i32) -> Option<HelperBody> {
    let func: HelperFn = match number {
        id::MAP_LOOKUP_ELEM => lookup,
        id::MAP_UPDATE_ELEM => update,
        id::MAP_DELETE_ELEM => delete,
        id::XDP_ADJUST_HEAD => adjust_head,
        id::GET_SMP_PROCESSOR_ID => processor,
        _ => bodies::body(number)?,
    };
    Some(HelperBody { func, env: None })
}

/// Nothing that a generated program does.
pub(super) fn hooks() -> Hooks {
    Hooks {
        load_packet: no_packet,
        tail_call: no_target,
        tail_run: no_run,
        next_elem: bodies::next_elem,
        processor,
        processors: processors(),
    }
}

pub(super) unsafe fn map<'a>(handle: u64) -> &'a TestMap {
    // SAFETY: a handle is the address of a map that the world keeps while its
    // program runs.
    unsafe { &*std::ptr::with_exposed_provenance::<TestMap>(handle as usize) }
}

unsafe fn key(address: u64) -> u32 {
    // SAFETY: the helper's prototype says that the key may be read; it may lie
    // at any address.
    unsafe { std::ptr::with_exposed_provenance::<u32>(address as usize).read_unaligned() }
}

unsafe extern "C-unwind" fn lookup(handle: u64, at: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the arguments fit the prototype.
    unsafe { map(handle).lookup(key(at)) }
}

unsafe extern "C-unwind" fn update(handle: u64, at: u64, value: u64, flags: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the arguments fit the prototype: a value is readable.
    unsafe {
        let map = map(handle);
        let start = std::ptr::with_exposed_provenance::<u64>(value as usize);
        let words: Vec<u64> =
            (0..map.sizes().1 as usize / 8).map(|i| start.add(i).read_unaligned()).collect();
        map.update(key(at), &words, flags) as u64
    }
}

unsafe extern "C-unwind" fn delete(handle: u64, at: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the arguments fit the prototype.
    unsafe { map(handle).delete(key(at)) as u64 }
}

/// Moves the start of the packet on, but never so far that less than an Ethernet
/// header is left; generated programs never move it back.
unsafe extern "C-unwind" fn adjust_head(context: u64, delta: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    const INVALID: i64 = -22;
    const ETHERNET: u64 = 14;
    let at = std::ptr::with_exposed_provenance_mut::<XdpHost>(context as usize);
    // SAFETY: the verifier gives this helper the context and nothing else, and
    // the world's lies in a cell.
    let host = unsafe { &mut *at };
    let data = host.data.wrapping_add_signed((delta as i32).into());
    if data < host.data_hard_start || data > host.data_end - ETHERNET {
        return INVALID as u64;
    }
    (host.data, host.data_meta) = (data, data);
    0
}

/// The processor that every program runs on.
unsafe extern "C-unwind" fn processor(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    PROCESSOR as u64
}

unsafe extern "C-unwind" fn no_packet(_: u64, _: i64, _: u64) -> i64 {
    -1
}

unsafe extern "C-unwind" fn no_target(_: *mut RunState, _: u64, _: u64) -> u64 {
    0
}

unsafe extern "C-unwind" fn no_run(_: *mut RunState, _: u64, _: u64) -> u64 {
    0
}
