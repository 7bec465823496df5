//! What a machine looks like that lies in no claimed state.

use crate::state::value::Value;
use brolga_core::{Pc, Reg};
use std::fmt;
use thiserror::Error;

/// A machine that lies within none of the states claimed at its place.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("insn {pc}: the machine is in none of {} claimed states{}", .misses.len(), Listed(.misses))]
pub struct Escape {
    /// The instruction that would have been next.
    pub pc: Pc,
    /// Why it is not in the state, for each state that was claimed.
    pub misses: Vec<Miss>,
}

/// Something that holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A register of a frame.
    Reg(usize, Reg),
    /// The eight bytes of a frame's stack that end this many bytes before its
    /// end.
    Slot(usize, i32),
}

/// Why a machine is not in a state.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Miss {
    /// There are other frames, or they were entered from elsewhere.
    #[error("other frames: {machine} where {claimed} are claimed, or from other calls")]
    Frames {
        /// How many the machine has.
        machine: usize,
        /// How many are claimed.
        claimed: usize,
    },
    /// A word that the value there does not mean.
    #[error("{at} holds {word:#x}, claimed is {claimed:?}")]
    Word {
        /// Where.
        at: Place,
        /// What is there.
        word: u64,
        /// What was said to be there.
        claimed: Box<Value>,
    },
    /// A byte that should be 0.
    #[error("{at}, byte {byte}: not zero in {word:#x}")]
    NotZero {
        /// The slot.
        at: Place,
        /// The byte, the lowest address first.
        byte: usize,
        /// What the slot holds.
        word: u64,
    },
    /// Two values with one name that have not in common what it says.
    #[error("{at} and {other} do not agree on what they share by name {id}")]
    Name {
        /// The one.
        at: Place,
        /// The other.
        other: Place,
        /// The name.
        id: u32,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reg(frame, reg) => write!(f, "{reg} of frame {frame}"),
            Self::Slot(frame, off) => write!(f, "the slot at fp{off} of frame {frame}"),
        }
    }
}

/// The first few, a line each.
struct Listed<'a>(&'a [Miss]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|miss| write!(f, "\n  {miss}"))
    }
}
