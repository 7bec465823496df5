//! What two or three BPF instructions say in a roundabout way.

use super::Translator;
use crate::options::Passes;
use brolga_core::{AluOp, Reg, Width};
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Value, ValueDef, types};

/// A shift: how, of what, and how far.
type Shift = (Opcode, Value, u64);

impl Translator<'_, '_> {
    /// The low 32 bits of a 64-bit value, undoing an extension where it was
    /// made by one.
    pub(super) fn truncated(&mut self, wide: Value) -> Value {
        if self.has(Passes::NARROW)
            && let Some((Opcode::Uextend | Opcode::Sextend, from)) = self.unary(wide)
            && self.b.func.dfg.value_type(from) == types::I32
        {
            return from;
        }
        self.b.ins().ireduce(types::I32, wide)
    }

    /// Extensions from 32 bits in the words of a CPU without 32-bit operations:
    /// a shift left by 32 and one back, or a mask. Whether it was one.
    pub(super) fn extension(
        &mut self,
        op: AluOp,
        width: Width,
        dst: Reg,
        (a, number): (Value, Option<u64>),
    ) -> bool {
        match (op, width, number) {
            (AluOp::And, Width::W64, Some(0xffff_ffff)) => {
                self.extend(dst, dst);
                true
            }
            (AluOp::Rsh | AluOp::Arsh, Width::W64, Some(32)) => {
                let Some((Opcode::Ishl, from, 32)) = self.shift(a) else { return false };
                let low = self.truncated(from);
                if op == AluOp::Rsh {
                    self.set_narrow(dst, low);
                } else {
                    let value = self.b.ins().sextend(types::I64, low);
                    self.set_wide(dst, value);
                }
                true
            }
            _ => false,
        }
    }

    /// `x << n` with `x >> (bits - n)`, joined by an or, an add or a xor: the
    /// bits of the two do not overlap, so that these are the same.
    pub(super) fn rotation(&mut self, width: Width, a: Value, b: Value) -> Option<Value> {
        if !self.has(Passes::ROTATE) {
            return None;
        }
        let (first, second) = (self.shift(a), self.shift(b));
        let product =
            self.rotated_product(width, first, b).or_else(|| self.rotated_product(width, second, a));
        let (x, left) = product.or_else(|| match (first?, second?) {
            ((Opcode::Ishl, x, left), (Opcode::Ushr, y, right))
            | ((Opcode::Ushr, y, right), (Opcode::Ishl, x, left)) => {
                (x == y && left + right == u64::from(width.bits())).then_some((x, left))
            }
            _ => None,
        })?;
        let count = self.immediate(width, left as i64);
        Some(self.b.ins().rotl(x, count))
    }

    /// `x * n >> right` with `x * (n << left)`: what a compiler makes of
    /// `x * n << left` before a rotation. The value that is rotated, and how far.
    fn rotated_product(&self, width: Width, a: Option<Shift>, b: Value) -> Option<(Value, u64)> {
        let (Opcode::Ushr, product, right @ 1..) = a? else { return None };
        let left = u64::from(width.bits()) - right;
        let ((x, number), (y, more)) = (self.times(product)?, self.times(b)?);
        let same = x == y && width.zero_extend(number << left) == width.zero_extend(more);
        same.then_some((product, left))
    }

    /// The value and the constant whose product a value is.
    fn times(&self, value: Value) -> Option<(Value, u64)> {
        let InstructionData::Binary { opcode: Opcode::Imul, args: [x, number] } = self.made_by(value)? else {
            return None;
        };
        Some((x, self.constant(number)? as u64))
    }

    /// A sum, its constant part added last and at once: of `(x + 1) + 2` that is
    /// `x + 3`, so that copies of a loop do not wait for each other's counters.
    /// Nothing where `a` has no such part.
    pub(super) fn sum(&mut self, a: Value, number: u64) -> Option<Value> {
        let (x, more) = self.plus(a).filter(|_| self.has(Passes::UNROLL))?;
        let both = i32::try_from(more.wrapping_add(number as i64)).ok()?;
        Some(self.b.ins().iadd_imm_s(x, i64::from(both)))
    }

    /// The value and the constant whose sum a value is.
    fn plus(&self, value: Value) -> Option<(Value, i64)> {
        let InstructionData::Binary { opcode: Opcode::Iadd, args: [x, number] } = self.made_by(value)? else {
            return None;
        };
        Some((x, self.constant(number)?))
    }

    pub(super) fn constant(&self, value: Value) -> Option<i64> {
        match self.made_by(value)? {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits()),
            _ => None,
        }
    }

    /// The shift by a constant that made a value.
    fn shift(&self, value: Value) -> Option<Shift> {
        let InstructionData::Binary { opcode, args: [x, count] } = self.made_by(value)? else { return None };
        let InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } = self.made_by(count)? else {
            return None;
        };
        Some((opcode, x, imm.bits() as u64 & (self.b.func.dfg.value_type(x).bits() as u64 - 1)))
    }

    /// The operation that made a value.
    pub(super) fn opcode(&self, value: Value) -> Option<Opcode> {
        self.made_by(value).map(|made| made.opcode())
    }

    pub(super) fn unary(&self, value: Value) -> Option<(Opcode, Value)> {
        match self.made_by(value)? {
            InstructionData::Unary { opcode, arg } => Some((opcode, arg)),
            _ => None,
        }
    }

    pub(super) fn made_by(&self, value: Value) -> Option<InstructionData> {
        let dfg = &self.b.func.dfg;
        match dfg.value_def(dfg.resolve_aliases(value)) {
            ValueDef::Result(inst, _) => Some(dfg.insts[inst]),
            ValueDef::Param(..) | ValueDef::Union(..) => None,
        }
    }
}
