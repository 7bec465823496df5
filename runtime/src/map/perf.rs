//! `BPF_MAP_TYPE_PERF_EVENT_ARRAY`: buffers for what programs put out, one in a
//! slot, by custom one for each processor.

#![expect(unsafe_code, reason = "slots hold buffers by their addresses")]

use super::ring::{self, PAGE, Ring};
use super::ringbuf::Record;
use super::storage::Storage;
use super::{Map, MapError, cpu};
use crate::helpers::copy_out;
use crate::rcu;
use brolga_core::MapDef;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

/// A buffer and how many records it had no room for.
struct Buffer {
    ring: Ring,
    lost: AtomicU64,
}

/// A perf event array's slots. Law: a slot is null, or the address in an `Arc`
/// of a buffer of which the slot is a holder.
pub(crate) struct PerfArray(Box<[AtomicPtr<Buffer>]>);

/// `BPF_F_CURRENT_CPU`
const CURRENT_CPU: u32 = u32::MAX;

impl PerfArray {
    /// All slots empty.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let len = def.max_entries as usize;
        let mut slots = Vec::new();
        let no_memory = |_| MapError::NoMemory { bytes: len as u64 * 8 };
        slots.try_reserve_exact(len).map_err(no_memory)?;
        slots.resize_with(len, AtomicPtr::default);
        Ok(Self(slots.into()))
    }

    /// A storage that is a perf event array.
    pub(crate) fn of(storage: &dyn Storage) -> Option<&Self> {
        let storage: &dyn std::any::Any = storage;
        storage.downcast_ref()
    }

    /// Writes a record of these pieces, each an address and a length, to the
    /// buffer in a slot.
    ///
    /// # Safety
    ///
    /// The bytes are readable as [`copy_out`] wants it.
    pub(crate) unsafe fn output(&self, index: u32, pieces: [(u64, u64); 2]) -> Result<(), PerfError> {
        let index = if index == CURRENT_CPU { cpu::current() } else { index as usize };
        let slot = self.0.get(index).ok_or(PerfError::Index)?;
        let _section = rcu::enter();
        // SAFETY: what is in a slot during a section lives as long as that.
        let buffer = unsafe { slot.load(Ordering::Acquire).as_ref() }.ok_or(PerfError::Empty)?;
        let len = pieces.iter().map(|(_, len)| len).sum();
        let Some(record) = buffer.ring.reserve(len) else {
            buffer.lost.fetch_add(1, Ordering::Relaxed);
            return Err(PerfError::Full);
        };
        let mut to = record;
        for (from, len) in pieces {
            // SAFETY: the record is this call's and has room for all pieces; the
            // caller answers for what is read.
            unsafe { copy_out(from, std::ptr::with_exposed_provenance_mut(to as usize), len as usize) };
            to += len;
        }
        // SAFETY: the record was reserved above and is not used any more.
        unsafe { ring::finish(record, 0, false) };
        Ok(())
    }

    fn swap(&self, index: u32, buffer: Option<Arc<Buffer>>) -> Result<bool, MapError> {
        let past = MapError::Index { index, max_entries: self.0.len() as u32 };
        let slot = self.0.get(index as usize).ok_or(past)?;
        let new = buffer.map_or(null_mut(), |buffer| Arc::into_raw(buffer).cast_mut());
        Ok(retire(slot.swap(new, Ordering::AcqRel)))
    }
}

/// Lets go of what was in a slot; whether there was something.
fn retire(buffer: *mut Buffer) -> bool {
    if buffer.is_null() {
        return false;
    }
    // SAFETY: what is in a slot came from `Arc::into_raw`, and is taken out of
    // it once.
    rcu::retire(unsafe { Arc::from_raw(buffer) });
    true
}

impl Drop for PerfArray {
    fn drop(&mut self) {
        for slot in &self.0 {
            retire(slot.swap(null_mut(), Ordering::AcqRel));
        }
    }
}

/// Why a record was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PerfError {
    /// There is no such slot.
    Index,
    /// There is no buffer in the slot.
    Empty,
    /// There is no room in the buffer.
    Full,
}

impl Storage for PerfArray {
    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        let there = self.swap(super::array::index(key), None)?;
        if there { Ok(()) } else { Err(MapError::NoEntry) }
    }

    fn host_value_size(&self) -> usize {
        4
    }

    fn read(&self, _: &[u8], _: &mut [u8]) -> bool {
        false
    }

    fn is_readable(&self) -> bool {
        false
    }

    fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let next = super::array::next_index(key, self.0.len() as u32)?;
        Some(next.to_ne_bytes().to_vec())
    }

    fn len(&self) -> usize {
        self.0.iter().filter(|slot| !slot.load(Ordering::Relaxed).is_null()).count()
    }
}

/// Reads what programs put out to one slot of a perf event array. When it is
/// dropped the slot is empty.
#[derive(Debug)]
pub struct PerfReader {
    map: Map,
    index: u32,
    buffer: Arc<Buffer>,
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("lost", &self.lost).finish_non_exhaustive()
    }
}

impl PerfReader {
    /// The next record: what the program gave, and then as much of the packet as
    /// its flags asked for.
    pub fn next_record(&mut self) -> Option<Record<'_>> {
        // SAFETY: this is the buffer's only reader, and its borrow ends with the
        // record.
        let (bytes, next) = unsafe { self.buffer.ring.first() }?;
        Some(Record::new(&self.buffer.ring, bytes, next))
    }

    /// Sleeps until there is a record, at most that long; whether there is one.
    pub fn wait(&mut self, timeout: Option<Duration>) -> bool {
        self.buffer.ring.wait(timeout)
    }

    /// How many records there was no room for.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.buffer.lost.load(Ordering::Relaxed)
    }
}

impl Drop for PerfReader {
    fn drop(&mut self) {
        if let Some(array) = PerfArray::of(self.map.0.storage()) {
            // The index was good when the reader was made.
            let _ = array.swap(self.index, None);
        }
    }
}

impl Map {
    /// Puts a buffer of `pages` pages of 4096 bytes (rounded up to a power of
    /// two) into a slot of a perf event array, and gives what reads it. Any
    /// processor may write to it. A buffer that was there is lost.
    ///
    /// # Errors
    ///
    /// Where the map is no perf event array, there is no such slot, or no memory.
    pub fn perf_reader(&self, index: u32, pages: u32) -> Result<PerfReader, MapError> {
        let array = PerfArray::of(self.0.storage()).ok_or(MapError::Operation)?;
        let _writing = self.writable()?;
        let size = pages.max(1).checked_next_power_of_two().and_then(|pages| pages.checked_mul(PAGE as u32));
        let too_much = MapError::NoMemory { bytes: u64::from(pages) * PAGE as u64 };
        let ring = Ring::new(size.ok_or(too_much)?)?;
        let buffer = Arc::new(Buffer { ring, lost: AtomicU64::new(0) });
        array.swap(index, Some(buffer.clone()))?;
        Ok(PerfReader { map: self.clone(), index, buffer })
    }
}
