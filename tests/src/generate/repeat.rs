//! Loops: counted up and down, in 32 and 64 bits, in a register or on the stack,
//! with addresses that move along, ways back to the start and out from the middle;
//! some whose counter is changed by what they read, wraps, or never ends.

use super::emit::Label;
use super::regs::{Frame, Holds, SLOTS};
use super::statement::{Writer, alu_imm, load, mov, slot_off};
use arbitrary::Result;
use brolga_core::{AluOp, Cond, Insn, Operand, Reg, Size, Width};

/// How a loop counts.
struct Counter {
    reg: Reg,
    width: Width,
    /// Where it lies between the rounds, where that is the stack.
    slot: Option<i16>,
    step: i32,
    /// While this holds of the counter and the number, there is one more round.
    again: Cond,
    end: i32,
}

/// An address that moves by so many bytes.
struct Moving {
    reg: Reg,
    step: i32,
    /// Whether it is into a map value, and may be written.
    value: bool,
}

impl Writer<'_, '_> {
    /// A loop, by a counter or by `may_goto`.
    pub(super) fn repeat(&mut self, frame: &mut Frame) -> Result<()> {
        let kept: Vec<Reg> = Reg::SAVED.into_iter().filter(|r| frame.free().contains(r)).collect();
        let Some(reg) = kept.first().copied() else { return Ok(()) };
        let (again, next, end) = (self.emit.label(), self.emit.label(), self.emit.label());
        let rounds =
            if self.u.ratio(1, 3)? { self.u.int_in_range(7..=24)? } else { self.u.int_in_range(1..=6)? };
        let counter = self.counter(frame, reg, rounds)?;
        let moving = match kept.get(1) {
            Some(reg) if self.u.ratio(1, 3)? => Some(self.moving(frame, *reg, rounds)?),
            Some(reg) if self.emit.idioms => {
                self.carried(frame, *reg)?;
                None
            }
            Some(_) | None => None,
        };
        // What holds at the start of a round must hold in every one: so a round
        // starts without the registers that a call loses, and without slots.
        let mut round = *frame;
        round.set(reg, Holds::Counter);
        moving.iter().for_each(|moving| round.set(moving.reg, Holds::Moving));
        round.forget_for_round();
        let start = round;
        self.emit.here(again);
        if self.u.ratio(1, 12)? {
            self.emit.may_goto(end);
        }
        self.reload(&counter);
        self.look(&moving, &mut round)?;
        self.leave_early(&counter, (next, end))?;
        self.depth += 1;
        if self.emit.idioms {
            self.idiom_of_round(&mut round)?;
        }
        let count = self.u.int_in_range(1..=3)?;
        self.statements(&mut round, count)?;
        self.depth -= 1;
        // A saved register that a round lost would be lost at the next start.
        let kept_all =
            Reg::SAVED.into_iter().all(|r| start.of(r) == Holds::Nothing || round.of(r) == start.of(r));
        self.emit.here(next);
        if kept_all {
            self.disturb(&counter)?;
            self.next_round(&counter, &moving, again);
        }
        self.emit.here(end);
        round.set(reg, Holds::Number);
        moving.iter().for_each(|moving| round.set(moving.reg, Holds::Nothing));
        // From the middle nothing is there but what was at the round's start.
        round.meet(&start);
        frame.meet(&round);
        frame.set(reg, Holds::Number);
        moving.iter().for_each(|moving| frame.set(moving.reg, Holds::Nothing));
        Ok(())
    }

    /// Mostly a number that goes from round to round.
    fn carried(&mut self, frame: &mut Frame, reg: Reg) -> Result<()> {
        if frame.of(reg) != Holds::Number && self.u.ratio(2, 3)? {
            let imm = self.edge()?;
            self.emit.insn(mov(reg, Operand::Imm(imm)));
            frame.set(reg, Holds::Number);
        }
        Ok(())
    }

    /// What compilers make of a round of a loop; or nothing.
    fn idiom_of_round(&mut self, round: &mut Frame) -> Result<()> {
        match self.u.int_in_range(0..=5)? {
            0..=1 => self.sum_of_loads(round),
            2 => self.idiom(round),
            _ => Ok(()),
        }
    }

