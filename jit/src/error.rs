//! What can go wrong between a verified program and running code.

use brolga_core::Pc;
use rustix::io::Errno;
use thiserror::Error;

/// Why a program can not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// The program has more instructions that some run reaches than this
    /// compiler takes on.
    #[error("{insns} instructions are more than the {max} that can be compiled")]
    TooLarge {
        /// The number of reached instructions.
        insns: usize,
        /// The most there may be, [`MAX_INSNS`](crate::MAX_INSNS).
        max: usize,
    },
    /// An instruction that has no native form here.
    #[error("insn {at}: {what} can not be compiled")]
    Unsupported {
        /// The instruction.
        at: Pc,
        /// What it is.
        what: &'static str,
    },
    /// This machine, or the one asked for, is none that code can be made for.
    #[error("no code can be made for this machine: {0}")]
    Target(String),
    /// The facts contradict the program, which the verifier never lets happen.
    #[error("insn {at}: bug: {what}")]
    Facts {
        /// The instruction.
        at: Pc,
        /// The contradiction.
        what: &'static str,
    },
    /// The code generator gave up on a subprogram.
    #[error("subprogram at insn {at}: {why}")]
    Backend {
        /// The subprogram's first instruction.
        at: Pc,
        /// What it said.
        why: String,
    },
}

/// Why compiled code can not be made to run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// The code was made for another machine than this one.
    #[error("code for {0} can not run on this machine")]
    Foreign(crate::Target),
    /// The system gave no executable memory.
    #[error("no executable memory: {0}")]
    Memory(#[from] Errno),
    /// The new code could not be made visible to every processor.
    #[error("the instruction caches could not be brought up to date: {0}")]
    Cache(String),
    /// The description of its frames can not be written.
    #[error("bug: the frames can not be described: {0}")]
    Frames(String),
    /// A relocation of a kind that this crate never asks for, or whose target
    /// is out of its reach.
    #[error("bug: the relocation at byte {offset} can not be applied")]
    Relocation {
        /// Where it is, in bytes from the code's start.
        offset: u32,
    },
}
