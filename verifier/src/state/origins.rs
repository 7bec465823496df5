//! What a number's range comes from.
//!
//! The numbers of the state that was stored last on a path have labels, one for
//! each place. `origins(n)` is a set of labels that says all there is to say of
//! `n`: whatever the numbers of other labels are, `n` is in its range if those
//! of these labels are in theirs. A larger set is as true.
//!
//! | number                         | origins                                   |
//! |--------------------------------|-------------------------------------------|
//! | an immediate, any number       | none                                      |
//! | of a place, when it was stored | that place's label                        |
//! | a copy, a spill, a fill        | as they were                              |
//! | of operands                    | theirs together                           |
//! | refined by a comparison        | both sides' together, for all of its name |
//!
//! A label is a bit. The registers and slots of the frame that runs have one
//! each, and so have r6 to r9 of frames that wait; the rest of these shares what
//! is left.

use brolga_core::Reg;
use std::ops::{BitOr, BitOrAssign};

/// The bits of r6 to r9 of the frames that wait start here.
const WAITING: u32 = Reg::COUNT as u32;

/// The bits for the rest of the frames that wait start here: after four for each
/// of seven frames.
const SHARED: u32 = WAITING + 4 * 7;

/// Labels of numbers in the state that was stored last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origins {
    regs: u64,
    slots: u64,
}

/// Where a number comes from is no part of what it is.
impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origins {}

impl Origins {
    /// None.
    pub const NONE: Self = Self { regs: 0, slots: 0 };

    /// Every one.
    pub const ALL: Self = Self { regs: u64::MAX, slots: u64::MAX };

    /// The label of a register of a frame, `top` being the one that runs.
    #[must_use]
    pub const fn reg(frame: usize, top: usize, reg: usize) -> Self {
        let bit = if frame == top {
            reg as u32
        } else if reg >= 6 && reg <= 9 {
            WAITING + 4 * frame as u32 + reg as u32 - 6
        } else {
            shared(frame, reg)
        };
        Self { regs: 1 << bit, slots: 0 }
    }

    /// The label of a slot of a frame.
    #[must_use]
    pub const fn slot(frame: usize, top: usize, slot: usize) -> Self {
        if frame == top {
            Self { regs: 0, slots: 1 << slot }
        } else {
            Self { regs: 1 << shared(frame, slot), slots: 0 }
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.regs | self.slots == 0
    }

    /// Whether these are the same labels.
    #[must_use]
    pub const fn is(self, other: Self) -> bool {
        self.regs == other.regs && self.slots == other.slots
    }

    /// Whether a label is in both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.regs & other.regs | self.slots & other.slots != 0
    }

    /// Those that are not among the others.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self { regs: self.regs & !other.regs, slots: self.slots & !other.slots }
    }

    /// Whether any is of a frame that waits.
    #[must_use]
    pub const fn is_of_waiting(self) -> bool {
        self.regs >> WAITING != 0
    }
}

/// The bit of what has none of its own.
const fn shared(frame: usize, place: usize) -> u32 {
    SHARED + (7 * frame + place) as u32 % (u64::BITS - SHARED)
}

impl BitOr for Origins {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self { regs: self.regs | other.regs, slots: self.slots | other.slots }
    }
}

impl BitOrAssign for Origins {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
