//! Operators on bounds: what each makes of intervals of `bits`-bit words.
//!
//! Law: for all words `x` within `a` and `y` within `b`, `op(x, y)` is within
//! the result. Results may be loose where the tnum knows more, or where one of
//! the two intervals does: `sync` tightens them.

use brolga_core::insn::AluOp;

use super::bits::{cut, mask, signed_max, signed_min};
use super::range::{Arc, Span};
use super::tnum::TnumOf;

/// The counts a shift may use: from `lo` to `hi`, members of `tnum`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count<const N: u32> {
    pub(crate) lo: u32,
    pub(crate) hi: u32,
    tnum: TnumOf<N>,
}

impl<const N: u32> Count<N> {
    /// The counts that a source of these views stands for, masked to a word of
    /// `bits` bits.
    #[inline(always)]
    pub(crate) fn of(bits: u32, tnum: TnumOf<N>, span: Span) -> Self {
        let tnum = tnum.and(TnumOf::constant(u64::from(bits - 1)));
        let (lo, hi) =
            if span.umax < u64::from(bits) { (span.umin, span.umax) } else { (tnum.min(), tnum.max()) };
        Self { lo: lo as u32, hi: hi as u32, tnum }
    }

    /// The join of `shifted` by every count.
    #[inline(always)]
    pub(crate) fn join_all(self, shifted: impl Fn(u32) -> TnumOf<N>) -> TnumOf<N> {
        let mut all = shifted(self.lo);
        for count in self.lo + 1..=self.hi {
            if all.is_unknown() {
                break;
            }
            if self.tnum.contains(u64::from(count)) {
                all = all.join(shifted(count));
            }
        }
        all
    }
}

/// `op` on bounds. `count` is what `b` is as a shift count.
#[inline(always)]
pub(crate) fn alu<const N: u32>(op: AluOp, bits: u32, a: Span, b: Span, count: Count<N>) -> Span {
    match op {
        AluOp::Add => add(bits, a, b),
        AluOp::Sub => sub(bits, a, b),
        AluOp::Mul => mul(bits, a, b),
        AluOp::And => and(bits, a, b),
        AluOp::Or => or(bits, a, b),
        AluOp::Xor => xor(bits, a, b),
        AluOp::Mov => b,
        AluOp::Lsh => lsh(bits, a, count.lo, count.hi),
        AluOp::Rsh => Span::unsigned(bits, a.umin >> count.hi, a.umax >> count.lo),
        AluOp::Arsh => arsh(bits, a, count.lo, count.hi),
        AluOp::Div => div(bits, a, b),
        AluOp::Mod => modulo(bits, a, b),
        AluOp::Sdiv if a.smin >= 0 && b.smin >= 0 => div(bits, a, b),
        AluOp::Sdiv => sdiv(bits, a, b),
        AluOp::Smod if a.smin >= 0 && b.smin >= 0 => modulo(bits, a, b),
        AluOp::Smod => smod(bits, a, b),
    }
}

/// The bounds that two arcs, each holding every result, allow.
#[inline(always)]
fn both(bits: u32, unsigned: Arc, signed: Arc) -> Span {
    Span::from_arc(bits, unsigned).meet(Span::from_arc(bits, signed))
}

#[inline(always)]
fn add(bits: u32, a: Span, b: Span) -> Span {
    let unsigned = a.unsigned_arc().add(bits, b.unsigned_arc());
    both(bits, unsigned, a.signed_arc(bits).add(bits, b.signed_arc(bits)))
}

#[inline(always)]
fn sub(bits: u32, a: Span, b: Span) -> Span {
    let unsigned = a.unsigned_arc().add(bits, b.unsigned_arc().neg(bits));
    both(bits, unsigned, a.signed_arc(bits).add(bits, b.signed_arc(bits).neg(bits)))
}

/// The products lie between those of the ends; on the circle, if their distance
/// is less than a whole turn.
fn mul(bits: u32, a: Span, b: Span) -> Span {
    let wide = |x: u64, y: u64| u128::from(x) * u128::from(y);
    let unsigned = arc_between(bits, wide(a.umin, b.umin), wide(a.umax, b.umax));
    let wide = |x: i64, y: i64| i128::from(x) * i128::from(y);
    let one = (wide(a.smin, b.smin), wide(a.smin, b.smax));
    let two = (wide(a.smax, b.smin), wide(a.smax, b.smax));
    let least = one.0.min(one.1).min(two.0).min(two.1);
    let most = one.0.max(one.1).max(two.0).max(two.1);
    both(bits, unsigned, arc_between(bits, least as u128, most as u128))
}

/// The words of the numbers `lo..=hi`, modulo `2^bits`.
#[inline(always)]
fn arc_between(bits: u32, lo: u128, hi: u128) -> Arc {
    let len = hi.wrapping_sub(lo);
    if len > u128::from(mask(bits)) {
        return Arc::full(bits);
    }
    Arc { lo: cut(bits, lo as u64), len: len as u64 }
}

/// Bounds that `&`, `|` and `^` cannot leave: with both operands in
/// `-2^m .. 2^m`, bits `m` and above are copies of the sign, and so they are in
/// the result.
fn sign_copies(a: Span, b: Span) -> (i64, i64) {
    let magnitude = |x: i64| (x ^ (x >> 63)) as u64;
    let bits = magnitude(a.smin) | magnitude(a.smax) | magnitude(b.smin) | magnitude(b.smax);
    let most = if bits == 0 { 0 } else { (u64::MAX >> bits.leading_zeros()) as i64 };
    (!most, most)
}

