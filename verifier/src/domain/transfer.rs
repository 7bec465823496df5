//! Transfer functions: what an operation makes of what is known.
//!
//! Each operator acts on the views apart (bits in `TnumOf`, bounds in
//! [`interval`]), and `sync` joins what they learnt, all of it as precisely as the
//! kernel does (`adjust_scalar_min_max_vals`), and no more: a verdict is to be the
//! kernel's. It does not follow division, nor shifts by an unknown count.

use brolga_core::insn::{AluOp, Order, Size, Width};

use super::bits::{cut, mask, sign_extend as signed_of, signed_max, signed_min};
use super::interval;
use super::range::Span;
use super::scalar::{Scalar, ScalarOf};
use super::tnum::TnumOf;

/// What `op` makes of the destination `a` and the source `b` at `width`.
///
/// Holds `op.eval(width, x, y)` for all members `x` of `a` and `y` of `b`.
#[must_use]
pub fn alu(op: AluOp, width: Width, a: &Scalar, b: &Scalar) -> Scalar {
    ScalarOf::alu(op, width, a, b)
}

/// The negation of `a` at `width` (`BPF_NEG`).
#[must_use]
pub fn neg(width: Width, a: &Scalar) -> Scalar {
    ScalarOf::alu(AluOp::Sub, width, &Scalar::constant(0), a)
}

/// The sum or difference of a pointer's offset `a` and the number `b`, whose low
/// halves do not matter.
#[must_use]
pub fn offset(op: AluOp, a: &Scalar, b: &Scalar) -> Scalar {
    ScalarOf::offset(op, a, b)
}

/// `a` and a constant, at `width`: a number that is known by another's
/// (`sync_linked_regs`).
#[must_use]
pub fn moved(width: Width, a: &Scalar, by: u64) -> Scalar {
    ScalarOf::moved(width, a, by)
}

/// The two numbers that the kernel walks apart where `a`, or its low half, is 0 or
/// -1.
#[must_use]
pub fn signs(a: &Scalar) -> Option<(Scalar, Scalar)> {
    ScalarOf::signs(a)
}

/// The low `from` of `a`, its sign bit copied up to `width` (`MOVSX`, `LDSX`);
/// at [`Width::W32`] zeroes above.
#[must_use]
pub fn sign_extend(width: Width, from: Size, a: &Scalar) -> Scalar {
    match (width, from) {
        (Width::W64, Size::B8) => *a,
        (Width::W32, Size::B4 | Size::B8) => a.zero_extend_half(),
        (Width::W64, Size::B1 | Size::B2 | Size::B4) => a.sign_extend(from.bits()),
        (Width::W32, Size::B1 | Size::B2) => a.sign_extend_half(from.bits()),
    }
}

/// The low `size` of `a`, zeroes above: a load, a narrow fill.
#[must_use]
pub fn zero_extend(size: Size, a: &Scalar) -> Scalar {
    match size {
        Size::B8 => *a,
        Size::B1 | Size::B2 | Size::B4 => a.zero_extend(size.bits()),
    }
}

/// The low `size` of `a` with its bytes in `order`, zeroes above (`BPF_END`).
#[must_use]
pub fn swap(order: Order, size: Size, a: &Scalar) -> Scalar {
    let a = match order {
        Order::Le => *a,
        Order::Be | Order::Swap => {
            let tnum = a.tnum.swap_bytes(size);
            Scalar::from_views(tnum, Span::full(u64::BITS), Span::full(u32::BITS))
        }
    };
    zero_extend(size, &a).sync().or_bits_alone()
}

/// The meaning of `op` on `bits`-bit words; that of [`AluOp::eval`] where there
/// are 32 or 64.
#[inline(always)]
pub(crate) fn eval_at(op: AluOp, bits: u32, a: u64, b: u64) -> u64 {
    let signed = match op {
        AluOp::Sdiv | AluOp::Smod | AluOp::Arsh => true,
        AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::Div | AluOp::Mod | AluOp::Mov => false,
        AluOp::Or | AluOp::And | AluOp::Xor | AluOp::Lsh | AluOp::Rsh => false,
    };
    let extend = |v| if signed { signed_of(bits, v) as u64 } else { cut(bits, v) };
    let b = match op {
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => b & u64::from(bits - 1),
        AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::Div | AluOp::Mod | AluOp::Mov => extend(b),
        AluOp::Or | AluOp::And | AluOp::Xor | AluOp::Sdiv | AluOp::Smod => extend(b),
    };
    cut(bits, op.eval(Width::W64, extend(a), b))
}

