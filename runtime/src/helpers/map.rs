//! `bpf_map_lookup_elem`, `bpf_map_update_elem`, `bpf_map_delete_elem`,
//! `bpf_map_lookup_percpu_elem`.

use super::memory::with_copy;
use super::{fail, failure};
use crate::map::{MapError, MapObject, Update};
use rustix::io::Errno;

/// The map behind a handle.
///
/// # Safety
///
/// `handle` is that of a map that outlives the call.
unsafe fn object<'a>(handle: u64) -> &'a MapObject {
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
pub(super) unsafe extern "C" fn lookup_elem(map: u64, key: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by its prototype the helper gets a live map and a readable key.
    let value = unsafe {
        let map = object(map);
        with_copy(key, map.def().key_size as usize, |key| map.storage().lookup(key))
    };
    value.flatten().map_or(0, |value| value.expose_provenance().get() as u64)
}

/// `(map, key, value, flags)` to 0 or an error.
pub(super) unsafe extern "C" fn update_elem(
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
pub(super) unsafe extern "C" fn delete_elem(map: u64, key: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: by its prototype the helper gets a live map and a readable key.
    let done = unsafe {
        let map = object(map);
        with_copy(key, map.def().key_size as usize, |key| map.storage().delete(key))
    };
    result(done)
}

/// `(map, key, cpu)` to the address of that processor's copy of the value, or 0.
pub(super) unsafe extern "C" fn lookup_percpu_elem(
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
