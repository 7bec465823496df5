//! What a conditional jump says of its operands.
//!
//! Laws, for all members `x` of `a` and `y` of `b`:
//!
//! - if `cond.eval(width, x, y) == taken`, then `refine(cond, width, taken, a, b)`
//!   is some pair `(a', b')`, with `x` in `a'` and `y` in `b'`;
//! - `a' <= a` and `b' <= b`;
//! - if `decide(cond, width, a, b)` is `Some(d)`, then
//!   `cond.eval(width, x, y) == d`, and refining with `!d` gives `None`.

use brolga_core::insn::{Cond, Width};

use super::bits::{cut, mask, signed_max, signed_min};
use super::range::Span;
use super::scalar::{Scalar, ScalarOf};
use super::tnum::TnumOf;

/// Whether the jump is always (`Some(true)`) or never (`Some(false)`) taken.
#[must_use]
pub fn decide(cond: Cond, width: Width, a: &Scalar, b: &Scalar) -> Option<bool> {
    ScalarOf::decide(cond, width, a, b)
}

/// The operands on the branch where the jump was `taken` or not; `None` if it
/// cannot go that way.
#[must_use]
pub fn refine(cond: Cond, width: Width, taken: bool, a: &Scalar, b: &Scalar) -> Option<(Scalar, Scalar)> {
    ScalarOf::refine(cond, width, taken, a, b)
}

impl<const N: u32> ScalarOf<N> {
    /// The views that a jump of `width` looks at.
    #[inline(always)]
    fn views(&self, width: Width) -> (TnumOf<N>, Span) {
        match width {
            Width::W32 => (self.tnum.zero_extend(Self::HALF), self.low()),
            Width::W64 => (self.tnum, self.wide()),
        }
    }

    /// This scalar with the views that a jump of `width` looks at replaced.
    #[inline(always)]
    fn with_views(&self, width: Width, tnum: TnumOf<N>, span: Span) -> Option<Self> {
        match width {
            Width::W32 => Self::from_views(self.tnum.with_low(Self::HALF, tnum), self.wide(), span),
            Width::W64 => Self::from_views(tnum, span, self.low()),
        }
        .sync()
    }

    pub(crate) fn decide(cond: Cond, width: Width, a: &Self, b: &Self) -> Option<bool> {
        let ((ta, sa), (tb, sb)) = (a.views(width), b.views(width));
        match cond {
            Cond::Eq => Self::decide_eq(width, a, b),
            Cond::Ne => Self::decide_eq(width, a, b).map(|equal| !equal),
            Cond::Gt => less(sb.umin, sb.umax, sa.umin, sa.umax),
            Cond::Lt => less(sa.umin, sa.umax, sb.umin, sb.umax),
            Cond::Ge => less(sa.umin, sa.umax, sb.umin, sb.umax).map(|less| !less),
            Cond::Le => less(sb.umin, sb.umax, sa.umin, sa.umax).map(|less| !less),
            Cond::Sgt => less(sb.smin, sb.smax, sa.smin, sa.smax),
            Cond::Slt => less(sa.smin, sa.smax, sb.smin, sb.smax),
            Cond::Sge => less(sa.smin, sa.smax, sb.smin, sb.smax).map(|less| !less),
            Cond::Sle => less(sb.smin, sb.smax, sa.smin, sa.smax).map(|less| !less),
            Cond::Set if ta.value() & tb.value() != 0 => Some(true),
            Cond::Set if ta.max() & tb.max() == 0 => Some(false),
            Cond::Set => None,
        }
    }

    fn decide_eq(width: Width, a: &Self, b: &Self) -> Option<bool> {
        let ((ta, sa), (tb, sb)) = (a.views(width), b.views(width));
        if ta.is_const() && tb.is_const() {
            return Some(ta == tb);
        }
        let apart = !ta.overlaps(tb) || disjoint(sa, sb) || disjoint(a.low(), b.low());
        if apart { Some(false) } else { None }
    }

    pub(crate) fn refine(cond: Cond, width: Width, taken: bool, a: &Self, b: &Self) -> Option<(Self, Self)> {
        let held = if taken { Some(cond) } else { cond.negated() };
        match held {
            Some(Cond::Eq) => Self::refine_eq(width, a, b),
            Some(Cond::Ne) => Self::refine_ne(width, a, b),
            Some(Cond::Set) => Self::refine_set(width, a, b),
            None => Self::refine_clear(width, a, b),
            Some(Cond::Lt | Cond::Le | Cond::Slt | Cond::Sle) => Self::refine_order(held?, width, a, b),
            Some(Cond::Gt | Cond::Ge | Cond::Sgt | Cond::Sge) => {
                let (b, a) = Self::refine_order(held?.swapped(), width, b, a)?;
                Some((a, b))
            }
        }
    }

