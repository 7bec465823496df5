//! What a conditional jump says of its operands.
//!
//! Laws, for all members `x` of `a` and `y` of `b`:
//!
//! - if `cond.eval(width, x, y) == taken`, then `refine(cond, width, taken, a, b)`
//!   is a pair `(a', b')` with `x` in `a'` and `y` in `b'`;
//! - if `decide(cond, width, a, b)` is `Some(d)`, then
//!   `cond.eval(width, x, y) == d`.
//!
//! Both are as precise as the kernel's (`is_scalar_branch_taken`,
//! `regs_refine_cond_op`): a verdict is to be the kernel's. So a way may be
//! undecided that no run goes; what is known there has no members, and is what the
//! kernel goes on with.

use brolga_core::insn::{Cond, Width};

use super::bits::{cut, sign_extend};
use super::range::Span;
use super::scalar::{Scalar, ScalarOf};
use super::tnum::TnumOf;

/// Whether the jump is always (`Some(true)`) or never (`Some(false)`) taken, as
/// far as the kernel knows.
#[must_use]
pub fn decide(cond: Cond, width: Width, a: &Scalar, b: &Scalar) -> Option<bool> {
    ScalarOf::decide(cond, width, a, b)
}

/// The operands on the branch where the jump was `taken` or not.
#[must_use]
pub fn refine(cond: Cond, width: Width, taken: bool, a: &Scalar, b: &Scalar) -> (Scalar, Scalar) {
    ScalarOf::refine(cond, width, taken, a, b)
}

/// The same of a register that is compared with itself: where the two sides are
/// narrowed, it is one number that is, and the kernel knows no better.
#[must_use]
pub fn refine_same(cond: Cond, width: Width, taken: bool, a: &Scalar) -> Scalar {
    ScalarOf::refine_same(cond, width, taken, a)
}

/// The views that a jump looks at.
type Views<const N: u32> = (TnumOf<N>, Span);

impl<const N: u32> ScalarOf<N> {
    #[inline(always)]
    fn views(&self, width: Width) -> Views<N> {
        match width {
            Width::W32 => (self.tnum.zero_extend(Self::HALF), self.low()),
            Width::W64 => (self.tnum, self.wide()),
        }
    }

    /// This scalar with the views that a jump of `width` looks at replaced.
    #[inline(always)]
    fn with_views(&self, width: Width, (tnum, span): Views<N>) -> Self {
        self.put_views(width, (tnum, span)).sync().or_bits_alone()
    }

    #[inline(always)]
    fn put_views(&self, width: Width, (tnum, span): Views<N>) -> Self {
        match width {
            Width::W32 => Self::from_views(self.tnum.with_low(Self::HALF, tnum), self.wide(), span),
            Width::W64 => Self::from_views(tnum, span, self.low()),
        }
    }

    /// This scalar without its bounds, and with other bits.
    fn with_bits_alone(&self, width: Width, tnum: TnumOf<N>) -> Self {
        let unbounded = Self::from_views(self.tnum, Span::full(N), Span::full(Self::HALF));
        let (_, span) = unbounded.views(width);
        unbounded.with_views(width, (tnum, span))
    }

