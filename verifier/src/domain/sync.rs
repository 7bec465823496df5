//! The reduction of the product: what each view tells the others.
//!
//! ```text
//!        tnum  <-------->  wide bounds (u, s)
//!          ^                 ^      |
//!          |                 |      v
//!          +-------------->  low bounds (u32, s32)
//! ```
//!
//! Law: no member is ever lost. Each arrow is the kernel's deduction of the same
//! name (`__update_reg_bounds`, `__reg_deduce_bounds`, `__reg_bound_offset`), no
//! weaker and no stronger, and they are taken in its order and as often: a
//! verdict is to be the kernel's. So some bounds are less tight than they could
//! be, a second `sync` may change something, and [`extended`] even loses a bound.
//! Where there is no member, what comes out is what the kernel goes on with.

use super::bits::{cut, mask, sign_bit, sign_extend, signed_max, signed_min};
use super::range::Span;
use super::scalar::ScalarOf;
use super::tnum::TnumOf;

/// How often the bounds tell each other what they know.
const ROUNDS: u32 = 3;

impl<const N: u32> ScalarOf<N> {
    /// Tells every view what the others know (`reg_bounds_sync`).
    pub(crate) fn sync(self) -> Self {
        if self == Self::UNKNOWN {
            return self;
        }
        let mut now = self.with_bounds_of_bits();
        for _ in 0..ROUNDS {
            let next = now.deduce();
            if next == now {
                break;
            }
            now = next;
        }
        now.with_bits_of_bounds().with_bounds_of_bits()
    }

    /// The bounds, no looser than the bits say (`__update_reg_bounds`).
    #[inline(always)]
    pub(crate) fn with_bounds_of_bits(self) -> Self {
        let low = self.low().meet(bounds_of(Self::HALF, self.tnum.zero_extend(Self::HALF)));
        let wide = self.wide().meet(bounds_of(N, self.tnum));
        match only(self.tnum, wide.umin, wide.umax) {
            Some(value) => Self::constant(value),
            None => Self::from_views(self.tnum, wide, low),
        }
    }

    /// The bits that the unsigned bounds lead their ends with
    /// (`__reg_bound_offset`).
    #[inline(always)]
    fn with_bits_of_bounds(self) -> Self {
        let tnum = self.tnum.intersect(TnumOf::range(self.umin, self.umax));
        let low = TnumOf::range(self.u32_min.into(), self.u32_max.into());
        let low = tnum.zero_extend(Self::HALF).intersect(low);
        Self { tnum: tnum.with_low(Self::HALF, low), ..self }
    }

    /// One round of what the bounds tell each other (`__reg_deduce_bounds`).
    #[inline(always)]
    fn deduce(self) -> Self {
        let low = both_signs(Self::HALF, from_wide::<N>(self.low(), self.wide()));
        let wide = with_low::<N>(both_signs(N, self.wide()), low);
        match extended::<N>(wide, low) {
            Some(wide) => {
                let bits = TnumOf::range(cut(N, wide.smin as u64), cut(N, wide.smax as u64));
                Self::from_views(self.tnum.intersect(bits), wide, low)
            }
            None => Self::from_views(self.tnum, wide, low),
        }
    }
}

/// The bounds of a word of `bits` bits with these bits known. An end need not be
/// a member of both: like the kernel, no one then looks for the next that is.
#[inline(always)]
pub(super) fn bounds_of<const N: u32>(bits: u32, tnum: TnumOf<N>) -> Span {
    let sign = sign_bit(bits);
    let (smin, smax) = (tnum.min() | (tnum.mask() & sign), tnum.max() & !(tnum.mask() & sign));
    let signed = |v: u64| sign_extend(bits, v);
    Span { umin: tnum.min(), umax: tnum.max(), smin: signed(smin), smax: signed(smax) }
}

/// The only member of `tnum` from `min` to `max`, where the kernel finds that there
/// is one only; some word, where there is none.
#[inline(always)]
pub(super) fn only<const N: u32>(tnum: TnumOf<N>, min: u64, max: u64) -> Option<u64> {
    let next = tnum.after(min);
    if tnum.contains(min) {
        return (next > max).then_some(min);
    }
    let alone = next == tnum.max() || (next <= max && tnum.after(next) > max);
    alone.then_some(next)
}

/// What the bounds of a word say of its low half: as much as the ends do where
/// their upper halves are alike, or follow each other while the lower ones pass
/// zero.
#[inline(always)]
pub(super) fn from_wide<const N: u32>(mut low: Span, wide: Span) -> Span {
    let half = N / 2;
    let (ulo, uhi) = (wide.umin, wide.umax);
    let (slo, shi) = (cut(N, wide.smin as u64), cut(N, wide.smax as u64));
    let signed = |end: u64| sign_extend(half, end);
    if ulo >> half == uhi >> half {
        low = low.meet_unsigned(cut(half, ulo), cut(half, uhi));
        if signed(ulo) <= signed(uhi) {
            low = low.meet_signed(signed(ulo), signed(uhi));
        }
    }
    if slo >> half == shi >> half {
        if cut(half, slo) <= cut(half, shi) {
            low = low.meet_unsigned(cut(half, slo), cut(half, shi));
        }
        if signed(slo) <= signed(shi) {
            low = low.meet_signed(signed(slo), signed(shi));
        }
    }
    for (lo, hi) in [(ulo, uhi), (slo, shi)] {
        if cut(half, (lo >> half) + 1) == hi >> half && signed(lo) < 0 && signed(hi) >= 0 {
            low = low.meet_signed(signed(lo), signed(hi));
        }
    }
    low
}

/// What the signed and the unsigned bounds tell each other, where one of them does
/// not pass the point at which the orders part. If the signed ones pass it, and the
/// unsigned ones reach only one of the two parts that this makes of them, it is
/// that part.
#[inline(always)]
pub(super) fn both_signs(bits: u32, mut span: Span) -> Span {
    let (lo, hi) = (sign_extend(bits, span.umin), sign_extend(bits, span.umax));
    if lo <= hi {
        span = span.meet_signed(lo, hi);
    }
    let (lo, hi) = (cut(bits, span.smin as u64), cut(bits, span.smax as u64));
    if lo <= hi {
        return span.meet_unsigned(lo, hi);
    }
    if span.umax < lo {
        (span.smin, span.umax) = (sign_extend(bits, span.umin), span.umax.min(hi));
    } else if hi < span.umin {
        (span.smax, span.umin) = (sign_extend(bits, span.umax), span.umin.max(lo));
    }
    span
}

/// `wide`, no looser than its ends with the ends of `low` for their low halves:
/// bounds of every word that is within both.
#[inline(always)]
pub(super) fn with_low<const N: u32>(wide: Span, low: Span) -> Span {
    let half = mask(N / 2);
    let signed = |end: i64, low: u64| end & !(half as i64) | low as i64;
    wide.meet_unsigned((wide.umin & !half) | low.umin, (wide.umax & !half) | low.umax)
        .meet_signed(signed(wide.smin, low.umin), signed(wide.smax, low.umax))
}

/// A word that is a signed low half extended, and whose low half is not
/// negative, is its low half: it is only as tight as that, whatever was known of
/// the word.
#[inline(always)]
pub(super) fn extended<const N: u32>(wide: Span, low: Span) -> Option<Span> {
    let half = N / 2;
    let is_low = low.smin >= 0 && signed_min(half) <= wide.smin && wide.smax <= signed_max(half);
    let word = |end: i64| cut(N, end as u64);
    is_low.then(|| Span { umin: word(low.smin), umax: word(low.smax), smin: low.smin, smax: low.smax })
}