impl<const N: u32> ScalarOf<N> {
    /// [`alu`] on `N`-bit words; [`Width::W32`] is the low half.
    pub(crate) fn alu(op: AluOp, width: Width, a: &Self, b: &Self) -> Self {
        let bits = Self::bits_of(width);
        match op {
            AluOp::Mov if width == Width::W64 => *b,
            AluOp::Mov => b.zero_extend_half(),
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => Self::UNKNOWN,
            AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor => {
                Self::folded(op, bits, a, b).unwrap_or_else(|| {
                    let raw = Self::raw(op, a, b);
                    match width {
                        Width::W32 => raw.zero_extended().sync().or_bits_alone(),
                        Width::W64 => raw.sync().or_bits_alone(),
                    }
                })
            }
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => match b.as_count(width) {
                Some(count) => Self::folded(op, bits, a, b).unwrap_or_else(|| match width {
                    Width::W32 => a.shift_half(op, count),
                    Width::W64 => a.shift(op, count),
                }),
                None => Self::UNKNOWN,
            },
        }
    }

    /// The result where both are plain constants: the views would say the same.
    #[inline(always)]
    fn folded(op: AluOp, bits: u32, a: &Self, b: &Self) -> Option<Self> {
        let (x, y) = (a.tnum.as_const()?, b.tnum.as_const()?);
        let plain = *a == Self::constant(x) && *b == Self::constant(y);
        plain.then(|| Self::constant(eval_at(op, bits, x, y)))
    }

    /// The number of bits that an operation of `width` looks at.
    #[inline(always)]
    pub(crate) const fn bits_of(width: Width) -> u32 {
        match width {
            Width::W32 => Self::HALF,
            Width::W64 => N,
        }
    }

    /// What the views make of it apart; `op` is none that shifts or divides.
    fn raw(op: AluOp, a: &Self, b: &Self) -> Self {
        let tnum = tnum_alu(op, a.tnum, b.tnum);
        let bitwise = matches!(op, AluOp::And | AluOp::Or | AluOp::Xor);
        if let (true, Some(value), true) = (bitwise, tnum.as_const(), b.tnum.is_const()) {
            return Self::constant(value);
        }
        let bits = tnum.zero_extend(Self::HALF);
        let low = match (bitwise, bits.as_const(), b.as_const32()) {
            (true, Some(value), Some(_)) => Span::constant(Self::HALF, value),
            (true | false, _, _) => span_alu(op, Self::HALF, a.low(), b.low(), bits),
        };
        let raw = Self::from_views(tnum, span_alu(op, N, a.wide(), b.wide(), tnum), low);
        if bitwise { raw.with_bounds_of_bits() } else { raw }
    }

    pub(crate) fn offset(op: AluOp, a: &Self, b: &Self) -> Self {
        let tnum = tnum_alu(op, a.tnum, b.tnum);
        let mut wide = span_alu(op, N, a.wide(), b.wide(), tnum);
        // Sums that all wrap are not followed here.
        let wraps = match op {
            AluOp::Add => a.umin.checked_add(b.umin).is_none_or(|sum| sum > mask(N)),
            AluOp::Sub => a.umin < b.umax,
            AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor | AluOp::Mov => false,
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => false,
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => false,
        };
        if wraps {
            (wide.umin, wide.umax) = (0, mask(N));
        }
        Self::from_views(tnum, wide, Span::full(Self::HALF)).sync().or_bits_alone()
    }

    /// [`moved`] on `N`-bit words; `by` is one.
    pub(crate) fn moved(width: Width, a: &Self, by: u64) -> Self {
        let sum = Self::raw(AluOp::Add, a, &Self::constant(by));
        match width {
            Width::W32 => sum.zero_extended().sync(),
            Width::W64 => sum.sync(),
        }
    }

