//! Registers and program counters.

use std::fmt;

/// A BPF register (RFC 9669, section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reg {
    /// The result of a call, the program's own result.
    R0,
    /// The first argument; the context at a program's start.
    R1,
    /// The second argument.
    R2,
    /// The third argument.
    R3,
    /// The fourth argument.
    R4,
    /// The fifth argument.
    R5,
    /// Kept over calls.
    R6,
    /// Kept over calls.
    R7,
    /// Kept over calls.
    R8,
    /// Kept over calls.
    R9,
    /// The frame pointer: the end of the stack frame, read-only.
    R10,
}

impl Reg {
    /// How many registers there are.
    pub const COUNT: usize = 11;

    /// Every register, in order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::R0,
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::R10,
    ];

    /// The argument registers, in order.
    pub const ARGS: [Self; 5] = [Self::R1, Self::R2, Self::R3, Self::R4, Self::R5];

    /// The registers that a call preserves, without the frame pointer.
    pub const SAVED: [Self; 4] = [Self::R6, Self::R7, Self::R8, Self::R9];

    /// The frame pointer.
    pub const FP: Self = Self::R10;

    /// The register with this number, if there is one.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < Self::COUNT { Some(Self::ALL[number as usize]) } else { None }
    }

    /// The register's number, 0 to 10, for indexing.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.index())
    }
}

/// An instruction's place: the index of its (first) slot, as the kernel counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pc(pub u32);

impl Pc {
    /// The program's first instruction.
    pub const START: Self = Self(0);

    /// The place for indexing.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Where a jump at this place with this offset lands: `self + 1 + off`.
    /// Nothing where that is before the program's start (its end is for the
    /// caller to check).
    #[must_use]
    pub const fn jump(self, off: i32) -> Option<Self> {
        let to = self.0 as i64 + 1 + off as i64;
        if to >= 0 && to <= u32::MAX as i64 { Some(Self(to as u32)) } else { None }
    }

    /// The place so many slots on.
    #[must_use]
    pub const fn plus(self, slots: u32) -> Self {
        Self(self.0 + slots)
    }
}

impl fmt::Display for Pc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