    fn refine_eq(width: Width, a: &Self, b: &Self) -> Option<(Self, Self)> {
        match width {
            Width::W64 => a.meet(b).map(|both| (both, both)),
            Width::W32 => {
                let ((ta, sa), (tb, sb)) = (a.views(width), b.views(width));
                let (tnum, span) = (ta.intersect(tb)?, sa.meet(sb));
                Some((a.with_views(width, tnum, span)?, b.with_views(width, tnum, span)?))
            }
        }
    }

    /// A known value on one side is cut off the ends of the other.
    fn refine_ne(width: Width, a: &Self, b: &Self) -> Option<(Self, Self)> {
        let bits = Self::bits_of(width);
        let ((ta, sa), (tb, sb)) = (a.views(width), b.views(width));
        match (ta.as_const(), tb.as_const()) {
            (Some(x), Some(y)) => (x != y).then_some((*a, *b)),
            (None, Some(y)) => Some((a.with_views(width, ta, without(bits, sa, y))?, *b)),
            (Some(x), None) => Some((*a, b.with_views(width, tb, without(bits, sb, x))?)),
            (None, None) => Some((*a, *b)),
        }
    }

    /// `a & b != 0`: a bit that alone may be common is set in both.
    fn refine_set(width: Width, a: &Self, b: &Self) -> Option<(Self, Self)> {
        let ((ta, sa), (tb, sb)) = (a.views(width), b.views(width));
        let common = ta.max() & tb.max();
        if common == 0 {
            return None;
        }
        if !common.is_power_of_two() {
            return Some((*a, *b));
        }
        let one = TnumOf::constant(common);
        Some((a.with_views(width, ta.or(one), sa)?, b.with_views(width, tb.or(one), sb)?))
    }

    /// `a & b == 0`: a bit known to be set in one is clear in the other.
    fn refine_clear(width: Width, a: &Self, b: &Self) -> Option<(Self, Self)> {
        let ((ta, sa), (tb, sb)) = (a.views(width), b.views(width));
        if ta.value() & tb.value() != 0 {
            return None;
        }
        let clear = |tnum: TnumOf<N>, set: u64| tnum.and(TnumOf::constant(!set));
        let (ta, tb) = (clear(ta, tb.value()), clear(tb, ta.value()));
        Some((a.with_views(width, ta, sa)?, b.with_views(width, tb, sb)?))
    }

    /// `a < b` and its like; `cond` is `Lt`, `Le`, `Slt` or `Sle`.
    fn refine_order(cond: Cond, width: Width, a: &Self, b: &Self) -> Option<(Self, Self)> {
        let ((ta, sa), (tb, sb)) = (a.views(width), b.views(width));
        let (sa, sb) = order(cond, Self::bits_of(width), sa, sb)?;
        Some((a.with_views(width, ta, sa)?, b.with_views(width, tb, sb)?))
    }
}

/// The bounds where `a < b`, or its like, holds; `None` if it can not.
#[inline(always)]
pub(super) fn order(cond: Cond, bits: u32, mut a: Span, mut b: Span) -> Option<(Span, Span)> {
    match cond {
        Cond::Lt if b.umax == 0 || a.umin == mask(bits) => return None,
        Cond::Slt if b.smax == signed_min(bits) || a.smin == signed_max(bits) => return None,
        Cond::Lt => (a.umax, b.umin) = (a.umax.min(b.umax - 1), b.umin.max(a.umin + 1)),
        Cond::Slt => (a.smax, b.smin) = (a.smax.min(b.smax - 1), b.smin.max(a.smin + 1)),
        Cond::Le => (a.umax, b.umin) = (a.umax.min(b.umax), b.umin.max(a.umin)),
        Cond::Sle => (a.smax, b.smin) = (a.smax.min(b.smax), b.smin.max(a.smin)),
        Cond::Gt | Cond::Ge | Cond::Sgt | Cond::Sge | Cond::Eq | Cond::Ne | Cond::Set => {}
    }
    Some((a, b))
}

/// Whether every value of the first interval is less than every one of the
/// second (`Some(true)`), or none is (`Some(false)`).
#[inline(always)]
pub(super) fn less<T: Ord>(a_min: T, a_max: T, b_min: T, b_max: T) -> Option<bool> {
    if a_max < b_min {
        Some(true)
    } else if a_min >= b_max {
        Some(false)
    } else {
        None
    }
}

/// Whether the unsigned or the signed intervals have nothing in common.
#[inline(always)]
fn disjoint(a: Span, b: Span) -> bool {
    a.umax < b.umin || b.umax < a.umin || a.smax < b.smin || b.smax < a.smin
}

/// The bounds without the word `x`, where it stands at an end.
#[inline(always)]
pub(super) fn without(bits: u32, mut span: Span, x: u64) -> Span {
    let point = Span::constant(bits, x);
    if span.umin == point.umin && span.umin < span.umax {
        span.umin = cut(bits, span.umin + 1);
    }
    if span.umax == point.umax && span.umin < span.umax {
        span.umax -= 1;
    }
    if span.smin == point.smin && span.smin < span.smax {
        span.smin += 1;
    }
    if span.smax == point.smax && span.smin < span.smax {
        span.smax -= 1;
    }
    span
}
