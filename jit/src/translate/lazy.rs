//! Sums that are made where they are needed.
//!
//! A constant that is added to a register waits: addresses take it into their
//! offset, further constants join it, and a way out of a loop makes the sum for
//! itself where nothing else asks for it. In a chain of sums of what was loaded,
//! what the chain starts with is added last: the rest of it then does not wait for
//! the round before.

use super::Translator;
use super::regs::Known;
use crate::options::Passes;
use brolga_core::{AluOp, Operand, Reg, Width};
use cranelift_codegen::ir::{InstBuilder, Opcode, Value, ValueDef};

impl Translator<'_, '_> {
    /// A sum that is put off or changes one that was; whether it is one.
    pub(super) fn lazy(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) -> bool {
        if let Some(number) = self.known_number(src) {
            let number = if op == AluOp::Sub { number.wrapping_neg() } else { number };
            return self.has(Passes::LAZY) && width == Width::W64 && self.add_number(dst, number);
        }
        let (AluOp::Add, Operand::Reg(src)) = (op, src) else { return false };
        let plus = width == Width::W64 && self.has(Passes::LAZY) && self.add_plus(dst, src);
        plus || (self.has(Passes::TREE) && self.add_loaded(width, dst, src))
    }

    fn add_number(&mut self, dst: Reg, number: u64) -> bool {
        let Ok(number) = i32::try_from(number as i64) else { return false };
        let (value, off) = self.parts(dst);
        let Some(off) = off.checked_add(number) else { return false };
        self.set_known(dst, Known::Plus(value, off));
        true
    }

    /// A register as a value and a constant.
    fn parts(&mut self, reg: Reg) -> (Value, i32) {
        match self.pending(reg) {
            Known::Plus(value, off) => (value, off),
            Known::Nothing | Known::Number(_) | Known::Frame(_) | Known::Sum(..) => (self.wide(reg), 0),
        }
    }

    /// Adds two registers, the constant part of either last.
    fn add_plus(&mut self, dst: Reg, src: Reg) -> bool {
        let waits = |known| matches!(known, Known::Plus(..));
        if !waits(self.pending(dst)) && !waits(self.pending(src)) {
            return false;
        }
        let ((a, more), (b, off)) = (self.parts(dst), self.parts(src));
        let Some(off) = off.checked_add(more) else { return false };
        let sum = self.b.ins().iadd(a, b);
        self.set_known(dst, Known::Plus(sum, off));
        true
    }

    /// Adds what was loaded to what a block starts with, or to such a sum.
    fn add_loaded(&mut self, width: Width, dst: Reg, src: Reg) -> bool {
        for (chain, more) in [(dst, src), (src, dst)] {
            let (pending, more) = (self.pending(chain), (self.pending(more), more));
            let (Known::Nothing | Known::Sum(..), (Known::Nothing, more)) = (pending, more) else { continue };
            let value = self.part(width, more);
            if !self.is_loaded(value) {
                continue;
            }
            if let Known::Sum(same, start, rest) = pending
                && same == width
            {
                let rest = self.b.ins().iadd(rest, value);
                self.set_known(dst, Known::Sum(width, start, rest));
                return true;
            }
            let start = self.part(width, chain);
            if self.is_parameter(start) {
                self.set_known(dst, Known::Sum(width, start, value));
                return true;
            }
        }
        false
    }

    /// Whether a block starts with this value.
    fn is_parameter(&self, value: Value) -> bool {
        let dfg = &self.b.func.dfg;
        matches!(dfg.value_def(dfg.resolve_aliases(value)), ValueDef::Param(..))
    }

    /// Whether a value was loaded, and maybe extended or cut off.
    fn is_loaded(&self, value: Value) -> bool {
        let mut value = value;
        while let Some((Opcode::Uextend | Opcode::Sextend | Opcode::Ireduce, from)) = self.unary(value) {
            value = from;
        }
        self.opcode(value).is_some_and(Opcode::can_load)
    }
}
