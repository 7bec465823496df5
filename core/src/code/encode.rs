//! From instructions to slots: the inverse of decoding.

use super::opcode::{self as op, X};
use crate::insn::{AluOp, Callee, Imm64, Insn, Operand, Order, PacketAt, Reg, Size, Slot, SpaceCast, Width};

/// The slot that encodes an instruction, and the second one where it has one.
///
/// An instruction whose fields no slot can hold (a narrow [`Insn::Jump`] whose
/// offset passes 16 bits, say) has the fields cut; [`check`](super::check)
/// finds those, and the decoder makes none.
#[must_use]
pub fn encode_slot(insn: &Insn) -> (Slot, Option<Slot>) {
    if let Insn::LoadImm64 { dst, imm } = *insn {
        let (first, second) = imm64(dst, imm);
        return (first, Some(second));
    }
    (one_slot(insn), None)
}

fn one_slot(insn: &Insn) -> Slot {
    match *insn {
        Insn::Alu { op, width, dst, src } => {
            let (number, off) = op::alu_bits(op);
            with_operand(Slot { code: alu_class(width) | number, dst: raw(dst), off, ..Slot::default() }, src)
        }
        Insn::Neg { width, dst } => {
            Slot { code: alu_class(width) | op::OP_NEG, dst: raw(dst), ..Slot::default() }
        }
        Insn::MovSx { width, from, dst, src } => mov(alu_class(width), dst, src, from.bits() as i16, 0),
        Insn::AddrSpaceCast { cast, dst, src } => {
            let imm = match cast {
                SpaceCast::ToKernel => op::CAST_TO_KERNEL,
                SpaceCast::ToUser => op::CAST_TO_USER,
            };
            mov(op::ALU64, dst, src, op::ADDR_SPACE_CAST, imm)
        }
        Insn::Swap { order, size, dst } => {
            let class = match order {
                Order::Le => op::ALU,
                Order::Be => op::ALU | X,
                Order::Swap => op::ALU64,
            };
            Slot { code: class | op::OP_END, dst: raw(dst), imm: size.bits() as i32, ..Slot::default() }
        }
        Insn::LoadImm64 { dst, imm } => imm64(dst, imm).0,
        Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::LoadPacket { .. } => memory(insn),
        Insn::Jump { .. } | Insn::JumpIf { .. } | Insn::MayGoto { .. } | Insn::Call(_) | Insn::Exit => {
            control(insn)
        }
    }
}

fn memory(insn: &Insn) -> Slot {
    match *insn {
        Insn::Load { size, signed, dst, src, off } => {
            let mode = if signed { op::MODE_MEMSX } else { op::MODE_MEM };
            access(op::LDX | mode, size, dst, src, off, 0)
        }
        Insn::Store { size, dst, off, src: Operand::Reg(src) } => {
            access(op::STX | op::MODE_MEM, size, dst, src, off, 0)
        }
        Insn::Store { size, dst, off, src: Operand::Imm(imm) } => {
            access(op::ST | op::MODE_MEM, size, dst, Reg::R0, off, imm)
        }
        Insn::Atomic { op, width, dst, off, src } => {
            access(op::STX | op::MODE_ATOMIC, width.size(), dst, src, off, op.imm())
        }
        Insn::LoadAcquire { size, dst, src, off } => {
            access(op::STX | op::MODE_ATOMIC, size, dst, src, off, op::LOAD_ACQUIRE)
        }
        Insn::StoreRelease { size, dst, off, src } => {
            access(op::STX | op::MODE_ATOMIC, size, dst, src, off, op::STORE_RELEASE)
        }
        Insn::LoadPacket { size, at, imm } => {
            let (mode, src) = match at {
                PacketAt::Abs => (op::MODE_ABS, Reg::R0),
                PacketAt::Ind(src) => (op::MODE_IND, src),
            };
            access(op::LD | mode, size, Reg::R0, src, 0, imm)
        }
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Swap { .. }
        | Insn::LoadImm64 { .. }
        | Insn::Jump { .. }
        | Insn::JumpIf { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => unreachable!("one_slot sends only memory accesses here"),
    }
}

fn control(insn: &Insn) -> Slot {
    match *insn {
        Insn::Jump { off, wide: true } => Slot { code: op::JMP32 | op::OP_JA, imm: off, ..Slot::default() },
        Insn::Jump { off, wide: false } => {
            Slot { code: op::JMP | op::OP_JA, off: off as i16, ..Slot::default() }
        }
        Insn::JumpIf { cond, width, dst, src, off } => {
            let class = match width {
                Width::W32 => op::JMP32,
                Width::W64 => op::JMP,
            };
            with_operand(
                Slot { code: class | op::cond_bits(cond), dst: raw(dst), off, ..Slot::default() },
                src,
            )
        }
        Insn::MayGoto { off } => Slot { code: op::JMP | op::OP_JCOND, off, ..Slot::default() },
        Insn::Call(callee) => {
            let (src, imm, off) = match callee {
                Callee::Helper(number) => (0, number, 0),
                Callee::Subprog(off) => (1, off, 0),
                Callee::Kfunc { id, btf } => (2, id, btf),
            };
            Slot { code: op::JMP | op::OP_CALL, src, off, imm, ..Slot::default() }
        }
        Insn::Exit => Slot { code: op::JMP | op::OP_EXIT, ..Slot::default() },
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Swap { .. }
        | Insn::LoadImm64 { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::LoadPacket { .. } => unreachable!("one_slot sends only control flow here"),
    }
}

const fn raw(reg: Reg) -> u8 {
    reg as u8
}

const fn alu_class(width: Width) -> u8 {
    match width {
        Width::W32 => op::ALU,
        Width::W64 => op::ALU64,
    }
}

fn mov(class: u8, dst: Reg, src: Reg, off: i16, imm: i32) -> Slot {
    let (number, _) = op::alu_bits(AluOp::Mov);
    Slot { code: class | number | X, dst: raw(dst), src: raw(src), off, imm }
}

fn with_operand(slot: Slot, operand: Operand) -> Slot {
    match operand {
        Operand::Reg(src) => Slot { code: slot.code | X, src: raw(src), ..slot },
        Operand::Imm(imm) => Slot { imm, ..slot },
    }
}

fn access(code: u8, size: Size, dst: Reg, src: Reg, off: i16, imm: i32) -> Slot {
    Slot { code: code | op::size_bits(size), dst: raw(dst), src: raw(src), off, imm }
}

fn imm64(dst: Reg, imm: Imm64) -> (Slot, Slot) {
    let (src, low, high) = match imm {
        Imm64::Value(v) => (0, v as i32, (v >> 32) as i32),
        Imm64::MapFd(fd) => (1, fd, 0),
        Imm64::MapValue { fd, off } => (2, fd, off as i32),
        Imm64::BtfId { id, btf_fd } => (3, id, btf_fd),
        Imm64::Func(off) => (4, off, 0),
        Imm64::MapIdx(idx) => (5, idx, 0),
        Imm64::MapIdxValue { idx, off } => (6, idx, off as i32),
    };
    let code = op::LD | op::MODE_IMM | op::size_bits(Size::B8);
    (Slot { code, dst: raw(dst), src, off: 0, imm: low }, Slot { imm: high, ..Slot::default() })
}
