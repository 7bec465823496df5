//! The product of the views of a word: its values, its order, join and meet.

use super::bits::{cut, mask};
use super::range::Span;
use super::tnum::TnumOf;

/// What is known of an `N`-bit word (`N` even). See the module for the lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScalarOf<const N: u32> {
    pub(crate) tnum: TnumOf<N>,
    pub(crate) umin: u64,
    pub(crate) umax: u64,
    pub(crate) smin: i64,
    pub(crate) smax: i64,
    pub(crate) u32_min: u32,
    pub(crate) u32_max: u32,
    pub(crate) s32_min: i32,
    pub(crate) s32_max: i32,
}

/// What is known of the number in a register.
pub type Scalar = ScalarOf<64>;

impl<const N: u32> ScalarOf<N> {
    /// The number of bits of the low part.
    pub(crate) const HALF: u32 = N / 2;

    /// Nothing is known.
    pub const UNKNOWN: Self = Self::from_views(TnumOf::UNKNOWN, Span::full(N), Span::full(Self::HALF));

    /// The scalar of the views as they are.
    #[inline(always)]
    pub(crate) const fn from_views(tnum: TnumOf<N>, wide: Span, low: Span) -> Self {
        Self {
            tnum,
            umin: wide.umin,
            umax: wide.umax,
            smin: wide.smin,
            smax: wide.smax,
            u32_min: low.umin as u32,
            u32_max: low.umax as u32,
            s32_min: low.smin as i32,
            s32_max: low.smax as i32,
        }
    }

    /// The bounds of the whole word.
    #[inline(always)]
    pub(crate) const fn wide(&self) -> Span {
        Span { umin: self.umin, umax: self.umax, smin: self.smin, smax: self.smax }
    }

    /// The bounds of the low half.
    #[inline(always)]
    pub(crate) const fn low(&self) -> Span {
        Span {
            umin: self.u32_min as u64,
            umax: self.u32_max as u64,
            smin: self.s32_min as i64,
            smax: self.s32_max as i64,
        }
    }

    /// Exactly the word `value`.
    #[must_use]
    pub const fn constant(value: u64) -> Self {
        let tnum = TnumOf::constant(value);
        Self::from_views(tnum, Span::constant(N, value), Span::constant(Self::HALF, value))
    }

    /// Every word from `min` to `max`, unsigned; `None` if `min > max`.
    #[must_use]
    pub fn from_unsigned_range(min: u64, max: u64) -> Option<Self> {
        if min > max {
            return None;
        }
        Some(Self::from_wide(Span { umin: min, umax: max, ..Span::full(N) }))
    }

    /// Every word from `min` to `max`, signed; `None` if `min > max`.
    #[must_use]
    pub fn from_signed_range(min: i64, max: i64) -> Option<Self> {
        if min > max {
            return None;
        }
        Some(Self::from_wide(Span { smin: min, smax: max, ..Span::full(N) }))
    }

    /// Every word that is a member of `tnum`.
    #[must_use]
    pub fn from_tnum(tnum: TnumOf<N>) -> Self {
        Self::from_views(tnum, Span::full(N), Span::full(Self::HALF)).sync()
    }

    fn from_wide(wide: Span) -> Self {
        Self::from_views(TnumOf::UNKNOWN, wide, Span::full(Self::HALF)).sync()
    }

    /// What is known of each bit.
    #[must_use]
    pub const fn tnum(&self) -> TnumOf<N> {
        self.tnum
    }

    /// The least value, unsigned.
    #[must_use]
    pub const fn umin(&self) -> u64 {
        self.umin
    }

    /// The greatest value, unsigned.
    #[must_use]
    pub const fn umax(&self) -> u64 {
        self.umax
    }

    /// The least value, signed.
    #[must_use]
    pub const fn smin(&self) -> i64 {
        self.smin
    }

    /// The greatest value, signed.
    #[must_use]
    pub const fn smax(&self) -> i64 {
        self.smax
    }

    /// The least value of the low half, unsigned.
    #[must_use]
    pub const fn u32_min(&self) -> u32 {
        self.u32_min
    }

    /// The greatest value of the low half, unsigned.
    #[must_use]
    pub const fn u32_max(&self) -> u32 {
        self.u32_max
    }

    /// The least value of the low half, signed.
    #[must_use]
    pub const fn s32_min(&self) -> i32 {
        self.s32_min
    }

    /// The greatest value of the low half, signed.
    #[must_use]
    pub const fn s32_max(&self) -> i32 {
        self.s32_max
    }

    /// The only value, if there is one only.
    #[must_use]
    pub const fn as_const(&self) -> Option<u64> {
        self.tnum.as_const()
    }

    /// The only value of the low half, if there is one only.
    #[must_use]
    pub const fn as_const32(&self) -> Option<u32> {
        if cut(Self::HALF, self.tnum.mask()) == 0 {
            Some(cut(Self::HALF, self.tnum.value()) as u32)
        } else {
            None
        }
    }

    /// Whether every word is a member.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::UNKNOWN
    }

    /// Whether the word `x` is a member.
    #[must_use]
    pub const fn contains(&self, x: u64) -> bool {
        x <= mask(N)
            && self.tnum.contains(x)
            && self.wide().contains(N, x)
            && self.low().contains(Self::HALF, cut(Self::HALF, x))
    }

    /// Whether every view of `self` allows no more than `other`'s: a state that
    /// was safe with `other` is safe with `self` (the kernel's `range_within`
    /// and `tnum_in`).
    #[must_use]
    pub const fn within(&self, other: &Self) -> bool {
        self.wide().within(other.wide()) && self.low().within(other.low()) && self.tnum.within(other.tnum)
    }

    /// A scalar that holds the members of both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let tnum = self.tnum.join(other.tnum);
        Self::from_views(tnum, self.wide().join(other.wide()), self.low().join(other.low()))
    }

    /// Whether no word is a member of both. It need not be found where it is so.
    #[must_use]
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        self.wide().meet(other.wide()).is_crossed()
            || self.low().meet(other.low()).is_crossed()
            || !self.tnum.overlaps(other.tnum)
    }

    /// Whether the views contradict each other plainly: no run comes here, though the
    /// known bits that are gone on with may look like a word. Where they do not, a run
    /// need not come either.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        let known = |span: Span, bits, value| span != Span::constant(bits, value);
        self.wide().is_crossed()
            || self.low().is_crossed()
            || self.as_const().is_some_and(|value| known(self.wide(), N, value))
            || self.as_const32().is_some_and(|value| known(self.low(), Self::HALF, value.into()))
    }

    /// The same; where the views contradict each other, what the kernel goes on
    /// with: the known bits alone, which no bound follows.
    #[inline(always)]
    pub(crate) fn or_bits_alone(self) -> Self {
        if self.is_contradiction() {
            Self::from_views(self.tnum, Span::full(N), Span::full(Self::HALF))
        } else {
            self
        }
    }
}
