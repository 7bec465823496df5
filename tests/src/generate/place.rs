//! Statements about memory of kinds of its own: the stack at an unknown offset,
//! the caller's, a global value, the metadata, and a packet whose start moves.

use super::CHECKED;
use super::body::VALUE_BYTES;
use super::regs::{Frame, Holds, SLOTS};
use super::statement::{Writer, alu_imm, load, mov, slot_off};
use arbitrary::Result;
use brolga_core::helper::table::id;
use brolga_core::{AluOp, AtomicOp, Callee, Cond, Imm64, Insn, Operand, Reg, Size, Width};

/// The map of one value.
pub(super) const GLOBALS: i32 = 2;
/// The array, the hash table, and the array with a value for each processor.
pub(super) const TABLES: [i32; 3] = [0, 1, 6];

impl Writer<'_, '_> {
    /// The processor that this runs on.
    pub(super) fn processor(&mut self, frame: &mut Frame) -> Result<()> {
        if !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        self.emit.insn(Insn::Call(Callee::Helper(id::GET_SMP_PROCESSOR_ID)));
        frame.after_call();
        frame.set(Reg::R0, Holds::Number);
        Ok(())
    }

    /// A number under another name, so that what is learnt of one is learnt of
    /// both.
    pub(super) fn copy(&mut self, frame: &mut Frame) -> Result<()> {
        let (src, width) = (Operand::Reg(self.number(frame)?), self.width()?);
        let dst = *self.u.choose(&frame.free())?;
        self.emit.insn(Insn::Alu { op: AluOp::Mov, width, dst, src });
        frame.set(dst, Holds::Number);
        if self.u.arbitrary()? {
            let imm = self.edge()?;
            self.emit.insn(alu_imm(AluOp::Add, Width::W64, dst, imm));
        }
        Ok(())
    }

    /// A slot that holds a number; one is made where there is none.
    pub(super) fn number_slot(&mut self, frame: &mut Frame) -> Result<usize> {
        let slots: Vec<usize> = (0..SLOTS).filter(|s| frame.slots[*s] == Holds::Number).collect();
        if !slots.is_empty() {
            return self.u.choose(&slots).copied();
        }
        let slot = self.u.choose_index(SLOTS)?;
        let (off, src) = (slot_off(slot), Operand::Imm(self.edge()?));
        self.emit.insn(Insn::Store { size: Size::B8, dst: Reg::FP, off, src });
        frame.slots[slot] = Holds::Number;
        Ok(slot)
    }

    /// A byte of the slots, which one is not known: what was spilled into any of
    /// them may be gone.
    ///
    /// The number is added to the pointer. With the pointer added to the number
    /// Linux 6.18 forgets whose frame it is, and a subprogram that it accepts then
    /// overwrites the kernel's stack.
    pub(super) fn stack_at_variable(&mut self, frame: &mut Frame) -> Result<()> {
        let index = self.number(frame)?;
        let spare: Vec<Reg> = frame.free().into_iter().filter(|r| *r != index).collect();
        let [by, at, ..] = spare[..] else { return Ok(()) };
        let skip = self.emit.label();
        let lowest = i32::from(slot_off(SLOTS - 1));
        frame.set(by, Holds::Nothing);
        frame.set(at, Holds::Nothing);
        let mut skipped = *frame;
        // Seldom the frame's end is passed: to be rejected.
        let most = -lowest - 1 + i32::from(self.u.ratio(1, 100)?);
        self.bounded(by, index, most, skip)?;
        self.emit.insn(mov(at, Operand::Reg(Reg::FP)));
        self.add_pointer(at, by);
        self.emit.insn(alu_imm(AluOp::Add, Width::W64, at, lowest));
        if self.u.arbitrary()? {
            self.emit.insn(load(Size::B1, by, at, 0));
        } else {
            let src = if self.u.arbitrary()? { Operand::Reg(index) } else { Operand::Imm(self.edge()?) };
            self.emit.insn(Insn::Store { size: Size::B1, dst: at, off: 0, src });
            let numbers =
                |slot: &mut Holds| *slot = if *slot == Holds::Number { *slot } else { Holds::Nothing };
            frame.slots.iter_mut().for_each(numbers);
        }
        frame.set(by, Holds::Number);
        self.emit.here(skip);
        skipped.set(at, Holds::Nothing);
        frame.meet(&skipped);
        Ok(())
    }

