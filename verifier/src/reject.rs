//! Why a program is rejected: data first, then the kernel's words for it.

use brolga_core::Pc;
use thiserror::Error;

/// A rule that the program breaks.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{why}")]
pub struct Reject {
    /// The instruction that breaks it, where it is one.
    pub at: Option<Pc>,
    /// The rule, and what was found.
    pub why: Why,
}

/// The rule that was broken and what was found instead. Its words are those of
/// the last line of the kernel's log for the same cause.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Why {
    /// The last instruction of the program or a subprogram falls off its end.
    #[error("last insn is not an exit or jmp")]
    FallsOffEnd,
}
