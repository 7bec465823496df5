//! Arithmetic.

use super::Translator;
use super::regs::{Known, int};
use crate::options::Passes;
use brolga_core::{AluOp, Operand, Order, Pc, Reg, Size, Width};
use cranelift_codegen::ir::{InstBuilder, Value, types};

impl Translator<'_, '_> {
    pub(super) fn alu(&mut self, pc: Pc, op: AluOp, width: Width, dst: Reg, src: Operand) {
        if let Some(known) = self.folded(op, width, dst, src) {
            return self.set_known(dst, known);
        }
        match op {
            AluOp::Mov => self.mov(width, dst, src),
            AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod => self.divide(pc, op, width, dst, src),
            AluOp::Add | AluOp::Sub if self.lazy(op, width, dst, src) => {}
            AluOp::Add
            | AluOp::Sub
            | AluOp::Mul
            | AluOp::Or
            | AluOp::And
            | AluOp::Lsh
            | AluOp::Rsh
            | AluOp::Xor
            | AluOp::Arsh => self.plain(op, width, dst, src),
        }
    }

    /// What is known of the result without computing anything.
    fn folded(&self, op: AluOp, width: Width, dst: Reg, src: Operand) -> Option<Known> {
        if let (AluOp::Mov, Operand::Imm(imm)) = (op, src) {
            return Some(Known::Number(width.zero_extend(imm as u64)));
        }
        if !self.has(Passes::FOLD) {
            return None;
        }
        let number = self.known_number(src)?;
        match (op, width, self.known(dst)) {
            (AluOp::Mov, ..) => Some(Known::Number(width.zero_extend(number))),
            (_, _, Known::Number(a)) => Some(Known::Number(op.eval(width, a, number))),
            (AluOp::Add, Width::W64, Known::Frame(off)) => {
                Some(Known::Frame(off.checked_add(i32::try_from(number as i64).ok()?)?))
            }
            (_, _, Known::Frame(_) | Known::Nothing | Known::Plus(..) | Known::Sum(..)) => None,
        }
    }

    fn mov(&mut self, width: Width, dst: Reg, src: Operand) {
        match (width, src) {
            (Width::W64, Operand::Reg(src)) => self.copy(dst, src),
            (Width::W32, Operand::Reg(src)) => self.extend(dst, src),
            (_, Operand::Imm(_)) => {
                let value = self.operand(width, src);
                self.set_part(width, dst, value);
            }
        }
    }

    /// An operation that Cranelift has with the same meaning.
    fn plain(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) {
        let number = self.known_number(src);
        let a = self.part(width, dst);
        if self.has(Passes::ROTATE) && self.extension(op, width, dst, (a, number)) {
            return;
        }
        if let (AluOp::Add, Some(number)) = (op, number)
            && let Some(value) = self.sum(a, number)
        {
            return self.set_part(width, dst, value);
        }
        if op == AluOp::Mul
            && self.has(Passes::MULTIPLY)
            && let Some(product) = number.and_then(|number| self.product(width, a, number))
        {
            return self.set_part(width, dst, product);
        }
        let b = match op {
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.small_operand(width, src),
            AluOp::Add
            | AluOp::Sub
            | AluOp::Mul
            | AluOp::Or
            | AluOp::And
            | AluOp::Xor
            | AluOp::Div
            | AluOp::Sdiv
            | AluOp::Mod
            | AluOp::Smod
            | AluOp::Mov => self.operand(width, src),
        };
        let value = match op {
            AluOp::Add | AluOp::Or | AluOp::Xor => match self.rotation(width, a, b) {
                Some(value) => value,
                None => self.binary(op, a, b),
            },
            AluOp::Sub
            | AluOp::Mul
            | AluOp::And
            | AluOp::Lsh
            | AluOp::Rsh
            | AluOp::Arsh
            | AluOp::Div
            | AluOp::Sdiv
            | AluOp::Mod
            | AluOp::Smod
            | AluOp::Mov => self.binary(op, a, b),
        };
        self.set_part(width, dst, value);
    }

    /// Shift counts are masked by Cranelift as by BPF.
    fn binary(&mut self, op: AluOp, a: Value, b: Value) -> Value {
        let ins = self.b.ins();
        match op {
            AluOp::Add => ins.iadd(a, b),
            AluOp::Sub => ins.isub(a, b),
            AluOp::Mul => ins.imul(a, b),
            AluOp::Or => ins.bor(a, b),
            AluOp::And => ins.band(a, b),
            AluOp::Lsh => ins.ishl(a, b),
            AluOp::Rsh => ins.ushr(a, b),
            AluOp::Xor => ins.bxor(a, b),
            AluOp::Arsh => ins.sshr(a, b),
            AluOp::Div => ins.udiv(a, b),
            AluOp::Sdiv => ins.sdiv(a, b),
            AluOp::Mod => ins.urem(a, b),
            AluOp::Smod => ins.srem(a, b),
            AluOp::Mov => b,
        }
    }

    pub(super) fn quotient(&mut self, op: AluOp, a: Value, b: Value) -> Value {
        self.binary(op, a, b)
    }

    pub(super) fn neg(&mut self, width: Width, dst: Reg) {
        let value = self.part(width, dst);
        let value = self.b.ins().ineg(value);
        self.set_part(width, dst, value);
    }

    pub(super) fn mov_sx(&mut self, width: Width, from: Size, dst: Reg, src: Reg) {
        let low = self.narrow(src);
        let low = match from {
            Size::B1 => self.b.ins().ireduce(types::I8, low),
            Size::B2 => self.b.ins().ireduce(types::I16, low),
            // The decoder makes none of eight bytes, nor one of four into four.
            Size::B4 | Size::B8 => low,
        };
        let value = match (width, from) {
            (Width::W32, Size::B4 | Size::B8) => low,
            (Width::W32, Size::B1 | Size::B2) | (Width::W64, _) => self.b.ins().sextend(int(width), low),
        };
        self.set_part(width, dst, value);
    }

    pub(super) fn swap(&mut self, order: Order, size: Size, dst: Reg) {
        let swaps = match order {
            // The machines that code is made for are little-endian.
            Order::Le => false,
            Order::Be | Order::Swap => true,
        };
        match size {
            Size::B8 => {
                let value = self.wide(dst);
                let value = if swaps { self.b.ins().bswap(value) } else { value };
                self.set_wide(dst, value);
            }
            Size::B4 => {
                let value = self.narrow(dst);
                let value = if swaps { self.b.ins().bswap(value) } else { value };
                self.set_narrow(dst, value);
            }
            Size::B1 | Size::B2 => self.swap_short(swaps, size, dst),
        }
    }

    fn swap_short(&mut self, swaps: bool, size: Size, dst: Reg) {
        let ty = if size == Size::B1 { types::I8 } else { types::I16 };
        let value = self.narrow(dst);
        let value = self.b.ins().ireduce(ty, value);
        let value = if swaps && size == Size::B2 { self.b.ins().bswap(value) } else { value };
        let value = self.b.ins().uextend(types::I32, value);
        self.set_narrow(dst, value);
    }
}
