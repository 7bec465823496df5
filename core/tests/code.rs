//! Decoder and encoder are each other's inverse, and refuse what Linux refuses.

mod common;

use brolga_core::code::{Field, check, decode_slot, encode_slot};
use brolga_core::{
    AluOp, Code, DecodeError, Imm64, Insn, Operand, Order, PacketAt, Pc, Reg, Size, Slot, SlotError, Width,
};
use common::{any_insn, any_program, forms};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Every opcode of Linux 6.18's instruction table, by class.
const OPCODES: &str = "
    18 20 28 30 40 48 50
    61 69 71 79 81 89 91
    62 6a 72 7a
    63 6b 73 7b c3 cb d3 db
    04 0c 14 1c 24 2c 34 3c 44 4c 54 5c 64 6c 74 7c 84 94 9c a4 ac b4 bc c4 cc d4 dc
    05 15 1d 25 2d 35 3d 45 4d 55 5d 65 6d 75 7d 85 95 a5 ad b5 bd c5 cd d5 dd e5
    06 16 1e 26 2e 36 3e 46 4e 56 5e 66 6e 76 7e a6 ae b6 be c6 ce d6 de
    07 0f 17 1f 27 2f 37 3f 47 4f 57 5f 67 6f 77 7f 87 97 9f a7 af b7 bf c7 cf d7";

/// Offsets that mean something to some opcode, and some that mean nothing.
const OFFS: [i16; 6] = [0, 1, -1, 8, 16, 32];
/// Immediates that mean something to some opcode, and some that mean nothing.
const IMMS: [i32; 18] =
    [0, 1, -1, 8, 16, 32, 64, 0x40, 0x50, 0xa0, 0xa1, 0xe1, 0xf0, 0xf1, 0x100, 0x110, 0x1_0000, i32::MIN];

fn slots_of(code: u8) -> impl Iterator<Item = Slot> {
    let fields = OFFS.into_iter().flat_map(|off| IMMS.map(|imm| (off, imm)));
    fields.flat_map(move |(off, imm)| {
        (0..=u8::MAX).map(move |regs| Slot { code, dst: regs & 15, src: regs >> 4, off, imm })
    })
}

/// That a slot that decodes is what the instruction encodes to; whether it does.
fn inverts(slot: Slot, next: Option<Slot>) -> bool {
    let Ok(insn) = decode_slot(slot, next) else { return false };
    let second = next.filter(|_| insn.slots() == 2);
    assert_eq!(encode_slot(&insn), (slot, second), "{insn:?}");
    assert_eq!(check(&insn), Ok(()), "{insn:?}");
    true
}

#[test]
fn every_slot_that_decodes_encodes_back() {
    let seconds = [0, -1, 5].map(|imm| Slot { imm, ..Slot::default() });
    let mut known = BTreeSet::new();
    for code in 0..=u8::MAX {
        for slot in slots_of(code) {
            let decodes = match code {
                0x18 => seconds.map(|second| inverts(slot, Some(second))).contains(&true),
                _ => inverts(slot, None),
            };
            if decodes {
                known.insert(code);
            }
        }
    }
    let table: BTreeSet<u8> =
        OPCODES.split_whitespace().map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect();
    assert_eq!(known, table);
}

#[test]
fn every_instruction_decodes_to_itself() {
    let forms = forms();
    assert!(forms.len() > 25_000, "{}", forms.len());
    for insn in forms {
        let (first, second) = encode_slot(&insn);
        assert_eq!(decode_slot(first, second), Ok(insn), "{first:?}");
        assert_eq!(second.is_some(), insn.slots() == 2);
        assert_eq!(Slot::from_bytes(first.to_bytes()), first);
    }
}

