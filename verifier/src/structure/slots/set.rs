//! Sets of stack slots.

use crate::structure::blocks::Set;
use std::fmt;
use std::ops::{BitOr, BitOrAssign, Range};

/// A set of the 64 eight-byte slots of a frame. Slot `i` holds the bytes from
/// `r10 - 8 * (i + 1)` up to `r10 - 8 * i`, as the kernel's `spi` counts.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct SlotSet(pub(crate) u64);

impl SlotSet {
    /// No slot.
    pub(crate) const EMPTY: Self = Self(0);
    /// Every slot.
    pub(crate) const ALL: Self = Self(u64::MAX);

    const LOWEST: i64 = -512;

    /// Whether the slot is in the set.
    pub(crate) const fn contains(self, slot: usize) -> bool {
        self.0 >> slot & 1 != 0
    }

    /// The slots of which these bytes, by their offset from the frame pointer,
    /// hold some part. What lies outside the frame counts for nothing.
    pub(super) fn touched(bytes: Range<i64>) -> Self {
        let low = bytes.start.max(Self::LOWEST);
        let high = bytes.end.min(0);
        if low < high { Self::run((-high) / 8, (-low + 7) / 8) } else { Self::EMPTY }
    }

    /// The slots all of which these bytes hold.
    pub(super) fn covered(bytes: Range<i64>) -> Self {
        let low = bytes.start.max(Self::LOWEST);
        let high = bytes.end.min(0);
        if low < high { Self::run((-high + 7) / 8, -low / 8) } else { Self::EMPTY }
    }

    /// The slots from the first number up to the second.
    fn run(from: i64, to: i64) -> Self {
        let below = |n: i64| 1u64.checked_shl(n as u32).map_or(u64::MAX, |bit| bit - 1);
        if from < to { Self(below(to) & !below(from)) } else { Self::EMPTY }
    }
}

impl Set for SlotSet {
    const EMPTY: Self = Self::EMPTY;

    fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for SlotSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for SlotSet {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries((0..64).filter(|i| self.contains(*i))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::SlotSet;

    /// Against the definition, byte by byte.
    #[test]
    fn bytes_make_slots() {
        for start in -530..10i64 {
            for len in (0..70).chain([512, 1000]) {
                let bytes = start..start + len;
                for slot in 0..64usize {
                    let first = -8 * (slot as i64 + 1);
                    let held = (first..first + 8).filter(|b| bytes.contains(b)).count();
                    let (touched, covered) =
                        (SlotSet::touched(bytes.clone()), SlotSet::covered(bytes.clone()));
                    assert_eq!(touched.contains(slot), held > 0, "{bytes:?} touches {slot}");
                    assert_eq!(covered.contains(slot), held == 8, "{bytes:?} covers {slot}");
                }
            }
        }
    }
}
