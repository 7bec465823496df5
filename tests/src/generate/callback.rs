//! Statements that have a helper run a callback, now or later.

use super::body::{Callback, CallbackKind, VALUE_BYTES};
use super::place::TABLES;
use super::regs::{Frame, Holds};
use super::statement::{MAX_DEPTH, Writer, alu_imm, mov, slot_off};
use arbitrary::Result;
use brolga_core::helper::table::id;
use brolga_core::{AluOp, Cond, Insn, Operand, Reg, Size, Width};

/// The map with a timer in each value.
const TIMED: i32 = 4;

const TIMER_INIT: i32 = 169;
const TIMER_SET_CALLBACK: i32 = 170;
const TIMER_START: i32 = 171;
const TIMER_CANCEL: i32 = 172;

impl Writer<'_, '_> {
    /// The address of a callback of this kind.
    fn callback(&mut self, dst: Reg, kind: CallbackKind) -> Result<()> {
        // One of the kind may do for several.
        let same: Vec<Callback> = self.callbacks.iter().copied().filter(|c| c.kind == kind).collect();
        let again = !same.is_empty() && self.u.ratio(1, 3)?;
        let label = if again { self.u.choose(&same)?.label } else { self.emit.label() };
        if !again {
            self.callbacks.push(Callback { label, kind });
        }
        self.emit.address(dst, label);
        Ok(())
    }

    /// What a callback gets besides: mostly the address of a slot.
    fn callback_context(&mut self, frame: &mut Frame, dst: Reg) -> Result<bool> {
        let given = self.u.ratio(3, 4)?;
        if given {
            let slot = slot_off(self.number_slot(frame)?);
            self.slot_address(dst, slot);
        } else {
            self.imm(dst, 0);
        }
        Ok(given)
    }

    /// Mostly none.
    fn callback_flags(&mut self, dst: Reg) -> Result<()> {
        let flags = i32::from(self.u.ratio(1, 20)?);
        self.imm(dst, flags);
        Ok(())
    }

    /// `bpf_loop`, of few rounds.
    pub(super) fn loop_helper(&mut self, frame: &mut Frame) -> Result<()> {
        if !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        if self.u.arbitrary()? {
            let rounds = self.u.int_in_range(0..=8)?;
            self.imm(Reg::R1, rounds);
        } else {
            let rounds = self.number(frame)?;
            self.emit.insn(mov(Reg::R1, Operand::Reg(rounds)));
            self.emit.insn(alu_imm(AluOp::And, Width::W64, Reg::R1, 7));
        }
        let slot = self.callback_context(frame, Reg::R3)?;
        self.callback(Reg::R2, CallbackKind::Loop { slot })?;
        self.callback_flags(Reg::R4)?;
        self.call_helper(frame, id::LOOP);
        Ok(())
    }

    /// Changes a key that was stored: a part of it, or by whoever is given its
    /// address.
    pub(super) fn change_key(&mut self, frame: &mut Frame, key: i16) -> Result<()> {
        let runs = !self.locked && self.runs && self.depth < MAX_DEPTH;
        if !runs || self.u.ratio(1, 3)? {
            let (off, src) = (key + self.u.int_in_range(0..=3)?, Operand::Imm(self.u.int_in_range(0..=2)?));
            self.emit.insn(Insn::Store { size: Size::B1, dst: Reg::FP, off, src });
            return Ok(());
        }
        let (off, src) = (key + 4, Operand::Imm(0));
        self.emit.insn(Insn::Store { size: Size::B4, dst: Reg::FP, off, src });
        self.imm(Reg::R1, 1);
        match self.subprogs.first().copied() {
            Some(sub) if self.u.arbitrary()? => {
                self.imm(Reg::R2, 1);
                self.slot_address(Reg::R3, key);
                self.emit.call(sub.label);
                frame.after_call();
            }
            _ => {
                self.slot_address(Reg::R3, key);
                self.callback(Reg::R2, CallbackKind::Loop { slot: true })?;
                self.imm(Reg::R4, 0);
                self.call_helper(frame, id::LOOP);
            }
        }
        Ok(())
    }

    /// `bpf_for_each_map_elem`.
    pub(super) fn each_element(&mut self, frame: &mut Frame) -> Result<()> {
        if !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let slot = self.callback_context(frame, Reg::R3)?;
        let map = *self.u.choose(&TABLES)?;
        self.map(Reg::R1, map);
        self.callback(Reg::R2, CallbackKind::MapElem { slot })?;
        self.callback_flags(Reg::R4)?;
        self.call_helper(frame, id::FOR_EACH_MAP_ELEM);
        Ok(())
    }

    /// A timer, which is never due while the program can be seen.
    pub(super) fn timer(&mut self, frame: &mut Frame) -> Result<()> {
        let Some(value) = frame.spare().filter(|_| self.args_free(frame)) else {
            return self.arithmetic(frame);
        };
        self.map_and_key(frame, TIMED)?;
        self.call_helper(frame, id::MAP_LOOKUP_ELEM);
        let skip = self.emit.label();
        self.emit.jump_if(Cond::Eq, Width::W64, Reg::R0, Operand::Imm(0), skip);
        self.emit.insn(mov(value, Operand::Reg(Reg::R0)));
        for _ in 0..self.u.int_in_range(1..=4)? {
            self.timer_step(frame, value)?;
        }
        self.emit.here(skip);
        frame.set(value, Holds::Nothing);
        Ok(())
    }

    fn timer_step(&mut self, frame: &mut Frame, value: Reg) -> Result<()> {
        let helper = *self.u.choose(&[TIMER_INIT, TIMER_SET_CALLBACK, TIMER_START, TIMER_CANCEL])?;
        self.emit.insn(mov(Reg::R1, Operand::Reg(value)));
        self.emit.insn(alu_imm(AluOp::Add, Width::W64, Reg::R1, VALUE_BYTES as i32));
        match helper {
            TIMER_INIT => {
                // Seldom the map is another one: to be rejected.
                let map = TIMED - i32::from(self.u.ratio(1, 100)?);
                self.map(Reg::R2, map);
                self.imm(Reg::R3, 1);
            }
            TIMER_SET_CALLBACK => self.callback(Reg::R2, CallbackKind::Timer)?,
            TIMER_START => {
                self.imm(Reg::R2, i32::MAX);
                self.emit.insn(alu_imm(AluOp::Lsh, Width::W64, Reg::R2, 24));
                self.imm(Reg::R3, 0);
            }
            _ => {}
        }
        self.call_helper(frame, helper);
        Ok(())
    }
}
