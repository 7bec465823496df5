//! The bits of the opcode byte (RFC 9669, sections 3 to 5), shared by decoder
//! and encoder so that neither can disagree with the other about a number.

use crate::insn::{AluOp, AtomicOp, Cond, Size};

pub(super) const LD: u8 = 0x00;
pub(super) const LDX: u8 = 0x01;
pub(super) const ST: u8 = 0x02;
pub(super) const STX: u8 = 0x03;
pub(super) const ALU: u8 = 0x04;
pub(super) const JMP: u8 = 0x05;
pub(super) const JMP32: u8 = 0x06;
pub(super) const ALU64: u8 = 0x07;

/// The operand is a register rather than an immediate.
pub(super) const X: u8 = 0x08;

pub(super) const MODE_IMM: u8 = 0x00;
pub(super) const MODE_ABS: u8 = 0x20;
pub(super) const MODE_IND: u8 = 0x40;
pub(super) const MODE_MEM: u8 = 0x60;
pub(super) const MODE_MEMSX: u8 = 0x80;
pub(super) const MODE_ATOMIC: u8 = 0xc0;

pub(super) const OP_NEG: u8 = 0x80;
pub(super) const OP_MOV: u8 = 0xb0;
pub(super) const OP_END: u8 = 0xd0;
pub(super) const OP_JA: u8 = 0x00;
pub(super) const OP_CALL: u8 = 0x80;
pub(super) const OP_EXIT: u8 = 0x90;
pub(super) const OP_JCOND: u8 = 0xe0;

/// `imm` of the two atomic forms that are no read-modify-write (Linux 6.15).
pub(super) const LOAD_ACQUIRE: i32 = 0x100;
pub(super) const STORE_RELEASE: i32 = 0x110;

/// `off` of the register move that casts between address spaces.
pub(super) const ADDR_SPACE_CAST: i16 = 1;
/// `imm` of that cast from address space 1 to 0, and from 0 to 1.
pub(super) const CAST_TO_KERNEL: i32 = 1;
pub(super) const CAST_TO_USER: i32 = 1 << 16;

/// The operators whose encoding is an operation number and nothing else.
const PLAIN_ALU: [(AluOp, u8); 10] = [
    (AluOp::Add, 0x00),
    (AluOp::Sub, 0x10),
    (AluOp::Mul, 0x20),
    (AluOp::Or, 0x40),
    (AluOp::And, 0x50),
    (AluOp::Lsh, 0x60),
    (AluOp::Rsh, 0x70),
    (AluOp::Xor, 0xa0),
    (AluOp::Mov, OP_MOV),
    (AluOp::Arsh, 0xc0),
];

/// The operators that share an operation number: unsigned at offset 0, signed
/// at offset 1.
const DIVIDING: [(AluOp, AluOp, u8); 2] = [(AluOp::Div, AluOp::Sdiv, 0x30), (AluOp::Mod, AluOp::Smod, 0x90)];

/// The operator with this operation number and offset, where there is one;
/// `Err` holds where only the offset is wrong.
pub(super) fn alu_op(number: u8, off: i16) -> Option<Result<AluOp, ()>> {
    if let Some((unsigned, signed, _)) = DIVIDING.iter().find(|(.., n)| *n == number) {
        return Some(match off {
            0 => Ok(*unsigned),
            1 => Ok(*signed),
            _ => Err(()),
        });
    }
    let (op, _) = PLAIN_ALU.iter().find(|(_, n)| *n == number)?;
    Some(if off == 0 { Ok(*op) } else { Err(()) })
}

/// The operation number and offset of an operator.
pub(super) fn alu_bits(op: AluOp) -> (u8, i16) {
    let plain = PLAIN_ALU.iter().find(|(o, _)| *o == op).map(|(_, n)| (*n, 0));
    let dividing = || {
        DIVIDING.iter().find_map(|(u, s, n)| {
            if *u == op {
                Some((*n, 0))
            } else if *s == op {
                Some((*n, 1))
            } else {
                None
            }
        })
    };
    plain.or_else(dividing).expect("every operator is in one of the two tables")
}

const CONDS: [(Cond, u8); 11] = [
    (Cond::Eq, 0x10),
    (Cond::Gt, 0x20),
    (Cond::Ge, 0x30),
    (Cond::Set, 0x40),
    (Cond::Ne, 0x50),
    (Cond::Sgt, 0x60),
    (Cond::Sge, 0x70),
    (Cond::Lt, 0xa0),
    (Cond::Le, 0xb0),
    (Cond::Slt, 0xc0),
    (Cond::Sle, 0xd0),
];

/// The condition with this operation number.
pub(super) fn cond(number: u8) -> Option<Cond> {
    CONDS.iter().find(|(_, n)| *n == number).map(|(c, _)| *c)
}

/// The operation number of a condition.
pub(super) fn cond_bits(cond: Cond) -> u8 {
    CONDS.iter().find(|(c, _)| *c == cond).expect("every condition is in the table").1
}

/// The size that the opcode's size bits name.
pub(super) const fn size(code: u8) -> Size {
    match code & 0x18 {
        0x00 => Size::B4,
        0x08 => Size::B2,
        0x10 => Size::B1,
        _ => Size::B8,
    }
}

/// The opcode bits of a size.
pub(super) const fn size_bits(size: Size) -> u8 {
    match size {
        Size::B4 => 0x00,
        Size::B2 => 0x08,
        Size::B1 => 0x10,
        Size::B8 => 0x18,
    }
}

/// The read-modify-write operation with this immediate.
pub(super) fn atomic_op(imm: i32) -> Option<AtomicOp> {
    AtomicOp::ALL.into_iter().find(|op| op.imm() == imm)
}
