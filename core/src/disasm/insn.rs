//! One instruction as text.

use super::listing::Labels;
use crate::insn::{AtomicOp, Callee, Imm64, Insn, Operand, Order, PacketAt, Pc, Reg, Size, SpaceCast, Width};
use crate::text::{Names, Spelled, Type, is_word};
use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

/// An instruction as text.
pub struct Text<'a> {
    insn: &'a Insn,
    names: &'a dyn Names,
    /// Where the text says the opcode itself, it need not mark a 64-bit load.
    opcode_said: bool,
    /// The labels of the text and the instruction's place in it.
    labels: Option<(&'a Labels, Pc)>,
}

impl<'a> Text<'a> {
    pub(super) fn new(insn: &'a Insn, names: &'a dyn Names) -> Self {
        Self { insn, names, opcode_said: false, labels: None }
    }

    pub(super) fn after_opcode(self) -> Self {
        Self { opcode_said: true, ..self }
    }

    pub(super) fn at(self, pc: Pc, labels: &'a Labels) -> Self {
        Self { labels: Some((labels, pc)), ..self }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Text({self})")
    }
}

/// A register under the letter of a width.
struct Named(Width, Reg);

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let letter = match self.0 {
            Width::W32 => 'w',
            Width::W64 => 'r',
        };
        write!(f, "{letter}{}", self.1.index())
    }
}

/// An operand: an immediate in decimal.
struct Decimal(Width, Operand);

impl Display for Decimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Operand::Reg(reg) => Named(self.0, reg).fmt(f),
            Operand::Imm(imm) => imm.fmt(f),
        }
    }
}

/// An operand of a comparison: an immediate in hexadecimal.
struct Hexadecimal(Width, Operand);

impl Display for Hexadecimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Operand::Reg(reg) => Named(self.0, reg).fmt(f),
            Operand::Imm(imm) => write!(f, "{imm:#x}"),
        }
    }
}

/// `(type *)(reg +off)`
struct Access(Type, Reg, i16);

impl Access {
    fn of(size: Size, reg: Reg, off: i16) -> Self {
        Self(Type::unsigned(size), reg, off)
    }
}

impl Display for Access {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({} *)({} {:+})", self.0.spelling(), self.1, self.2)
    }
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self.insn {
            Insn::Alu { op, width, dst, src } => {
                write!(f, "{} {} {}", Named(width, dst), op.spelling(), Decimal(width, src))
            }
            Insn::Neg { width, dst } => write!(f, "{0} = -{0}", Named(width, dst)),
            Insn::MovSx { width, from, dst, src } => {
                let ty = Type::signed(from).spelling();
                write!(f, "{} = ({ty}){}", Named(width, dst), Named(width, src))
            }
            Insn::Swap { order, size, dst } => swap(f, order, size, dst),
            Insn::AddrSpaceCast { cast, dst, src } => space_cast(f, cast, dst, src),
            Insn::LoadImm64 { dst, imm } => self.load_imm64(f, dst, imm),
            Insn::Load { .. }
            | Insn::Store { .. }
            | Insn::Atomic { .. }
            | Insn::LoadAcquire { .. }
            | Insn::StoreRelease { .. }
            | Insn::LoadPacket { .. } => memory(f, self.insn),
            Insn::Jump { off, wide } => {
                f.write_str(if wide { "gotol " } else { "goto " })?;
                self.target(f, off)
            }
            Insn::JumpIf { cond, width, dst, src, off } => {
                let (cond, src) = (cond.spelling(), Hexadecimal(width, src));
                write!(f, "if {} {cond} {src} goto ", Named(width, dst))?;
                self.target(f, off.into())
            }
            Insn::MayGoto { off } => {
                f.write_str("may_goto ")?;
                self.target(f, off.into())
            }
            Insn::Call(callee) => self.call(f, callee),
            Insn::Exit => f.write_str("exit"),
        }
    }
}

fn swap(f: &mut Formatter<'_>, order: Order, size: Size, dst: Reg) -> fmt::Result {
    write!(f, "{dst} = {}{} {dst}", order.spelling(), size.spelling())
}

fn space_cast(f: &mut Formatter<'_>, cast: SpaceCast, dst: Reg, src: Reg) -> fmt::Result {
    let spaces = match cast {
        SpaceCast::ToKernel => "0, 1",
        SpaceCast::ToUser => "1, 0",
    };
    write!(f, "{dst} = addr_space_cast({src}, {spaces})")
}

