//! What kind of bytes a stack has.
//!
//! Where rounds of a loop that ends by itself are compared, the kernel looks at the
//! kinds of all bytes, also of those that no one reads again: a round in which they
//! are others is walked.

use crate::state::State;
use crate::state::stack::{Byte, StackSlot};

/// Two bits for each byte of a slot; those of a frame from its end down.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape(Vec<Box<[u16]>>);

impl Shape {
    pub(super) fn of(state: &State) -> Self {
        let frames = state.frames.iter().map(|frame| frame.stack.slots().map(kinds).collect());
        Self(frames.collect())
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let slots: usize = self.0.iter().map(|frame| frame.len()).sum();
        size_of::<Self>() + self.0.len() * size_of::<Box<[u16]>>() + slots * size_of::<u16>()
    }

    /// Whether the bytes of a later round are of the same kinds, as deep as the stack
    /// was written here.
    pub(super) fn is_kept_by(&self, later: &Self) -> bool {
        let frames = self.0.iter().zip(&later.0);
        self.0.len() == later.0.len() && frames.into_iter().all(|(a, b)| is_kept(a, b))
    }
}

fn is_kept(earlier: &[u16], later: &[u16]) -> bool {
    let depth = earlier.iter().rposition(|kinds| *kinds != 0).map_or(0, |last| last + 1);
    (0..depth).all(|slot| later.get(slot).copied().unwrap_or(0) == earlier[slot])
}

fn kinds(slot: &StackSlot) -> u16 {
    slot.bytes.iter().rev().fold(0, |kinds, byte| kinds << 2 | kind(*byte, slot))
}

const fn kind(byte: Byte, slot: &StackSlot) -> u16 {
    match byte {
        Byte::Uninit => 0,
        Byte::Spill if slot.value.ptr().is_some() => 2,
        // Of numbers nothing is asked that could not be asked of bytes.
        Byte::Spill | Byte::Misc | Byte::Zero => 1,
        Byte::Dynptr | Byte::Iter => 3,
    }
}
