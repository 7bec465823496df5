//! What an eBPF program is.
//!
//! This crate describes; it proves nothing, compiles nothing and makes no OS
//! calls.

pub mod code;
pub mod insn;

pub use code::{Code, DecodeError, SlotError};
pub use insn::{
    AluOp, AtomicOp, Callee, Cond, Imm64, Insn, Operand, Order, PacketAt, Pc, Reg, Size, Slot, SpaceCast,
    Width,
};
