//! Intervals: the least and the greatest value of a word, read as an unsigned
//! and as a signed number.
//!
//! **Lattice.** A [`Span`] of `bits`-bit words is a pair of intervals:
//!
//! - meaning: `gamma(s) = { x : umin <= x <= umax and smin <= signed(x) <= smax }`;
//!   with crossed bounds it is empty ([`Span::is_crossed`]);
//! - order: field by field ([`Span::within`]); join: hull ([`Span::join`]);
//!   meet: [`Span::meet`];
//! - top: [`Span::full`].

use super::bits::{cut, mask, sign_extend, signed_max, signed_min};

/// Unsigned and signed bounds of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) umin: u64,
    pub(crate) umax: u64,
    pub(crate) smin: i64,
    pub(crate) smax: i64,
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

    /// Whether a least value is greater than the greatest: there is no such word.
    #[inline(always)]
    pub(crate) const fn is_crossed(self) -> bool {
        self.umin > self.umax || self.smin > self.smax
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
        self.meet_unsigned(other.umin, other.umax).meet_signed(other.smin, other.smax)
    }

    /// Those of the words that are from `min` to `max`, unsigned.
    #[inline(always)]
    pub(crate) fn meet_unsigned(self, min: u64, max: u64) -> Self {
        Self { umin: self.umin.max(min), umax: self.umax.min(max), ..self }
    }

    /// Those of the words that are from `min` to `max`, signed.
    #[inline(always)]
    pub(crate) fn meet_signed(self, min: i64, max: i64) -> Self {
        Self { smin: self.smin.max(min), smax: self.smax.min(max), ..self }
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

    /// The same with the signed bounds that the unsigned ones allow: none, where
    /// they pass the sign.
    #[inline(always)]
    pub(crate) const fn signed_as_unsigned(self, bits: u32) -> Self {
        let (lo, hi) = (sign_extend(bits, self.umin), sign_extend(bits, self.umax));
        if lo <= hi {
            Self { smin: lo, smax: hi, ..self }
        } else {
            Self { smin: signed_min(bits), smax: signed_max(bits), ..self }
        }
    }
}
