//! Intervals: the least and the greatest value of a word, read as an unsigned
//! and as a signed number.
//!
//! **Lattice.** A [`Span`] of `bits`-bit words is a pair of intervals:
//!
//! - meaning: `gamma(s) = { x : umin <= x <= umax and smin <= signed(x) <= smax }`;
//!   with crossed bounds it is empty, and [`Span::reduce`] says so;
//! - order: field by field ([`Span::within`]); join: hull ([`Span::join`]);
//!   meet: [`Span::meet`];
//! - top: [`Span::full`].
//!
//! An [`Arc`] is an interval on the circle of words, `lo, lo+1, .., lo+len`
//! modulo `2^bits`. Sums, differences, products and casts are computed on arcs:
//! there a wrap is no special case. Each of a span's intervals is an arc, and an
//! arc gives back an unsigned interval if it does not pass zero and a signed one
//! if it does not pass the sign boundary:
//!
//! ```text
//!   unsigned   0 ............... MAX|0         signed  MIN .... -1 0 .... MAX|MIN
//!   arc            lo====lo+len                arc         lo======lo+len
//! ```

use super::bits::{cut, mask, sign_bit, sign_extend, signed_max, signed_min};

/// Unsigned and signed bounds of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) umin: u64,
    pub(crate) umax: u64,
    pub(crate) smin: i64,
    pub(crate) smax: i64,
}

/// The words `lo, lo + 1, .., lo + len` modulo `2^bits`. With `len` the largest
/// word it holds every word, and `lo` means nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    pub(crate) lo: u64,
    pub(crate) len: u64,
}

impl Span {
    /// Every word.
    #[inline(always)]
    pub(crate) const fn full(bits: u32) -> Self {
        Self { umin: 0, umax: mask(bits), smin: signed_min(bits), smax: signed_max(bits) }
    }

    /// One word.
    #[inline(always)]
    pub(crate) const fn constant(bits: u32, v: u64) -> Self {
        let (u, s) = (cut(bits, v), sign_extend(bits, v));
        Self { umin: u, umax: u, smin: s, smax: s }
    }

    /// The words from `umin` to `umax`, and what that says of their sign.
    #[inline(always)]
    pub(crate) const fn unsigned(bits: u32, umin: u64, umax: u64) -> Self {
        Self::from_arc(bits, Arc { lo: umin, len: umax - umin })
    }

    /// The words from `smin` to `smax`, and what that says of them unsigned.
    #[inline(always)]
    pub(crate) const fn signed(bits: u32, smin: i64, smax: i64) -> Self {
        Self::from_arc(bits, Arc { lo: cut(bits, smin as u64), len: smax.wrapping_sub(smin) as u64 })
    }

    /// The bounds of an arc's words.
    #[inline(always)]
    pub(crate) const fn from_arc(bits: u32, arc: Arc) -> Self {
        let mut span = Self::full(bits);
        if arc.len == mask(bits) {
            return span;
        }
        let hi = cut(bits, arc.lo.wrapping_add(arc.len));
        if arc.lo <= hi {
            (span.umin, span.umax) = (arc.lo, hi);
        }
        let (slo, shi) = (sign_extend(bits, arc.lo), sign_extend(bits, hi));
        if slo <= shi {
            (span.smin, span.smax) = (slo, shi);
        }
        span
    }

    /// The unsigned interval.
    #[inline(always)]
    pub(crate) const fn unsigned_arc(self) -> Arc {
        Arc { lo: self.umin, len: self.umax - self.umin }
    }

    /// The signed interval.
    #[inline(always)]
    pub(crate) const fn signed_arc(self, bits: u32) -> Arc {
        Arc { lo: cut(bits, self.smin as u64), len: self.smax.wrapping_sub(self.smin) as u64 }
    }

    /// Whether the word `x` is within the bounds.
    pub(crate) const fn contains(self, bits: u32, x: u64) -> bool {
        let s = sign_extend(bits, x);
        self.umin <= x && x <= self.umax && self.smin <= s && s <= self.smax
    }

    /// Whether each interval lies within the other span's (the kernel's
    /// `range_within`).
    #[inline(always)]
    pub(crate) const fn within(self, other: Self) -> bool {
        other.umin <= self.umin
            && self.umax <= other.umax
            && other.smin <= self.smin
            && self.smax <= other.smax
    }

    /// The words in both; the bounds may cross.
    #[inline(always)]
    pub(crate) fn meet(self, other: Self) -> Self {
        Self {
            umin: self.umin.max(other.umin),
            umax: self.umax.min(other.umax),
            smin: self.smin.max(other.smin),
            smax: self.smax.min(other.smax),
        }
    }