proptest! {
    #[test]
    fn random_slots(bytes: [u8; 8], next: [u8; 8], zero_next: bool) {
        let next = if zero_next { Slot::default() } else { Slot::from_bytes(next) };
        let slot = Slot::from_bytes(bytes);
        prop_assert_eq!(slot.to_bytes(), bytes);
        inverts(slot, Some(next));
    }

    /// Random bytes are hardly ever an instruction: here one field of one is
    /// random.
    #[test]
    fn nearly_instructions(insn in any_insn(), at in 0usize..8, byte: u8) {
        let (first, second) = encode_slot(&insn);
        let mut bytes = first.to_bytes();
        bytes[at] = byte;
        inverts(Slot::from_bytes(bytes), second);
    }

    #[test]
    fn random_programs(insns in any_program()) {
        let code = Code::from_insns(insns.iter().copied()).unwrap();
        let bytes = code.encode();
        prop_assert_eq!(bytes.len(), 8 * code.len());
        prop_assert_eq!(Code::decode(&bytes), Ok(code.clone()));
        prop_assert_eq!(code.iter().map(|(_, insn)| *insn).collect::<Vec<_>>(), insns);
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        if let Ok(code) = Code::decode(&bytes) {
            prop_assert_eq!(code.encode(), bytes);
        }
    }
}

const LDDW: Slot = Slot { code: 0x18, dst: 1, src: 0, off: 0, imm: 7 };