    /// [`signs`] on `N`-bit words.
    pub(crate) fn signs(a: &Self) -> Option<(Self, Self)> {
        let low = |value: u64| {
            let bits = a.tnum.with_low(Self::HALF, TnumOf::constant(value));
            Self::from_views(bits, a.wide(), Span::constant(Self::HALF, value))
        };
        if (a.smin, a.smax) == (-1, 0) {
            Some((Self::constant(0), Self::constant(mask(N))))
        } else if (a.s32_min, a.s32_max) == (-1, 0) {
            Some((low(0), low(mask(Self::HALF))))
        } else {
            None
        }
    }

    /// The one count that this is of a shift, less than the number of bits.
    #[inline(always)]
    fn as_count(&self, width: Width) -> Option<u32> {
        let (known, span) = match width {
            Width::W32 => (self.as_const32().is_some(), self.low()),
            Width::W64 => (self.as_const().is_some(), self.wide()),
        };
        let one = known && span.umin == span.umax && span.smin == span.smax;
        (one && self.umax < u64::from(Self::bits_of(width))).then_some(span.umin as u32)
    }

    fn shift(&self, op: AluOp, count: u32) -> Self {
        let (wide, low, half) = (self.wide(), self.low(), Span::full(Self::HALF));
        let (tnum, wide, low) = match op {
            AluOp::Lsh => {
                let shifted = interval::lsh(N, wide, count);
                let by_half = count == Self::HALF;
                let wide = if by_half { interval::lsh_by_half(N, shifted, low) } else { shifted };
                (self.tnum.lsh(count), wide, interval::lsh(Self::HALF, low, count))
            }
            AluOp::Rsh => (self.tnum.rsh(count), interval::rsh(N, wide, count), half),
            AluOp::Arsh => (self.tnum.arsh(count), interval::arsh(N, wide, count), half),
            AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor => {
                return Self::UNKNOWN;
            }
            AluOp::Mov | AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => return Self::UNKNOWN,
        };
        Self::from_views(tnum, wide, low).sync().or_bits_alone()
    }

    fn shift_half(&self, op: AluOp, count: u32) -> Self {
        let (bits, low) = (self.tnum.zero_extend(Self::HALF), self.low());
        let (tnum, low) = match op {
            AluOp::Lsh => (bits.lsh(count).zero_extend(Self::HALF), interval::lsh(Self::HALF, low, count)),
            AluOp::Rsh => (bits.rsh(count), interval::rsh(Self::HALF, low, count)),
            AluOp::Arsh => {
                let copied = bits.sign_extend(Self::HALF).arsh(count).zero_extend(Self::HALF);
                (copied, interval::arsh(Self::HALF, low, count))
            }
            AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor => {
                return Self::UNKNOWN;
            }
            AluOp::Mov | AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => return Self::UNKNOWN,
        };
        let raw = Self::from_views(tnum, Span::full(N), low).with_bounds_of_bits();
        raw.zero_extended().sync().or_bits_alone()
    }

    /// The low half, zeroes above.
    pub(crate) fn zero_extend_half(&self) -> Self {
        self.zero_extended().sync().or_bits_alone()
    }

    /// The views of the low half, zeroes above.
    fn zero_extended(&self) -> Self {
        let low = self.low();
        let (smin, smax) =
            if low.smin >= 0 && low.smax >= 0 { (low.smin, low.smax) } else { (0, mask(Self::HALF) as i64) };
        let wide = Span { umin: low.umin, umax: low.umax, smin, smax };
        Self::from_views(self.tnum.zero_extend(Self::HALF), wide, low)
    }

    /// The low `bits`, zeroes above, as a load of so many leaves them.
    pub(crate) fn zero_extend(&self, bits: u32) -> Self {
        let wide = low_span(N, bits, self.umin, self.umax);
        let low = if bits < Self::HALF { Span::full(Self::HALF) } else { self.low() };
        Self::from_views(self.tnum.zero_extend(bits), wide, low).sync()
    }

