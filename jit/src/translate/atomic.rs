//! Atomic operations. They are aligned: that is proven too.

use super::Translator;
use super::memory::{At, memory_type, part_of};
use super::regs::int;
use crate::error::CompileError;
use brolga_core::{AtomicOp, Pc, Reg, Size, Width};
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, MemFlagsData, Value, types};

const ATOMIC: MemFlagsData = MemFlagsData::trusted();

impl Translator<'_, '_> {
    /// The old value of a 32-bit operation is zero-extended.
    pub(super) fn atomic(
        &mut self,
        pc: Pc,
        op: AtomicOp,
        width: Width,
        at: At,
        src: Reg,
    ) -> Result<(), CompileError> {
        let address = self.atomic_address(pc, at, width.size())?;
        let value = self.part(width, src);
        let rmw = match op {
            AtomicOp::Add | AtomicOp::FetchAdd => AtomicRmwOp::Add,
            AtomicOp::Or | AtomicOp::FetchOr => AtomicRmwOp::Or,
            AtomicOp::And | AtomicOp::FetchAnd => AtomicRmwOp::And,
            AtomicOp::Xor | AtomicOp::FetchXor => AtomicRmwOp::Xor,
            AtomicOp::Xchg => AtomicRmwOp::Xchg,
            AtomicOp::Cmpxchg => {
                let expected = self.expected(width);
                let old = self.b.ins().atomic_cas(ATOMIC, address, expected, value);
                self.set_part(width, Reg::R0, old);
                return Ok(());
            }
        };
        let old = self.b.ins().atomic_rmw(int(width), ATOMIC, rmw, address, value);
        if op.fetches() {
            self.set_part(width, src, old);
        }
        Ok(())
    }

    /// What a cmpxchg expects, its upper half cleared where it is of 32 bits: with
    /// load-exclusive and store-exclusive, Cranelift's aarch64 compares all 64 bits
    /// of the register.
    fn expected(&mut self, width: Width) -> Value {
        match width {
            Width::W32 => {
                let wide = self.wide(Reg::R0);
                let clear = self.b.ins().band_imm_u(wide, i64::from(u32::MAX));
                self.b.ins().ireduce(types::I32, clear)
            }
            Width::W64 => self.wide(Reg::R0),
        }
    }

    pub(super) fn load_acquire(&mut self, pc: Pc, size: Size, dst: Reg, at: At) -> Result<(), CompileError> {
        let address = self.atomic_address(pc, at, size)?;
        let value = self.b.ins().atomic_load(memory_type(size), ATOMIC, address);
        let value = if size == Size::B8 { value } else { self.b.ins().uextend(types::I64, value) };
        self.set_wide(dst, value);
        Ok(())
    }

    pub(super) fn store_release(&mut self, pc: Pc, size: Size, at: At, src: Reg) -> Result<(), CompileError> {
        let address = self.atomic_address(pc, at, size)?;
        let value = self.part(part_of(size), src);
        let value = match size {
            Size::B1 | Size::B2 => self.b.ins().ireduce(memory_type(size), value),
            Size::B4 | Size::B8 => value,
        };
        self.b.ins().atomic_store(ATOMIC, value, address);
        Ok(())
    }

    fn atomic_address(&mut self, pc: Pc, at: At, size: Size) -> Result<Value, CompileError> {
        self.stored = None;
        let (address, host_size) = self.place(pc, at, size)?;
        if host_size != size {
            return Err(CompileError::Facts { at: pc, what: "an atomic access of a converted field" });
        }
        Ok(self.flat(address))
    }
}
