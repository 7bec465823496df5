//! What the generator believes of the registers and the stack.

use super::body::VALUE_BYTES;
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
    /// An address that moves with a loop's rounds.
    Moving,
    /// The context.
    Ctx,
    /// The start of the packet, of which [`super::CHECKED`] bytes are there.
    Packet,
    /// A map value.
    Value,
    /// Eight bytes of the caller's stack, a number.
    CallerSlot,
    /// So many bytes of memory, until this scope ends.
    Memory(u8, Scope),
    /// So many bytes of a dynptr, which may lie anywhere, until this scope ends.
    Part(u8, Scope),
    /// A socket, until this scope ends.
    Socket(Scope),
    /// The key of a map, four bytes that may only be read.
    Key,
}

/// What the memory that a program was lent ends with: its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope(pub(super) u32);

/// How many 8-byte slots of the stack the generator uses.
pub(super) const SLOTS: usize = 6;

/// The registers and stack slots of a frame at a point of the code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) regs: [Holds; Reg::COUNT],
    pub(super) slots: [Holds; SLOTS],
    /// The registers that a statement around this one needs as they are.
    pinned: u16,
    /// Whether the slots beside the others hold a dynptr.
    pub(super) dynptr: bool,
    /// Whether it is in a section of code, which is not begun again in itself.
    pub(super) rcu: bool,
    /// Whether the one below those holds an iterator.
    pub(super) iterator: bool,
}

impl Frame {
    pub(super) const fn empty() -> Self {
        Self {
            regs: [Holds::Nothing; Reg::COUNT],
            slots: [Holds::Nothing; SLOTS],
            pinned: 0,
            dynptr: false,
            iterator: false,
            rcu: false,
        }
    }

    /// Keeps a register from being overwritten, or no longer.
    pub(super) const fn pin(&mut self, reg: Reg, pinned: bool) {
        let bit = 1 << reg.index();
        self.pinned = if pinned { self.pinned | bit } else { self.pinned & !bit };
    }

    /// A saved register that may be overwritten.
    pub(super) fn spare(&self) -> Option<Reg> {
        let free = self.free();
        Reg::SAVED.into_iter().find(|reg| free.contains(reg))
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

    /// The registers that point to memory, and to how many bytes.
    pub(super) fn memory(&self) -> Vec<(Reg, u32)> {
        let bytes = |reg: Reg| match self.of(reg) {
            Holds::Value => Some(VALUE_BYTES),
            Holds::Memory(bytes, _) | Holds::Part(bytes, _) => Some(bytes.into()),
            Holds::Key => Some(4),
            Holds::Nothing | Holds::Number | Holds::Counter | Holds::Ctx | Holds::Packet => None,
            Holds::CallerSlot | Holds::Socket(_) | Holds::Moving => None,
        };
        Reg::ALL.into_iter().filter_map(|reg| Some((reg, bytes(reg)?))).collect()
    }

    /// The registers that may be overwritten: all but the context, the packet,
    /// a counter, the frame pointer and what is pinned.
    pub(super) fn free(&self) -> Vec<Reg> {
        let may = |r: &Reg| {
            let held = match self.of(*r) {
                Holds::Counter | Holds::Ctx | Holds::Packet | Holds::Moving => true,
                Holds::Nothing | Holds::Number | Holds::Value | Holds::CallerSlot => false,
                Holds::Memory(..) | Holds::Part(..) | Holds::Socket(_) | Holds::Key => false,
            };
            *r != Reg::FP && !held && self.pinned & 1 << r.index() == 0
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

    /// Forgets what need not hold in each round of a loop: the registers that a call
    /// loses, and the slots.
    pub(super) fn forget_for_round(&mut self) {
        for reg in [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            self.set(reg, Holds::Nothing);
        }
        self.slots = [Holds::Nothing; SLOTS];
    }

    /// Forgets what ends with a scope.
    pub(super) fn end(&mut self, scope: Scope) {
        let ends = |h: &Holds| matches!(h, Holds::Memory(_, s) | Holds::Part(_, s) | Holds::Socket(s) if *s == scope);
        let held = self.regs.iter_mut().chain(&mut self.slots);
        held.filter(|h| ends(h)).for_each(|h| *h = Holds::Nothing);
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
