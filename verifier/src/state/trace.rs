//! How a word stands to the words of a loop's round.
//!
//! A **run** of a loop begins where the walk takes up a summary of it
//! (`summary.rs`) at the loop's head, and has a number of its own. In
//! between two visits of the head, a word may have the trace `(run, place, by)`:
//! it is the word that `place` held when the path was at the head last, plus `by`,
//! modulo 2^64; of a narrow one that sum's low half, with zeros above.
//!
//! | value                               | trace                              |
//! |-------------------------------------|------------------------------------|
//! | what a place holds at the head      | that place's, by 0                 |
//! | a copy, a spill, a fill             | as it was                          |
//! | plus a constant, 64 bits            | by so much more; none of a narrow  |
//! | plus a constant, 32 bits            | by so much more, narrow            |
//! | anything else                       | none                               |
//!
//! None is always true.

use brolga_core::{Reg, Width};

/// A register or a stack slot of the frame that the loop is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A register, by its number.
    Reg(u8),
    /// A slot with a spilled register, by its number.
    Slot(u8),
}

impl Place {
    const fn code(self) -> u8 {
        match self {
            Self::Reg(reg) => reg,
            Self::Slot(slot) => Reg::COUNT as u8 + slot,
        }
    }

    const fn of_code(code: u8) -> Self {
        if code < Reg::COUNT as u8 { Self::Reg(code) } else { Self::Slot(code - Reg::COUNT as u8) }
    }
}

/// The trace of a word; none where the run is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trace {
    run: u32,
    by: i16,
    place: u8,
    narrow: bool,
}

/// How a word came about is no part of what it is; [`Trace::is`] compares.
impl PartialEq for Trace {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Trace {}

impl Trace {
    /// Nothing is said.
    pub const NONE: Self = Self { run: 0, by: 0, place: 0, narrow: false };

    /// The very word that a place holds at the head.
    pub(crate) const fn head(run: u32, place: Place) -> Self {
        Self { run, by: 0, place: place.code(), narrow: false }
    }

    /// Whether something is said.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.run != 0
    }

    /// Whether both say the same.
    #[must_use]
    pub fn is(self, other: Self) -> bool {
        let parts = |t: Self| (t.run, t.by, t.place, t.narrow);
        parts(self) == parts(other)
    }

    /// What is still known of a word of which this one is known.
    pub(crate) fn covers(self, other: Self) -> bool {
        !self.is_some() || self.is(other)
    }

    /// The run that it is of; 0 for none.
    pub(crate) const fn run(self) -> u32 {
        self.run
    }

    /// The place whose word it comes of.
    pub(crate) const fn place(self) -> Place {
        Place::of_code(self.place)
    }

    /// What is added to that word.
    pub(crate) const fn by(self) -> i16 {
        self.by
    }

    /// Whether it is the low half of the sum.
    pub(crate) const fn is_narrow(self) -> bool {
        self.narrow
    }

    /// The trace of the word plus a constant.
    #[must_use]
    pub(crate) fn plus(self, by: i64, width: Width) -> Self {
        let narrow = width == Width::W32;
        let sum = i64::from(self.by).checked_add(by).and_then(|sum| i16::try_from(sum).ok());
        match sum {
            Some(by) if self.is_some() && (narrow || !self.narrow) => Self { by, narrow, ..self },
            Some(_) | None => Self::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Trace};
    use brolga_core::{AluOp, Width};

    /// Every chain of sums gives the word that its trace says, or none.
    #[test]
    fn sums_are_what_their_trace_says() {
        let steps =
            [(1, Width::W64), (-3, Width::W64), (5, Width::W32), (-7, Width::W32), (30_000, Width::W64)];
        for head in [0, 5, u64::from(u32::MAX), 1 << 32, u64::MAX - 1, 1 << 63] {
            for chain in 0..steps.len().pow(4) {
                let (mut word, mut trace) = (head, Trace::head(1, Place::Reg(3)));
                for at in 0..4 {
                    let (by, width) = steps[chain / steps.len().pow(at) % steps.len()];
                    word = AluOp::Add.eval(width, word, by as u64);
                    trace = trace.plus(by, width);
                }
                let sum = head.wrapping_add(i64::from(trace.by()) as u64);
                let said = if trace.is_narrow() { u64::from(sum as u32) } else { sum };
                assert!(!trace.is_some() || said == word, "{head:#x} {trace:?} {word:#x}");
            }
        }
    }

    #[test]
    fn a_narrow_sum_is_lost_in_a_wide_one() {
        let head = Trace::head(1, Place::Slot(2));
        assert!(!head.plus(-1, Width::W32).plus(1, Width::W64).is_some());
        assert!(head.plus(1, Width::W64).plus(1, Width::W32).is_some());
        assert!(!head.plus(i64::from(i16::MAX) + 1, Width::W64).is_some());
        assert_eq!(head.place(), Place::Slot(2));
    }
}
