//! From slots to instructions.
//!
//! One function per instruction class; each reads the fields it uses, and the
//! [`Form`] it reads them through sees to it that no other field is set.
//!
//! Where a slot has several faults, the one that the kernel reports first is
//! reported: the order of the checks is Linux 6.18's.

use super::error::{Field, SlotError};
use super::opcode::{self as op, X};
use crate::insn::{AluOp, Callee, Imm64, Insn, Operand, Order, PacketAt, Reg, Size, Slot, SpaceCast, Width};

type Decoded = Result<Insn, SlotError>;

/// The instruction that starts at `slot`; `next` is the slot after it, which
/// only a 64-bit immediate load takes as its second half.
///
/// # Errors
///
/// A [`SlotError`] for what the kernel refuses to load: unknown opcodes,
/// reserved fields that are set, registers that there are not.
pub fn decode_slot(slot: Slot, next: Option<Slot>) -> Decoded {
    match slot.code & 0x07 {
        op::LD => load_immediate_or_packet(slot, next),
        op::LDX => load(slot),
        op::ST => store_immediate(slot),
        op::STX => store(slot),
        op::ALU => alu(slot, Width::W32),
        op::JMP => jump(slot, Width::W64),
        op::JMP32 => jump(slot, Width::W32),
        _ => alu(slot, Width::W64),
    }
}

