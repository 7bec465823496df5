//! The rules of structure that a program may break, in the kernel's words.

use brolga_core::Pc;
use thiserror::Error;

/// A rule about a program's shape that it breaks. The words are those that the
/// log of Linux 6.18 ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum StructureError {
    /// There are more than 256 subprograms,
    /// the main one included.
    #[error("too many subprograms")]
    TooManySubprogs,
    /// A call, or a callback's address, lies outside the program.
    #[error("call to invalid destination")]
    CallTarget,
    /// A jump leaves its subprogram.
    #[error("jump out of range from insn {from} to {to}")]
    JumpOutOfRange {
        /// The jump.
        from: Pc,
        /// Where it goes, in slots from the program's start.
        to: i32,
    },
    /// The last instruction of a subprogram falls off its end.
    #[error("last insn is not an exit or jmp")]
    FallsOffEnd,
    /// A legacy packet load, which may end the program, in a subprogram of which
    /// nothing says that it returns a number.
    #[error("LD_ABS is not allowed in subprogs without BTF")]
    LdAbsInSubprog,
    /// A tail call in a subprogram of which nothing says that it returns a
    /// number.
    #[error("tail_call is not allowed in subprogs without BTF")]
    TailCallInSubprog,
    /// A legacy packet load in a subprogram that returns no number.
    #[error("LD_ABS is only allowed in functions that return 'int'.")]
    LdAbsWithoutInt,
    /// A tail call in a subprogram that returns no number.
    #[error("tail_call is only allowed in functions that return 'int'.")]
    TailCallWithoutInt,
    /// No path of jumps and calls leads to the instruction.
    #[error("unreachable insn {0}")]
    Unreachable(Pc),
    /// A jump goes to the second slot of this 64-bit immediate load.
    #[error("jump into the middle of ldimm64 insn {0}")]
    IntoLdImm64(Pc),
    /// A chain of calls needs more than 512 bytes of stack.
    #[error("combined stack size of {calls} calls is {bytes}. Too large")]
    CombinedStack {
        /// How many frames the chain has.
        calls: u32,
        /// What they need together, in bytes, each frame rounded up.
        bytes: u32,
    },
    /// A subprogram with a stack of its own needs more than 512 bytes of it.
    #[error("stack size of subprog {subprog} is {bytes}. Too large")]
    SubprogStack {
        /// The subprogram's number.
        subprog: u32,
        /// What it needs, in bytes.
        bytes: u32,
    },
    /// A tail call, which keeps the frames of the callers, below too many of
    /// them.
    #[error("tail_calls are not allowed when call stack of previous frames is {0} bytes. Too large")]
    TailCallStack(u32),
    /// A chain of calls has more than 8 frames, or calls in a circle. The
    /// kernel finds this after the walk, over all call sites, so it says it
    /// only of those that the walk did not reach.
    #[error("the call stack of {0} frames is too deep !")]
    TooManyFrames(u32),
}
