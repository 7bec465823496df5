//! `BPF_MAP_TYPE_RINGBUF`: records that programs write and the host reads, in
//! the order in which they were reserved.

use super::ring::Ring;
use super::storage::Storage;
use super::{Map, MapError};
use brolga_core::MapDef;
use std::time::Duration;

/// A ring buffer's storage.
pub(crate) struct Ringbuf(Ring);

impl Ringbuf {
    /// No records.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        Ring::new(def.max_entries).map(Self)
    }

    /// The ring of a storage that is a ring buffer.
    pub(crate) fn of(storage: &dyn Storage) -> Option<&Self> {
        let storage: &dyn std::any::Any = storage;
        storage.downcast_ref()
    }

    /// The address of a new record for a program, or 0.
    pub(crate) fn reserve(&self, len: u64) -> u64 {
        self.0.reserve(len).unwrap_or(0)
    }

    /// `bpf_ringbuf_query`: bytes to be read, size, positions of the reader and
    /// of the writers, in bytes.
    pub(crate) fn query(&self, what: u64) -> u64 {
        self.0.query(what)
    }
}

impl Storage for Ringbuf {
    fn host_value_size(&self) -> usize {
        0
    }

    fn read(&self, _: &[u8], _: &mut [u8]) -> bool {
        false
    }

    fn has_keys(&self) -> bool {
        false
    }

    fn is_readable(&self) -> bool {
        false
    }

    /// How many bytes there are to be read, headers included.
    fn len(&self) -> usize {
        self.0.query(0) as usize
    }

    fn contains(&self, addr: u64, len: u64) -> bool {
        self.0.contains(addr, len)
    }
}

/// Reads the records of a ring buffer, each once. There is at most one reader at
/// a time; programs write meanwhile.
#[derive(Debug)]
pub struct RingReader {
    map: Map,
}

impl RingReader {
    fn ring(&self) -> Option<&Ring> {
        Ringbuf::of(self.map.0.storage()).map(|ringbuf| &ringbuf.0)
    }

    /// The next record, where there is one. A record that a program has not
    /// finished yet holds up those after it. Its room is the programs' again
    /// when the record is dropped.
    pub fn next_record(&mut self) -> Option<Record<'_>> {
        let ring = self.ring()?;
        #[expect(unsafe_code, reason = "records are read where they are")]
        // SAFETY: this is the reader, and its borrow ends with the record.
        let (bytes, next) = unsafe { ring.first() }?;
        Some(Record { ring, bytes, next })
    }

    /// Sleeps until there is a record, at most that long; whether there is one.
    ///
    /// A program decides by its flags whether a record wakes anyone
    /// (`BPF_RB_NO_WAKEUP`, `BPF_RB_FORCE_WAKEUP`); without flags, one that comes
    /// when all before it are read does.
    pub fn wait(&mut self, timeout: Option<Duration>) -> bool {
        self.ring().is_some_and(|ring| ring.wait(timeout))
    }
}

impl Drop for RingReader {
    fn drop(&mut self) {
        if let Some(ring) = self.ring() {
            ring.release();
        }
    }
}

/// The bytes of a record, where they are.
pub struct Record<'a> {
    ring: &'a Ring,
    bytes: &'a [u8],
    next: u64,
}

impl<'a> Record<'a> {
    pub(super) fn new(ring: &'a Ring, bytes: &'a [u8], next: u64) -> Self {
        Self { ring, bytes, next }
    }
}

impl std::ops::Deref for Record<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl std::fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Record").field(&self.bytes).finish()
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.ring.advance(self.next);
    }
}

impl Map {
    /// What reads this ring buffer.
    ///
    /// # Errors
    ///
    /// [`MapError::Operation`] where the map is no ring buffer,
    /// [`MapError::Busy`] where it has a reader, and where the host may not read.
    pub fn ring_reader(&self) -> Result<RingReader, MapError> {
        self.readable()?;
        Ringbuf::of(self.0.storage()).ok_or(MapError::Operation)?.0.take()?;
        Ok(RingReader { map: self.clone() })
    }
}