/// The memory accesses.
fn memory(f: &mut Formatter<'_>, insn: &Insn) -> fmt::Result {
    match *insn {
        Insn::Load { size, signed, dst, src, off } => {
            write!(f, "{dst} = *{}", Access(Type { size, signed }, src, off))
        }
        Insn::Store { size, dst, off, src } => {
            write!(f, "*{} = {}", Access::of(size, dst, off), Decimal(Width::W64, src))
        }
        Insn::Atomic { op, width, dst, off, src } => {
            atomic(f, op, width, src, &Access::of(width.size(), dst, off))
        }
        Insn::LoadAcquire { size, dst, src, off } => {
            write!(f, "{dst} = load_acquire({})", Access::of(size, src, off))
        }
        Insn::StoreRelease { size, dst, off, src } => {
            write!(f, "store_release({}, {src})", Access::of(size, dst, off))
        }
        Insn::LoadPacket { size, at, imm } => {
            write!(f, "r0 = *({} *)skb[", Type::unsigned(size).spelling())?;
            match at {
                PacketAt::Abs => write!(f, "{imm}]"),
                PacketAt::Ind(src) => write!(f, "{src} + {imm}]"),
            }
        }
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::Swap { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::LoadImm64 { .. }
        | Insn::Jump { .. }
        | Insn::JumpIf { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => unreachable!("Text sends only memory accesses here"),
    }
}

fn atomic(f: &mut Formatter<'_>, op: AtomicOp, width: Width, src: Reg, to: &Access) -> fmt::Result {
    let bits = match width {
        Width::W32 => "",
        Width::W64 => "64",
    };
    let name = op.spelling();
    match op {
        AtomicOp::Add | AtomicOp::Or | AtomicOp::And | AtomicOp::Xor => write!(f, "lock *{to} {name} {src}"),
        AtomicOp::Cmpxchg => write!(f, "r0 = atomic{bits}_{name}({to}, r0, {src})"),
        AtomicOp::FetchAdd | AtomicOp::FetchOr | AtomicOp::FetchAnd | AtomicOp::FetchXor | AtomicOp::Xchg => {
            write!(f, "{src} = atomic{bits}_{name}({to}, {src})")
        }
    }
}

/// What refers to something by number, name or distance.
impl Text<'_> {
    fn load_imm64(&self, f: &mut Formatter<'_>, dst: Reg, imm: Imm64) -> fmt::Result {
        write!(f, "{dst} = ")?;
        match imm {
            Imm64::Value(v) if self.opcode_said => write!(f, "{v:#x}"),
            Imm64::Value(v) => write!(f, "{v:#x} ll"),
            Imm64::MapFd(fd) => self.map(f, fd),
            Imm64::MapValue { fd, off } => {
                self.map(f, fd)?;
                write!(f, "[0]+{off}")
            }
            Imm64::BtfId { id, btf_fd: 0 } => write!(f, "btf[id:{id}]"),
            Imm64::BtfId { id, btf_fd } => write!(f, "btf[id:{id}, fd:{btf_fd}]"),
            Imm64::Func(off) => match self.label(off) {
                Some(label) => write!(f, "subprog[{label}]"),
                None => write!(f, "subprog[{off:+}]"),
            },
            Imm64::MapIdx(idx) => write!(f, "map[idx:{idx}]"),
            Imm64::MapIdxValue { idx, off } => write!(f, "map[idx:{idx}]+{off}"),
        }
    }

    fn map(&self, f: &mut Formatter<'_>, fd: i32) -> fmt::Result {
        match self.names.map_name(fd).filter(|n| is_word(n) && self.names.map_fd(n) == Some(fd)) {
            Some(name) => write!(f, "map[{name}]"),
            None => write!(f, "map[fd:{fd}]"),
        }
    }

    fn call(&self, f: &mut Formatter<'_>, callee: Callee) -> fmt::Result {
        match callee {
            Callee::Helper(number) => write!(f, "call {}#{number}", self.helper(number)),
            Callee::Subprog(off) => match self.label(off) {
                Some(label) => write!(f, "call {label}"),
                None => write!(f, "call pc{off:+}"),
            },
            Callee::Kfunc { id, btf: 0 } => write!(f, "call kernel-function#{id}"),
            Callee::Kfunc { id, btf } => write!(f, "call kernel-function#{id}[btf:{btf}]"),
        }
    }

    /// A helper's name, `unknown` where it has none that is read back so.
    fn helper(&self, number: i32) -> Cow<'_, str> {
        let agrees = |name: &str| self.names.helper_number(name).is_none_or(|n| n == number);
        let name = self.names.helper_name(number).filter(|n| is_word(n) && agrees(n));
        name.unwrap_or(Cow::Borrowed("unknown"))
    }

    fn target(&self, f: &mut Formatter<'_>, off: i32) -> fmt::Result {
        match self.label(off) {
            Some(label) => label.fmt(f),
            None => write!(f, "pc{off:+}"),
        }
    }

    /// The label of the place at this distance.
    fn label(&self, off: i32) -> Option<super::listing::Label> {
        let (labels, pc) = self.labels?;
        labels.at(pc.jump(off)?)
    }
}
