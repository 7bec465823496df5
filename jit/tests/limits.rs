//! Programs made to take long: compile time is linear in the size up to the
//! largest that is taken on.

mod common;

use brolga_core::{AluOp, Cond, Insn, Operand, Reg, Size, Width};
use brolga_jit::{CompileError, MAX_INSNS, Options, Tier, compile};
use common::{Both, Build};

const WIDTH: Width = Width::W64;

fn reg(i: usize) -> Reg {
    Reg::ALL[i % 10]
}

fn alu(op: AluOp, dst: Reg, src: Operand) -> Insn {
    Insn::Alu { op, width: WIDTH, dst, src }
}

fn jump(i: usize, off: i16) -> Insn {
    Insn::JumpIf { cond: Cond::Gt, width: WIDTH, dst: reg(i), src: Operand::Reg(reg(i * 3 + 1)), off }
}

/// The i-th piece of a program, of which so many instructions came before.
type Piece = fn(i: usize, before: usize, size: usize) -> Vec<Insn>;

fn straight(i: usize, _: usize, _: usize) -> Vec<Insn> {
    vec![alu([AluOp::Add, AluOp::Xor, AluOp::Mul][i % 3], reg(i), Operand::Reg(reg(i * 7 + 3)))]
}

fn branches(i: usize, _: usize, _: usize) -> Vec<Insn> {
    vec![jump(i, 1), alu(AluOp::Add, reg(i + 5), Operand::Imm(3))]
}

fn exits(i: usize, _: usize, _: usize) -> Vec<Insn> {
    vec![jump(i, 2), alu(AluOp::Mov, Reg::R0, Operand::Imm(3)), Insn::Exit, straight(i, 0, 0)[0]]
}

fn nested_loops(i: usize, _: usize, _: usize) -> Vec<Insn> {
    let back = i.min(15_000) as i16 * 2;
    let cond = Cond::Gt;
    let again = Insn::JumpIf { cond, width: WIDTH, dst: reg(i), src: Operand::Imm(1 << 20), off: -back };
    vec![alu(AluOp::Add, reg(i + 5), Operand::Reg(reg(i + 2))), again]
}

fn far_branches(i: usize, before: usize, size: usize) -> Vec<Insn> {
    let off = (size - 4 - before).min(i16::MAX as usize) as i16;
    vec![jump(i, off), alu(AluOp::Add, reg(i + 5), Operand::Imm(3))]
}

fn stack_slots(i: usize, _: usize, _: usize) -> Vec<Insn> {
    let off = |i: usize| -8 * (1 + (i % 64) as i16);
    let (size, fp) = (Size::B8, Reg::R10);
    let store = Insn::Store { size, dst: fp, off: off(i), src: Operand::Reg(reg(i)) };
    let load = Insn::Load { size, signed: false, dst: reg(i + 3), src: fp, off: off(i * 5) };
    vec![store, jump(i, 1), load]
}

const SHAPES: [(&str, Piece); 6] = [
    ("straight", straight),
    ("branches", branches),
    ("exits", exits),
    ("nested loops", nested_loops),
    ("far branches", far_branches),
    ("stack slots", stack_slots),
];

fn program(piece: Piece, size: usize) -> Build {
    let set = |reg: &Reg| alu(AluOp::Mov, *reg, Operand::Reg(Reg::R1));
    let mut insns: Vec<Insn> = Reg::ALL[..10].iter().map(set).collect();
    let mut i = 0;
    while insns.len() + 5 < size {
        insns.extend(piece(i, insns.len(), size));
        i += 1;
    }
    insns.resize(size - 1, alu(AluOp::Add, Reg::R0, Operand::Reg(Reg::R9)));
    insns.push(Insn::Exit);
    Build::insns(insns)
}

#[test]
fn every_shape_compiles_at_size() {
    for (name, piece) in SHAPES {
        let options = Options { check_ir: false, ..Options::default() };
        let compiled = compile(&program(piece, 16_000).link(), &options);
        assert!(compiled.is_ok(), "{name}: {:?}", compiled.err());
    }
}

/// Every slot may be a value in every block: millions of them.
#[test]
fn many_blocks_with_many_slots_compile() {
    let options = Options { check_ir: false, tier: Tier::Quick, ..Options::default() };
    let compiled = compile(&program(stack_slots, MAX_INSNS).link(), &options);
    assert!(compiled.is_ok(), "{:?}", compiled.err());
}

#[test]
fn the_largest_program_compiles() {
    let largest = program(straight, MAX_INSNS);
    assert_eq!(largest.code.len(), MAX_INSNS);
    let both = Both::new(largest, &Options { check_ir: false, ..Options::default() });
    assert_eq!(both.jit(12345, 0), both.interp(12345, 0));
}

#[test]
fn too_large_a_program_is_refused() {
    let error = compile(&program(straight, MAX_INSNS + 1).link(), &Options::default()).unwrap_err();
    assert_eq!(error, CompileError::TooLarge { insns: MAX_INSNS + 1, max: MAX_INSNS });
}

/// A function that is too hard for the main allocator is compiled all the same.
#[test]
fn hard_programs_run() {
    let both = Both::new(program(branches, 12_000), &Options { check_ir: false, ..Options::default() });
    for r1 in [0, 5, u64::MAX - 2] {
        assert_eq!(both.jit(r1, 0), both.interp(r1, 0));
    }
}
