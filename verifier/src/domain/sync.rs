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
//! `__reg_bound_offset`), and they are repeated until nothing changes, where the
//! kernel stops after a fixed number of rounds.

use super::bits::{cut, sign_bit, sign_extend};
use super::range::{Arc, Span};
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
        let wide = within_tnum(N, self.wide(), self.tnum)?.reduce(N)?;
        let low = within_tnum(Self::HALF, self.low(), self.tnum.zero_extend(Self::HALF))?;
        let low = low.meet(wide.low(N, Self::HALF)).reduce(Self::HALF)?;
        let told = within_low::<N>(wide, low)?;
        let tnum = self.tnum.intersect(TnumOf::range(told.umin, told.umax))?;
        let low_bits = tnum.zero_extend(Self::HALF).intersect(TnumOf::range(low.umin, low.umax))?;
        let tnum = tnum.with_low(Self::HALF, low_bits);
        let settled = told == wide
            && !tnum.is_const()
            && ends_within(N, wide, tnum)
            && ends_within(Self::HALF, low, tnum.zero_extend(Self::HALF));
        Some((Self::from_views(tnum, told, low), settled))
    }
}

/// Whether the bounds are members of `tnum`.
#[inline(always)]
fn ends_within<const N: u32>(bits: u32, span: Span, tnum: TnumOf<N>) -> bool {
    let strays = |x: u64| (x ^ tnum.value()) & !tnum.mask();
    let signed = strays(cut(bits, span.smin as u64)) | strays(cut(bits, span.smax as u64));
    strays(span.umin) | strays(span.umax) | signed == 0
}

/// The bounds moved inwards to members of `tnum`, as a word of `bits` bits.
#[inline(always)]
fn within_tnum<const N: u32>(bits: u32, span: Span, tnum: TnumOf<N>) -> Option<Span> {
    if ends_within(bits, span, tnum) { Some(span) } else { moved_to_members(bits, span, tnum) }
}

#[inline(never)]
fn moved_to_members<const N: u32>(bits: u32, span: Span, tnum: TnumOf<N>) -> Option<Span> {
    let sign = sign_bit(bits);
    // With the sign bit flipped signed order is unsigned order.
    let flipped = tnum.xor(TnumOf::constant(sign));
    let (biased_min, biased_max) = (cut(bits, span.smin as u64) ^ sign, cut(bits, span.smax as u64) ^ sign);
    Some(Span {
        umin: tnum.next_member(span.umin)?,
        umax: tnum.prev_member(span.umax)?,
        smin: sign_extend(bits, flipped.next_member(biased_min)? ^ sign),
        smax: sign_extend(bits, flipped.prev_member(biased_max)? ^ sign),
    })
}

/// The bounds of a word moved inwards to words whose low half is within `low`.
#[inline(always)]
fn within_low<const N: u32>(wide: Span, low: Span) -> Option<Span> {
    let half = N / 2;
    let arcs = [low.unsigned_arc(), low.signed_arc(half)];
    let ends = [wide.umin, wide.umax, wide.smin as u64, wide.smax as u64];
    let settled = arcs.iter().all(|arc| ends.iter().all(|end| arc.contains(half, *end)));
    if settled { Some(wide) } else { moved_to_low::<N>(wide, arcs) }
}

#[inline(never)]
fn moved_to_low<const N: u32>(wide: Span, arcs: [Arc; 2]) -> Option<Span> {
    let half = N / 2;
    let sign = sign_bit(N);
    let (mut umin, mut umax) = (wide.umin, wide.umax);
    // With the sign bit flipped signed order is unsigned order, and the low half
    // is the same.
    let (mut smin, mut smax) = (cut(N, wide.smin as u64) ^ sign, cut(N, wide.smax as u64) ^ sign);
    for arc in arcs {
        umin = arc.next(N, half, umin)?;
        umax = arc.prev(half, umax)?;
        smin = arc.next(N, half, smin)?;
        smax = arc.prev(half, smax)?;
    }
    Some(Span { umin, umax, smin: sign_extend(N, smin ^ sign), smax: sign_extend(N, smax ^ sign) })
}
