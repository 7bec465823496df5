//! Whether the host may still write: `map->frozen` and `map->writecnt`.
//!
//! ```text
//! writes under way:   0 <-> 1 <-> 2 ..
//!                     |     |     |        freeze
//!                     v     v     v
//! frozen, and left:   0 <-- 1 <-- 2 ..     settled: 0
//! ```

use super::MapError;
use std::sync::atomic::{AtomicU32, Ordering};

/// Set once frozen; the bits below count the host's writes under way.
const FROZEN: u32 = 1 << 31;

/// Law: once [`Freeze::freeze`] has returned, no write of the host is under way
/// and none starts.
#[derive(Debug, Default)]
pub(super) struct Freeze(AtomicU32);

/// A write of the host under way.
pub(super) struct Writing<'a>(&'a AtomicU32);

impl Freeze {
    /// Announces a write.
    pub(super) fn write(&self) -> Result<Writing<'_>, MapError> {
        let more = |state| (state & FROZEN == 0).then_some(state + 1);
        let counted = self.0.fetch_update(Ordering::Acquire, Ordering::Relaxed, more);
        counted.map(|_| Writing(&self.0)).map_err(|_| MapError::NotWritable)
    }

    /// Forbids writes and waits for those under way.
    pub(super) fn freeze(&self) -> Result<(), MapError> {
        if self.0.fetch_or(FROZEN, Ordering::AcqRel) & FROZEN != 0 {
            return Err(MapError::AlreadyFrozen);
        }
        while self.0.load(Ordering::Acquire) != FROZEN {
            std::thread::yield_now();
        }
        Ok(())
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.0.load(Ordering::Acquire) & FROZEN != 0
    }

    /// Whether no write of the host is under way and none will be. While another
    /// thread is in [`Freeze::freeze`] a map is frozen, and may yet change.
    pub(super) fn is_settled(&self) -> bool {
        self.0.load(Ordering::Acquire) == FROZEN
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_under_way_is_waited_for() {
        let freeze = Freeze::default();
        assert!(!freeze.is_settled());
        let writing = freeze.write().unwrap();
        std::thread::scope(|scope| {
            let freezing = scope.spawn(|| freeze.freeze());
            while !freeze.is_frozen() {
                std::thread::yield_now();
            }
            assert!(freeze.write().is_err());
            assert!(!freeze.is_settled() && !freezing.is_finished());
            drop(writing);
            freezing.join().unwrap().unwrap();
        });
        assert!(freeze.is_settled() && freeze.write().is_err() && freeze.is_settled());
    }
}
