//! `BPF_MAP_TYPE_ARRAY` and `BPF_MAP_TYPE_PERCPU_ARRAY`: values side by side, all
//! there from the start.

use super::storage::{Entry, Storage};
use super::value::{Side, ValueShape};
use super::{MapError, Update, cells};
use brolga_core::MapDef;
use brolga_core::link::ArrayValues;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// Law: value `i`, all copies of it, is the `stride` words from `i * stride` on.
pub(super) struct Array {
    values: Box<[AtomicU64]>,
    stride: usize,
    max_entries: u32,
    shape: ValueShape,
}

impl Array {
    /// All values zero.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let shape = ValueShape::new(def)?;
        let stride = shape.words();
        let values = cells::zeroed(u64::from(def.max_entries) * stride as u64)?;
        Ok(Self { values, stride, max_entries: def.max_entries, shape })
    }

    fn value(&self, index: u32) -> Option<&[AtomicU64]> {
        let at = index as usize * self.stride;
        (index < self.max_entries).then(|| &self.values[at..at + self.stride])
    }

    fn set(&self, key: &[u8], value: &[u8], update: Update, side: Side) -> Result<(), MapError> {
        let index = index(key);
        check_update(index, self.max_entries, update)?;
        if let Some(words) = self.value(index) {
            self.shape.set(words, value, side);
        }
        Ok(())
    }
}

/// The index that a key is.
pub(super) fn index(key: &[u8]) -> u32 {
    key.try_into().map_or(u32::MAX, u32::from_ne_bytes)
}

/// The index that `get_next_key` gives in an array.
pub(super) fn next_index(key: Option<&[u8]>, max_entries: u32) -> Option<u32> {
    match key.map(index) {
        Some(at) if at < max_entries => (at + 1 < max_entries).then_some(at + 1),
        Some(_) | None => Some(0),
    }
}

/// Whether an array's element may be updated so.
pub(super) fn check_update(index: u32, max_entries: u32, update: Update) -> Result<(), MapError> {
    if index >= max_entries {
        return Err(MapError::Index { index, max_entries });
    }
    match update {
        Update::Any | Update::Exist => Ok(()),
        Update::NoExist => Err(MapError::Exists),
    }
}

impl Storage for Array {
    fn lookup(&self, key: &[u8]) -> Option<NonNull<u8>> {
        self.value(index(key)).map(|value| cells::address(self.shape.own(value)))
    }

    fn lookup_percpu(&self, key: &[u8], cpu: usize) -> Option<NonNull<u8>> {
        self.shape.copy_of(self.value(index(key))?, cpu).map(cells::address)
    }

    fn update(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        self.set(key, value, update, Side::Program)
    }

    fn write(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        self.set(key, value, update, Side::Host)
    }

    fn delete(&self, _key: &[u8]) -> Result<(), MapError> {
        Err(MapError::NotDeletable)
    }

    fn host_value_size(&self) -> usize {
        self.shape.host_size()
    }

    fn read(&self, key: &[u8], value: &mut [u8]) -> bool {
        self.value(index(key)).map(|cells| self.shape.get(cells, value)).is_some()
    }

    fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        next_index(key, self.max_entries).map(|index| index.to_ne_bytes().to_vec())
    }

    fn entries(&self, cursor: usize, entries: &mut Vec<Entry>) -> Option<usize> {
        let index = u32::try_from(cursor).ok()?;
        let value = self.shape.bytes(self.value(index)?);
        entries.push((index.to_ne_bytes().to_vec(), value));
        Some(cursor + 1)
    }

    fn next_element(&self, position: &mut u64, key: &mut [u8]) -> Option<NonNull<u8>> {
        let index = u32::try_from(*position).ok()?;
        let value = self.value(index)?;
        *position += 1;
        key.copy_from_slice(&index.to_ne_bytes());
        Some(cells::address(self.shape.own(value)))
    }

    fn len(&self) -> usize {
        self.max_entries as usize
    }

    fn value_address(&self) -> Option<NonNull<u8>> {
        let only = self.max_entries == 1 && !self.shape.is_percpu();
        only.then(|| cells::address(&self.values))
    }

    fn values(&self) -> Option<ArrayValues> {
        let start = cells::address(&self.values).expose_provenance().get() as u64;
        let copy = self.shape.is_percpu().then(|| self.shape.stride() as u64 * 8);
        Some(ArrayValues { start, stride: self.stride as u64 * 8, count: self.max_entries, copy })
    }

    fn contains(&self, addr: u64, len: u64) -> bool {
        let off = addr.wrapping_sub(self.values.as_ptr().addr() as u64);
        let within = off % (self.shape.stride() as u64 * 8);
        let end = within.checked_add(len);
        off < self.values.len() as u64 * 8 && end.is_some_and(|end| end <= self.shape.size().into())
    }
}