    /// An atomic operation on a slot.
    pub(super) fn stack_atomic(&mut self, frame: &mut Frame) -> Result<()> {
        let slot = self.number_slot(frame)?;
        let (op, width) = (*self.u.choose(&AtomicOp::ALL)?, self.width()?);
        let src = self.target(frame)?;
        if op == AtomicOp::Cmpxchg && frame.of(Reg::R0) != Holds::Number {
            return Ok(());
        }
        self.emit.insn(Insn::Atomic { op, width, dst: Reg::FP, off: slot_off(slot), src });
        Ok(())
    }

    /// The address of a map's value as a constant.
    pub(super) fn global(&mut self, frame: &mut Frame) -> Result<()> {
        let dst = *self.u.choose(&frame.free())?;
        let off = self.u.int_in_range(0..=VALUE_BYTES / 8 - 1)? * 8;
        self.emit.insn(Insn::LoadImm64 { dst, imm: Imm64::MapIdxValue { idx: GLOBALS, off } });
        self.emit.insn(alu_imm(AluOp::Sub, Width::W64, dst, off as i32));
        frame.set(dst, Holds::Value);
        let count = self.u.int_in_range(1..=3)?;
        for _ in 0..count {
            self.value(frame)?;
        }
        Ok(())
    }

    /// The caller's slot, where this frame was given one.
    pub(super) fn caller_slot(&mut self, frame: &mut Frame) -> Result<()> {
        match frame.with(Holds::CallerSlot).first().copied() {
            Some(slot) => self.access(frame, slot, 8, true),
            None => self.arithmetic(frame),
        }
    }

    fn scratch_is_free(&self, frame: &Frame) -> bool {
        [Reg::R1, Reg::R2, Reg::R3].iter().all(|r| frame.free().contains(r))
    }

    /// A load of the metadata before the packet, where there is any.
    pub(super) fn meta(&mut self, frame: &mut Frame) -> Result<()> {
        let Some(ctx) = frame.with(Holds::Ctx).first().copied().filter(|_| self.scratch_is_free(frame))
        else {
            return self.caller_slot(frame);
        };
        let skip = self.emit.label();
        let size = *self.u.choose(&Size::ALL)?;
        let keep = self.target_slot(frame)?;
        self.emit.insn(load(Size::B4, Reg::R1, ctx, 8));
        self.emit.insn(load(Size::B4, Reg::R2, ctx, 0));
        self.emit.insn(mov(Reg::R3, Operand::Reg(Reg::R1)));
        let tested = size.bytes() as i32 - i32::from(self.u.ratio(1, 100)?);
        self.emit.insn(alu_imm(AluOp::Add, Width::W64, Reg::R3, tested));
        self.jump_unless_within(Reg::R3, Reg::R2, skip)?;
        self.emit.insn(load(size, Reg::R1, Reg::R1, 0));
        self.emit.insn(Insn::Store { size: Size::B8, dst: Reg::FP, off: keep, src: Operand::Reg(Reg::R1) });
        self.emit.here(skip);
        for reg in [Reg::R1, Reg::R2, Reg::R3] {
            frame.set(reg, Holds::Nothing);
        }
        Ok(())
    }

    /// Moves the packet's start: every pointer into it is lost, and one is made
    /// again.
    pub(super) fn adjust_head(&mut self, frame: &mut Frame) -> Result<()> {
        let (Some(out), Some(ctx), true) =
            (self.out, frame.with(Holds::Ctx).first().copied(), self.args_free(frame))
        else {
            return self.caller_slot(frame);
        };
        let held = frame.with(Holds::Packet).into_iter().find(|r| Reg::SAVED.contains(r));
        let free = Reg::SAVED.into_iter().find(|r| frame.free().contains(r));
        let Some(packet) = held.or(free) else { return Ok(()) };
        self.emit.insn(mov(Reg::R1, Operand::Reg(ctx)));
        let delta = self.u.int_in_range(0..=16)?;
        self.emit.insn(mov(Reg::R2, Operand::Imm(delta)));
        self.emit.insn(Insn::Call(Callee::Helper(id::XDP_ADJUST_HEAD)));
        frame.after_call();
        // Seldom the lost pointer is kept: to be rejected where it is used.
        if held.is_some() && self.u.ratio(1, 100)? {
            return Ok(());
        }
        frame.lose_packet();
        self.emit.insn(load(Size::B4, packet, ctx, 0));
        self.emit.insn(load(Size::B4, Reg::R2, ctx, 4));
        self.emit.insn(mov(Reg::R3, Operand::Reg(packet)));
        self.emit.insn(alu_imm(AluOp::Add, Width::W64, Reg::R3, CHECKED as i32));
        self.emit.jump_if(Cond::Gt, Width::W64, Reg::R3, Operand::Reg(Reg::R2), out);
        frame.set(packet, Holds::Packet);
        Ok(())
    }
}
