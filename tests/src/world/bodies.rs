//! Bodies of helpers that lend something, or run something.

#![expect(unsafe_code, reason = "programs pass addresses to helpers")]

use super::helpers::map;
use super::map::TestMap;
use brolga_core::link::HelperFn;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

const TOO_BIG: u64 = -7_i64 as u64;
const AGAIN: u64 = -11_i64 as u64;
const BUSY: u64 = -16_i64 as u64;
const INVALID: u64 = -22_i64 as u64;

/// The body of the helper with this number, where it is here.
pub(super) fn body(number: i32) -> Option<HelperFn> {
    Some(match number {
        84 | 85 | 99 => nothing,
        86 => nothing,
        93 => lock,
        94 => unlock,
        130 => output,
        131 => reserve,
        132 => submit,
        133 => discard,
        164 => for_each_elem,
        169 => timer_init,
        170 => timer_set_callback,
        171 => timer_start,
        172 => timer_cancel,
        // Who compiles or interprets a program makes a loop of `bpf_loop`.
        181 => nothing,
        197 => dynptr_from_mem,
        198 => reserve_dynptr,
        199 => submit_dynptr,
        200 => discard_dynptr,
        201 => dynptr_read,
        202 => dynptr_write,
        203 => dynptr_data,
        _ => return None,
    })
}

unsafe extern "C-unwind" fn nothing(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

unsafe fn word<'a>(address: u64) -> &'a AtomicU64 {
    // SAFETY: the caller has an aligned word there that is shared through atomics
    // only, or the program's own for the call.
    unsafe { AtomicU64::from_ptr(std::ptr::with_exposed_provenance_mut(address as usize)) }
}

unsafe fn byte<'a>(address: u64) -> &'a AtomicU8 {
    // SAFETY: as for a word.
    unsafe { AtomicU8::from_ptr(std::ptr::with_exposed_provenance_mut(address as usize)) }
}

/// Copies bytes that may overlap; 0, which is what helpers that do it give.
unsafe fn copy(from: u64, to: u64, len: u64) -> u64 {
    // SAFETY: both are as many bytes of the program's, by the helper's prototype.
    let bytes: Vec<u8> = (0..len).map(|i| unsafe { byte(from + i) }.load(Relaxed)).collect();
    for (at, value) in (to..).zip(bytes) {
        // SAFETY: as above.
        unsafe { byte(at) }.store(value, Relaxed);
    }
    0
}

unsafe extern "C-unwind" fn lock(at: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by the prototype it is a lock, alone in its word of a map's value.
    unsafe { word(at) }.fetch_add(1, Relaxed);
    0
}

unsafe extern "C-unwind" fn unlock(at: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: as in `lock`.
    unsafe { word(at) }.fetch_sub(1, Relaxed);
    0
}

unsafe extern "C-unwind" fn reserve(handle: u64, bytes: u64, flags: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the arguments fit the prototype.
    if flags != 0 { 0 } else { unsafe { map(handle) }.ring().reserve(bytes, handle) }
}

/// The end of a record: the word before it says of which map it is.
unsafe fn finish(record: u64, is_submitted: bool) {
    // SAFETY: the address is that of a record, before which its map's handle lies.
    let map: &TestMap = unsafe { map(word(record - 8).load(Relaxed)) };
    map.ring().finish(record, is_submitted);
}

unsafe extern "C-unwind" fn submit(record: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by the prototype it is a record that the program holds.
    unsafe { finish(record, true) };
    0
}

unsafe extern "C-unwind" fn discard(record: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: as in `submit`.
    unsafe { finish(record, false) };
    0
}

unsafe extern "C-unwind" fn output(handle: u64, data: u64, bytes: u64, flags: u64, _: u64, _: u64) -> u64 {
    if flags & !3 != 0 {
        return INVALID;
    }
    // SAFETY: the arguments fit the prototype, and the record has as many bytes.
    unsafe {
        match map(handle).ring().reserve(bytes, handle) {
            0 => AGAIN,
            record => {
                copy(data, record, bytes);
                finish(record, true);
                0
            }
        }
    }
}

/// What compiled code gives to be run.
type Callback = unsafe extern "C-unwind" fn(u64, u64, u64, u64, u64) -> u64;

unsafe extern "C-unwind" fn for_each_elem(
    handle: u64,
    func: u64,
    ctx: u64,
    flags: u64,
    _: u64,
    _: u64,
) -> u64 {
    if flags != 0 {
        return INVALID;
    }
    let callback = std::ptr::with_exposed_provenance::<()>(func as usize);
    // SAFETY: by the prototype it is the address of a compiled callback.
    let callback = unsafe { std::mem::transmute::<*const (), Callback>(callback) };
    let (mut position, mut ran, mut key) = (0, 0, 0_u64);
    let key = &raw mut key;
    loop {
        // SAFETY: the handle is a map's, whose keys have four bytes.
        let value = unsafe { next_elem(handle, &raw mut position, key.cast()) };
        if value == 0 {
            return ran;
        }
        ran += 1;
        // SAFETY: this is what the callback was verified for.
        if unsafe { callback(handle, key.expose_provenance() as u64, value, ctx, 0) } != 0 {
            return ran;
        }
    }
}

/// The next element of a map, in the order of the places.
pub(super) unsafe extern "C-unwind" fn next_elem(handle: u64, position: *mut u64, key: *mut u8) -> u64 {
    // SAFETY: the handle is a map's, and the others are the caller's, of as many
    // bytes as needed.
    unsafe {
        match map(handle).element_from(*position) {
            Some((at, element, value)) => {
                *position = at + 1;
                key.cast::<u32>().write_unaligned(element);
                value
            }
            None => 0,
        }
    }
}

/// What the first word of a timer says: nothing, that there is one, that it has
/// something to run, that it will. None is ever due.
const READY: u64 = 1;
const SET: u64 = 2;
const STARTED: u64 = 3;

unsafe extern "C-unwind" fn timer_init(timer: u64, _: u64, flags: u64, _: u64, _: u64, _: u64) -> u64 {
    if !matches!(flags, 0 | 1 | 7) {
        return INVALID;
    }
    // SAFETY: by the prototype it is a timer in a map's value.
    let state = unsafe { word(timer) };
    if state.load(Relaxed) != 0 {
        return BUSY;
    }
    state.store(READY, Relaxed);
    0
}

unsafe extern "C-unwind" fn timer_set_callback(timer: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: as in `timer_init`.
    let state = unsafe { word(timer) };
    if state.load(Relaxed) == 0 {
        return INVALID;
    }
    state.fetch_max(SET, Relaxed);
    0
}

unsafe extern "C-unwind" fn timer_start(timer: u64, _: u64, flags: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: as in `timer_init`.
    let state = unsafe { word(timer) };
    if flags & !3 != 0 || state.load(Relaxed) < SET {
        return INVALID;
    }
    state.store(STARTED, Relaxed);
    0
}

unsafe extern "C-unwind" fn timer_cancel(timer: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: as in `timer_init`.
    let state = unsafe { word(timer) };
    match state.load(Relaxed) {
        0 => INVALID,
        before => {
            state.store(READY, Relaxed);
            u64::from(before == STARTED)
        }
    }
}

/// A dynptr: where its memory is, and how much that is.
unsafe fn dynptr<'a>(at: u64) -> (&'a AtomicU64, &'a AtomicU64) {
    // SAFETY: by the prototype it is two words of a frame.
    unsafe { (word(at), word(at + 8)) }
}

