//! Which registers point into the own frame.
//!
//! A value `v` for each register and place, with what it may be at run time:
//!
//! ```text
//!                Anything        any value
//!              /     |     \
//!         Frame(o)   |    NoFrame       r10 + o; a value that is no pointer
//!                    |    /     \       into the own frame
//!                    | Number(n) Map(m) n; the map m itself
//! ```
//!
//! Order: upward; join: the least that is above both. The height is 3. A frame's
//! slots have one bit each: whether the slot may hold a pointer into the frame.
//!
//! Two rules of the walk, which are the kernel's, are relied upon: a pointer into
//! a stack is not stored into the frame of a caller, and no subprogram returns
//! one. So memory other than the own frame never gives one back, and neither
//! does a call, but for a kernel function's.

use super::set::SlotSet;
use crate::structure::blocks::{Grow, Set};
use brolga_core::insn::RegSet;
use brolga_core::{AluOp, Aux, Callee, Imm64, Insn, MapIdx, Operand, Reg, Width};

/// What is known of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// This number, sign-extended.
    Number(i32),
    /// This map.
    Map(MapIdx),
    /// No pointer into the own frame.
    NoFrame,
    /// The own frame's end plus this many bytes.
    Frame(i32),
    /// Whatever.
    Anything,
}

/// Further from the frame's end than this, a pointer's offset is not tracked.
const FAR: i64 = 1 << 20;

impl Value {
    /// Whether it may point into the own frame.
    pub(super) const fn may_point_here(self) -> bool {
        match self {
            Self::Frame(_) | Self::Anything => true,
            Self::Number(_) | Self::Map(_) | Self::NoFrame => false,
        }
    }

    /// What is computed from values of which some may point here, exactly known
    /// or not.
    fn mixed(points: bool) -> Self {
        if points { Self::Anything } else { Self::NoFrame }
    }

    fn join(self, other: Self) -> Self {
        if self == other { self } else { Self::mixed(self.may_point_here() || other.may_point_here()) }
    }

    fn number(value: u64) -> Self {
        i32::try_from(value as i64).map_or(Self::NoFrame, Self::Number)
    }

    fn frame(off: i64) -> Self {
        let near = i32::try_from(off).ok().filter(|_| off.abs() <= FAR);
        near.map_or(Self::Anything, Self::Frame)
    }

    fn alu(op: AluOp, width: Width, a: Self, b: Self) -> Self {
        match (op, width, a, b) {
            (AluOp::Mov, Width::W64, _, b) => b,
            (_, _, Self::Number(a), Self::Number(b)) => {
                Self::number(op.eval(width, i64::from(a) as u64, i64::from(b) as u64))
            }
            (AluOp::Add, Width::W64, Self::Frame(off), Self::Number(n))
            | (AluOp::Add, Width::W64, Self::Number(n), Self::Frame(off)) => {
                Self::frame(i64::from(off) + i64::from(n))
            }
            (AluOp::Sub, Width::W64, Self::Frame(off), Self::Number(n)) => {
                Self::frame(i64::from(off) - i64::from(n))
            }
            (AluOp::Mov, Width::W32, _, Self::Number(n)) => Self::number(u64::from(n as u32)),
            _ => Self::mixed(a.may_point_here() || b.may_point_here()),
        }
    }
}

/// What is known at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointers {
    regs: [Value; Reg::COUNT],
    /// The slots that may hold a pointer into the frame.
    spilled: SlotSet,
}

impl Grow for Pointers {
    fn grow(&mut self, other: &Self) -> bool {
        let before = self.clone();
        for (reg, with) in self.regs.iter_mut().zip(other.regs) {
            *reg = reg.join(with);
        }
        self.spilled |= other.spilled;
        *self != before
    }
}

impl Pointers {
    /// What is known where a subprogram starts.
    pub(super) fn at_entry() -> Self {
        let mut regs = [Value::NoFrame; Reg::COUNT];
        regs[Reg::FP.index()] = Value::Frame(0);
        Self { regs, spilled: SlotSet::EMPTY }
    }

    /// What is known of a register.
    pub(super) fn reg(&self, reg: Reg) -> Value {
        self.regs[reg.index()]
    }

