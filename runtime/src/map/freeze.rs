//! Whether the host may still write: `map->frozen` and `map->writecnt`.

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
        let writing = Writing(&self.0);
        let before = self.0.fetch_add(1, Ordering::Acquire);
        if before & FROZEN == 0 { Ok(writing) } else { Err(MapError::NotWritable) }
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
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}