    /// The low `bits`, half of the word or fewer, with their sign copied up. Of the
    /// known bits of what is no constant, none are left but those that the bounds
    /// show.
    pub(crate) fn sign_extend(&self, bits: u32) -> Self {
        if let Some(value) = self.as_const() {
            return Self::constant(cut(N, signed_of(bits, value) as u64));
        }
        let ends = signed_part(N, bits, self.smin, self.smax);
        let Some((smin, smax)) = ends else {
            let (smin, smax) = (signed_min(bits), signed_max(bits));
            let wide = Span { smin, smax, ..Span::full(N) };
            let low = Span { smin, smax, ..Span::full(Self::HALF) };
            return Self::from_views(TnumOf::UNKNOWN, wide, low);
        };
        let of = |bits| Span { umin: cut(bits, smin as u64), umax: cut(bits, smax as u64), smin, smax };
        Self::from_views(TnumOf::range(smin as u64, smax as u64), of(N), of(Self::HALF))
    }

    /// The same of the low half, with zeroes above.
    pub(crate) fn sign_extend_half(&self, bits: u32) -> Self {
        if let Some(value) = self.as_const() {
            return Self::constant(cut(Self::HALF, signed_of(bits, value) as u64));
        }
        let low = self.low();
        let (tnum, low) = match signed_part(Self::HALF, bits, low.smin, low.smax) {
            Some((smin, smax)) => {
                let cut_half = |end: i64| cut(Self::HALF, end as u64);
                let span = Span { umin: cut_half(smin), umax: cut_half(smax), smin, smax };
                (TnumOf::range(smin as u64, smax as u64), span)
            }
            None => {
                let (smin, smax) = (signed_min(bits), signed_max(bits));
                (TnumOf::UNKNOWN, Span { smin, smax, ..Span::full(Self::HALF) })
            }
        };
        Self::from_views(tnum, self.wide(), low).zero_extended().sync().or_bits_alone()
    }
}

/// The bounds of the low `part` bits of the words of `bits` bits from `smin` to
/// `smax`, where the rest of these is alike and so is their new sign.
pub(super) fn signed_part(bits: u32, part: u32, smin: i64, smax: i64) -> Option<(i64, i64)> {
    let rest = |end: i64| cut(bits, end as u64) >> part;
    let (one, other) = (signed_of(part, smin as u64), signed_of(part, smax as u64));
    let alike = rest(smin) == rest(smax) && (one >= 0) == (other >= 0);
    alike.then_some((one.min(other), one.max(other)))
}

/// The bounds of the low `part` bits, fewer than `bits`, of the words from `umin` to
/// `umax`.
pub(super) fn low_span(bits: u32, part: u32, umin: u64, umax: u64) -> Span {
    let most = mask(part);
    let alike = umin & !most == umax & !most;
    let (umin, umax) = if alike { (umin & most, umax & most) } else { (0, most) };
    Span { umin, umax, smin: signed_of(bits, umin), smax: signed_of(bits, umax) }
}

/// `op`, which neither shifts nor divides, on bounds of `bits`-bit words; `tnum`
/// is what it makes of their bits.
#[inline(always)]
pub(crate) fn span_alu<const N: u32>(op: AluOp, bits: u32, a: Span, b: Span, tnum: TnumOf<N>) -> Span {
    match op {
        AluOp::Add => interval::add(bits, a, b),
        AluOp::Sub => interval::sub(bits, a, b),
        AluOp::Mul => interval::mul(bits, a, b),
        AluOp::And => interval::and(bits, a, b, tnum),
        AluOp::Or => interval::or(bits, a, b, tnum),
        AluOp::Xor => interval::xor(bits, tnum),
        AluOp::Mov => b,
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => Span::full(bits),
        AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => Span::full(bits),
    }
}

/// `op`, which neither shifts nor divides, on bits.
#[inline(always)]
pub(crate) fn tnum_alu<const N: u32>(op: AluOp, a: TnumOf<N>, b: TnumOf<N>) -> TnumOf<N> {
    match op {
        AluOp::Add => a.add(b),
        AluOp::Sub => a.sub(b),
        AluOp::Mul => a.mul(b),
        AluOp::And => a.and(b),
        AluOp::Or => a.or(b),
        AluOp::Xor => a.xor(b),
        AluOp::Mov => b,
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => TnumOf::UNKNOWN,
        AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => TnumOf::UNKNOWN,
    }
}