/// `x & y <= x` unsigned, and `x & y <= max(x, y)` signed.
#[inline(always)]
fn and(bits: u32, a: Span, b: Span) -> Span {
    let (least, most) = sign_copies(a, b);
    Span {
        umin: 0,
        umax: a.umax.min(b.umax),
        smin: if a.smin >= 0 || b.smin >= 0 { 0 } else { least.max(signed_min(bits)) },
        smax: most.min(a.smax.max(b.smax)),
    }
}

/// `x | y >= x` unsigned, `x | y >= min(x, y)` signed, and `x | y <= x + y`.
#[inline(always)]
fn or(bits: u32, a: Span, b: Span) -> Span {
    let (least, most) = sign_copies(a, b);
    Span {
        umin: a.umin.max(b.umin),
        umax: a.umax.saturating_add(b.umax).min(mask(bits)),
        smin: least.max(a.smin.min(b.smin)),
        smax: most,
    }
}

/// `x ^ y <= x + y`; `x ^ -1` is `-1 - x`.
fn xor(bits: u32, a: Span, b: Span) -> Span {
    if b.umin == mask(bits) {
        return both(bits, a.unsigned_arc().not(bits), a.signed_arc(bits).not(bits));
    }
    let (smin, smax) = sign_copies(a, b);
    Span { umin: 0, umax: a.umax.saturating_add(b.umax).min(mask(bits)), smin, smax }
}

/// A product with `2^lo` to `2^hi`: exact on the circle for one count, else the
/// bounds of the ends if none of them loses a bit.
#[inline(always)]
fn lsh(bits: u32, a: Span, lo: u32, hi: u32) -> Span {
    if lo == hi {
        return both(bits, a.unsigned_arc().lsh(bits, lo), a.signed_arc(bits).lsh(bits, lo));
    }
    let mut span = Span::full(bits);
    if a.umax <= mask(bits) >> hi {
        (span.umin, span.umax) = (a.umin << lo, a.umax << hi);
    }
    if signed_min(bits) >> hi <= a.smin && a.smax <= signed_max(bits) >> hi {
        span.smin = (a.smin << lo).min(a.smin << hi);
        span.smax = (a.smax << lo).max(a.smax << hi);
    }
    span
}

#[inline(always)]
fn arsh(bits: u32, a: Span, lo: u32, hi: u32) -> Span {
    let smin = a.smin >> if a.smin < 0 { lo } else { hi };
    let smax = a.smax >> if a.smax < 0 { hi } else { lo };
    Span::signed(bits, smin, smax)
}

/// A zero divisor gives 0.
fn div(bits: u32, a: Span, b: Span) -> Span {
    let least = a.umin.checked_div(b.umax).unwrap_or(0);
    let most = if b.umax == 0 { 0 } else { a.umax / b.umin.max(1) };
    Span::unsigned(bits, if b.umin == 0 { 0 } else { least }, most)
}

/// A zero divisor, like one greater than the dividend, leaves the dividend.
fn modulo(bits: u32, a: Span, b: Span) -> Span {
    if b.umax == 0 || a.umax < b.umin {
        return a;
    }
    if b.umin == 0 {
        return Span::unsigned(bits, 0, a.umax);
    }
    // With one divisor and one quotient the remainder goes up with the dividend.
    if b.umin == b.umax && a.umin / b.umin == a.umax / b.umin {
        return Span::unsigned(bits, a.umin % b.umin, a.umax % b.umin);
    }
    Span::unsigned(bits, 0, a.umax.min(b.umax - 1))
}

/// Quotients by the positive and by the negative divisors, each greatest and
/// least at the ends, and 0 for a zero divisor.
fn sdiv(bits: u32, a: Span, b: Span) -> Span {
    // MIN / -1 wraps to MIN, away from the quotients beside it.
    if a.smin == signed_min(bits) && b.smin <= -1 && -1 <= b.smax {
        return Span::full(bits);
    }
    let mut quotients: Option<(i64, i64)> = if b.smin <= 0 && 0 <= b.smax { Some((0, 0)) } else { None };
    for (least, most) in [(b.smin.max(1), b.smax), (b.smin, b.smax.min(-1))] {
        if least > most {
            continue;
        }
        let ends = [a.smin / least, a.smin / most, a.smax / least, a.smax / most];
        let (lo, hi) = quotients.unwrap_or((ends[0], ends[0]));
        let lo = ends.iter().fold(lo, |lo, end| lo.min(*end));
        quotients = Some((lo, ends.iter().fold(hi, |hi, end| hi.max(*end))));
    }
    match quotients {
        Some((lo, hi)) => Span::signed(bits, lo, hi),
        None => Span::full(bits),
    }
}

/// The remainder has the dividend's sign, is no greater than it, and less than
/// the divisor, but for a zero divisor, which leaves the dividend.
fn smod(bits: u32, a: Span, b: Span) -> Span {
    let (least, greatest) = magnitudes(b);
    if greatest == 0 {
        return a;
    }
    let (smin, smax) = (a.smin.min(0), a.smax.max(0));
    if least == 0 {
        return Span::signed(bits, smin, smax);
    }
    if magnitudes(a).1 < least {
        return a;
    }
    let limit = (greatest - 1) as i64;
    Span::signed(bits, smin.max(-limit), smax.min(limit))
}

/// The least and the greatest distance from zero.
fn magnitudes(span: Span) -> (u64, u64) {
    let (one, two) = (span.smin.unsigned_abs(), span.smax.unsigned_abs());
    let spans_zero = span.smin <= 0 && 0 <= span.smax;
    (if spans_zero { 0 } else { one.min(two) }, one.max(two))
}