    pub(crate) fn decide(cond: Cond, width: Width, a: &Self, b: &Self) -> Option<bool> {
        let ((_, sa), (_, sb)) = (a.views(width), b.views(width));
        match cond {
            Cond::Eq => Self::decide_eq(width, a, b),
            Cond::Ne => Self::decide_eq(width, a, b).map(|equal| !equal),
            Cond::Gt => less(sb.umin, sb.umax, sa.umin, sa.umax),
            Cond::Lt => less(sa.umin, sa.umax, sb.umin, sb.umax),
            Cond::Ge => at_least(sa.umin, sa.umax, sb.umin, sb.umax),
            Cond::Le => at_least(sb.umin, sb.umax, sa.umin, sa.umax),
            Cond::Sgt => less(sb.smin, sb.smax, sa.smin, sa.smax),
            Cond::Slt => less(sa.smin, sa.smax, sb.smin, sb.smax),
            Cond::Sge => at_least(sa.smin, sa.smax, sb.smin, sb.smax),
            Cond::Sle => at_least(sb.smin, sb.smax, sa.smin, sa.smax),
            Cond::Set => Self::decide_set(width, a, b),
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

    fn decide_set(width: Width, a: &Self, b: &Self) -> Option<bool> {
        let ((ta, _), (tb, _)) = (a.views(width), b.views(width));
        let (tnum, bits) = match (ta.as_const(), tb.as_const()) {
            (_, Some(bits)) => (ta, bits),
            (Some(bits), None) => (tb, bits),
            (None, None) => return None,
        };
        if tnum.value() & bits != 0 {
            Some(true)
        } else if tnum.max() & bits == 0 {
            Some(false)
        } else {
            None
        }
    }

    pub(crate) fn refine(cond: Cond, width: Width, taken: bool, a: &Self, b: &Self) -> (Self, Self) {
        let (va, vb) = (a.views(width), b.views(width));
        match if taken { Some(cond) } else { cond.negated() } {
            Some(Cond::Eq) => {
                let both = (va.0.intersect(vb.0), va.1.meet(vb.1));
                (a.with_views(width, both), b.with_views(width, both))
            }
            Some(Cond::Ne) => {
                let (va, vb) = unequal(Self::bits_of(width), va, vb);
                (a.with_views(width, va), b.with_views(width, vb))
            }
            Some(Cond::Set) => Self::refine_set(width, a, b),
            None => Self::refine_clear(width, a, b),
            Some(held @ (Cond::Lt | Cond::Le | Cond::Slt | Cond::Sle)) => {
                let (sa, sb) = order(held, va.1, vb.1);
                (a.with_views(width, (va.0, sa)), b.with_views(width, (vb.0, sb)))
            }
            Some(held @ (Cond::Gt | Cond::Ge | Cond::Sgt | Cond::Sge)) => {
                let (sb, sa) = order(held.swapped(), vb.1, va.1);
                (a.with_views(width, (va.0, sa)), b.with_views(width, (vb.0, sb)))
            }
        }
    }

    pub(crate) fn refine_same(cond: Cond, width: Width, taken: bool, a: &Self) -> Self {
        let (tnum, span) = a.views(width);
        let span = match if taken { Some(cond) } else { cond.negated() } {
            Some(Cond::Lt | Cond::Gt) => {
                let span = Span { umax: span.umax.min(span.umax.wrapping_sub(1)), ..span };
                Span { umin: span.umin.max(span.umin.wrapping_add(1)), ..span }
            }
            Some(Cond::Slt | Cond::Sgt) => {
                let span = Span { smax: span.smax.min(span.smax.wrapping_sub(1)), ..span };
                Span { smin: span.smin.max(span.smin.wrapping_add(1)), ..span }
            }
            Some(Cond::Eq | Cond::Ne | Cond::Set | Cond::Le | Cond::Ge | Cond::Sle | Cond::Sge) | None => {
                span
            }
        };
        // For each side once.
        a.put_views(width, (tnum, span)).sync().sync().or_bits_alone()
    }

    /// `a & b != 0`, where one of them is known: its only bit is set in the other.
    fn refine_set(width: Width, a: &Self, b: &Self) -> (Self, Self) {
        let (va, vb) = (a.views(width), b.views(width));
        let with = |(tnum, span): Views<N>, bits: u64| {
            let set = if bits.is_power_of_two() { tnum.or(TnumOf::constant(bits)) } else { tnum };
            (set, span)
        };
        let (va, vb) = match (va.0.as_const(), vb.0.as_const()) {
            (_, Some(bits)) => (with(va, bits), vb),
            (Some(bits), None) => (va, with(vb, bits)),
            (None, None) => (va, vb),
        };
        (a.with_views(width, va), b.with_views(width, vb))
    }

    /// `a & b == 0`, where one of them is known: its bits are clear in the other,
    /// whose bounds are forgotten.
    fn refine_clear(width: Width, a: &Self, b: &Self) -> (Self, Self) {
        let (va, vb) = (a.views(width), b.views(width));
        let clear = |tnum: TnumOf<N>, bits: u64| tnum.and(TnumOf::constant(!bits));
        match (va.0.as_const(), vb.0.as_const()) {
            (_, Some(bits)) => (a.with_bits_alone(width, clear(va.0, bits)), b.with_views(width, vb)),
            (Some(bits), None) => (a.with_views(width, va), b.with_bits_alone(width, clear(vb.0, bits))),
            (None, None) => (a.with_views(width, va), b.with_views(width, vb)),
        }
    }
}

/// The views where the words differ: a known one is cut off the ends of the other.
fn unequal<const N: u32>(bits: u32, a: Views<N>, b: Views<N>) -> (Views<N>, Views<N>) {
    match (a.0.as_const(), b.0.as_const()) {
        (_, Some(y)) => ((a.0, without(bits, a.1, y)), b),
        (Some(x), None) => (a, (b.0, without(bits, b.1, x))),
        (None, None) => (a, b),
    }
}

/// The bounds where `a < b`, or its like, holds.
#[inline(always)]
pub(super) fn order(cond: Cond, mut a: Span, mut b: Span) -> (Span, Span) {
    match cond {
        Cond::Lt => {
            a.umax = a.umax.min(b.umax.wrapping_sub(1));
            b.umin = b.umin.max(a.umin.wrapping_add(1));
        }
        Cond::Slt => {
            a.smax = a.smax.min(b.smax.wrapping_sub(1));
            b.smin = b.smin.max(a.smin.wrapping_add(1));
        }
        Cond::Le => (a.umax, b.umin) = (a.umax.min(b.umax), b.umin.max(a.umin)),
        Cond::Sle => (a.smax, b.smin) = (a.smax.min(b.smax), b.smin.max(a.smin)),
        Cond::Gt | Cond::Ge | Cond::Sgt | Cond::Sge | Cond::Eq | Cond::Ne | Cond::Set => {}
    }
    (a, b)
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

/// Whether every value of the first interval is at least every one of the second
/// (`Some(true)`), or none is (`Some(false)`). Not always the opposite of
/// [`less`]: where no run goes, both may be said.
#[inline(always)]
pub(super) fn at_least<T: Ord>(a_min: T, a_max: T, b_min: T, b_max: T) -> Option<bool> {
    if a_min >= b_max {
        Some(true)
    } else if a_max < b_min {
        Some(false)
    } else {
        None
    }
}

/// Whether the unsigned or the signed intervals have nothing in common.
#[inline(always)]
fn disjoint(a: Span, b: Span) -> bool {
    a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin
}

/// The bounds without the word `x`, where it stands at an end.
#[inline(always)]
pub(super) fn without(bits: u32, mut span: Span, x: u64) -> Span {
    let point = Span::constant(bits, x);
    if span.umin == point.umin {
        span.umin = cut(bits, span.umin.wrapping_add(1));
    }
    if span.umax == point.umax {
        span.umax = cut(bits, span.umax.wrapping_sub(1));
    }
    if span.smin == point.smin {
        span.smin = sign_extend(bits, span.smin.wrapping_add(1) as u64);
    }
    if span.smax == point.smax {
        span.smax = sign_extend(bits, span.smax.wrapping_sub(1) as u64);
    }
    span
}
