//! From instructions to text, in the syntax of the kernel's verifier log.
//!
//! An [`Insn`] and a [`Code`] are `Display`: one instruction a line, jumps by
//! distance. [`listing`] gives jump targets labels, [`log_line`] is the line of
//! the verifier log with place and opcode. All of them are text that
//! [`assemble`](crate::asm::assemble) reads as the same instructions; to that
//! end a 64-bit load is written as LLVM does, with `ll`, where the line does
//! not say the opcode, and a map reference as `bpftool` does, as `map[fd:3]`,
//! rather than as the address that a log shows.

mod insn;
mod listing;

pub use insn::Text;
pub use listing::{Listing, listing};

use crate::code::{Code, encode_slot};
use crate::insn::{Insn, Pc};
use crate::text::{KernelNames, Names};
use std::fmt;

impl Insn {
    /// The instruction as text, helpers and maps going by these names.
    #[must_use]
    pub fn display<'a>(&'a self, names: &'a dyn Names) -> Text<'a> {
        Text::new(self, names)
    }
}

/// The instruction as text, helpers going by the kernel's names.
impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(&KernelNames).fmt(f)
    }
}

/// One line for each instruction, helpers going by the kernel's names.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(_, insn)| writeln!(f, "{insn}"))
    }
}

/// The instruction at a place as a line of the kernel's verifier log:
/// `3: (bf) r2 = r10`.
#[must_use]
pub fn log_line<'a>(pc: Pc, insn: &'a Insn, names: &'a dyn Names) -> impl fmt::Display + 'a {
    LogLine { pc, insn, names }
}

struct LogLine<'a> {
    pc: Pc,
    insn: &'a Insn,
    names: &'a dyn Names,
}

impl fmt::Display for LogLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.insn.display(self.names).after_opcode();
        write!(f, "{}: ({:02x}) {text}", self.pc, encode_slot(self.insn).0.code)
    }
}
