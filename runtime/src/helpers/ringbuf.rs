//! Ring buffers, from a program's side.

use super::memory::copy_out;
use super::{fail, map::object};
use crate::map::{MapObject, Ringbuf, finish_record};
use rustix::io::Errno;

fn ring(map: &MapObject) -> Option<&Ringbuf> {
    Ringbuf::of(map.storage())
}

/// `(map, size, flags)` to the address of a record, or 0.
pub(super) unsafe extern "C-unwind" fn reserve(
    map: u64,
    size: u64,
    flags: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    if flags != 0 {
        return 0;
    }
    // SAFETY: by its prototype the helper gets a live map.
    ring(unsafe { object(map) }).map_or(0, |ring| ring.reserve(size))
}

/// `(record, flags)`: gives the record to the reader.
pub(super) unsafe extern "C-unwind" fn submit(
    record: u64,
    flags: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets a record of a map that the program
    // holds, and the program does not use it any more.
    unsafe { finish_record(record, flags, false) };
    0
}

/// `(record, flags)`: takes the record back.
pub(super) unsafe extern "C-unwind" fn discard(
    record: u64,
    flags: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: as in `submit`.
    unsafe { finish_record(record, flags, true) };
    0
}

/// `(map, data, size, flags)` to 0 or an error: a record of these bytes.
pub(super) unsafe extern "C-unwind" fn output(
    map: u64,
    data: u64,
    size: u64,
    flags: u64,
    _: u64,
    _: u64,
) -> u64 {
    if flags & !3 != 0 {
        return fail(Errno::INVAL);
    }
    // SAFETY: by its prototype the helper gets a live map and `size` readable
    // bytes; the record has room for them and is nobody else's.
    unsafe {
        match ring(object(map)).map_or(0, |ring| ring.reserve(size)) {
            0 => fail(Errno::AGAIN),
            record => {
                copy_out(data, std::ptr::with_exposed_provenance_mut(record as usize), size as usize);
                finish_record(record, flags, false);
                0
            }
        }
    }
}

/// `(map, what)` to bytes to be read, size, or a position.
pub(super) unsafe extern "C-unwind" fn query(map: u64, what: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by its prototype the helper gets a live map.
    ring(unsafe { object(map) }).map_or(0, |ring| ring.query(what))
}
