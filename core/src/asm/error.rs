//! What is wrong with text that is no program.

use crate::code::{DecodeError, SlotError};
use crate::insn::{Pc, Reg};
use thiserror::Error;

/// Text that is no program, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {cause}")]
pub struct AsmError {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong there.
    pub cause: AsmCause,
}

/// What is wrong with a piece of text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AsmCause {
    /// Something else belongs here.
    #[error("expected {what}, found {found}")]
    Expected {
        /// What would have been right.
        what: &'static str,
        /// What is there, quoted.
        found: String,
    },
    /// A number of more than 64 bits, or digits that are none.
    #[error("`{0}` is no number of up to 64 bits")]
    Number(String),
    /// A number that its field cannot hold.
    #[error("{value} does not fit: {what} is between {low} and {high}")]
    Range {
        /// What the number is for.
        what: &'static str,
        /// The number.
        value: i128,
        /// The least that fits.
        low: i128,
        /// The most that fits.
        high: i128,
    },
    /// A plain `=` of a number that takes 64 bits.
    #[error("the constant {0} does not fit 32 bits: write `ll` after it for a 64-bit load")]
    WideConstant(i128),
    /// A 32-bit register in a 64-bit instruction or the other way about.
    #[error("{found} does not fit: the instruction works on {needed} bits here")]
    Width {
        /// The register as written.
        found: String,
        /// 32 or 64.
        needed: u32,
    },
    /// A packet load into another register than r0.
    #[error("a packet load goes to r0, not {0}")]
    PacketRegister(Reg),
    /// An instruction whose result goes where one of its operands is, written
    /// with two different registers.
    #[error("expected {needed} again, found {found}: the result and the operand are one register")]
    TwoRegisters {
        /// The one register.
        needed: Reg,
        /// The other.
        found: Reg,
    },
    /// Text in the form of an instruction, but there is no such instruction.
    #[error("there is no such instruction: {0}")]
    NoSuchInsn(SlotError),
    /// A name that is neither a label nor known.
    #[error("unknown name `{0}`: neither a label of this text nor a helper")]
    UnknownName(String),
    /// A map's name that is not known.
    #[error("unknown map `{0}`")]
    UnknownMap(String),
    /// `name#number` where the helper of that name has another number.
    #[error("{name} is helper {number}, not {said}")]
    OtherNumber {
        /// The helper's name.
        name: String,
        /// Its number.
        number: i32,
        /// The number written.
        said: i32,
    },
    /// A jump to a label that is nowhere.
    #[error("no label `{0}` in this text")]
    NoLabel(String),
    /// A label that is there twice.
    #[error("label `{name}` is already on line {line}")]
    LabelTwice {
        /// The label.
        name: String,
        /// Where it was first, from 1.
        line: u32,
    },
    /// A line that says it is at another place than it is.
    #[error("the line says it is insn {said}, it is insn {is}")]
    Place {
        /// The number before the colon.
        said: i128,
        /// The number of slots before this line.
        is: Pc,
    },
    /// A line whose opcode in parentheses is not the instruction's.
    #[error("the line says its opcode is {said:02x}, it is {is:02x}")]
    Opcode {
        /// The opcode in parentheses.
        said: u8,
        /// The instruction's.
        is: u8,
    },
    /// No instruction, or more than a program may have.
    #[error(transparent)]
    Program(DecodeError),
}
