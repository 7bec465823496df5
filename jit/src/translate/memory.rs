//! Loads and stores, without a check: that they are in bounds is proven.

use super::regs::Known;
use super::{Translator, frame_size};
use crate::error::CompileError;
use crate::options::Passes;
use brolga_core::facts::Region;
use brolga_core::{Operand, Pc, Reg, Size, Width};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};

/// What a plain access promises: only that it does not trap. It need not be
/// aligned.
pub(super) const PLAIN: MemFlagsData = MemFlagsData::new().with_notrap();

/// A base register and an offset in bytes.
pub(super) type At = (Reg, i16);

/// The low 32 bits of a register that were stored in the frame.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    /// Where, from the frame's end.
    pub(super) off: i32,
    pub(super) value: Value,
}

/// An address: a value and a constant added to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) base: Value,
    pub(super) off: i32,
}

impl Translator<'_, '_> {
    pub(super) fn load(
        &mut self,
        pc: Pc,
        size: Size,
        signed: bool,
        dst: Reg,
        at: At,
    ) -> Result<(), CompileError> {
        if let Some(slot) = self.value_slot(at, size) {
            let variable = self.slot_variable(slot);
            let value = self.b.use_var(variable);
            self.set_wide(dst, value);
            return Ok(());
        }
        if let Some(number) = self.frozen(pc, size, signed, at) {
            self.set_number(dst, number);
            return Ok(());
        }
        let (address, host_size) = self.place(pc, at, size)?;
        let signed = signed && host_size == size;
        let value = self.load_from(address, host_size, signed);
        if signed || host_size == Size::B8 {
            self.set_wide(dst, value);
        } else {
            self.set_short(dst, value);
        }
        Ok(())
    }

    /// What a load gives, where it is one from a known place of a map that never
    /// changes.
    fn frozen(&self, pc: Pc, size: Size, signed: bool, (reg, off): At) -> Option<u64> {
        let (Some(Region::MapValue(map)), Known::Number(base)) = (self.facts(pc).region, self.known(reg))
        else {
            return None;
        };
        let exec = self.linked().exec();
        let frozen = exec.aux.maps.get(map.index())?.frozen.as_ref().filter(|_| self.has(Passes::FROZEN))?;
        let start = exec.maps.get(map.index())?.value?;
        let at = base.wrapping_add_signed(off.into()).checked_sub(start)?;
        let bytes = frozen.get(usize::try_from(at).ok()?..)?.get(..size.bytes() as usize)?;
        let number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let unused = u64::BITS - 8 * size.bytes();
        Some(if signed { ((number << unused) as i64 >> unused) as u64 } else { number })
    }

    fn load_from(&mut self, Address { base, off }: Address, size: Size, signed: bool) -> Value {
        let ins = self.b.ins();
        match (size, signed) {
            (Size::B1, false) => ins.uload8(types::I64, PLAIN, base, off),
            (Size::B2, false) => ins.uload16(types::I64, PLAIN, base, off),
            (Size::B4, false) => ins.uload32(PLAIN, base, off),
            (Size::B1, true) => ins.sload8(types::I64, PLAIN, base, off),
            (Size::B2, true) => ins.sload16(types::I64, PLAIN, base, off),
            (Size::B4, true) => ins.sload32(PLAIN, base, off),
            (Size::B8, _) => ins.load(types::I64, PLAIN, base, off),
        }
    }

    pub(super) fn store(&mut self, pc: Pc, size: Size, at: At, src: Operand) -> Result<(), CompileError> {
        if let Some(slot) = self.value_slot(at, size) {
            let variable = self.slot_variable(slot);
            let value = self.operand(Width::W64, src);
            self.b.def_var(variable, value);
            return Ok(());
        }
        let frame = self.known(at.0);
        let (Address { base, off }, size) = self.place(pc, at, size)?;
        let value = self.operand(part_of(size), src);
        self.stored = match (frame, size) {
            (Known::Frame(from), Size::B4) => Some(Stored { off: from.wrapping_add(at.1.into()), value }),
            _ => None,
        };
        if size == Size::B8 {
            self.store_word(value, Address { base, off });
            return Ok(());
        }
        match size {
            Size::B1 => self.b.ins().istore8(PLAIN, value, base, off),
            Size::B2 => self.b.ins().istore16(PLAIN, value, base, off),
            Size::B4 | Size::B8 => self.b.ins().store(PLAIN, value, base, off),
        };
        Ok(())
    }