unsafe fn put_dynptr(at: u64, data: u64, size: u64) {
    // SAFETY: as above.
    let (to, bytes) = unsafe { dynptr(at) };
    to.store(data, Relaxed);
    bytes.store(size, Relaxed);
}

/// So many bytes of a dynptr at an offset, by address.
unsafe fn part(at: u64, off: u64, len: u64) -> Result<u64, u64> {
    // SAFETY: as above.
    let (data, size) = unsafe { dynptr(at) };
    let (data, size) = (data.load(Relaxed), size.load(Relaxed));
    let (off, len) = (u64::from(off as u32), u64::from(len as u32));
    match data {
        0 => Err(INVALID),
        _ if len > size || off > size - len => Err(TOO_BIG),
        _ => Ok(data + off),
    }
}

unsafe extern "C-unwind" fn dynptr_from_mem(
    data: u64,
    size: u64,
    flags: u64,
    at: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: the arguments fit the prototype.
    unsafe { if flags == 0 { put_dynptr(at, data, size) } else { put_dynptr(at, 0, 0) } }
    if flags == 0 { 0 } else { INVALID }
}

unsafe extern "C-unwind" fn reserve_dynptr(
    handle: u64,
    size: u64,
    flags: u64,
    at: u64,
    _: u64,
    _: u64,
) -> u64 {
    const MOST: u64 = (1 << 24) - 1;
    let size = u64::from(size as u32);
    // SAFETY: the arguments fit the prototype.
    unsafe {
        put_dynptr(at, 0, 0);
        if flags != 0 {
            return INVALID;
        }
        if size > MOST {
            return TOO_BIG;
        }
        match map(handle).ring().reserve(size, handle) {
            0 => INVALID,
            record => {
                put_dynptr(at, record, size);
                0
            }
        }
    }
}

unsafe fn finish_dynptr(at: u64, is_submitted: bool) {
    // SAFETY: by the prototype it is a dynptr over a record, or over none.
    unsafe {
        let record = dynptr(at).0.load(Relaxed);
        if record != 0 {
            finish(record, is_submitted);
        }
        put_dynptr(at, 0, 0);
    }
}

unsafe extern "C-unwind" fn submit_dynptr(at: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the argument fits the prototype.
    unsafe { finish_dynptr(at, true) };
    0
}

unsafe extern "C-unwind" fn discard_dynptr(at: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the argument fits the prototype.
    unsafe { finish_dynptr(at, false) };
    0
}

unsafe extern "C-unwind" fn dynptr_read(to: u64, len: u64, at: u64, off: u64, flags: u64, _: u64) -> u64 {
    if flags != 0 {
        return INVALID;
    }
    // SAFETY: the arguments fit the prototype, and the part has as many bytes.
    unsafe { part(at, off, len).map_or_else(|error| error, |from| copy(from, to, len)) }
}

unsafe extern "C-unwind" fn dynptr_write(at: u64, off: u64, from: u64, len: u64, flags: u64, _: u64) -> u64 {
    if flags != 0 {
        return INVALID;
    }
    // SAFETY: as in `dynptr_read`.
    unsafe { part(at, off, len).map_or_else(|error| error, |to| copy(from, to, len)) }
}

unsafe extern "C-unwind" fn dynptr_data(at: u64, off: u64, len: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the arguments fit the prototype.
    unsafe { part(at, off, len) }.unwrap_or(0)
}
