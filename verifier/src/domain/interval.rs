//! Operators on bounds: what each makes of intervals of `bits`-bit words.
//!
//! Law: for all words `x` within `a` and `y` within `b`, `op(x, y)` is within
//! the result, where `tnum` holds it. Results are as loose as the kernel's
//! (`scalar_min_max_add` and its like): a verdict is to be the kernel's.

use super::bits::{cut, mask, sign_extend};
use super::range::Span;
use super::tnum::TnumOf;

/// The sums of a word here and a word there. Where every sum wraps, or none
/// does, the ends stay the ends; signed ones are given up where any may wrap.
#[inline(always)]
pub(crate) fn add(bits: u32, a: Span, b: Span) -> Span {
    let carries = |x: u64, y: u64| u128::from(x) + u128::from(y) > u128::from(mask(bits));
    let mut sum =
        signed(bits, &[i128::from(a.smin) + i128::from(b.smin), i128::from(a.smax) + i128::from(b.smax)]);
    if carries(a.umin, b.umin) || !carries(a.umax, b.umax) {
        sum.umin = cut(bits, a.umin.wrapping_add(b.umin));
        sum.umax = cut(bits, a.umax.wrapping_add(b.umax));
    }
    sum
}

/// The differences, likewise.
#[inline(always)]
pub(crate) fn sub(bits: u32, a: Span, b: Span) -> Span {
    let ends = [i128::from(a.smin) - i128::from(b.smax), i128::from(a.smax) - i128::from(b.smin)];
    let mut difference = signed(bits, &ends);
    if a.umin >= b.umax || a.umax < b.umin {
        difference.umin = cut(bits, a.umin.wrapping_sub(b.umax));
        difference.umax = cut(bits, a.umax.wrapping_sub(b.umin));
    }
    difference
}

/// The products lie between those of the ends, where none of these wraps.
pub(crate) fn mul(bits: u32, a: Span, b: Span) -> Span {
    let times = |x: i64, y: i64| i128::from(x) * i128::from(y);
    let ends = [times(a.smin, b.smin), times(a.smin, b.smax), times(a.smax, b.smin), times(a.smax, b.smax)];
    let mut product = signed(bits, &ends);
    let times = |x: u64, y: u64| u128::from(x) * u128::from(y);
    let (least, most) = (times(a.umin, b.umin), times(a.umax, b.umax));
    if least.max(most) <= u128::from(mask(bits)) {
        (product.umin, product.umax) = (least as u64, most as u64);
    }
    product
}

/// Every word whose signed bounds are among these numbers; every word, where one
/// of them is none of `bits` bits.
#[inline(always)]
fn signed(bits: u32, ends: &[i128]) -> Span {
    let full = Span::full(bits);
    let fits = |end: &i128| i128::from(full.smin) <= *end && *end <= i128::from(full.smax);
    let (first, rest) = (ends[0], &ends[1..]);
    if !ends.iter().all(fits) {
        return full;
    }
    // Of two ends the first is the least: crossed bounds stay crossed.
    let (least, most) = match rest {
        [last] => (first, *last),
        rest => (rest.iter().fold(first, |a, b| a.min(*b)), rest.iter().fold(first, |a, b| a.max(*b))),
    };
    Span { smin: least as i64, smax: most as i64, ..full }
}

/// `x & y` is at most either; its least value is what is known to be set.
#[inline(always)]
pub(crate) fn and<const N: u32>(bits: u32, a: Span, b: Span, tnum: TnumOf<N>) -> Span {
    let (umin, umax) = (tnum.min(), a.umax.min(b.umax));
    Span { umin, umax, ..Span::full(bits) }.signed_as_unsigned(bits)
}

/// `x | y` is at least either; its greatest value is what may be set.
#[inline(always)]
pub(crate) fn or<const N: u32>(bits: u32, a: Span, b: Span, tnum: TnumOf<N>) -> Span {
    let (umin, umax) = (a.umin.max(b.umin), tnum.max());
    Span { umin, umax, ..Span::full(bits) }.signed_as_unsigned(bits)
}

/// Of `x ^ y` only the bits say something.
#[inline(always)]
pub(crate) fn xor<const N: u32>(bits: u32, tnum: TnumOf<N>) -> Span {
    Span { umin: tnum.min(), umax: tnum.max(), ..Span::full(bits) }.signed_as_unsigned(bits)
}

/// The words times `2^count`, where no set bit is lost: nothing is said of the
/// sign. A count of `bits` and more leaves nothing to be said.
#[inline(always)]
pub(crate) fn lsh(bits: u32, a: Span, count: u32) -> Span {
    let full = Span::full(bits);
    if count >= bits || a.umax > 1 << (bits - 1 - count) {
        return full;
    }
    Span { umin: a.umin << count, umax: a.umax << count, ..full }
}

/// Shifted right by `count < bits`, zeroes from above.
#[inline(always)]
pub(crate) fn rsh(bits: u32, a: Span, count: u32) -> Span {
    Span { umin: a.umin >> count, umax: a.umax >> count, ..Span::full(bits) }
}

/// Shifted right by `count < bits`, copies of the sign from above.
#[inline(always)]
pub(crate) fn arsh(bits: u32, a: Span, count: u32) -> Span {
    Span { smin: a.smin >> count, smax: a.smax >> count, ..Span::full(bits) }
}

/// The signed bounds of a word shifted left by exactly half of its bits: its low
/// half says them.
#[inline(always)]
pub(crate) fn lsh_by_half(bits: u32, wide: Span, low: Span) -> Span {
    let up = |end: i64| sign_extend(bits, cut(bits, (end as u64) << (bits / 2)));
    Span { smin: up(low.smin), smax: up(low.smax), ..wide }
}
