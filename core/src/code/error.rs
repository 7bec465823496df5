//! What is wrong with bytes that are no program.

use crate::insn::Pc;
use std::fmt;
use thiserror::Error;

/// A field of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The opcode byte.
    Code,
    /// The destination register.
    Dst,
    /// The source register.
    Src,
    /// The offset.
    Off,
    /// The immediate.
    Imm,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code => "code",
            Self::Dst => "dst_reg",
            Self::Src => "src_reg",
            Self::Off => "off",
            Self::Imm => "imm",
        })
    }
}

/// A slot, or pair of slots, that is no instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum SlotError {
    /// The opcode byte names no instruction.
    #[error("unknown opcode {0:02x}")]
    UnknownOpcode(u8),
    /// A field that the instruction does not use, or uses for few values, holds
    /// something else.
    #[error("{form} uses reserved fields: {field} is {value}")]
    Reserved {
        /// The kernel's name for the instruction's form, such as `BPF_ALU`.
        form: &'static str,
        /// The offending field.
        field: Field,
        /// What it holds.
        value: i64,
    },
    /// A register field that is used names none of r0 to r10.
    #[error("R{register} is invalid: {field} names no register")]
    Register {
        /// The offending field.
        field: Field,
        /// What it holds: 11 to 15.
        register: u8,
    },
    /// The immediate of an atomic instruction names no operation.
    #[error("BPF_ATOMIC uses invalid atomic opcode {0:02x}")]
    AtomicOp(i32),
    /// A read-modify-write of one or two bytes.
    #[error("invalid atomic operand size")]
    AtomicSize,
    /// The immediate of an address-space cast names no pair of spaces.
    #[error("addr_space_cast insn can only convert between address space 1 and 0")]
    AddrSpace(i32),
    /// A conditional jump of the `may_goto` class that is none.
    #[error("invalid may_goto imm {0}")]
    MayGoto(i32),
    /// A 64-bit immediate load without a proper second slot.
    #[error("invalid bpf_ld_imm64 insn: the second slot's {field} is {value}")]
    SecondSlot {
        /// The offending field of the second slot.
        field: Field,
        /// What it holds.
        value: i64,
    },
    /// A 64-bit immediate load as the very last slot.
    #[error("invalid bpf_ld_imm64 insn: it has no second slot")]
    NoSecondSlot,
    /// A 64-bit immediate load of an unknown kind, or a map reference whose
    /// second immediate is not 0.
    #[error("unrecognized bpf_ld_imm64 insn: {field} is {value}")]
    Imm64Source {
        /// The offending field (the immediate is the second slot's).
        field: Field,
        /// What it holds.
        value: i64,
    },
    /// No slot, but an instruction that none can hold: a [`goto`] whose distance
    /// passes 16 bits.
    ///
    /// [`goto`]: crate::Insn::Jump
    #[error("the distance of a goto passes 16 bits")]
    Cut,
}

impl SlotError {
    /// The kernel's own words for the same cause.
    #[must_use]
    pub fn kernel_words(&self) -> String {
        match self {
            Self::Reserved { form, .. } => format!("{form} uses reserved fields"),
            Self::Register { register, .. } => format!("R{register} is invalid"),
            Self::SecondSlot { .. } | Self::NoSecondSlot => "invalid bpf_ld_imm64 insn".into(),
            Self::Imm64Source { .. } => "unrecognized bpf_ld_imm64 insn".into(),
            Self::UnknownOpcode(_)
            | Self::AtomicOp(_)
            | Self::AtomicSize
            | Self::AddrSpace(_)
            | Self::MayGoto(_)
            | Self::Cut => self.to_string(),
        }
    }
}

/// Bytes or instructions that are no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum DecodeError {
    /// There are none.
    #[error("a program has at least one instruction")]
    Empty,
    /// Their number is no multiple of eight.
    #[error("{0} bytes are no whole number of 8-byte instructions")]
    Length(usize),
    /// There are more than [`Code::MAX_SLOTS`](super::Code::MAX_SLOTS).
    #[error("{0} instructions are more than a program may have")]
    TooLong(usize),
    /// A slot is no instruction.
    #[error("insn {at}: {why}")]
    Slot {
        /// The slot.
        at: Pc,
        /// What is wrong with it.
        why: SlotError,
    },
}
