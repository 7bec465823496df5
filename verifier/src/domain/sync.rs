//! The reduction of the product: what each view tells the others.
//!
//! ```text
//!        tnum  <-------->  wide bounds (u, s)
//!          ^                 ^      |
//!          |                 |      v
//!          +-------------->  low bounds (u32, s32)
//! ```
//!
//! Laws: no member is ever lost; no bound ever grows; a second `sync` changes
//! nothing. Each arrow is at least as strong as the kernel's deduction of the
//! same name (`__update_reg_bounds`, `__reg_deduce_bounds`,
//! `__reg_bound_offset`) and, where a program would show the difference, no
//! stronger: a verdict is to be the kernel's. They are repeated until nothing
//! changes, where the kernel stops after a fixed number of rounds.

use super::bits::{mask, sign_bit, sign_extend, signed_max, signed_min};
use super::range::Span;
use super::scalar::ScalarOf;
use super::tnum::TnumOf;

/// Rounds after which a scalar is taken as it is. A round that changes anything
/// moves a bound, and the laws see at most a handful; the limit is for time.
const ROUNDS: u32 = 16;

impl<const N: u32> ScalarOf<N> {
    /// The normal form; `None` if no member is left.
    pub(crate) fn sync(self) -> Option<Self> {
        if self == Self::UNKNOWN {
            return Some(self);
        }
        let mut now = self;
        for _ in 0..ROUNDS {
            if let Some(value) = now.tnum.as_const() {
                return now.contains(value).then(|| Self::constant(value));
            }
            let (next, settled) = now.deduce()?;
            if settled {
                return Some(next);
            }
            now = next;
        }
        Some(now)
    }

    /// The normal form of a scalar that has a member by construction.
    pub(crate) fn normal(self) -> Self {
        let synced = self.sync();
        debug_assert!(synced.is_some(), "{self:?} has a member");
        // Without the tightening it would still hold every member.
        synced.unwrap_or(self)
    }

    /// One round of every deduction, and whether another would change nothing.
    ///
    /// Every arrow starts from the end of the one before; so all that a second
    /// round could see for the first time is what the low bounds told the wide
    /// ones, and bounds that the new tnum has left.
    #[inline(always)]
    fn deduce(self) -> Option<(Self, bool)> {
        let wide = self.wide().meet(bounds_of(N, self.tnum)).reduce(N)?;
        let low = self.low().meet(bounds_of(Self::HALF, self.tnum.zero_extend(Self::HALF)));
        let low = low.meet(wide.low(N, Self::HALF)).reduce(Self::HALF)?;
        let told = wide.meet(with_low::<N>(wide, low)).meet(extended::<N>(wide, low)).reduce(N)?;
        let tnum = self.tnum.intersect(TnumOf::range(told.umin, told.umax))?;
        let low_bits = tnum.zero_extend(Self::HALF).intersect(TnumOf::range(low.umin, low.umax))?;
        let tnum = tnum.with_low(Self::HALF, low_bits);
        let settled = told == wide
            && !tnum.is_const()
            && told.within(bounds_of(N, tnum))
            && low.within(bounds_of(Self::HALF, tnum.zero_extend(Self::HALF)));
        Some((Self::from_views(tnum, told, low), settled))
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

/// The ends of `wide` with the ends of `low` for their low halves: bounds of
/// every word that is within both.
#[inline(always)]
pub(super) fn with_low<const N: u32>(wide: Span, low: Span) -> Span {
    let half = mask(N / 2);
    Span {
        umin: (wide.umin & !half) | low.umin,
        umax: (wide.umax & !half) | low.umax,
        smin: (wide.smin & !(half as i64)) | low.umin as i64,
        smax: (wide.smax & !(half as i64)) | low.umax as i64,
    }
}

/// A word that is a signed low half extended, and whose low half is not
/// negative, is its low half.
#[inline(always)]
pub(super) fn extended<const N: u32>(wide: Span, low: Span) -> Span {
    let half = N / 2;
    if low.smin >= 0 && signed_min(half) <= wide.smin && wide.smax <= signed_max(half) {
        low
    } else {
        Span::full(N)
    }
}
