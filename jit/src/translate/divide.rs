//! Division and remainder: what BPF defines where machines trap.
//!
//! By zero a quotient is 0 and a remainder the dividend; `MIN / -1` is `MIN` and
//! `MIN % -1` is 0. Cranelift traps on all four, so that none may reach it.

use super::Translator;
use super::regs::int;
use crate::options::Passes;
use brolga_core::{AluOp, Operand, Pc, Reg, Width};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};

impl Translator<'_, '_> {
    pub(super) fn divide(&mut self, pc: Pc, op: AluOp, width: Width, dst: Reg, src: Operand) {
        let a = self.part(width, dst);
        let number = self.known_number(src).map(|n| width.zero_extend(n));
        let value = match number {
            Some(n) => self.divide_by(op, width, a, n),
            None => {
                let b = self.operand(width, src);
                let nonzero = self.facts(pc).divisor_nonzero;
                match op {
                    AluOp::Sdiv | AluOp::Smod => self.divide_signed(op, width, a, b),
                    _ if nonzero => self.quotient(op, a, b),
                    _ => self.divide_unsigned(op, width, a, b),
                }
            }
        };
        self.set_part(width, dst, value);
    }

    /// What an operation by zero gives.
    fn by_zero(&mut self, op: AluOp, width: Width, a: Value) -> Value {
        match is_remainder(op) {
            true => a,
            false => self.number(width, 0),
        }
    }

    fn divide_unsigned(&mut self, op: AluOp, width: Width, a: Value, b: Value) -> Value {
        let by_zero = self.by_zero(op, width, a);
        self.unless(b, width, by_zero, |t| t.quotient(op, a, b))
    }

    /// By 0 or -1, which `divisor + 1 <= 1` tells from all others.
    fn divide_signed(&mut self, op: AluOp, width: Width, a: Value, b: Value) -> Value {
        let by_zero = self.by_zero(op, width, a);
        let by_minus_one = match is_remainder(op) {
            true => self.number(width, 0),
            false => self.b.ins().ineg(a),
        };
        let special = self.b.ins().select(b, by_minus_one, by_zero);
        let next = self.b.ins().iadd_imm_s(b, 1);
        let plain = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, next, 1);
        self.unless(plain, width, special, |t| t.quotient(op, a, b))
    }

    /// `otherwise` where `condition` is 0, else what is computed then, and only
    /// then.
    fn unless(
        &mut self,
        condition: Value,
        width: Width,
        otherwise: Value,
        compute: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let (then, done) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(done, int(width));
        self.b.ins().brif(condition, then, &[], done, &[BlockArg::Value(otherwise)]);
        self.b.seal_block(then);
        self.b.switch_to_block(then);
        let value = compute(self);
        self.b.ins().jump(done, &[BlockArg::Value(value)]);
        self.b.seal_block(done);
        self.b.switch_to_block(done);
        result
    }

    fn divide_by(&mut self, op: AluOp, width: Width, a: Value, n: u64) -> Value {
        match op {
            _ if n == 0 => self.by_zero(op, width, a),
            AluOp::Sdiv | AluOp::Smod => self.divide_signed_by(op, width, a, n),
            _ => self.divide_unsigned_by(op, width, a, n),
        }
    }

    fn divide_signed_by(&mut self, op: AluOp, width: Width, a: Value, n: u64) -> Value {
        if width.signed(n) != -1 {
            let b = self.number(width, n);
            return self.quotient(op, a, b);
        }
        match is_remainder(op) {
            true => self.number(width, 0),
            false => self.b.ins().ineg(a),
        }
    }

    fn divide_unsigned_by(&mut self, op: AluOp, width: Width, a: Value, n: u64) -> Value {
        if !self.has(Passes::DIVIDE) {
            let b = self.number(width, n);
            return self.quotient(op, a, b);
        }
        if n.is_power_of_two() {
            return match is_remainder(op) {
                true => self.b.ins().band_imm_u(a, (n - 1) as i64),
                false => self.b.ins().ushr_imm_u(a, i64::from(n.trailing_zeros())),
            };
        }
        let quotient = match width {
            Width::W32 => self.reciprocal_32(a, n),
            Width::W64 => self.reciprocal_64(a, n),
        };
        if !is_remainder(op) {
            return quotient;
        }
        let n = self.number(width, n);
        let product = self.b.ins().imul(quotient, n);
        self.b.ins().isub(a, product)
    }

    /// `a / n` in 32 bits: in 64, where the whole product fits.
    fn reciprocal_32(&mut self, a: Value, n: u64) -> Value {
        let Reciprocal { multiplier, shift, extra_bit } = Reciprocal::of(Width::W32, n);
        let wide = self.b.ins().uextend(types::I64, a);
        let m = self.number(Width::W64, multiplier);
        let product = self.b.ins().imul(wide, m);
        let quotient = if extra_bit {
            let high = self.b.ins().ushr_imm_u(product, 32);
            let sum = self.b.ins().iadd(high, wide);
            self.b.ins().ushr_imm_u(sum, i64::from(shift))
        } else {
            self.b.ins().ushr_imm_u(product, i64::from(32 + shift))
        };
        self.b.ins().ireduce(types::I32, quotient)
    }

    /// `a / n` in 64 bits.
    fn reciprocal_64(&mut self, a: Value, n: u64) -> Value {
        let Reciprocal { multiplier, shift, extra_bit } = Reciprocal::of(Width::W64, n);
        let m = self.number(Width::W64, multiplier);
        let high = self.b.ins().umulhi(a, m);
        if !extra_bit {
            return if shift == 0 { high } else { self.b.ins().ushr_imm_u(high, i64::from(shift)) };
        }
        // `(high + a) >> shift`, which might not fit 64 bits.
        let rest = self.b.ins().isub(a, high);
        let half = self.b.ins().ushr_imm_u(rest, 1);
        let sum = self.b.ins().iadd(half, high);
        self.b.ins().ushr_imm_u(sum, i64::from(shift - 1))
    }
}

