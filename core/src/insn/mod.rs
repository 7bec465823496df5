//! The instruction set, described once.
//!
//! [`Insn`] is every instruction of RFC 9669 and of Linux 6.18 that a program
//! may be loaded with, as a structured enum over small operator tables. A
//! [`Slot`] is the eight bytes that encode one; [`decode_slot`] and
//! [`encode_slot`] map between the two and are each other's inverse.
//!
//! Law: for every instruction `i` that slots can [hold](crate::code::check),
//! `decode(encode(i)) == i`, and for every slot `s` that decodes,
//! `encode(decode(s)) == s`.
//!
//! [`decode_slot`]: crate::code::decode_slot
//! [`encode_slot`]: crate::code::encode_slot

mod effects;
mod op;
mod reg;
mod slot;

pub use effects::{Flow, RegSet};
pub use op::{AluOp, AtomicOp, Cond, Order, Size, Width};
pub use reg::{Pc, Reg};
pub use slot::{RawReg, Slot};

/// The second operand of an ALU operation, a store or a conditional jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A register.
    Reg(Reg),
    /// An immediate, sign-extended to 64 bits wherever it is used.
    Imm(i32),
}

impl Operand {
    /// The register, where it is one.
    #[must_use]
    pub const fn reg(self) -> Option<Reg> {
        match self {
            Self::Reg(reg) => Some(reg),
            Self::Imm(_) => None,
        }
    }
}

/// What a 64-bit immediate load (`LDDW`, RFC 9669, section 5.4) puts into its
/// register, by source kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Imm64 {
    /// A plain number.
    Value(u64),
    /// The map with this file descriptor (`BPF_PSEUDO_MAP_FD`).
    MapFd(i32),
    /// The address of byte `off` of the only value of the map with this file
    /// descriptor (`BPF_PSEUDO_MAP_VALUE`).
    MapValue {
        /// The map's file descriptor.
        fd: i32,
        /// The offset into the value, in bytes.
        off: u32,
    },
    /// The address of a kernel variable by BTF id (`BPF_PSEUDO_BTF_ID`).
    BtfId {
        /// The BTF id of the variable.
        id: i32,
        /// The file descriptor of the BTF object, 0 for the kernel's own.
        btf_fd: i32,
    },
    /// The address of a subprogram, to be a callback (`BPF_PSEUDO_FUNC`): the
    /// slot that starts it, relative to the next instruction's slot as if this
    /// one took one slot.
    Func(i32),
    /// The map at this index of the load's `fd_array` (`BPF_PSEUDO_MAP_IDX`).
    MapIdx(i32),
    /// Byte `off` of the value of the map at this index of the load's
    /// `fd_array` (`BPF_PSEUDO_MAP_IDX_VALUE`).
    MapIdxValue {
        /// The index into `fd_array`.
        idx: i32,
        /// The offset into the value, in bytes.
        off: u32,
    },
}

/// What a call instruction calls (RFC 9669, section 4.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A helper, by its number.
    Helper(i32),
    /// The subprogram that starts this many slots after the next instruction.
    Subprog(i32),
    /// A kernel function by BTF id.
    Kfunc {
        /// The BTF id of the function.
        id: i32,
        /// The index of its BTF object in the load's `fd_array`, 0 for the
        /// kernel's own.
        btf: i16,
    },
}

/// Where a legacy packet load reads (RFC 9669, section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketAt {
    /// At the immediate offset (`LD_ABS`).
    Abs,
    /// At the immediate offset plus a register (`LD_IND`).
    Ind(Reg),
}

