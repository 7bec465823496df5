//! `bpf_for_each_map_elem` of compiled code.

use super::fail;
use super::map::object;
use rustix::io::Errno;

/// What a program gives to be run.
///
/// # Safety
///
/// It is compiled code of a callback, called with what that was verified for.
type Callback = unsafe extern "C-unwind" fn(u64, u64, u64, u64, u64) -> u64;

/// The most bytes that the key of a map with elements to go over has.
const KEY_WORDS: usize = 64;

/// `(map, callback, ctx, flags)` to how often the callback ran, or an error.
///
/// Only compiled code calls this: to the interpreter callbacks have no address.
pub(super) unsafe extern "C-unwind" fn for_each_elem(
    map: u64,
    func: u64,
    ctx: u64,
    flags: u64,
    _: u64,
    _: u64,
) -> u64 {
    if flags != 0 {
        return fail(Errno::INVAL);
    }
    let callback = std::ptr::with_exposed_provenance::<()>(func as usize);
    // SAFETY: by its prototype the helper gets the address of a callback, which
    // is a function of this signature in the program that runs.
    let callback = unsafe { std::mem::transmute::<*const (), Callback>(callback) };
    let (mut position, mut ran) = (0, 0);
    let mut key = [0_u64; KEY_WORDS];
    let key = key.as_mut_ptr();
    loop {
        // SAFETY: the map is live, and the key has room for one.
        let value = unsafe { next_elem(map, &raw mut position, key.cast()) };
        if value == 0 {
            return ran;
        }
        ran += 1;
        // SAFETY: these are what the callback was verified for.
        if unsafe { callback(map, key.expose_provenance() as u64, value, ctx, 0) } != 0 {
            return ran;
        }
    }
}

/// [`Hooks::next_elem`](brolga_core::link::Hooks::next_elem).
///
/// # Safety
///
/// As there; the map's keys have at most 512 bytes, and `key` has as many.
pub(crate) unsafe extern "C-unwind" fn next_elem(map: u64, position: *mut u64, key: *mut u8) -> u64 {
    // SAFETY: as the caller says.
    let value = unsafe {
        let map = object(map);
        let size = (map.def().key_size as usize).min(KEY_WORDS * 8);
        map.storage().next_element(&mut *position, std::slice::from_raw_parts_mut(key, size))
    };
    value.map_or(0, |value| value.expose_provenance().get() as u64)
}

/// `bpf_loop` is made a loop by who compiles or interprets a program; as a
/// helper it would have nothing to do.
pub(super) unsafe extern "C-unwind" fn no_loop(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}