    /// Where an access really goes, and its size there: one of the context to
    /// the real structure.
    pub(super) fn place(
        &mut self,
        pc: Pc,
        (reg, off): At,
        size: Size,
    ) -> Result<(Address, Size), CompileError> {
        match self.facts(pc).region {
            Some(Region::Ctx(access)) => {
                let what = "a context larger than 2 GiB";
                let off = i32::try_from(access.host_off).map_err(|_| CompileError::Facts { at: pc, what })?;
                Ok((Address { base: self.wide(reg), off }, access.host_size))
            }
            Some(
                Region::Stack { .. } | Region::Packet | Region::MapValue(_) | Region::Kernel | Region::Other,
            )
            | None => Ok((self.address(pc, (reg, off), size)?, size)),
        }
    }

    fn address(&mut self, pc: Pc, (reg, off): At, size: Size) -> Result<Address, CompileError> {
        let from = match (self.known(reg), self.pending(reg)) {
            (Known::Frame(from), _) => from,
            (_, Known::Plus(base, more)) if more.checked_add(off.into()).is_some() => {
                return Ok(Address { base, off: more + i32::from(off) });
            }
            (Known::Nothing | Known::Number(_) | Known::Plus(..) | Known::Sum(..), _) => {
                return Ok(Address { base: self.wide(reg), off: off.into() });
            }
        };
        let off = i64::from(from) + i64::from(off);
        let frame = -i64::from(self.plan.subprog.stack);
        if off < frame || off + i64::from(size.bytes()) > 0 {
            if reg == Reg::FP {
                return Err(CompileError::Facts { at: pc, what: "an access outside the stack frame" });
            }
            // Folding knows more than the verifier says (of division, say): no
            // run comes here. If one did, it would do no harm at null.
            return Ok(Address { base: self.number(Width::W64, 0), off: 0 });
        }
        Ok(Address { base: self.frame_address(off as i32), off: 0 })
    }

    /// The frame pointer plus an offset.
    pub(super) fn frame_address(&mut self, off: i32) -> Value {
        match self.frame {
            Some(slot) => {
                let end = i64::from(frame_size(self.plan.subprog.stack));
                let at = end + i64::from(off);
                // Cranelift takes no address outside the slot. One may be made,
                // to be compared, or where no run comes.
                let inside = at.clamp(0, end);
                let base = self.b.ins().stack_addr(types::I64, slot, inside as i32);
                if at == inside { base } else { self.b.ins().iadd_imm_s(base, at - inside) }
            }
            // Without a frame its pointer leads nowhere, but may be compared.
            None => {
                let sp = self.b.ins().get_stack_pointer(types::I64);
                self.b.ins().iadd_imm_s(sp, i64::from(off))
            }
        }
    }

    /// The address as one value.
    pub(super) fn flat(&mut self, Address { base, off }: Address) -> Value {
        if off == 0 { base } else { self.b.ins().iadd_imm_s(base, i64::from(off)) }
    }

    /// The slot that is a value, where an access is to such a one.
    fn value_slot(&self, (reg, off): At, size: Size) -> Option<usize> {
        if reg == Reg::FP { self.plan.stack.values.whole(off.into(), size) } else { None }
    }

    fn slot_variable(&mut self, slot: usize) -> cranelift_frontend::Variable {
        *self.slots.entry(slot).or_insert_with(|| self.b.declare_var(types::I64))
    }

    /// Zeroes the frame.
    pub(super) fn zero_frame(&mut self) {
        let Some(slot) = self.frame else { return };
        let zero = self.number(Width::W64, 0);
        for off in (0..frame_size(self.plan.subprog.stack) as i32).step_by(8) {
            self.b.ins().stack_store(types::I64, zero, slot, off);
        }
    }
}

/// The part of a register that a store of this size looks at.
pub(super) const fn part_of(size: Size) -> Width {
    match size {
        Size::B1 | Size::B2 | Size::B4 => Width::W32,
        Size::B8 => Width::W64,
    }
}

/// The Cranelift type of a memory access.
pub(super) const fn memory_type(size: Size) -> Type {
    match size {
        Size::B1 => types::I8,
        Size::B2 => types::I16,
        Size::B4 => types::I32,
        Size::B8 => types::I64,
    }
}
