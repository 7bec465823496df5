//! Statements that call kernel functions: loops over an iterator, and sections in
//! which something may not be done.

use super::regs::{Frame, Holds, SLOTS};
use super::statement::{Writer, alu_imm, mov, slot_off};
use arbitrary::Result;
use brolga_core::kfunc::Kfunc;
use brolga_core::{AluOp, Callee, Cond, Insn, Operand, Reg, Width};

/// Where a frame's iterator is: below its dynptr.
const ITERATOR: i16 = slot_off(SLOTS + 8);

impl Writer<'_, '_> {
    /// A call of a kernel function; its number is its place among all of them.
    fn call_kfunc(&mut self, frame: &mut Frame, kfunc: Kfunc) {
        let id = (1..).zip(Kfunc::all()).find(|(_, known)| *known == kfunc).map_or(0, |(id, _)| id);
        self.emit.insn(Insn::Call(Callee::Kfunc { id, btf: 0 }));
        frame.after_call();
        if !matches!(kfunc, Kfunc::IterNumNew | Kfunc::IterNumNext) {
            frame.set(Reg::R0, Holds::Nothing);
        }
    }

    fn of_iterator(&mut self, frame: &mut Frame, kfunc: Kfunc) {
        self.slot_address(Reg::R1, ITERATOR);
        self.call_kfunc(frame, kfunc);
    }

    /// A loop over few numbers.
    pub(super) fn iterate(&mut self, frame: &mut Frame) -> Result<()> {
        let Some(element) = frame.spare().filter(|_| !frame.iterator && self.args_free(frame)) else {
            return self.arithmetic(frame);
        };
        let start = self.u.int_in_range(-2..=2)?;
        if self.u.arbitrary()? {
            let end = self.u.int_in_range(0..=8)?;
            self.imm(Reg::R3, end);
        } else {
            let end = self.number(frame)?;
            self.emit.insn(mov(Reg::R3, Operand::Reg(end)));
            self.emit.insn(alu_imm(AluOp::And, Width::W64, Reg::R3, 7));
        }
        self.imm(Reg::R2, start);
        self.of_iterator(frame, Kfunc::IterNumNew);
        frame.iterator = true;
        let out = self.out.take();
        self.rounds(frame, element)?;
        self.out = out;
        // Seldom it is left as it is, or ended twice: to be rejected.
        let times = if self.u.ratio(1, 60)? { *self.u.choose(&[0, 2])? } else { 1 };
        for _ in 0..times {
            self.of_iterator(frame, Kfunc::IterNumDestroy);
        }
        frame.iterator = false;
        Ok(())
    }

    /// The rounds of the loop, each with its element.
    fn rounds(&mut self, frame: &mut Frame, element: Reg) -> Result<()> {
        let (again, end) = (self.emit.label(), self.emit.label());
        // As in a loop by a counter: what holds at the start of a round holds in
        // every one.
        let mut round = *frame;
        round.forget_for_round();
        let start = round;
        self.emit.here(again);
        self.of_iterator(&mut round, Kfunc::IterNumNext);
        // Seldom it is not asked whether there is one: to be rejected.
        if !self.u.ratio(1, 100)? {
            self.emit.jump_if(Cond::Eq, Width::W64, Reg::R0, Operand::Imm(0), end);
        }
        self.emit.insn(mov(element, Operand::Reg(Reg::R0)));
        round.set(element, Holds::Key);
        round.set(Reg::R0, Holds::Nothing);
        self.depth += 1;
        for _ in 0..self.u.int_in_range(1..=3)? {
            match self.u.ratio(1, 3)? {
                true => self.value(&mut round)?,
                false => self.statement(&mut round)?,
            }
        }
        self.depth -= 1;
        let kept = |r: Reg| r == element || start.of(r) == Holds::Nothing || round.of(r) == start.of(r);
        if Reg::SAVED.into_iter().all(kept) {
            self.emit.jump(again);
        }
        self.emit.here(end);
        frame.meet(&round);
        for reg in [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5, element] {
            frame.set(reg, Holds::Nothing);
        }
        Ok(())
    }

    /// Statements in a section of RCU, or in which nothing interrupts.
    pub(super) fn section(&mut self, frame: &mut Frame) -> Result<()> {
        let sections =
            [(Kfunc::PreemptDisable, Kfunc::PreemptEnable), (Kfunc::RcuReadLock, Kfunc::RcuReadUnlock)];
        let (begin, end) = *self.u.choose(&sections)?;
        if frame.rcu || !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        self.call_kfunc(frame, begin);
        frame.rcu = true;
        self.within(frame)?;
        frame.rcu = false;
        // Seldom it has no end: to be rejected.
        if !self.u.ratio(1, 60)? {
            self.call_kfunc(frame, end);
        }
        Ok(())
    }
}
