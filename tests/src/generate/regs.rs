//! What the generator believes of the registers and the stack.

use brolga_core::Reg;

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Nothing that may be read.
    Nothing,
    /// A number.
    Number,
    /// A number that the running code must not change: a loop's counter.
    Counter,
    /// The context.
    Ctx,
    /// The start of the packet, of which [`super::CHECKED`] bytes are there.
    Packet,
    /// A map value.
    Value,
    /// Eight bytes of the caller's stack, a number.
    CallerSlot,
}

/// How many 8-byte slots of the stack the generator uses.
pub(super) const SLOTS: usize = 6;

/// The registers and stack slots of a frame at a point of the code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) regs: [Holds; Reg::COUNT],
    pub(super) slots: [Holds; SLOTS],
}

impl Frame {
    pub(super) const fn empty() -> Self {
        Self { regs: [Holds::Nothing; Reg::COUNT], slots: [Holds::Nothing; SLOTS] }
    }

    pub(super) const fn of(&self, reg: Reg) -> Holds {
        self.regs[reg.index()]
    }

    pub(super) const fn set(&mut self, reg: Reg, holds: Holds) {
        self.regs[reg.index()] = holds;
    }

    /// The registers that hold such a thing.
    pub(super) fn with(&self, holds: Holds) -> Vec<Reg> {
        Reg::ALL.into_iter().filter(|r| self.of(*r) == holds).collect()
    }

    /// The registers that hold a number to read.
    pub(super) fn numbers(&self) -> Vec<Reg> {
        Reg::ALL.into_iter().filter(|r| matches!(self.of(*r), Holds::Number | Holds::Counter)).collect()
    }

    /// The registers that may be overwritten: all but the context, the packet,
    /// a counter and the frame pointer.
    pub(super) fn free(&self) -> Vec<Reg> {
        let may = |r: &Reg| {
            *r != Reg::FP
                && matches!(self.of(*r), Holds::Nothing | Holds::Number | Holds::Value | Holds::CallerSlot)
        };
        Reg::ALL.into_iter().filter(may).collect()
    }

    /// What a call leaves.
    pub(super) fn after_call(&mut self) {
        for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            self.set(reg, Holds::Nothing);
        }
        self.set(Reg::R0, Holds::Number);
    }

    /// Forgets every pointer into the packet.
    pub(super) fn lose_packet(&mut self) {
        let held = self.regs.iter_mut().chain(&mut self.slots);
        held.filter(|h| **h == Holds::Packet).for_each(|h| *h = Holds::Nothing);
    }

    /// What holds where two paths meet.
    pub(super) fn meet(&mut self, other: &Self) {
        let both = |a: &mut Holds, b: &Holds| {
            if a != b {
                *a = Holds::Nothing;
            }
        };
        self.regs.iter_mut().zip(&other.regs).for_each(|(a, b)| both(a, b));
        self.slots.iter_mut().zip(&other.slots).for_each(|(a, b)| both(a, b));
    }
}
