//! `bpf_map_lookup_elem`, `bpf_map_update_elem`, `bpf_map_delete_elem`,
//! `bpf_map_lookup_percpu_elem`, and those of maps without keys: `bpf_map_push_elem`,
//! `bpf_map_pop_elem`, `bpf_map_peek_elem`.

use super::memory::{copy_in, with_copy, with_room};
use super::{fail, failure};
use crate::map::{MapError, MapObject, Storage, Update};
use brolga_core::MapKind;
use rustix::io::Errno;

/// The map behind a handle.
///
/// # Safety
///
/// `handle` is that of a map that outlives the call.
pub(super) unsafe fn object<'a>(handle: u64) -> &'a MapObject {
    let object = std::ptr::with_exposed_provenance::<MapObject>(handle as usize);
    // SAFETY: a handle is the address of a `MapObject` in an `Arc` (see
    // `Map::link`), which the program that passes it holds.
    unsafe { &*object }
}

fn result(result: Option<Result<(), MapError>>) -> u64 {
    match result {
        Some(Ok(())) => 0,
        Some(Err(error)) => failure(error.errno()),
        None => fail(Errno::NOMEM),
    }
}

/// `(map, key)` to the value's address, or 0.
pub(super) unsafe extern "C-unwind" fn lookup_elem(
    map: u64,
    key: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets a live map and a readable key.
    let value = unsafe {
        let map = object(map);
        with_copy(key, map.def().key_size as usize, |key| map.storage().lookup(key))
    };
    value.flatten().map_or(0, |value| value.expose_provenance().get() as u64)
}

/// `(map, key, value, flags)` to 0 or an error.
pub(super) unsafe extern "C-unwind" fn update_elem(
    map: u64,
    key: u64,
    value: u64,
    flags: u64,
    _: u64,
    _: u64,
) -> u64 {
    let update = match Update::from_flags(flags) {
        Ok(update) => update,
        Err(error) => return failure(error.errno()),
    };
    // SAFETY: by its prototype the helper gets a live map, a readable key and a
    // readable value.
    let done = unsafe {
        let map = object(map);
        with_copy(key, map.def().key_size as usize, |key| {
            with_copy(value, map.def().value_size as usize, |value| map.storage().update(key, value, update))
        })
    };
    result(done.flatten())
}

/// `(map, key)` to 0 or an error.
pub(super) unsafe extern "C-unwind" fn delete_elem(
    map: u64,
    key: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets a live map and a readable key.
    let done = unsafe {
        let map = object(map);
        with_copy(key, map.def().key_size as usize, |key| map.storage().delete(key))
    };
    result(done)
}

/// `(map, key, cpu)` to the address of that processor's copy of the value, or 0.
pub(super) unsafe extern "C-unwind" fn lookup_percpu_elem(
    map: u64,
    key: u64,
    cpu: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets a live map and a readable key.
    let value = unsafe {
        let map = object(map);
        let lookup = |key: &[u8]| map.storage().lookup_percpu(key, cpu as u32 as usize);
        with_copy(key, map.def().key_size as usize, lookup)
    };
    value.flatten().map_or(0, |value| value.expose_provenance().get() as u64)
}

/// `(map, value, flags)` to 0 or an error.
pub(super) unsafe extern "C-unwind" fn push_elem(
    map: u64,
    value: u64,
    flags: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    let update = match Update::from_flags(flags) {
        Ok(update) => update,
        Err(error) => return failure(error.errno()),
    };
    // SAFETY: by its prototype the helper gets a live map and a readable value.
    let done = unsafe {
        let map = object(map);
        with_copy(value, map.def().value_size as usize, |value| map.storage().push(value, update))
    };
    result(done)
}

/// `(map, value)` to 0 or an error; the value is zero then.
pub(super) unsafe extern "C-unwind" fn pop_elem(map: u64, value: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by its prototype the helper gets a live map and a writable value.
    unsafe { take(map, value, |storage, value| storage.pop(value)) }
}

/// `(map, value)` to 0 or an error; the value is zero then, but of a bloom
/// filter, which is asked for it.
pub(super) unsafe extern "C-unwind" fn peek_elem(
    map: u64,
    value: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets a live map and a value, writable,
    // and in the case of a bloom filter readable.
    unsafe {
        let map_object = object(map);
        if map_object.def().kind != MapKind::BloomFilter {
            return take(map, value, |storage, value| storage.peek(value));
        }
        let may_have = |value: &[u8]| map_object.storage().may_have(value);
        match with_copy(value, map_object.def().value_size as usize, may_have) {
            Some(true) => 0,
            Some(false) => fail(Errno::NOENT),
            None => fail(Errno::NOMEM),
        }
    }
}

/// # Safety
///
/// `map` is a live map's handle, and its value's size at `to` is writable.
unsafe fn take(map: u64, to: u64, next: impl FnOnce(&dyn Storage, &mut [u8]) -> Result<(), MapError>) -> u64 {
    // SAFETY: as the caller says.
    let map = unsafe { object(map) };
    let done = with_room(map.def().value_size as usize, |value| {
        let done = next(map.storage(), value);
        // SAFETY: as the caller says.
        unsafe { copy_in(to, value) };
        done
    });
    result(done)
}