/// A form of instruction by the kernel's name for it, to say whose field is set
/// that should not be.
struct Form(&'static str, Slot);

impl Form {
    fn refuse(&self, field: Field) -> SlotError {
        SlotError::Reserved { form: self.0, field, value: self.1.field(field) }
    }

    /// That each of these fields is 0.
    fn unused(&self, fields: &[Field]) -> Result<(), SlotError> {
        match fields.iter().find(|f| self.1.field(**f) != 0) {
            Some(field) => Err(self.refuse(*field)),
            None => Ok(()),
        }
    }

    /// The second operand by the opcode's source bit; the other field is unused.
    fn operand(&self) -> Result<Operand, SlotError> {
        if self.1.code & X == 0 {
            self.unused(&[Field::Src])?;
            Ok(Operand::Imm(self.1.imm))
        } else {
            self.unused(&[Field::Imm])?;
            self.1.src_reg().map(Operand::Reg)
        }
    }
}

impl Slot {
    fn field(self, field: Field) -> i64 {
        match field {
            Field::Code => self.code.into(),
            Field::Dst => self.dst.into(),
            Field::Src => self.src.into(),
            Field::Off => self.off.into(),
            Field::Imm => self.imm.into(),
        }
    }

    fn dst_reg(self) -> Result<Reg, SlotError> {
        Reg::new(self.dst).ok_or(SlotError::Register { field: Field::Dst, register: self.dst })
    }

    fn src_reg(self) -> Result<Reg, SlotError> {
        Reg::new(self.src).ok_or(SlotError::Register { field: Field::Src, register: self.src })
    }
}

fn unknown(slot: Slot) -> Decoded {
    Err(SlotError::UnknownOpcode(slot.code))
}

fn alu(slot: Slot, width: Width) -> Decoded {
    match slot.code & 0xf0 {
        op::OP_NEG => negate(slot, width),
        op::OP_END => swap(slot, width),
        op::OP_MOV if slot.code & X != 0 => register_move(slot, width),
        number => two_operands(slot, width, number),
    }
}

fn negate(slot: Slot, width: Width) -> Decoded {
    if slot.code & X != 0 {
        return unknown(slot);
    }
    Form("BPF_NEG", slot).unused(&[Field::Src, Field::Off, Field::Imm])?;
    Ok(Insn::Neg { width, dst: slot.dst_reg()? })
}

fn swap(slot: Slot, width: Width) -> Decoded {
    let order = match (width, slot.code & X != 0) {
        (Width::W32, false) => Order::Le,
        (Width::W32, true) => Order::Be,
        (Width::W64, false) => Order::Swap,
        (Width::W64, true) => return unknown(slot),
    };
    let form = Form("BPF_END", slot);
    form.unused(&[Field::Src, Field::Off])?;
    let size = match slot.imm {
        16 => Size::B2,
        32 => Size::B4,
        64 => Size::B8,
        _ => return Err(form.refuse(Field::Imm)),
    };
    Ok(Insn::Swap { order, size, dst: slot.dst_reg()? })
}

fn register_move(slot: Slot, width: Width) -> Decoded {
    if width == Width::W64 && slot.off == op::ADDR_SPACE_CAST {
        return address_space_cast(slot);
    }
    let form = Form("BPF_MOV", slot);
    form.unused(&[Field::Imm])?;
    let from = match (slot.off, width) {
        (0, _) => {
            let (src, dst) = (Operand::Reg(slot.src_reg()?), slot.dst_reg()?);
            return Ok(Insn::Alu { op: AluOp::Mov, width, dst, src });
        }
        (8, _) => Size::B1,
        (16, _) => Size::B2,
        (32, Width::W64) => Size::B4,
        _ => return Err(form.refuse(Field::Off)),
    };
    let (src, dst) = (slot.src_reg()?, slot.dst_reg()?);
    Ok(Insn::MovSx { width, from, dst, src })
}

fn address_space_cast(slot: Slot) -> Decoded {
    let cast = match slot.imm {
        op::CAST_TO_KERNEL => SpaceCast::ToKernel,
        op::CAST_TO_USER => SpaceCast::ToUser,
        imm => return Err(SlotError::AddrSpace(imm)),
    };
    let (src, dst) = (slot.src_reg()?, slot.dst_reg()?);
    Ok(Insn::AddrSpaceCast { cast, dst, src })
}

fn two_operands(slot: Slot, width: Width, number: u8) -> Decoded {
    let form = Form(if number == op::OP_MOV { "BPF_MOV" } else { "BPF_ALU" }, slot);
    let Some(op) = op::alu_op(number, slot.off) else { return unknown(slot) };
    let op = op.map_err(|()| form.refuse(Field::Off))?;
    let (src, dst) = (form.operand()?, slot.dst_reg()?);
    Ok(Insn::Alu { op, width, dst, src })
}

fn jump(slot: Slot, width: Width) -> Decoded {
    let wide = width == Width::W32;
    match (slot.code & 0xf0, slot.code & X != 0) {
        (op::OP_JA, false) => jump_always(slot, wide),
        (op::OP_CALL, false) if !wide => call(slot),
        (op::OP_EXIT, false) if !wide => exit(slot),
        (op::OP_JCOND, false) if !wide => may_goto(slot),
        (number, _) => jump_if(slot, width, number),
    }
}

fn jump_always(slot: Slot, wide: bool) -> Decoded {
    let form = Form("BPF_JA", slot);
    form.unused(&[Field::Src, Field::Dst])?;
    form.unused(&[if wide { Field::Off } else { Field::Imm }])?;
    Ok(Insn::Jump { off: if wide { slot.imm } else { slot.off.into() }, wide })
}

fn call(slot: Slot) -> Decoded {
    let form = Form("BPF_CALL", slot);
    form.unused(&[Field::Dst])?;
    let callee = match slot.src {
        0 => Callee::Helper(slot.imm),
        1 => Callee::Subprog(slot.imm),
        2 => Callee::Kfunc { id: slot.imm, btf: slot.off },
        _ => return Err(form.refuse(Field::Src)),
    };
    if slot.src != 2 {
        form.unused(&[Field::Off])?;
    }
    Ok(Insn::Call(callee))
}

fn exit(slot: Slot) -> Decoded {
    Form("BPF_EXIT", slot).unused(&[Field::Imm, Field::Src, Field::Dst, Field::Off])?;
    Ok(Insn::Exit)
}

fn may_goto(slot: Slot) -> Decoded {
    if slot.src != 0 || slot.dst != 0 || slot.imm != 0 {
        return Err(SlotError::MayGoto(slot.imm));
    }
    Ok(Insn::MayGoto { off: slot.off })
}

fn jump_if(slot: Slot, width: Width, number: u8) -> Decoded {
    let Some(cond) = op::cond(number) else { return unknown(slot) };
    let (dst, src) = (slot.dst_reg()?, Form("BPF_JMP/JMP32", slot).operand()?);
    Ok(Insn::JumpIf { cond, width, dst, src, off: slot.off })
}

fn load(slot: Slot) -> Decoded {
    let form = Form("BPF_LDX", slot);
    let signed = match slot.code & 0xe0 {
        op::MODE_MEM => false,
        op::MODE_MEMSX => true,
        _ => return Err(form.refuse(Field::Code)),
    };
    form.unused(&[Field::Imm])?;
    let size = op::size(slot.code);
    if signed && size == Size::B8 {
        return unknown(slot);
    }
    let (src, dst) = (slot.src_reg()?, slot.dst_reg()?);
    Ok(Insn::Load { size, signed, dst, src, off: slot.off })
}

fn store_immediate(slot: Slot) -> Decoded {
    if slot.code & 0xe0 != op::MODE_MEM {
        return unknown(slot);
    }
    Form("BPF_ST", slot).unused(&[Field::Src])?;
    let (dst, src) = (slot.dst_reg()?, Operand::Imm(slot.imm));
    Ok(Insn::Store { size: op::size(slot.code), dst, off: slot.off, src })
}

fn store(slot: Slot) -> Decoded {
    match slot.code & 0xe0 {
        op::MODE_MEM => {
            Form("BPF_STX", slot).unused(&[Field::Imm])?;
            let (src, dst) = (Operand::Reg(slot.src_reg()?), slot.dst_reg()?);
            Ok(Insn::Store { size: op::size(slot.code), dst, off: slot.off, src })
        }
        op::MODE_ATOMIC => atomic(slot),
        _ => unknown(slot),
    }
}

fn atomic(slot: Slot) -> Decoded {
    let (size, off) = (op::size(slot.code), slot.off);
    let registers = || Ok((slot.src_reg()?, slot.dst_reg()?));
    match slot.imm {
        op::LOAD_ACQUIRE => registers().map(|(src, dst)| Insn::LoadAcquire { size, dst, src, off }),
        op::STORE_RELEASE => registers().map(|(src, dst)| Insn::StoreRelease { size, dst, off, src }),
        imm => {
            let op = op::atomic_op(imm).ok_or(SlotError::AtomicOp(imm))?;
            let width = match size {
                Size::B4 => Width::W32,
                Size::B8 => Width::W64,
                Size::B1 | Size::B2 => return Err(SlotError::AtomicSize),
            };
            registers().map(|(src, dst)| Insn::Atomic { op, width, dst, off, src })
        }
    }
}

fn load_immediate_or_packet(slot: Slot, next: Option<Slot>) -> Decoded {
    match (slot.code & 0xe0, op::size(slot.code)) {
        (op::MODE_IMM, Size::B8) => load_imm64(slot, next),
        (op::MODE_ABS, Size::B1 | Size::B2 | Size::B4) => load_packet(slot, true),
        (op::MODE_IND, Size::B1 | Size::B2 | Size::B4) => load_packet(slot, false),
        _ => unknown(slot),
    }
}

fn load_packet(slot: Slot, absolute: bool) -> Decoded {
    let form = Form("BPF_LD_[ABS|IND]", slot);
    form.unused(&[Field::Dst, Field::Off])?;
    let at = if absolute {
        form.unused(&[Field::Src])?;
        PacketAt::Abs
    } else {
        PacketAt::Ind(slot.src_reg()?)
    };
    Ok(Insn::LoadPacket { size: op::size(slot.code), at, imm: slot.imm })
}

fn load_imm64(slot: Slot, next: Option<Slot>) -> Decoded {
    let second = next.ok_or(SlotError::NoSecondSlot)?;
    for field in [Field::Code, Field::Dst, Field::Src, Field::Off] {
        if second.field(field) != 0 {
            return Err(SlotError::SecondSlot { field, value: second.field(field) });
        }
    }
    let imm = imm64(slot, second.imm)?;
    Form("BPF_LD_IMM64", slot).unused(&[Field::Off])?;
    Ok(Insn::LoadImm64 { dst: slot.dst_reg()?, imm })
}

fn imm64(slot: Slot, high: i32) -> Result<Imm64, SlotError> {
    let (low, off) = (slot.imm, high as u32);
    let no_second = |imm| match high {
        0 => Ok(imm),
        _ => Err(SlotError::Imm64Source { field: Field::Imm, value: high.into() }),
    };
    match slot.src {
        0 => Ok(Imm64::Value(u64::from(low as u32) | u64::from(off) << 32)),
        1 => no_second(Imm64::MapFd(low)),
        2 => Ok(Imm64::MapValue { fd: low, off }),
        3 => Ok(Imm64::BtfId { id: low, btf_fd: high }),
        4 => no_second(Imm64::Func(low)),
        5 => no_second(Imm64::MapIdx(low)),
        6 => Ok(Imm64::MapIdxValue { idx: low, off }),
        src => Err(SlotError::Imm64Source { field: Field::Src, value: src.into() }),
    }
}