    fn counter(&mut self, frame: &Frame, reg: Reg, rounds: i32) -> Result<Counter> {
        let width = self.width()?;
        let by = *self.u.choose(&[1, 1, 1, 2, 3, 4, 8])?;
        let span = rounds * by;
        let (start, step, again, end) = match self.u.int_in_range(0..=11)? {
            0..=2 => (0, by, Cond::Lt, span),
            3..=4 => (0, by, Cond::Ne, span),
            5 => (0, by, Cond::Sle, span - 1),
            6 => (span, -by, Cond::Ne, 0),
            7 => (span, -by, Cond::Sgt, 0),
            8 => (rounds, -1, Cond::Sge, 0),
            9 => (-span, by, Cond::Ne, 0),
            10 => (-span, by, Cond::Slt, 0),
            _ => self.strange()?,
        };
        let numbers: Vec<Reg> = frame.numbers().into_iter().filter(|r| *r != reg).collect();
        self.emit.insn(alu_imm(AluOp::Mov, width, reg, start));
        if !numbers.is_empty() && self.u.ratio(1, 4)? {
            // It starts anywhere.
            let from = *self.u.choose(&numbers)?;
            self.emit.insn(mov(reg, Operand::Reg(from)));
            self.emit.insn(alu_imm(AluOp::And, width, reg, 7));
            self.emit.insn(alu_imm(AluOp::Add, width, reg, start));
        }
        let slot = self.u.ratio(1, 5)?.then(|| slot_off(SLOTS + self.depth as usize));
        if let Some(off) = slot {
            self.emit.insn(Insn::Store { size: Size::B8, dst: Reg::FP, off, src: Operand::Reg(reg) });
        }
        Ok(Counter { reg, width, slot, step, again, end })
    }

    /// A counter that may wrap, or never come to its end.
    fn strange(&mut self) -> Result<(i32, i32, Cond, i32)> {
        let again =
            *self.u.choose(&[Cond::Lt, Cond::Ne, Cond::Slt, Cond::Gt, Cond::Sgt, Cond::Le, Cond::Eq])?;
        let step = *self.u.choose(&[1, -1, 2, 3, -7, 64])?;
        let (start, end) = (self.edge()?, self.edge()?);
        // Near one another it may take few rounds, or nearly all there are.
        let end = if self.u.ratio(1, 2)? { start.wrapping_add(step * 6) } else { end };
        Ok((start, step, again, end))
    }

    fn moving(&mut self, frame: &Frame, reg: Reg, rounds: i32) -> Result<Moving> {
        let step = *self.u.choose(&[1, 1, 2, -1])?;
        let values: Vec<Reg> = frame.with(Holds::Value).into_iter().filter(|r| *r != reg).collect();
        let value = !values.is_empty();
        let base = if value { *self.u.choose(&values)? } else { Reg::FP };
        self.emit.insn(mov(reg, Operand::Reg(base)));
        let (first, size) = if value { (0, 32) } else { (-48, 48) };
        let way = (step * (rounds - 1)).clamp(1 - size, size - 1);
        self.emit.insn(alu_imm(AluOp::Add, Width::W64, reg, if way < 0 { first - way } else { first }));
        Ok(Moving { reg, step, value })
    }

    /// A look at what the address is of.
    fn look(&mut self, moving: &Option<Moving>, round: &mut Frame) -> Result<()> {
        let Some(Moving { reg, value, .. }) = moving else { return Ok(()) };
        self.emit.insn(load(Size::B1, Reg::R0, *reg, 0));
        round.set(Reg::R0, Holds::Number);
        if *value && self.u.ratio(1, 2)? {
            let size = Size::B1;
            self.emit.insn(Insn::Store { size, dst: *reg, off: 0, src: Operand::Reg(Reg::R0) });
        }
        Ok(())
    }

    fn reload(&mut self, counter: &Counter) {
        if let Some(off) = counter.slot {
            self.emit.insn(load(Size::B8, counter.reg, Reg::FP, off));
        }
    }

    /// Ways to the next round, and out of the loop.
    fn leave_early(&mut self, counter: &Counter, (next, end): (Label, Label)) -> Result<()> {
        for to in [next, end] {
            if self.u.ratio(1, 6)? {
                let with = Operand::Imm(self.u.int_in_range(-2..=24)?);
                let cond = *self.u.choose(&[Cond::Eq, Cond::Gt, Cond::Slt, Cond::Set])?;
                self.emit.jump_if(cond, counter.width, counter.reg, with, to);
            }
        }
        Ok(())
    }

    /// Sometimes, and in some rounds only, the counter moves otherwise.
    fn disturb(&mut self, counter: &Counter) -> Result<()> {
        if !self.u.ratio(1, 8)? {
            return Ok(());
        }
        let over = self.emit.label();
        let (with, by) = (self.u.int_in_range(0..=9)?, self.u.int_in_range(-2..=2)?);
        self.emit.jump_if(Cond::Ne, counter.width, counter.reg, Operand::Imm(with), over);
        self.emit.insn(alu_imm(AluOp::Add, counter.width, counter.reg, by));
        self.emit.here(over);
        Ok(())
    }

    fn next_round(&mut self, counter: &Counter, moving: &Option<Moving>, again: Label) {
        if let Some(Moving { reg, step, .. }) = moving {
            self.emit.insn(alu_imm(AluOp::Add, Width::W64, *reg, *step));
        }
        let &Counter { reg, width, step, slot, again: cond, end } = counter;
        self.emit.insn(alu_imm(AluOp::Add, width, reg, step));
        if let Some(off) = slot {
            self.emit.insn(Insn::Store { size: Size::B8, dst: Reg::FP, off, src: Operand::Reg(reg) });
        }
        self.emit.jump_if(cond, width, reg, Operand::Imm(end), again);
    }
}