fn slot(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Slot {
    Slot { code, dst, src, off, imm }
}

/// What a slot is refused for: the fields, then the kernel's words.
fn refused(slot: Slot, next: Option<Slot>) -> (SlotError, String) {
    let why = decode_slot(slot, next).expect_err("a slot that is refused");
    (why, why.kernel_words())
}

#[test]
fn refusals_name_the_field_in_the_kernels_words() {
    let reserved = |form, field, value| SlotError::Reserved { form, field, value };
    let cases = [
        (slot(0x00, 0, 0, 0, 0), SlotError::UnknownOpcode(0), "unknown opcode 00"),
        (slot(0x8d, 1, 0, 0, 0), SlotError::UnknownOpcode(0x8d), "unknown opcode 8d"),
        (slot(0x99, 0, 1, 0, 0), SlotError::UnknownOpcode(0x99), "unknown opcode 99"),
        (slot(0x99, 0, 1, 0, 1), reserved("BPF_LDX", Field::Imm, 1), "BPF_LDX uses reserved fields"),
        (slot(0x01, 0, 1, 0, 0), reserved("BPF_LDX", Field::Code, 1), "BPF_LDX uses reserved fields"),
        (slot(0x0f, 0, 1, 1, 0), reserved("BPF_ALU", Field::Off, 1), "BPF_ALU uses reserved fields"),
        (slot(0x3f, 0, 1, 2, 0), reserved("BPF_ALU", Field::Off, 2), "BPF_ALU uses reserved fields"),
        (slot(0xb7, 0, 1, 0, 0), reserved("BPF_MOV", Field::Src, 1), "BPF_MOV uses reserved fields"),
        (slot(0xbc, 0, 1, 32, 0), reserved("BPF_MOV", Field::Off, 32), "BPF_MOV uses reserved fields"),
        (slot(0xbf, 0, 1, 64, 0), reserved("BPF_MOV", Field::Off, 64), "BPF_MOV uses reserved fields"),
        (slot(0x87, 0, 0, 0, 1), reserved("BPF_NEG", Field::Imm, 1), "BPF_NEG uses reserved fields"),
        (slot(0xd7, 0, 0, 0, 8), reserved("BPF_END", Field::Imm, 8), "BPF_END uses reserved fields"),
        (slot(0x05, 1, 0, 0, 0), reserved("BPF_JA", Field::Dst, 1), "BPF_JA uses reserved fields"),
        (slot(0x05, 0, 0, 0, 1), reserved("BPF_JA", Field::Imm, 1), "BPF_JA uses reserved fields"),
        (slot(0x06, 0, 0, 1, 0), reserved("BPF_JA", Field::Off, 1), "BPF_JA uses reserved fields"),
        (slot(0x85, 0, 3, 0, 1), reserved("BPF_CALL", Field::Src, 3), "BPF_CALL uses reserved fields"),
        (slot(0x85, 0, 0, 1, 1), reserved("BPF_CALL", Field::Off, 1), "BPF_CALL uses reserved fields"),
        (slot(0x95, 0, 0, 0, 1), reserved("BPF_EXIT", Field::Imm, 1), "BPF_EXIT uses reserved fields"),
        (slot(0x62, 1, 2, 0, 0), reserved("BPF_ST", Field::Src, 2), "BPF_ST uses reserved fields"),
        (slot(0x63, 1, 2, 0, 3), reserved("BPF_STX", Field::Imm, 3), "BPF_STX uses reserved fields"),
        (slot(0x0f, 11, 0, 0, 0), SlotError::Register { field: Field::Dst, register: 11 }, "R11 is invalid"),
        (slot(0xbf, 11, 15, 0, 0), SlotError::Register { field: Field::Src, register: 15 }, "R15 is invalid"),
        (slot(0xdb, 1, 2, 0, 2), SlotError::AtomicOp(2), "BPF_ATOMIC uses invalid atomic opcode 02"),
        (slot(0xd3, 1, 2, 0, 0), SlotError::AtomicSize, "invalid atomic operand size"),
        (slot(0xe5, 0, 0, 0, 4), SlotError::MayGoto(4), "invalid may_goto imm 4"),
        (
            slot(0xbf, 1, 2, 1, 2),
            SlotError::AddrSpace(2),
            "addr_space_cast insn can only convert between address space 1 and 0",
        ),
    ];
    for (slot, why, words) in cases {
        assert_eq!(refused(slot, None), (why, words.into()), "{slot:?}");
    }
    let form = "BPF_LD_[ABS|IND]";
    let words = "BPF_LD_[ABS|IND] uses reserved fields";
    assert_eq!(refused(slot(0x30, 0, 1, 0, 0), None), (reserved(form, Field::Src, 1), words.into()));
    assert_eq!(refused(slot(0x50, 1, 1, 0, 0), None), (reserved(form, Field::Dst, 1), words.into()));
    let form = "BPF_JMP/JMP32";
    let words = "BPF_JMP/JMP32 uses reserved fields";
    assert_eq!(refused(slot(0x1d, 0, 1, 0, 1), None), (reserved(form, Field::Imm, 1), words.into()));
}

#[test]
fn refusals_of_64_bit_loads() {
    let second = Slot::default();
    let invalid = "invalid bpf_ld_imm64 insn".to_string();
    let unrecognized = "unrecognized bpf_ld_imm64 insn".to_string();
    assert_eq!(refused(LDDW, None), (SlotError::NoSecondSlot, invalid.clone()));
    for (field, next) in [
        (Field::Code, Slot { code: 1, ..second }),
        (Field::Dst, Slot { dst: 1, ..second }),
        (Field::Src, Slot { src: 1, ..second }),
        (Field::Off, Slot { off: 1, ..second }),
    ] {
        let why = SlotError::SecondSlot { field, value: 1 };
        assert_eq!(refused(LDDW, Some(next)), (why, invalid.clone()));
    }
    let why = SlotError::Imm64Source { field: Field::Src, value: 7 };
    assert_eq!(refused(Slot { src: 7, ..LDDW }, Some(second)), (why, unrecognized.clone()));
    for src in [1, 4, 5] {
        let why = SlotError::Imm64Source { field: Field::Imm, value: 9 };
        let next = Slot { imm: 9, ..second };
        assert_eq!(refused(Slot { src, ..LDDW }, Some(next)), (why, unrecognized.clone()));
    }
    let (_, words) = refused(Slot { off: 1, ..LDDW }, Some(second));
    assert_eq!(words, "BPF_LD_IMM64 uses reserved fields");
}

#[test]
fn bytes_that_are_no_program() {
    let exit = slot(0x95, 0, 0, 0, 0).to_bytes();
    assert_eq!(Code::decode(&[]), Err(DecodeError::Empty));
    assert_eq!(Code::decode(&exit[..7]), Err(DecodeError::Length(7)));
    let long = exit.repeat(Code::MAX_SLOTS + 1);
    assert_eq!(Code::decode(&long), Err(DecodeError::TooLong(Code::MAX_SLOTS + 1)));
    let longest = Code::decode(&exit.repeat(Code::MAX_SLOTS)).unwrap();
    assert_eq!(longest.len(), Code::MAX_SLOTS);
    let cut = [exit, LDDW.to_bytes()].concat();
    let why = SlotError::NoSecondSlot;
    assert_eq!(Code::decode(&cut), Err(DecodeError::Slot { at: Pc(1), why }));
}

#[test]
fn places_are_slots() {
    let load = Insn::LoadImm64 { dst: Reg::R1, imm: Imm64::Value(7) };
    let code = Code::from_insns([load, Insn::Exit]).unwrap();
    assert_eq!((code.len(), code.end()), (3, Pc(3)));
    assert_eq!((code.at(Pc(0)), code.at(Pc(1)), code.at(Pc(2))), (Some(&load), None, Some(&Insn::Exit)));
    assert_eq!(code.at(Pc(3)), None);
    assert_eq!((code.next(Pc(0)), code.next(Pc(2))), (Pc(2), Pc(3)));
    assert_eq!(code.iter().map(|(pc, _)| pc).collect::<Vec<_>>(), [Pc(0), Pc(2)]);
    let within = |from, to| code.within(Pc(from), Pc(to)).map(|(pc, _)| pc.0).collect::<Vec<_>>();
    assert_eq!((within(0, 3), within(0, 2), within(1, 3)), (vec![0, 2], vec![0], vec![2]));
    assert_eq!((within(1, 2), within(2, 1), within(2, 4)), (vec![], vec![], vec![]));
}

/// What the types of an instruction allow but no slot holds.
#[test]
fn instructions_that_are_none() {
    let (dst, src) = (Reg::R1, Reg::R2);
    let none = [
        (Insn::Jump { off: 0x8000, wide: false }, SlotError::Cut),
        (Insn::Jump { off: i32::MIN, wide: false }, SlotError::Cut),
        (Insn::Load { size: Size::B8, signed: true, dst, src, off: 0 }, SlotError::UnknownOpcode(0x99)),
        (Insn::LoadPacket { size: Size::B8, at: PacketAt::Abs, imm: 0 }, SlotError::UnknownOpcode(0x38)),
        (
            Insn::Swap { order: Order::Be, size: Size::B1, dst },
            SlotError::Reserved { form: "BPF_END", field: Field::Imm, value: 8 },
        ),
        (
            Insn::MovSx { width: Width::W32, from: Size::B4, dst, src },
            SlotError::Reserved { form: "BPF_MOV", field: Field::Off, value: 32 },
        ),
        (
            Insn::MovSx { width: Width::W64, from: Size::B8, dst, src },
            SlotError::Reserved { form: "BPF_MOV", field: Field::Off, value: 64 },
        ),
    ];
    for (insn, why) in none {
        assert_eq!(check(&insn), Err(why), "{insn:?}");
        let at = Pc(1);
        assert_eq!(Code::from_insns([Insn::Exit, insn]), Err(DecodeError::Slot { at, why }));
    }
}

#[test]
#[should_panic(expected = "a replacement of the same length")]
fn a_replacement_keeps_the_places() {
    let mut code = Code::from_insns([Insn::Exit]).unwrap();
    code.replace(Pc(0), Insn::LoadImm64 { dst: Reg::R1, imm: Imm64::Value(7) });
}

#[test]
fn a_replacement_replaces() {
    let mut code = Code::from_insns([Insn::Exit, Insn::Exit]).unwrap();
    let insn = Insn::Alu { op: AluOp::Mov, width: Width::W64, dst: Reg::R0, src: Operand::Imm(1) };
    code.replace(Pc(0), insn);
    assert_eq!((code.at(Pc(0)), code.at(Pc(1))), (Some(&insn), Some(&Insn::Exit)));
}
