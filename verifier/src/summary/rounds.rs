//! How many rounds there are.
//!
//! A word is read as one of four integers: all of it or its low half, without or
//! with a sign. A counter that starts at `s`, of which it is known that it lies
//! between `lo` and `hi`, and moves by `c` holds in round `k` the word of
//! `s + k * c`; as an integer it is that, as long as that is one which the
//! reading has.

use super::Step;
use crate::domain::Scalar;
use crate::state::trace::Trace;
use brolga_core::{Cond, Width};

/// A reading of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    U64,
    S64,
    U32,
    S32,
}

impl Reading {
    /// Those in which the sums of a counter are known: of one that is cut to its
    /// low half, those of that half.
    const fn all(narrow: bool) -> [Self; 2] {
        if narrow { [Self::U32, Self::S32] } else { [Self::U64, Self::S64] }
    }

    /// The least and the greatest integer of a range.
    fn bounds(self, range: &Scalar) -> (i128, i128) {
        match self {
            Self::U64 => (range.umin().into(), range.umax().into()),
            Self::S64 => (range.smin().into(), range.smax().into()),
            Self::U32 => (range.u32_min().into(), range.u32_max().into()),
            Self::S32 => (range.s32_min().into(), range.s32_max().into()),
        }
    }

    /// The least and the greatest there is.
    fn limits(self) -> (i128, i128) {
        match self {
            Self::U64 => (0, u64::MAX.into()),
            Self::S64 => (i64::MIN.into(), i64::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::S32 => (i32::MIN.into(), i32::MAX.into()),
        }
    }
}

/// The number of the round, at most, that a counter is in which started in a range and is
/// now in another, and of which it is known that it is in none after `rounds`;
/// nothing, where it might have wrapped by then.
pub(super) fn most(start: &Scalar, now: &Scalar, step: &Step, rounds: u32) -> Option<i128> {
    let by = i128::from(step.by);
    let in_reading = |reading: Reading| {
        let ((lo, hi), (min, max)) = (reading.bounds(start), reading.limits());
        let way = by * i128::from(rounds);
        if by == 0 || lo + way.min(0) < min || hi + way.max(0) > max {
            return None;
        }
        let (least, greatest) = reading.bounds(now);
        let far = if by > 0 { greatest - lo } else { hi - least };
        Some(far.div_euclid(by.abs()))
    };
    Reading::all(step.narrow).into_iter().filter_map(in_reading).min()
}

/// The numbers that a counter holds at the head, which started in a range and ends
/// the loop in round `rounds` at the latest, if it is compared with the same number
/// in each. It is a guess; of a counter that is cut to its low half as a number
/// without a sign.
pub(super) fn range(start: &Scalar, step: &Step, rounds: u32) -> Option<Scalar> {
    let in_reading = |reading: Reading| {
        let ((lo, hi), (min, max)) = (reading.bounds(start), reading.limits());
        let by = i128::from(step.by);
        let way = by * (i128::from(rounds) - 1);
        let (lo, hi) = if by > 0 { (lo, hi.max(lo + way + by - 1)) } else { (lo.min(hi + way + by + 1), hi) };
        (min <= lo && hi <= max).then_some((lo, hi))
    };
    let unsigned = if step.narrow { Reading::U32 } else { Reading::U64 };
    if let Some((lo, hi)) = in_reading(unsigned) {
        return Scalar::from_unsigned_range(lo as u64, hi as u64);
    }
    let (lo, hi) = in_reading(Reading::S64).filter(|_| !step.narrow)?;
    Scalar::from_signed_range(lo as i64, hi as i64)
}

/// A comparison that leaves the loop unless it holds.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) holds: Cond,
    pub(super) width: Width,
    /// How what is compared stands to the round.
    pub(super) trace: Trace,
    /// What it is compared with.
    pub(super) with: Scalar,
}

impl Test {
    fn reading(&self) -> Reading {
        match (self.width, self.is_signed(), self.trace.is_narrow()) {
            (Width::W64, _, true) | (Width::W32, false, _) => Reading::U32,
            (Width::W64, false, false) => Reading::U64,
            (Width::W64, true, false) => Reading::S64,
            (Width::W32, true, _) => Reading::S32,
        }
    }

    const fn is_signed(&self) -> bool {
        matches!(self.holds, Cond::Sgt | Cond::Sge | Cond::Slt | Cond::Sle)
    }

    /// How many steps there are to the number that it is compared with, also where
    /// that is reached past the end of all numbers.
    fn until_equal(&self, start: &Scalar, by: i128) -> Option<i128> {
        let at = start.as_const()?.wrapping_add(i64::from(self.trace.by()) as u64);
        let end = self.with.as_const()?;
        let way = if by > 0 { end.wrapping_sub(at) } else { at.wrapping_sub(end) };
        let half = self.width == Width::W32 || self.trace.is_narrow();
        let way = i128::from(if half { u64::from(way as u32) } else { way });
        Some((way + by.abs() - 1).div_euclid(by.abs()))
    }

    /// How many rounds are begun, where this test alone ends the loop and the
    /// counter starts in this range and moves so. It is a guess.
    pub(super) fn rounds(&self, start: &Scalar, by: i16) -> Option<u32> {
        let by = i128::from(by);
        let (lo, hi) = self.reading().bounds(start);
        let (lo, hi) = (lo + i128::from(self.trace.by()), hi + i128::from(self.trace.by()));
        let wide = match (self.width, self.is_signed()) {
            (Width::W64, false) => Reading::U64,
            (Width::W64, true) => Reading::S64,
            (Width::W32, false) => Reading::U32,
            (Width::W32, true) => Reading::S32,
        };
        let (least, greatest) = wide.bounds(&self.with);
        let up = |end: i128| (by > 0).then(|| (end - lo + by - 1).div_euclid(by));
        let down = |end: i128| (by < 0).then(|| (hi - end - by - 1).div_euclid(-by));
        let passed = match self.holds {
            Cond::Lt | Cond::Slt => up(greatest)?,
            Cond::Le | Cond::Sle => up(greatest + 1)?,
            Cond::Gt | Cond::Sgt => down(least)?,
            Cond::Ge | Cond::Sge => down(least - 1)?,
            Cond::Ne => self.until_equal(start, by)?,
            Cond::Eq | Cond::Set => return None,
        };
        u32::try_from(passed.max(0) + 1).ok()
    }
}