    /// Which of the slots that an access through this register touches, and
    /// which it covers.
    pub(super) fn access(&self, base: Reg, off: i16, bytes: u32) -> Access {
        match self.reg(base) {
            Value::Frame(at) => {
                let start = i64::from(at) + i64::from(off);
                let range = start..start + i64::from(bytes);
                Access { touched: SlotSet::touched(range.clone()), covered: SlotSet::covered(range) }
            }
            Value::Anything => Access { touched: SlotSet::ALL, covered: SlotSet::EMPTY },
            Value::Number(_) | Value::Map(_) | Value::NoFrame => Access::NONE,
        }
    }

    /// What is known after the instruction.
    pub(super) fn step(&mut self, aux: &Aux, insn: &Insn) {
        match *insn {
            Insn::Alu { op, width, dst, src } => {
                let value = Value::alu(op, width, self.reg(dst), self.operand(src));
                self.set(dst, value);
            }
            Insn::LoadImm64 { dst, imm } => self.set(dst, loaded(aux, &imm)),
            Insn::Neg { dst, .. } | Insn::Swap { dst, .. } => self.mix(dst, dst),
            Insn::MovSx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => self.mix(dst, src),
            Insn::Load { size, dst, src, off, .. } | Insn::LoadAcquire { size, dst, src, off } => {
                let access = self.access(src, off, size.bytes());
                self.set(dst, self.held(access));
            }
            Insn::Store { size, dst, off, src } => {
                self.store(self.access(dst, off, size.bytes()), self.operand(src));
            }
            Insn::StoreRelease { size, dst, off, src } => {
                self.store(self.access(dst, off, size.bytes()), self.reg(src));
            }
            Insn::Atomic { width, dst, off, src, .. } => {
                let access = self.access(dst, off, width.size().bytes());
                self.update(access, src, insn.defs());
            }
            Insn::Call(callee) => self.call(callee, insn.defs()),
            Insn::LoadPacket { .. } => self.forget(insn.defs()),
            Insn::Jump { .. } | Insn::JumpIf { .. } | Insn::MayGoto { .. } | Insn::Exit => {}
        }
    }

    fn operand(&self, operand: Operand) -> Value {
        match operand {
            Operand::Reg(reg) => self.reg(reg),
            Operand::Imm(number) => Value::Number(number),
        }
    }

    /// The frame pointer stays what it is: the walk lets none write to it.
    fn set(&mut self, reg: Reg, value: Value) {
        if reg != Reg::FP {
            self.regs[reg.index()] = value;
        }
    }

    fn mix(&mut self, dst: Reg, src: Reg) {
        self.set(dst, Value::mixed(self.reg(src).may_point_here()));
    }

    /// A kernel function may return a pointer to what it was given.
    fn call(&mut self, callee: Callee, defs: RegSet) {
        let points = Reg::ARGS.into_iter().any(|arg| self.reg(arg).may_point_here());
        self.forget(defs);
        match callee {
            Callee::Kfunc { .. } => self.set(Reg::R0, Value::mixed(points)),
            Callee::Helper(_) | Callee::Subprog(_) => {}
        }
    }

    fn forget(&mut self, regs: RegSet) {
        regs.iter().for_each(|reg| self.set(reg, Value::NoFrame));
    }

    fn held(&self, access: Access) -> Value {
        Value::mixed(self.spilled.0 & access.touched.0 != 0)
    }

    fn store(&mut self, to: Access, value: Value) {
        if value.may_point_here() {
            self.spilled |= to.touched;
        } else {
            self.spilled = self.spilled.without(to.covered);
        }
    }

    /// A read-modify-write with this operand, which writes these registers.
    fn update(&mut self, access: Access, operand: Reg, defs: RegSet) {
        let old = self.held(access);
        if self.reg(operand).may_point_here() {
            self.spilled |= access.touched;
        }
        defs.iter().for_each(|reg| self.set(reg, old));
    }
}

/// The slots of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// Those of which it may touch some part.
    pub(super) touched: SlotSet,
    /// Those of which it surely touches all.
    pub(super) covered: SlotSet,
}

impl Access {
    /// No slot of the own frame.
    pub(super) const NONE: Self = Self { touched: SlotSet::EMPTY, covered: SlotSet::EMPTY };
}

fn loaded(aux: &Aux, imm: &Imm64) -> Value {
    match imm {
        Imm64::Value(value) => Value::number(*value),
        Imm64::MapFd(_) | Imm64::MapIdx(_) => aux.map_ref(imm).map_or(Value::NoFrame, Value::Map),
        Imm64::MapValue { .. } | Imm64::MapIdxValue { .. } | Imm64::BtfId { .. } | Imm64::Func(_) => {
            Value::NoFrame
        }
    }
}
