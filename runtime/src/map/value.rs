//! How values are copied in and out: `copy_map_value`.
//!
//! The bytes of a spin lock, a timer or a typed pointer in a value are for the
//! helpers that manage them: an update leaves them as they are, a new value has
//! them zero, and the host reads them as zero.

use super::{MapError, cells};
use brolga_core::MapDef;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The values of a map.
pub(super) struct ValueShape {
    size: u32,
    /// The words that hold managed bytes, by index, with all bits of those bytes
    /// set.
    managed: Box<[(usize, u64)]>,
}

impl ValueShape {
    /// By a map's definition.
    ///
    /// # Errors
    ///
    /// Where a managed field is not aligned within the value.
    pub(super) fn new(def: &MapDef) -> Result<Self, MapError> {
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
        Ok(Self { size: def.value_size, managed: managed.into() })
    }

    /// The size of a value, in bytes.
    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    /// The words of a value.
    pub(super) const fn words(&self) -> usize {
        cells::words(self.size)
    }

    /// Sets a value that no one has the address of, managed bytes zero.
    pub(super) fn init(&self, words: &[AtomicU64], bytes: &[u8]) {
        cells::write(words, bytes);
        for (at, mask) in &self.managed {
            words[*at].fetch_and(!mask, Relaxed);
        }
    }

    /// Sets a value but for its managed bytes.
    pub(super) fn set(&self, words: &[AtomicU64], bytes: &[u8]) {
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
            // The closure never declines.
            _ => {
                let _ = word.fetch_update(Relaxed, Relaxed, merged);
            }
        }
    }

    /// Copies a value out, managed bytes zero.
    pub(super) fn get(&self, words: &[AtomicU64], bytes: &mut [u8]) {
        cells::read(words, bytes);
        for (at, mask) in &self.managed {
            let chunk = &mut bytes[at * 8..];
            let clear = mask.to_ne_bytes();
            chunk.iter_mut().zip(clear).for_each(|(byte, clear)| *byte &= !clear);
        }
    }

    /// [`get`](Self::get) into new memory.
    pub(super) fn copy(&self, words: &[AtomicU64]) -> Vec<u8> {
        let mut bytes = vec![0; self.size as usize];
        self.get(words, &mut bytes);
        bytes
    }

    fn mask_at(&self, at: usize) -> u64 {
        self.managed.iter().filter(|(word, _)| *word == at).fold(0, |all, (_, mask)| all | mask)
    }
}

/// The word that holds the `len` aligned bytes at `at`, and their bits.
fn mask(at: u32, len: u32) -> (usize, u64) {
    let mut bytes = [0; 8];
    let from = at as usize % 8;
    bytes[from..from + len as usize].fill(0xff);
    (at as usize / 8, u64::from_ne_bytes(bytes))
}
