//! How much memory the states take that are kept.
//!
//! Copies of a state share most of it, so what they take together is only known
//! when all are looked at. Law: `bytes` is never less than what they take. Each
//! state is counted in full when it is kept; only where that seems too much are
//! all that are kept looked at, piece by piece. Each such count leaves room for
//! many more states, so that counting is a small part of the walk.

use crate::state::State;
use std::collections::HashSet;

/// The memory of all states that are kept.
#[derive(Debug)]
pub(crate) struct Meter {
    bytes: usize,
    limit: usize,
    /// Whether `bytes` counts each state in full, as if none shared anything.
    in_full: bool,
}

impl Meter {
    /// With this limit, in bytes.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { bytes: 0, limit, in_full: true }
    }

    /// A state is kept.
    pub(crate) fn keep(&mut self, state: &State) {
        self.bytes = self.bytes.saturating_add(full_size(state));
    }

    /// So many bytes are kept beside states, for good.
    pub(crate) const fn keep_aside(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// A state is no longer kept. Where not each was counted in full, what it
    /// takes may be shared with others and stays counted.
    pub(crate) fn release(&mut self, state: &State) {
        if self.in_full {
            self.bytes = self.bytes.saturating_sub(full_size(state));
        }
    }

    /// Whether it is time to count all that is kept.
    pub(crate) const fn seems_full(&self) -> bool {
        self.bytes > self.limit
    }

    /// All that is kept was counted.
    ///
    /// # Errors
    ///
    /// Where that is more than allowed: the number of bytes.
    pub(crate) fn counted(&mut self, bytes: usize) -> Result<(), usize> {
        (self.bytes, self.in_full) = (bytes, false);
        if bytes > self.limit - self.limit / 8 { Err(bytes) } else { Ok(()) }
    }
}

/// The bytes that these states take together.
pub(crate) fn taken<'a>(states: impl Iterator<Item = &'a State>) -> usize {
    let mut found = HashSet::new();
    let mut bytes = 0;
    for state in states {
        let new = state.frames.pieces().filter(|piece| found.insert(piece.0));
        bytes += size_of::<State>() + state.held.bytes() + new.map(|piece| piece.1).sum::<usize>();
    }
    bytes
}

fn full_size(state: &State) -> usize {
    size_of::<State>() + state.held.bytes() + state.frames.pieces().map(|piece| piece.1).sum::<usize>()
}
