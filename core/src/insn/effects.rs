//! What an instruction reads, writes and goes to: read by the CFG, liveness,
//! precision tracking and the JIT alike.

use super::{AluOp, AtomicOp, Callee, Insn, Operand, PacketAt, Pc, Reg};
use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of registers.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RegSet(u16);

impl RegSet {
    /// No register.
    pub const EMPTY: Self = Self(0);
    /// Every register, the frame pointer included.
    pub const ALL: Self = Self(0x7ff);
    /// r1 to r5.
    pub const ARGS: Self = Self(0x3e);
    /// r0 to r5: what a call overwrites.
    pub const CALLER_SAVED: Self = Self(0x3f);

    /// The set of just this register.
    #[must_use]
    pub const fn of(reg: Reg) -> Self {
        Self(1 << reg.index())
    }

    /// The set of the first `n` argument registers.
    #[must_use]
    pub const fn args(n: usize) -> Self {
        Self(((1 << n) - 1) << 1)
    }

    /// Whether the register is in the set.
    #[must_use]
    pub const fn contains(self, reg: Reg) -> bool {
        self.0 & (1 << reg.index()) != 0
    }

    /// Whether no register is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set but not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// How many members there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The members, in order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Reg> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            // Of no bit at all more than any register's number.
            let next = Reg::new(rest.trailing_zeros() as u8);
            rest &= rest.wrapping_sub(1);
            next
        })
    }
}

impl BitOr for RegSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for RegSet {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl FromIterator<Reg> for RegSet {
    fn from_iter<I: IntoIterator<Item = Reg>>(regs: I) -> Self {
        regs.into_iter().fold(Self::EMPTY, |set, r| set | Self::of(r))
    }
}

impl fmt::Debug for RegSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Reg::index)).finish()
    }
}

/// Where control goes after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// On to the next instruction.
    Next,
    /// Always to the place this offset says.
    Jump(i32),
    /// To the place this offset says, or on.
    Branch(i32),
    /// Into the subprogram at this offset, then on.
    Call(i32),
    /// Out of the program or subprogram.
    Exit,
}

impl Flow {
    /// The target of a jump or branch at `pc`, where it has one and it is not
    /// before the program's start.
    #[must_use]
    #[inline]
    pub const fn target(self, pc: Pc) -> Option<Pc> {
        match self {
            Self::Jump(off) | Self::Branch(off) => pc.jump(off),
            Self::Next | Self::Call(_) | Self::Exit => None,
        }
    }

    /// Whether control may go on to the next instruction.
    #[must_use]
    pub const fn falls_through(self) -> bool {
        match self {
            Self::Next | Self::Branch(_) | Self::Call(_) => true,
            Self::Jump(_) | Self::Exit => false,
        }
    }
}

impl Insn {
    /// The registers the instruction reads. For a call these are all five
    /// argument registers: how many a callee truly takes is in its prototype.
    #[must_use]
    #[inline]
    pub fn uses(&self) -> RegSet {
        let operand = |src: Operand| src.reg().map_or(RegSet::EMPTY, RegSet::of);
        match *self {
            Self::Alu { op: AluOp::Mov, src, .. } => operand(src),
            Self::Alu { dst, src, .. } | Self::JumpIf { dst, src, .. } | Self::Store { dst, src, .. } => {
                RegSet::of(dst) | operand(src)
            }
            Self::Neg { dst, .. } | Self::Swap { dst, .. } => RegSet::of(dst),
            Self::MovSx { src, .. }
            | Self::AddrSpaceCast { src, .. }
            | Self::Load { src, .. }
            | Self::LoadAcquire { src, .. } => RegSet::of(src),
            Self::Atomic { op: AtomicOp::Cmpxchg, dst, src, .. } => {
                RegSet::of(dst) | RegSet::of(src) | RegSet::of(Reg::R0)
            }
            Self::Atomic { dst, src, .. } | Self::StoreRelease { dst, src, .. } => {
                RegSet::of(dst) | RegSet::of(src)
            }
            Self::LoadPacket { at: PacketAt::Abs, .. } => RegSet::of(Reg::R6),
            Self::LoadPacket { at: PacketAt::Ind(src), .. } => RegSet::of(Reg::R6) | RegSet::of(src),
            Self::Call(_) => RegSet::ARGS,
            Self::Exit => RegSet::of(Reg::R0),
            Self::LoadImm64 { .. } | Self::Jump { .. } | Self::MayGoto { .. } => RegSet::EMPTY,
        }
    }

    /// The registers the instruction writes, those that a call loses included.
    #[must_use]
    #[inline]
    pub fn defs(&self) -> RegSet {
        match *self {
            Self::Alu { dst, .. }
            | Self::Neg { dst, .. }
            | Self::MovSx { dst, .. }
            | Self::Swap { dst, .. }
            | Self::AddrSpaceCast { dst, .. }
            | Self::LoadImm64 { dst, .. }
            | Self::Load { dst, .. }
            | Self::LoadAcquire { dst, .. } => RegSet::of(dst),
            Self::Atomic { op: AtomicOp::Cmpxchg, .. } => RegSet::of(Reg::R0),
            Self::Atomic { op, src, .. } if op.fetches() => RegSet::of(src),
            Self::LoadPacket { .. } | Self::Call(_) => RegSet::CALLER_SAVED,
            Self::Atomic { .. }
            | Self::Store { .. }
            | Self::StoreRelease { .. }
            | Self::Jump { .. }
            | Self::JumpIf { .. }
            | Self::MayGoto { .. }
            | Self::Exit => RegSet::EMPTY,
        }
    }

    /// Where control goes from here.
    #[must_use]
    #[inline]
    pub const fn flow(&self) -> Flow {
        match *self {
            Self::Jump { off, .. } => Flow::Jump(off),
            Self::JumpIf { off, .. } | Self::MayGoto { off } => Flow::Branch(off as i32),
            Self::Call(Callee::Subprog(off)) => Flow::Call(off),
            Self::Exit => Flow::Exit,
            Self::Call(Callee::Helper(_) | Callee::Kfunc { .. })
            | Self::Alu { .. }
            | Self::Neg { .. }
            | Self::MovSx { .. }
            | Self::Swap { .. }
            | Self::AddrSpaceCast { .. }
            | Self::LoadImm64 { .. }
            | Self::Load { .. }
            | Self::Store { .. }
            | Self::Atomic { .. }
            | Self::LoadAcquire { .. }
            | Self::StoreRelease { .. }
            | Self::LoadPacket { .. } => Flow::Next,
        }
    }
}