/// The way a pointer is cast between address spaces (`addr_space_cast`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpaceCast {
    /// From the arena's address space 1 to the default one.
    ToKernel,
    /// From the default address space to the arena's 1.
    ToUser,
}

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Insn {
    /// `dst = dst op src`.
    Alu {
        /// The operator.
        op: AluOp,
        /// 32 or 64 bits.
        width: Width,
        /// The destination, also the first operand.
        dst: Reg,
        /// The second operand.
        src: Operand,
    },
    /// `dst = -dst`.
    Neg {
        /// 32 or 64 bits.
        width: Width,
        /// The register.
        dst: Reg,
    },
    /// `dst = (s8|s16|s32)src`; [`Width::W32`] has no form from [`Size::B4`].
    MovSx {
        /// The width of the result; a 32-bit one is zero-extended.
        width: Width,
        /// The part of `src` that is sign-extended: B1, B2 or B4.
        from: Size,
        /// The destination.
        dst: Reg,
        /// The source.
        src: Reg,
    },
    /// A byte swap of the low `size` of `dst`: B2, B4 or B8.
    Swap {
        /// The byte order of the result.
        order: Order,
        /// How much of the register is kept.
        size: Size,
        /// The register.
        dst: Reg,
    },
    /// A cast of an arena pointer between address spaces.
    AddrSpaceCast {
        /// The direction.
        cast: SpaceCast,
        /// The destination.
        dst: Reg,
        /// The source.
        src: Reg,
    },
    /// `dst = imm64`, the one instruction that takes two slots.
    LoadImm64 {
        /// The destination.
        dst: Reg,
        /// What is loaded.
        imm: Imm64,
    },
    /// `dst = *(size *)(src + off)`, sign-extended where `signed` (not for B8).
    Load {
        /// The size of the access.
        size: Size,
        /// Whether the value is sign-extended.
        signed: bool,
        /// The destination.
        dst: Reg,
        /// The address register.
        src: Reg,
        /// The offset added to it, in bytes.
        off: i16,
    },
    /// `*(size *)(dst + off) = src`.
    Store {
        /// The size of the access.
        size: Size,
        /// The address register.
        dst: Reg,
        /// The offset added to it, in bytes.
        off: i16,
        /// What is stored.
        src: Operand,
    },
    /// An atomic read-modify-write of `*(dst + off)`.
    Atomic {
        /// The operation.
        op: AtomicOp,
        /// 32 or 64 bits.
        width: Width,
        /// The address register.
        dst: Reg,
        /// The offset added to it, in bytes.
        off: i16,
        /// The operand, and where the old value goes for the fetching forms
        /// but [`AtomicOp::Cmpxchg`].
        src: Reg,
    },
    /// `dst = load_acquire((size *)(src + off))`, zero-extended (Linux 6.15).
    LoadAcquire {
        /// The size of the access.
        size: Size,
        /// The destination.
        dst: Reg,
        /// The address register.
        src: Reg,
        /// The offset added to it, in bytes.
        off: i16,
    },
    /// `store_release((size *)(dst + off), src)` (Linux 6.15).
    StoreRelease {
        /// The size of the access.
        size: Size,
        /// The address register.
        dst: Reg,
        /// The offset added to it, in bytes.
        off: i16,
        /// What is stored.
        src: Reg,
    },
    /// `r0 = ntoh(*(size *)(packet + at + imm))`: B1, B2 or B4. The program
    /// ends with 0 where that lies outside the packet; r1 to r5 are lost.
    LoadPacket {
        /// The size of the access.
        size: Size,
        /// The offset's base.
        at: PacketAt,
        /// The offset, in bytes.
        imm: i32,
    },
    /// `goto pc + 1 + off`.
    Jump {
        /// The distance from the next slot, in slots. Without `wide` it fits
        /// 16 bits.
        off: i32,
        /// Whether it is the 32-bit form, `gotol`.
        wide: bool,
    },
    /// `if dst cond src goto pc + 1 + off`.
    JumpIf {
        /// The comparison.
        cond: Cond,
        /// Of 32 or 64 bits.
        width: Width,
        /// The first operand.
        dst: Reg,
        /// The second operand.
        src: Operand,
        /// The distance from the next slot, in slots.
        off: i16,
    },
    /// `may_goto pc + 1 + off`: a jump that the runtime takes once its loop
    /// budget is spent (Linux 6.9).
    MayGoto {
        /// The distance from the next slot, in slots.
        off: i16,
    },
    /// A call; arguments in r1 to r5 (which are lost), result in r0.
    Call(Callee),
    /// The end of the program or subprogram, with the result in r0.
    Exit,
}

impl Insn {
    /// How many slots the instruction takes: 2 for [`Insn::LoadImm64`], else 1.
    #[must_use]
    pub const fn slots(&self) -> u32 {
        if matches!(self, Self::LoadImm64 { .. }) { 2 } else { 1 }
    }
}