const fn is_remainder(op: AluOp) -> bool {
    matches!(op, AluOp::Mod | AluOp::Smod)
}

/// How to divide numbers of `w` bits by a constant, after Granlund and
/// Montgomery: `a / n` is `(a * m) >> (w + shift)` for every `a`, where `m` is
/// the multiplier, plus `2^w` where there is an extra bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reciprocal {
    multiplier: u64,
    shift: u32,
    extra_bit: bool,
}

impl Reciprocal {
    /// For a divisor that is no power of two. With `m = ceil(2^(w + shift) / n)`
    /// the quotient is exact where `m * n` passes `2^(w + shift)` by at most
    /// `2^shift`: so for the least such shift, which is at most the number of
    /// bits of `n`.
    fn of(width: Width, n: u64) -> Self {
        let w = width.bits();
        let bits = u64::BITS - n.leading_zeros();
        for shift in 0..bits {
            let power = 1_u128 << (w + shift);
            let m = power.div_ceil(n.into());
            if m * u128::from(n) - power <= 1 << shift {
                return Self { multiplier: width.zero_extend(m as u64), shift, extra_bit: m >> w != 0 };
            }
        }
        // For `bits` it always holds; `2^(w + bits)` may pass 128 bits, but `m`
        // less `2^w` is `ceil(2^w * (2^bits - n) / n)`.
        let rest = (1_u128 << bits) - u128::from(n);
        Self { multiplier: (rest << w).div_ceil(n.into()) as u64, shift: bits, extra_bit: true }
    }
}

#[cfg(test)]
mod tests {
    use super::Reciprocal;
    use brolga_core::Width;

    fn quotient(width: Width, a: u64, n: u64) -> u64 {
        let Reciprocal { multiplier, shift, extra_bit } = Reciprocal::of(width, n);
        let high = ((u128::from(a) * u128::from(multiplier)) >> width.bits()) as u64;
        if extra_bit { (((a - high) >> 1) + high) >> (shift - 1) } else { high >> shift }
    }

    #[test]
    fn reciprocals_divide() {
        let around = |x: u64| [x.wrapping_sub(1), x, x.wrapping_add(1)];
        let edges: Vec<u64> = (0..64).flat_map(|i| around(1 << i)).chain(around(u64::MAX)).collect();
        let divisors = edges.iter().copied().chain(3..2000).chain([10_000_000_019, u64::MAX / 3]);
        for n in divisors.filter(|n| *n > 1 && !n.is_power_of_two()) {
            for &a in &edges {
                for a in around(a / n * n).into_iter().chain([a]) {
                    assert_eq!(quotient(Width::W64, a, n), a / n, "{a} / {n}");
                    let (a, n) = (u64::from(a as u32), u64::from(n as u32));
                    if n > 1 && !n.is_power_of_two() {
                        assert_eq!(quotient(Width::W32, a, n), a / n, "{a} / {n}");
                    }
                }
            }
        }
    }
}
