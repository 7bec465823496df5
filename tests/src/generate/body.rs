//! Whole bodies: the main program and its subprograms.

use super::CHECKED;
use super::emit::{Emit, Label};
use super::regs::{Frame, Holds};
use super::statement::{Writer, alu_imm, load, mov};
use arbitrary::{Result, Unstructured};
use brolga_core::{AluOp, Cond, Insn, Operand, Reg, Size, Width};

/// The size of a map value, in bytes.
pub(super) const VALUE_BYTES: u32 = 32;

/// The whole program: a prologue that makes sure of the packet, statements, the
/// result, then the subprograms that were called.
pub(super) fn main(u: &mut Unstructured<'_>, emit: &mut Emit) -> Result<()> {
    let out = emit.label();
    let subprogs: Vec<Label> = (0..u.int_in_range(0..=2)?).map(|_| emit.label()).collect();
    let mut frame = prologue(emit, out);
    let statements = u.int_in_range(2..=14)?;
    let mut writer = Writer { u, emit, subprogs: &subprogs, out: Some(out), depth: 0 };
    writer.statements(&mut frame, statements)?;
    // A subprogram that no one calls would be unreachable code.
    for label in &subprogs {
        writer.call_to(&mut frame, *label)?;
    }
    result(u, emit, &frame)?;
    emit.here(out);
    emit.insn(mov(Reg::R0, Operand::Imm(2)));
    emit.insn(Insn::Exit);
    for (i, label) in subprogs.iter().enumerate() {
        emit.here(*label);
        subprog(u, emit, &subprogs[i + 1..])?;
    }
    Ok(())
}

/// r6 is the context, r7 the packet; r0 and r8 are numbers.
fn prologue(emit: &mut Emit, out: Label) -> Frame {
    emit.insn(mov(Reg::R6, Operand::Reg(Reg::R1)));
    emit.insn(load(Size::B4, Reg::R7, Reg::R1, 0));
    emit.insn(load(Size::B4, Reg::R2, Reg::R1, 4));
    emit.insn(mov(Reg::R0, Operand::Reg(Reg::R7)));
    emit.insn(alu_imm(AluOp::Add, Width::W64, Reg::R0, CHECKED as i32));
    emit.jump_if(Cond::Gt, Width::W64, Reg::R0, Operand::Reg(Reg::R2), out);
    emit.insn(load(Size::B8, Reg::R0, Reg::R7, 0));
    emit.insn(load(Size::B4, Reg::R8, Reg::R7, 8));
    let mut frame = Frame::empty();
    frame.set(Reg::R6, Holds::Ctx);
    frame.set(Reg::R7, Holds::Packet);
    frame.set(Reg::R0, Holds::Number);
    frame.set(Reg::R8, Holds::Number);
    frame
}

/// Mixes every number into r0 and leaves.
fn result(u: &mut Unstructured<'_>, emit: &mut Emit, frame: &Frame) -> Result<()> {
    let numbers = frame.numbers();
    if !numbers.contains(&Reg::R0) {
        emit.insn(mov(Reg::R0, Operand::Imm(0)));
    }
    for reg in numbers.into_iter().filter(|r| *r != Reg::R0) {
        let op = *u.choose(&[AluOp::Add, AluOp::Xor])?;
        emit.insn(Insn::Alu { op, width: Width::W64, dst: Reg::R0, src: Operand::Reg(reg) });
    }
    emit.insn(Insn::Exit);
    Ok(())
}

/// A subprogram of two numbers and a slot of its caller's; it may call those
/// after it.
fn subprog(u: &mut Unstructured<'_>, emit: &mut Emit, later: &[Label]) -> Result<()> {
    let mut frame = Frame::empty();
    frame.set(Reg::R1, Holds::Number);
    frame.set(Reg::R2, Holds::Number);
    frame.set(Reg::R3, Holds::CallerSlot);
    let statements = u.int_in_range(1..=5)?;
    Writer { u, emit, subprogs: later, out: None, depth: 1 }.statements(&mut frame, statements)?;
    result(u, emit, &frame)
}
