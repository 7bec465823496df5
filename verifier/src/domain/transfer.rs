//! Transfer functions: what an operation makes of what is known.
//!
//! Each operator acts on the views apart (bits in `TnumOf`, bounds in
//! [`interval`]), and `sync` joins what they learnt. An operation on the whole
//! word whose low half depends on the operands' low halves only is computed on
//! the low bounds as well.

use brolga_core::insn::{AluOp, Order, Size, Width};

use super::bits::{cut, mask, sign_extend as signed_of};
use super::interval::{self, Count};
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

/// The low `from` of `a`, its sign bit copied up to `width` (`MOVSX`, `LDSX`);
/// at [`Width::W32`] zeroes above.
#[must_use]
pub fn sign_extend(width: Width, from: Size, a: &Scalar) -> Scalar {
    let wide = if matches!(from, Size::B8) { *a } else { a.sign_extend(from.bits()) };
    match width {
        Width::W32 => wide.zero_extend_half(),
        Width::W64 => wide,
    }
}

/// The low `size` of `a`, zeroes above: a narrow fill, `MOV32`.
#[must_use]
pub fn zero_extend(size: Size, a: &Scalar) -> Scalar {
    match size {
        Size::B8 => *a,
        Size::B4 => a.zero_extend_half(),
        Size::B1 | Size::B2 => a.zero_extend(size.bits()),
    }
}

/// The low `size` of `a` with its bytes in `order`, zeroes above (`BPF_END`).
#[must_use]
pub fn swap(order: Order, size: Size, a: &Scalar) -> Scalar {
    match order {
        Order::Le => zero_extend(size, a),
        Order::Be | Order::Swap => Scalar::from_tnum(a.tnum.swap_bytes(size)),
    }
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
        if let (Some(x), Some(y)) = (a.tnum.as_const(), b.tnum.as_const()) {
            return Self::constant(eval_at(op, bits, x, y));
        }
        match (op, width) {
            (AluOp::Mov, Width::W64) => *b,
            (AluOp::Mov, Width::W32) => b.zero_extend_half(),
            (_, Width::W64) => Self::alu_wide(op, a, b),
            (_, Width::W32) => Self::alu_low(op, a, b),
        }
    }

    /// The number of bits that an operation of `width` looks at.
    #[inline(always)]
    pub(crate) const fn bits_of(width: Width) -> u32 {
        match width {
            Width::W32 => Self::HALF,
            Width::W64 => N,
        }
    }

    fn alu_wide(op: AluOp, a: &Self, b: &Self) -> Self {
        let count = Count::of(N, b.tnum, b.wide());
        let mut wide = interval::alu(op, N, a.wide(), b.wide(), count);
        let low = match op {
            AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor => {
                interval::alu(op, Self::HALF, a.low(), b.low(), count)
            }
            AluOp::Lsh if count.hi < Self::HALF => interval::alu(op, Self::HALF, a.low(), b.low(), count),
            AluOp::Lsh if count.lo == count.hi => {
                // Only the low half survives, whatever stood above it.
                wide = wide.meet(interval::alu(op, N, a.low(), b.low(), count));
                Span::full(Self::HALF)
            }
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh | AluOp::Mov => Span::full(Self::HALF),
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => Span::full(Self::HALF),
        };
        let tnum = tnum_alu(op, N, a.tnum, b.tnum, count, nonnegative(a.wide(), b.wide()));
        Self::from_views(tnum, wide, low).normal()
    }

    fn alu_low(op: AluOp, a: &Self, b: &Self) -> Self {
        let bits = Self::HALF;
        let (low_a, low_b) = (a.tnum.zero_extend(bits), b.tnum.zero_extend(bits));
        let count = Count::of(bits, low_b, b.low());
        let low = interval::alu(op, bits, a.low(), b.low(), count);
        let tnum = tnum_alu(op, bits, low_a, low_b, count, nonnegative(a.low(), b.low()));
        Self::zero_extended(tnum.zero_extend(bits), low)
    }

    /// The low half, zeroes above.
    pub(crate) fn zero_extend_half(&self) -> Self {
        Self::zero_extended(self.tnum.zero_extend(Self::HALF), self.low())
    }

    /// A word with a zero upper half.
    fn zero_extended(tnum: TnumOf<N>, low: Span) -> Self {
        let wide = Span { umin: low.umin, umax: low.umax, ..Span::full(N) };
        Self::from_views(tnum, wide, low).normal()
    }

    /// The low `bits`, less than half, zeroes above.
    pub(crate) fn zero_extend(&self, bits: u32) -> Self {
        let part = self.low().low(Self::HALF, bits);
        Self::zero_extended(self.tnum.zero_extend(bits), Span::unsigned(Self::HALF, part.umin, part.umax))
    }

    /// The low `bits`, at most half, their topmost copied up to all `N`.
    pub(crate) fn sign_extend(&self, bits: u32) -> Self {
        let part = self.low().low(Self::HALF, bits);
        let wide = Span::signed(N, part.smin, part.smax);
        Self::from_views(self.tnum.sign_extend(bits), wide, Span::full(Self::HALF)).normal()
    }
}

/// Whether no word of either is negative.
#[inline(always)]
fn nonnegative(a: Span, b: Span) -> bool {
    a.smin >= 0 && b.smin >= 0
}

/// `op` on bits. For narrow words the upper bits of the result mean nothing.
/// `nonnegative`: no operand is negative.
#[inline]
pub(crate) fn tnum_alu<const N: u32>(
    op: AluOp,
    bits: u32,
    a: TnumOf<N>,
    b: TnumOf<N>,
    count: Count<N>,
    nonnegative: bool,
) -> TnumOf<N> {
    match op {
        AluOp::Add => a.add(b),
        AluOp::Sub => a.sub(b),
        AluOp::Mul => a.mul(b),
        AluOp::And => a.and(b),
        AluOp::Or => a.or(b),
        AluOp::Xor => a.xor(b),
        AluOp::Mov => b,
        AluOp::Lsh => count.join_all(|count| a.lsh(count)),
        AluOp::Rsh => count.join_all(|count| a.rsh(count)),
        AluOp::Arsh => count.join_all(|count| a.sign_extend(bits).arsh(count)),
        AluOp::Div => tnum_div(a, b),
        AluOp::Sdiv if nonnegative => tnum_div(a, b),
        AluOp::Sdiv => TnumOf::UNKNOWN,
        AluOp::Mod | AluOp::Smod => tnum_mod(bits, a, b),
    }
}

/// A quotient's bits are known where the divisor is a power of two.
fn tnum_div<const N: u32>(a: TnumOf<N>, b: TnumOf<N>) -> TnumOf<N> {
    match b.as_const() {
        Some(0) => TnumOf::constant(0),
        Some(divisor) if divisor.is_power_of_two() => a.rsh(divisor.trailing_zeros()),
        Some(_) | None => TnumOf::UNKNOWN,
    }
}

/// A remainder differs from the dividend by a multiple of the divisor: below the
/// divisor's lowest bit they are equal. With a zero divisor they are equal
/// altogether.
fn tnum_mod<const N: u32>(bits: u32, a: TnumOf<N>, b: TnumOf<N>) -> TnumOf<N> {
    let same = b.max().trailing_zeros().min(bits);
    if same == 0 { TnumOf::UNKNOWN } else { TnumOf::new(a.value(), a.mask() | !mask(same)) }
}