    /// The smallest span that holds the words of both.
    #[inline(always)]
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            umin: self.umin.min(other.umin),
            umax: self.umax.max(other.umax),
            smin: self.smin.min(other.smin),
            smax: self.smax.max(other.smax),
        }
    }

    /// The tightest bounds of the same words; `None` if there are none.
    ///
    /// The words are those of the lower half of the circle (not negative) and
    /// those of the upper half (negative). Within a half both orders agree, so
    /// each half is one interval:
    ///
    /// ```text
    ///            0 ............ MAX  MIN ............ -1
    ///   unsigned      [===========================]
    ///   signed   ==========]                  [=======
    ///   words         [====]                  [===]
    /// ```
    #[inline(always)]
    pub(crate) fn reduce(self, bits: u32) -> Option<Self> {
        if self.umin > self.umax || self.smin > self.smax {
            return None;
        }
        // Usually both intervals are the same words already.
        if self.umin == cut(bits, self.smin as u64) && self.umax == cut(bits, self.smax as u64) {
            return Some(self);
        }
        self.reduce_halves(bits)
    }

    /// [`Span::reduce`] where the intervals differ; neither is empty.
    #[inline(never)]
    fn reduce_halves(self, bits: u32) -> Option<Self> {
        let sign = sign_bit(bits);
        let (slo, shi) = (cut(bits, self.smin as u64), cut(bits, self.smax as u64));
        let lower_lo = if self.smin < 0 { self.umin } else { self.umin.max(slo) };
        let lower_hi = self.umax.min(if self.smax < 0 { sign - 1 } else { shi });
        let upper_lo = self.umin.max(if self.smin < 0 { slo } else { sign });
        let upper_hi = if self.smax < 0 { self.umax.min(shi) } else { self.umax };
        let lower = self.smax >= 0 && lower_lo <= lower_hi;
        let upper = self.smin < 0 && upper_lo <= upper_hi;
        let (low, high) = match (lower, upper) {
            (false, false) => return None,
            (true, false) => (lower_lo, lower_hi),
            (false, true) => (upper_lo, upper_hi),
            (true, true) => {
                return Some(Self {
                    umin: lower_lo,
                    umax: upper_hi,
                    smin: sign_extend(bits, upper_lo),
                    smax: sign_extend(bits, lower_hi),
                });
            }
        };
        let (smin, smax) = (sign_extend(bits, low), sign_extend(bits, high));
        Some(Self { umin: low, umax: high, smin, smax })
    }

    /// What both intervals, of `bits`-bit words, say of the words' low `half`
    /// bits.
    #[inline(always)]
    pub(crate) fn low(self, bits: u32, half: u32) -> Self {
        let (unsigned, signed) = (self.unsigned_arc(), self.signed_arc(bits));
        if unsigned.len >= mask(half) && signed.len >= mask(half) {
            return Self::full(half);
        }
        let unsigned = Self::from_arc(half, unsigned.low(half));
        unsigned.meet(Self::from_arc(half, signed.low(half)))
    }
}

impl Arc {
    /// The arc of the words' low `half` bits.
    #[inline(always)]
    pub(crate) const fn low(self, half: u32) -> Self {
        let len = if self.len > mask(half) { mask(half) } else { self.len };
        Self { lo: cut(half, self.lo), len }
    }

    /// The sums of a word here and a word there.
    #[inline(always)]
    pub(crate) const fn add(self, bits: u32, other: Self) -> Self {
        match self.len.checked_add(other.len) {
            Some(len) if len <= mask(bits) => Self { lo: cut(bits, self.lo.wrapping_add(other.lo)), len },
            Some(_) | None => Self::full(bits),
        }
    }

    /// The negations of the words.
    #[inline(always)]
    pub(crate) const fn neg(self, bits: u32) -> Self {
        Self { lo: cut(bits, self.lo.wrapping_add(self.len).wrapping_neg()), len: self.len }
    }

    /// The complements of the words.
    #[inline(always)]
    pub(crate) const fn not(self, bits: u32) -> Self {
        Self { lo: cut(bits, !self.lo.wrapping_add(self.len)), len: self.len }
    }

    /// The words times `2^count`, `count < bits`.
    #[inline(always)]
    pub(crate) const fn lsh(self, bits: u32, count: u32) -> Self {
        if self.len > mask(bits) >> count {
            return Self::full(bits);
        }
        Self { lo: cut(bits, self.lo << count), len: self.len << count }
    }

    /// Every word.
    #[inline(always)]
    pub(crate) const fn full(bits: u32) -> Self {
        Self { lo: 0, len: mask(bits) }
    }
}
