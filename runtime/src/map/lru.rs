//! Which element of a full LRU map gives way (`bpf_lru_list`).
//!
//! Every element has a bit that a program's lookup sets. A hand goes round the
//! elements: it clears the bits that it finds set, and takes the first element
//! whose bit is clear. So an element that was looked up since the hand last came
//! by is passed over once. Like the kernel's two lists this is nearly, and not
//! exactly, the least recently used.

use super::MapError;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bits and the hand.
pub(super) struct Lru {
    used: Box<[AtomicBool]>,
    hand: Mutex<u32>,
}

impl Lru {
    /// No element was looked up.
    pub(super) fn new(capacity: u32) -> Result<Self, MapError> {
        let mut used = Vec::new();
        let no_memory = |_| MapError::NoMemory { bytes: capacity.into() };
        used.try_reserve_exact(capacity as usize).map_err(no_memory)?;
        used.resize_with(capacity as usize, AtomicBool::default);
        Ok(Self { used: used.into(), hand: Mutex::new(0) })
    }

    /// The element was looked up.
    pub(super) fn touch(&self, index: u32) {
        // Written once: what everyone looks up is then only read.
        if let Some(used) = self.used.get(index as usize).filter(|used| !used.load(Relaxed)) {
            used.store(true, Relaxed);
        }
    }

    /// The element is a new one.
    pub(super) fn reset(&self, index: u32) {
        if let Some(used) = self.used.get(index as usize) {
            used.store(false, Relaxed);
        }
    }

    /// Moves the hand on until an element that was not looked up lately could be
    /// `taken`; whether one was.
    pub(super) fn evict(&self, taken: impl Fn(u32) -> bool) -> bool {
        let mut hand: MutexGuard<'_, u32> = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        // The first time round may only clear bits.
        for _ in 0..2 * self.used.len() {
            let at = *hand;
            *hand = (at + 1) % self.used.len() as u32;
            if !self.used[at as usize].swap(false, Relaxed) && taken(at) {
                return true;
            }
        }
        false
    }
}
