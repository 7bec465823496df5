//! Why a program is rejected: data first, then the kernel's words for it.

mod held;

pub use held::Held;

use crate::domain::{Scalar, Tnum};
use brolga_core::{AluOp, Pc, Reg, SlotError};
use std::fmt;
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

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Something is read, by the program or a helper.
    Read,
    /// Something is written, by the program or a helper.
    Write,
}

impl Verb {
    const fn of_stack(self) -> &'static str {
        match self {
            Self::Read => " read from",
            Self::Write => " write to",
        }
    }

    const fn of_map(self) -> &'static str {
        match self {
            Self::Write => "write into",
            Self::Read => "read from",
        }
    }
}

/// The rule that was broken and what was found instead. Its words are those of
/// the last line of the kernel's log for the same cause.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Why {
    /// A slot is no instruction that may be loaded.
    #[error("{}", .0.kernel_words())]
    Slot(SlotError),
    /// The shape of the program: jumps, calls, subprograms.
    #[error(transparent)]
    Structure(#[from] crate::structure::error::StructureError),

    // What registers hold.
    /// A register that may hold anything is read.
    #[error("R{} !read_ok", .0.index())]
    Unreadable(Reg),
    /// r10 is written.
    #[error("frame pointer is read only")]
    WritesFramePointer,
    /// Memory is accessed through what is no pointer to memory.
    #[error("R{} invalid mem access '{kind}'", .reg.index())]
    NotMemory {
        /// The register.
        reg: Reg,
        /// The kernel's name of what it holds.
        kind: &'static str,
    },
    /// An instruction accesses the context on one path and other memory on
    /// another.
    #[error("same insn cannot be used with different pointers")]
    MixedPointers,

    // Arithmetic.
    /// An immediate divisor of 0.
    #[error("div by zero")]
    DivisionByZero,
    /// An immediate shift past the width.
    #[error("invalid shift {0}")]
    Shift(i32),
    /// Two pointers are combined.
    #[error("R{} pointer {} pointer prohibited", .dst.index(), sign(*.op))]
    TwoPointers {
        /// The destination.
        dst: Reg,
        /// The operator.
        op: AluOp,
    },
    /// 32-bit arithmetic on a pointer.
    #[error("R{} 32-bit pointer arithmetic prohibited", .0.index())]
    NarrowPointerArithmetic(Reg),
    /// Arithmetic on a pointer that allows none.
    #[error("R{} pointer arithmetic on {kind} prohibited{}", .dst.index(), if *.nullable { ", null-check it first" } else { "" })]
    PointerArithmetic {
        /// The destination.
        dst: Reg,
        /// The kernel's name of the pointer's type.
        kind: &'static str,
        /// Whether a test for null would help.
        nullable: bool,
    },
    /// An operator that pointers do not have.
    #[error("R{} pointer arithmetic with {} operator prohibited", .dst.index(), sign(*.op))]
    PointerOperator {
        /// The destination.
        dst: Reg,
        /// The operator.
        op: AluOp,
    },
    /// A bitwise operator on a pointer.
    #[error("R{} bitwise operator {} on pointer prohibited", .dst.index(), sign(*.op))]
    PointerBits {
        /// The destination.
        dst: Reg,
        /// The operator.
        op: AluOp,
    },
    /// A pointer is subtracted from a number.
    #[error("R{} tried to subtract pointer from scalar", .0.index())]
    ScalarMinusPointer(Reg),
    /// Something is subtracted from the frame pointer.
    #[error("R{} subtraction from stack pointer prohibited", .0.index())]
    StackMinus(Reg),
    /// A constant too far from a pointer.
    #[error("math between {kind} pointer and {value} is not allowed")]
    FarConstant {
        /// The kernel's name of the pointer's type.
        kind: &'static str,
        /// The constant.
        value: i64,
    },
    /// A fixed offset that grew too large.
    #[error("{kind} pointer offset {off} is not allowed")]
    FarOffset {
        /// The kernel's name of the pointer's type.
        kind: &'static str,
        /// The offset, in bytes.
        off: i32,
    },
    /// An offset without a lower bound.
    #[error("math between {0} pointer and register with unbounded min value is not allowed")]
    UnboundedMin(&'static str),
    /// A variable offset too far from its base.
    #[error("value {value} makes {kind} pointer be out of bounds")]
    FarValue {
        /// The kernel's name of the pointer's type.
        kind: &'static str,
        /// The offset's lower bound, in bytes.
        value: i64,
    },

    // Accesses.
    /// An access at no multiple of its size.
    #[error("misaligned {place}access off {}{}+{off}+{insn_off} size {size}", if *.packet { "2+" } else { "" }, Offset(*.var))]
    Misaligned {
        /// What is accessed, with a blank after it; may be empty.
        place: &'static str,
        /// Whether it is the packet, which starts 2 bytes past a multiple of 4.
        packet: bool,
        /// The variable part of the pointer's offset.
        var: Tnum,
        /// Its fixed part.
        off: i32,
        /// The instruction's own offset.
        insn_off: i32,
        /// The number of bytes.
        size: u32,
    },
    /// The context has no such field.
    #[error("invalid bpf_context access off={off} size={size}")]
    Context {
        /// The offset, in bytes.
        off: i64,
        /// The number of bytes.
        size: u32,
    },
    /// A pointer that may not be moved was, backwards.
    #[error("negative offset {kind} ptr R{} off={off} disallowed", .reg.index())]
    NegativeOffset {
        /// The register.
        reg: Reg,
        /// The kernel's name of the pointer's type.
        kind: &'static str,
        /// The offset, in bytes.
        off: i32,
    },
    /// A pointer that may not be moved was.
    #[error("dereference of modified {kind} ptr R{} off={off} disallowed", .reg.index())]
    ModifiedPointer {
        /// The register.
        reg: Reg,
        /// The kernel's name of the pointer's type.
        kind: &'static str,
        /// The offset, in bytes.
        off: i32,
    },
    /// A pointer that may not be moved was, by an unknown distance.
    #[error("variable {kind} access var_off={} disallowed", Offset(*.var))]
    VariableOffset {
        /// The kernel's name of the pointer's type.
        kind: &'static str,
        /// The offset.
        var: Tnum,
    },
    /// The offset may be negative.
    #[error("R{} min value is negative, either use unsigned index or do a if (index >=0) check.", .0.index())]
    NegativeIndex(Reg),
    /// The lowest address is outside.
    #[error("R{} min value is outside of the allowed memory range", .0.index())]
    MinOutside(Reg),
    /// The highest address is outside.
    #[error("R{} max value is outside of the allowed memory range", .0.index())]
    MaxOutside(Reg),
    /// The highest address has no bound.
    #[error("R{} unbounded memory access, make sure to bounds check any such access", .0.index())]
    UnboundedIndex(Reg),
    /// Bytes of the packet that are not known to be there.
    #[error("R{} offset is outside of the packet", .0.index())]
    OutsidePacket(Reg),
    /// The packet is read-only.
    #[error("cannot write into packet")]
    WritesPacket,
    /// The map does not allow it.
    #[error("{} map forbidden, value_size={value_size} off={off} size={size}", .verb.of_map())]
    MapForbids {
        /// What the access does.
        verb: Verb,
        /// The size of a value, in bytes.
        value_size: u32,
        /// The offset into it.
        off: i64,
        /// The number of bytes.
        size: u32,
    },
    /// A helper is to change a map that programs may only read.
    #[error("write into map forbidden")]
    MapReadOnly,
    /// Memory that may only be read is written.
    #[error("R{} cannot write into {kind}", .reg.index())]
    ReadOnly {
        /// The register.
        reg: Reg,
        /// The kernel's name of the pointer's type.
        kind: &'static str,
    },
    /// An atomic operation on memory that allows none.
    #[error("BPF_ATOMIC {} R{} {kind} is not allowed", if *.load { "loads from" } else { "stores into" }, .reg.index())]
    Atomic {
        /// The register.
        reg: Reg,
        /// The kernel's name of what it holds.
        kind: &'static str,
        /// Whether it is a load.
        load: bool,
    },
    /// A map itself is accessed as memory.
    #[error("only read from {0} is supported")]
    WritesMapObject(&'static str),
    /// A map itself is accessed before its start.
    #[error("R{} is {name} invalid negative access: off={off}", .reg.index())]
    MapObjectNegative {
        /// The register.
        reg: Reg,
        /// The kernel's name of the structure.
        name: &'static str,
        /// The offset, in bytes.
        off: i64,
    },

    // The stack.
    /// Outside the stack.
    #[error("invalid{} stack R{} off={off} size={size}", .verb.of_stack(), .reg.index())]
    Stack {
        /// What the access does.
        verb: Verb,
        /// The register.
        reg: Reg,
        /// The offset from the frame's end, in bytes.
        off: i64,
        /// The number of bytes.
        size: i64,
    },
    /// Somewhere in the stack, where an operation needs to know where.
    #[error("variable offset stack pointer cannot be passed into helper function; var_off={} off={off} size={size}", Offset(*.var))]
    StackVariableHelper {
        /// The variable part of the offset.
        var: Tnum,
        /// The fixed part.
        off: i64,
        /// The number of bytes.
        size: u32,
    },
    /// Perhaps outside the stack.
    #[error("invalid variable-offset{} stack R{} var_off={} off={off} size={size}", .verb.of_stack(), .reg.index(), Offset(*.var))]
    StackVariable {
        /// What the access does.
        verb: Verb,
        /// The register.
        reg: Reg,
        /// The variable part of the offset.
        var: Tnum,
        /// The fixed part.
        off: i64,
        /// The number of bytes.
        size: i64,
    },
    /// Anywhere.
    #[error("invalid unbounded variable-offset{} stack R{}", .verb.of_stack(), .reg.index())]
    StackUnbounded {
        /// What the access does.
        verb: Verb,
        /// The register.
        reg: Reg,
    },
    /// A part of a pointer is stored to the stack.
    #[error("invalid size of register spill")]
    SpillSize,
    /// A part of a spilled pointer is loaded.
    #[error("invalid size of register fill")]
    FillSize,
    /// A pointer to the own stack is stored to a caller's.
    #[error("cannot spill pointers to stack into stack frame of the caller")]
    SpillsToCaller,
    /// A pointer to the own stack is returned.
    #[error("cannot return stack pointer to the caller")]
    ReturnsStack,

    // References to maps.
    /// No map has this file descriptor.
    #[error("fd {0} is not pointing to valid bpf_map")]
    NoMap(i32),
    /// A value of the map can not be addressed directly.
    #[error("no direct value access support for this map type")]
    NoDirectValue,
    /// An offset past the map's value.
    #[error("invalid access to map value pointer, value_size={value_size} off={off}")]
    DirectValue {
        /// The size of the value, in bytes.
        value_size: u32,
        /// The offset.
        off: u32,
    },
    /// An offset that no value has.
    #[error("direct value offset of {0} is not allowed")]
    DirectOffset(u32),

    // Callbacks.
    /// A subprogram that others may call as they like is taken as a callback.
    #[error("callback function not static")]
    CallbackNotStatic,
    /// The helper goes over the elements of no map of this kind.
    #[error("callback function not allowed for map")]
    CallbackMap,
    /// A callback returns what is no number.
    #[error("R0 not a scalar value")]
    CallbackResultKind,
    /// A callback may return something else than that it goes on or stops.
    #[error("{} the register R0 has{} should have been in [{min}, {max}]", At(*.later), Bounds(.found))]
    CallbackResult {
        /// Whether it is one that runs later.
        later: bool,
        /// What it may be.
        found: Scalar,
        /// The least result allowed.
        min: i32,
        /// The greatest.
        max: i32,
    },
    /// A callback that runs later returns what is no number.
    #[error("At async callback return the register R0 is not a known value ({0})")]
    LaterResultKind(&'static str),
    /// A write to the key that a callback gets.
    #[error("write to change key R{} not allowed", .0.index())]
    WritesKey(Reg),
    /// A helper is to write to what it may not.
    #[error("R{} cannot write into {kind}", .reg.index())]
    CannotWrite {
        /// The register.
        reg: Reg,
        /// The kernel's name of what it points to.
        kind: &'static str,
    },

    // Global functions.
    /// Arguments that do not fit a global function's parameters, or parameters
    /// that it may not have.
    #[error("Caller passes invalid args into func#{subprog} ('{name}')")]
    GlobalArguments {
        /// The function's number.
        subprog: u32,
        /// Its name.
        name: String,
    },
    /// A global function is called with a lock held. The kernel's sentence has a
    /// line before this one.
    #[error("use static function instead")]
    GlobalInLock,
    /// A global function returns what is no number.
    #[error("At subprogram exit the register R0 is not a scalar value ({0})")]
    GlobalResult(&'static str),

    // Helpers.
    /// There is no such helper.
    #[error("invalid func unknown#{0}")]
    NoHelper(i32),
    /// Programs of this type may not call the helper.
    #[error("program of this type cannot use helper {name}#{id}")]
    HelperOfOtherType {
        /// The helper's name.
        name: String,
        /// Its number.
        id: i32,
    },
    /// The helper needs a GPL-compatible licence.
    #[error("cannot call GPL-restricted function from non-GPL compatible program")]
    GplOnly,
    /// An argument of another type.
    #[error("R{} type={found} expected={expected}", .reg.index())]
    Argument {
        /// The register.
        reg: Reg,
        /// The kernel's name of what it holds.
        found: &'static str,
        /// Its names of what it may hold.
        expected: &'static str,
    },
    /// A packet pointer for a helper that takes none.
    #[error("helper access to the packet is not allowed")]
    HelperPacket,
    /// A size that may be negative.
    #[error("R{} min value is negative, either use unsigned or 'var &= const'", .0.index())]
    NegativeSize(Reg),
    /// A size that may be 0.
    #[error("R{} invalid zero-sized read: u64=[{min},{max}]", .reg.index())]
    ZeroSize {
        /// The register.
        reg: Reg,
        /// The least size.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A size without a bound.
    #[error("R{} unbounded memory access, use 'var &= const' or 'if (var < const)'", .0.index())]
    UnboundedSize(Reg),
    /// A helper is given no bytes of the stack.
    #[error("invalid zero-sized read")]
    ZeroSizedStack,
    /// A map of a kind that the helper does not take.
    #[error("cannot pass map_type {kind} into func {helper}#{id}")]
    MapKind {
        /// The kind's number.
        kind: u32,
        /// The helper's name.
        helper: String,
        /// Its number.
        id: i32,
    },
    /// A tail call through a map of another kind.
    #[error("expected prog array map for tail call")]
    TailCallMap,
    /// A legacy packet load in a program of another type.
    #[error("BPF_LD_[ABS|IND] instructions not allowed for this program type")]
    LegacyLoad,
    /// A legacy packet load without the context in r6.
    #[error("at the time of BPF_LD_ABS|IND R6 != pointer to skb")]
    LegacyLoadContext,

    /// What a program holds, and objects that are not plain memory.
    #[error(transparent)]
    Held(#[from] Held),

    // Ends, and bounds of the walk.
    /// The result is no number.
    #[error("At program exit the register R0 is not a known value ({0})")]
    ResultKind(&'static str),
    /// The result may be outside what the program type allows.
    #[error("At program exit the register R0 has{} should have been in [{min}, {max}]", Bounds(.found))]
    Result {
        /// What it may be.
        found: Scalar,
        /// The least result allowed.
        min: i32,
        /// The greatest.
        max: i32,
    },
    /// Calls nest too deep.
    #[error("the call stack of {0} frames is too deep")]
    CallDepth(usize),
    /// A path comes back to where it was, with nothing changed.
    #[error("infinite loop detected at insn {0}")]
    InfiniteLoop(Pc),
    /// Too many branches of one path are still to be walked.
    #[error("The sequence of {0} jumps is too complex.")]
    TooManyJumps(usize),
    /// The budget of walked instructions is spent.
    #[error("BPF program is too large. Processed {0} insn")]
    Budget(u32),
    /// The budget of memory for states is spent.
    #[error("BPF program is too complex. Stored {0} bytes of states")]
    Memory(usize),
    /// A program type that must be loaded otherwise.
    #[error("{0}")]
    Load(&'static str),
}

/// The kernel's sign for an operator.
const fn sign(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+=",
        AluOp::Sub => "-=",
        AluOp::Mul => "*=",
        AluOp::Div | AluOp::Sdiv => "/=",
        AluOp::Or => "|=",
        AluOp::And => "&=",
        AluOp::Lsh => "<<=",
        AluOp::Rsh => ">>=",
        AluOp::Mod | AluOp::Smod => "%=",
        AluOp::Xor => "^=",
        AluOp::Mov => "=",
        AluOp::Arsh => "s>>=",
    }
}

/// A variable offset as the kernel prints it: a constant plainly.
struct Offset(Tnum);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_const() {
            Some(value) if value <= u64::from(u16::MAX) => write!(f, "{value}"),
            Some(value) => write!(f, "{value:#x}"),
            None => write!(f, "({:#x}; {:#x})", self.0.value(), self.0.mask()),
        }
    }
}

/// Where a callback's result is looked at.
struct At(bool);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "At async callback return" } else { "At callback return" })
    }
}

/// A result's bounds as the kernel prints them.
struct Bounds<'a>(&'a Scalar);

impl fmt::Display for Bounds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (self.0.smin(), self.0.smax());
        if min > i64::MIN {
            write!(f, " smin={min}")?;
        }
        if max < i64::MAX {
            write!(f, " smax={max}")?;
        }
        if min == i64::MIN && max == i64::MAX {
            f.write_str(" unknown scalar value")?;
        }
        Ok(())
    }
}
