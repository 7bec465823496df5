//! How values are copied in and out: `copy_map_value`, `pcpu_copy_value`.
//!
//! A value has one copy, or in a per-CPU map one for each processor: a program
//! has the address of its processor's copy, the host reads and writes them all.
//!
//! The bytes of a spin lock, a timer or a typed pointer in a value are for the
//! helpers that manage them: an update leaves them as they are, a new value has
//! them zero, and the host reads them as zero.

use super::{MapError, cells, cpu};
use brolga_core::MapDef;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The values of a map.
pub(super) struct ValueShape {
    /// The size of a copy, in bytes.
    size: u32,
    /// The words of a copy.
    stride: usize,
    /// How many copies a value has, in a per-CPU map.
    cpus: Option<usize>,
    /// The words of a copy that hold managed bytes, by index, with all bits of
    /// those bytes set.
    managed: Box<[(usize, u64)]>,
}

/// Whose view of a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A program's: the copy of the processor that it runs on.
    Program,
    /// The host's: every copy.
    Host,
}

impl ValueShape {
    /// By a map's definition.
    ///
    /// # Errors
    ///
    /// Where a managed field is not aligned within the value.
    pub(super) fn new(def: &MapDef) -> Result<Self, MapError> {
        let cpus = def.kind.is_percpu().then(cpu::possible);
        Ok(Self { size: def.value_size, stride: cells::words(def.value_size), cpus, managed: managed(def)? })
    }

    /// The size of a copy, in bytes.
    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    /// The words of a copy.
    pub(super) const fn stride(&self) -> usize {
        self.stride
    }

    /// The words of all copies.
    pub(super) fn words(&self) -> usize {
        self.stride * self.cpus.unwrap_or(1)
    }

    /// Whether each processor has a copy of its own.
    pub(super) const fn is_percpu(&self) -> bool {
        self.cpus.is_some()
    }

    /// The size of a value as the host sees it, in bytes: of a per-CPU map all
    /// copies, each padded to a multiple of 8.
    pub(super) fn host_size(&self) -> usize {
        self.cpus.map_or(self.size as usize, |cpus| cpus * self.stride * 8)
    }

    /// The copy that a program sees here.
    pub(super) fn own<'a>(&self, words: &'a [AtomicU64]) -> &'a [AtomicU64] {
        match self.cpus {
            Some(_) => self.copy_of(words, cpu::current()).unwrap_or(words),
            None => words,
        }
    }

    /// The copy of a processor, where there is one.
    pub(super) fn copy_of<'a>(&self, words: &'a [AtomicU64], cpu: usize) -> Option<&'a [AtomicU64]> {
        words.chunks(self.stride).nth(cpu)
    }

    /// Sets a value that no one has the address of.
    pub(super) fn init(&self, words: &[AtomicU64], bytes: &[u8], side: Side) {
        // What is not set next: managed bytes, and other processors' copies.
        if self.is_percpu() || !self.managed.is_empty() {
            words.iter().for_each(|word| word.store(0, Relaxed));
        }
        self.set(words, bytes, side);
    }

    /// Sets a value but for its managed bytes.
    pub(super) fn set(&self, words: &[AtomicU64], bytes: &[u8], side: Side) {
        match (self.cpus, side) {
            (Some(_), Side::Host) => {
                for (words, bytes) in words.chunks(self.stride).zip(bytes.chunks(self.stride * 8)) {
                    self.set_copy(words, &bytes[..self.size as usize]);
                }
            }
            (Some(_), Side::Program) | (None, _) => self.set_copy(self.own(words), bytes),
        }
    }

    /// Copies a value out for the host.
    pub(super) fn get(&self, words: &[AtomicU64], bytes: &mut [u8]) {
        if !self.is_percpu() {
            return self.get_copy(words, bytes);
        }
        for (words, bytes) in words.chunks(self.stride).zip(bytes.chunks_mut(self.stride * 8)) {
            let (copy, padding) = bytes.split_at_mut(self.size as usize);
            self.get_copy(words, copy);
            padding.fill(0);
        }
    }

    /// [`get`](Self::get) into new memory.
    pub(super) fn bytes(&self, words: &[AtomicU64]) -> Vec<u8> {
        let mut bytes = vec![0; self.host_size()];
        self.get(words, &mut bytes);
        bytes
    }

    fn set_copy(&self, words: &[AtomicU64], bytes: &[u8]) {
        if self.managed.is_empty() {
            return cells::write(words, bytes);
        }
        for (at, (word, chunk)) in words.iter().zip(bytes.chunks(8)).enumerate() {
            self.set_word(at, word, cells::word_of(chunk));
        }
    }

    fn set_word(&self, at: usize, word: &AtomicU64, new: u64) {
        let mask = self.mask_at(at);
        let merged = |old: u64| Some(old & mask | new & !mask);
        match mask {
            0 => word.store(new, Relaxed),
            _ => {
                let _ = word.fetch_update(Relaxed, Relaxed, merged);
            }
        }
    }

    fn mask_at(&self, at: usize) -> u64 {
        self.managed.iter().filter(|(word, _)| *word == at).fold(0, |all, (_, mask)| all | mask)
    }

    /// Copies a copy out, managed bytes zero.
    fn get_copy(&self, words: &[AtomicU64], bytes: &mut [u8]) {
        cells::read(words, bytes);
        for (at, mask) in &self.managed {
            let chunk = &mut bytes[at * 8..];
            let clear = mask.to_ne_bytes();
            chunk.iter_mut().zip(clear).for_each(|(byte, clear)| *byte &= !clear);
        }
    }
}

/// The managed words of a map's values, with their masks.
fn managed(def: &MapDef) -> Result<Box<[(usize, u64)]>, MapError> {
    let special = &def.special;
    let fields = (special.spin_lock.iter().map(|off| (*off, 4, 4)))
        .chain(special.timer.iter().map(|off| (*off, 16, 8)))
        .chain(special.kptrs.iter().map(|off| (*off, 8, 8)));
    let mut managed = Vec::new();
    for (off, len, align) in fields {
        let end = off.checked_add(len).filter(|end| *end <= def.value_size && off.is_multiple_of(align));
        let end = end.ok_or(MapError::ManagedField { off, size: def.value_size })?;
        managed.extend((off..end).step_by(align as usize).map(|at| mask(at, align)));
    }
    Ok(managed.into())
}

/// The word that holds the `len` aligned bytes at `at`, and their bits.
fn mask(at: u32, len: u32) -> (usize, u64) {
    let mut bytes = [0; 8];
    let from = at as usize % 8;
    bytes[from..from + len as usize].fill(0xff);
    (at as usize / 8, u64::from_ne_bytes(bytes))
}
