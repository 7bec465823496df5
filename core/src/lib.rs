//! What an eBPF program is.
//!
//! This crate describes: instructions and their meaning ([`insn`], [`code`]),
//! their text ([`asm`], [`disasm`]), helpers ([`helper`]), program types and
//! their contexts ([`prog_type`]), maps ([`map`]), a program on its way
//! ([`program`], [`func`], [`facts`], [`link`]), and how it runs, step by step
//! ([`interp`]). It proves nothing, compiles nothing and makes no OS calls.

pub mod asm;
pub mod code;
pub mod disasm;
pub mod facts;
pub mod format;
pub mod func;
pub mod helper;
pub mod insn;
pub mod interp;
pub mod kfunc;
pub mod link;
pub mod map;
pub mod prog_type;
pub mod program;
mod text;

pub use code::{Code, DecodeError, SlotError};
pub use facts::Facts;
pub use insn::{
    AluOp, AtomicOp, Callee, Cond, Imm64, Insn, Operand, Order, PacketAt, Pc, Reg, Size, Slot, SpaceCast,
    Width,
};
pub use link::{Executable, LinkError, Linked, Verified};
pub use map::{MapDef, MapFlags, MapIdx, MapInfo, MapKind};
pub use prog_type::ProgramType;
pub use program::{Aux, LoadFlags, Program};
