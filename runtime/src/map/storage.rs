//! What every kind of map can do: `struct bpf_map_ops`.

use super::{MapError, Update};
use crate::prog::Prog;
use brolga_core::link::ArrayValues;
use std::any::Any;
use std::ptr::NonNull;

/// A key and its value, copied out of a map.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// The elements of a map. Keys and values have the sizes of the map's
/// definition: whoever calls has checked that. What a kind does not say, it does
/// not have.
pub(crate) trait Storage: Any + Send + Sync {
    /// The address of a key's value, for a program: of a per-CPU map the value
    /// of the CPU that this runs on. It is aligned to 8 and stays valid, if not
    /// the key's, as long as the storage.
    fn lookup(&self, _key: &[u8]) -> Option<NonNull<u8>> {
        None
    }

    /// The address of the copy of a key's value that is a processor's, in a
    /// per-CPU map.
    fn lookup_percpu(&self, _key: &[u8], _cpu: usize) -> Option<NonNull<u8>> {
        None
    }

    /// Sets a key's value, for a program.
    fn update(&self, _key: &[u8], _value: &[u8], _update: Update) -> Result<(), MapError> {
        Err(MapError::Operation)
    }

    /// Removes a key.
    fn delete(&self, _key: &[u8]) -> Result<(), MapError> {
        Err(MapError::Operation)
    }

    /// The size of a value as the host sees it, in bytes.
    fn host_value_size(&self) -> usize;

    /// Copies a key's value to `value`, of [`host_value_size`](Self::host_value_size)
    /// bytes, for the host; whether there is the key.
    fn read(&self, key: &[u8], value: &mut [u8]) -> bool;

    /// Sets a key's value, of [`host_value_size`](Self::host_value_size) bytes,
    /// for the host.
    fn write(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        self.update(key, value, update)
    }

    /// The kernel's `get_next_key`: the key after this one; the first where
    /// there is no key given, or the map does not have it; `None` after the
    /// last.
    fn next_key(&self, _key: Option<&[u8]>) -> Option<Vec<u8>> {
        None
    }

    /// Appends the elements at `cursor`, a place in the storage's own order that
    /// starts at 0, to `entries`; the next place, or `None` past the end.
    fn entries(&self, _cursor: usize, _entries: &mut Vec<Entry>) -> Option<usize> {
        None
    }

    /// The address of the next element's value, for a program that goes over all
    /// of them, with its key copied to `key`; `None` after the last. `position`
    /// is 0 for the first, and the storage's own afterwards. Elements that come
    /// or go meanwhile may be passed over or met again; it ends all the same.
    fn next_element(&self, _position: &mut u64, _key: &mut [u8]) -> Option<NonNull<u8>> {
        None
    }

    /// How many elements there are.
    fn len(&self) -> usize;

    /// The address of the only value, where the map is an array of one.
    fn value_address(&self) -> Option<NonNull<u8>> {
        None
    }

    /// Where the values lie, where keys are indices of values side by side.
    fn values(&self) -> Option<ArrayValues> {
        None
    }

    /// Whether the `len` bytes at `addr` lie within one value that a program may
    /// have the address of.
    fn contains(&self, _addr: u64, _len: u64) -> bool {
        false
    }

    /// Whether its elements have keys, so that it can be walked.
    fn has_keys(&self) -> bool {
        true
    }

    /// Whether the host may read elements by the operations of every map.
    fn is_readable(&self) -> bool {
        true
    }

    /// Adds a value to a map without keys.
    fn push(&self, _value: &[u8], _update: Update) -> Result<(), MapError> {
        Err(MapError::Operation)
    }

    /// Takes the next value out of a map without keys.
    fn pop(&self, _value: &mut [u8]) -> Result<(), MapError> {
        Err(MapError::Operation)
    }

    /// Looks at the next value of a map without keys.
    fn peek(&self, _value: &mut [u8]) -> Result<(), MapError> {
        Err(MapError::Operation)
    }

    /// Whether a bloom filter may have a value.
    fn may_have(&self, _value: &[u8]) -> bool {
        false
    }

    /// The program in a slot, where there is one: valid as long as the section
    /// ([`rcu`](crate::rcu)) that it was looked at in.
    fn target(&self, _index: u32) -> *const Prog {
        std::ptr::null()
    }
}
