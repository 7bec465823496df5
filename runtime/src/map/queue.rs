//! `BPF_MAP_TYPE_QUEUE` and `BPF_MAP_TYPE_STACK`: values without keys, the first
//! or the last one in first out. As in the kernel, a lock guards them.

use super::storage::Storage;
use super::{MapError, Update, cells};
use brolga_core::{MapDef, MapKind};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Law: the values are the `len` ones from `first` on, in the order they came,
/// round the end of `values`.
pub(super) struct Queue {
    values: Box<[AtomicU64]>,
    stride: usize,
    value_size: usize,
    capacity: usize,
    last_first: bool,
    filled: Mutex<Filled>,
}

#[derive(Clone, Copy, Default)]
struct Filled {
    first: usize,
    len: usize,
}

impl Queue {
    /// No values.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let stride = cells::words(def.value_size);
        Ok(Self {
            values: cells::zeroed(u64::from(def.max_entries) * stride as u64)?,
            stride,
            value_size: def.value_size as usize,
            capacity: def.max_entries as usize,
            last_first: def.kind == MapKind::Stack,
            filled: Mutex::default(),
        })
    }

    fn filled(&self) -> MutexGuard<'_, Filled> {
        self.filled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The words of the value at a place.
    fn at(&self, place: usize) -> &[AtomicU64] {
        &self.values[place * self.stride..(place + 1) * self.stride]
    }

    /// The place that is `n` after another.
    const fn after(&self, place: usize, n: usize) -> usize {
        // Both are at most the capacity, which is below 2^32.
        (place + n) % self.capacity
    }

    fn next(&self, filled: Filled) -> usize {
        if self.last_first { self.after(filled.first, filled.len - 1) } else { filled.first }
    }
}

impl Storage for Queue {
    fn host_value_size(&self) -> usize {
        self.value_size
    }

    /// The next value.
    fn read(&self, _: &[u8], value: &mut [u8]) -> bool {
        self.peek(value).is_ok()
    }

    fn write(&self, _: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        self.push(value, update)
    }

    fn has_keys(&self) -> bool {
        false
    }

    fn len(&self) -> usize {
        self.filled().len
    }

    /// With [`Update::Exist`] a full one loses its oldest value.
    fn push(&self, value: &[u8], update: Update) -> Result<(), MapError> {
        if update == Update::NoExist {
            return Err(MapError::UpdateFlags(1));
        }
        let mut filled = self.filled();
        if filled.len == self.capacity {
            if update != Update::Exist {
                return Err(MapError::Full);
            }
            filled.first = self.after(filled.first, 1);
            filled.len -= 1;
        }
        cells::write(self.at(self.after(filled.first, filled.len)), value);
        filled.len += 1;
        Ok(())
    }

    fn pop(&self, value: &mut [u8]) -> Result<(), MapError> {
        let mut filled = self.filled();
        if filled.len == 0 {
            return Err(MapError::NoEntry);
        }
        cells::read(self.at(self.next(*filled)), value);
        filled.len -= 1;
        if !self.last_first {
            filled.first = self.after(filled.first, 1);
        }
        Ok(())
    }

    fn peek(&self, value: &mut [u8]) -> Result<(), MapError> {
        let filled = self.filled();
        if filled.len == 0 {
            return Err(MapError::NoEntry);
        }
        cells::read(self.at(self.next(*filled)), value);
        Ok(())
    }
}
