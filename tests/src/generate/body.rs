//! Whole bodies: the main program and its subprograms.

use super::CHECKED;
use super::emit::{Emit, Label};
use super::regs::{Frame, Holds};
use super::statement::{Writer, alu_imm, load, mov};
use arbitrary::{Result, Unstructured};
use brolga_core::{AluOp, Cond, Insn, Operand, Reg, Size, Width};

/// The size of a map value, in bytes, special fields not counted.
pub(super) const VALUE_BYTES: u32 = 32;

/// A subprogram that others call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sub {
    pub(super) label: Label,
    pub(super) linkage: Linkage,
}

/// Who a subprogram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linkage {
    /// This program alone.
    Static,
    /// Anyone; whether the slot that it is given is always there.
    Global { nonnull: bool },
}

/// A subprogram that a helper runs, still to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callback {
    pub(super) label: Label,
    pub(super) kind: CallbackKind,
}

/// What runs a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallbackKind {
    /// `bpf_loop`, which hands on the address of a slot or none.
    Loop { slot: bool },
    /// `bpf_for_each_map_elem`, the same.
    MapElem { slot: bool },
    /// A timer.
    Timer,
}

/// The whole program: a prologue that makes sure of the packet, statements, the
/// result, then the subprograms that were called.
pub(super) fn main(u: &mut Unstructured<'_>, emit: &mut Emit) -> Result<Vec<Sub>> {
    let out = emit.label();
    let mut subprogs = Vec::new();
    for _ in 0..u.int_in_range(0..=2)? {
        let linkage = linkage(u)?;
        subprogs.push(Sub { label: emit.label(), linkage });
    }
    let mut callbacks = Vec::new();
    let mut frame = prologue(emit, out);
    let statements = u.int_in_range(2..=14)?;
    let mut writer = Writer { out: Some(out), ..Writer::new(u, emit, &subprogs, &mut callbacks) };
    writer.statements(&mut frame, statements)?;
    // A subprogram that no one calls would be unreachable code.
    for sub in &subprogs {
        writer.call_to(&mut frame, *sub)?;
    }
    result(u, emit, &frame)?;
    emit.here(out);
    emit.insn(mov(Reg::R0, Operand::Imm(2)));
    emit.insn(Insn::Exit);
    for (i, sub) in subprogs.iter().enumerate() {
        emit.here(sub.label);
        subprog(u, emit, sub.linkage, &subprogs[i + 1..], &mut callbacks)?;
    }
    for Callback { label, kind } in callbacks {
        emit.here(label);
        callback(u, emit, kind)?;
    }
    Ok(subprogs)
}

fn linkage(u: &mut Unstructured<'_>) -> Result<Linkage> {
    Ok(match u.int_in_range(0..=4)? {
        0 => Linkage::Global { nonnull: false },
        1 => Linkage::Global { nonnull: true },
        _ => Linkage::Static,
    })
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
    let end = emit.label();
    if emit.idioms && u.ratio(1, 4)? {
        // Straight to where nothing is left to do.
        emit.jump_if(Cond::Set, Width::W64, Reg::R0, Operand::Imm(1), end);
    }
    for reg in numbers.into_iter().filter(|r| *r != Reg::R0) {
        let op = *u.choose(&[AluOp::Add, AluOp::Xor])?;
        emit.insn(Insn::Alu { op, width: Width::W64, dst: Reg::R0, src: Operand::Reg(reg) });
    }
    emit.here(end);
    emit.insn(Insn::Exit);
    Ok(())
}

/// A subprogram of two numbers and a slot of its caller's; it may call those
/// after it.
fn subprog(
    u: &mut Unstructured<'_>,
    emit: &mut Emit,
    linkage: Linkage,
    later: &[Sub],
    callbacks: &mut Vec<Callback>,
) -> Result<()> {
    let mut frame = Frame::empty();
    frame.set(Reg::R1, Holds::Number);
    frame.set(Reg::R2, Holds::Number);
    frame.set(Reg::R3, Holds::CallerSlot);
    // Seldom a slot that may be missing is not looked at: to be rejected.
    if linkage == (Linkage::Global { nonnull: false }) && !u.ratio(1, 100)? {
        let there = emit.label();
        emit.jump_if(Cond::Ne, Width::W64, Reg::R3, Operand::Imm(0), there);
        emit.insn(mov(Reg::R0, Operand::Imm(3)));
        emit.insn(Insn::Exit);
        emit.here(there);
    }
    let statements = u.int_in_range(1..=5)?;
    Writer { depth: 1, ..Writer::new(u, emit, later, callbacks) }.statements(&mut frame, statements)?;
    result(u, emit, &frame)
}

/// What a helper runs: it calls no one, so that frames do not nest too deep.
fn callback(u: &mut Unstructured<'_>, emit: &mut Emit, kind: CallbackKind) -> Result<()> {
    let mut frame = Frame::empty();
    let slot = |given| if given { Holds::CallerSlot } else { Holds::Number };
    match kind {
        CallbackKind::Loop { slot: given } => {
            frame.set(Reg::R1, Holds::Number);
            frame.set(Reg::R2, slot(given));
        }
        CallbackKind::MapElem { slot: given } => {
            frame.set(Reg::R2, Holds::Key);
            frame.set(Reg::R3, Holds::Value);
            frame.set(Reg::R4, slot(given));
        }
        CallbackKind::Timer => {
            frame.set(Reg::R2, Holds::Key);
            frame.set(Reg::R3, Holds::Value);
        }
    }
    let statements = u.int_in_range(1..=4)?;
    let mut none = Vec::new();
    let mut writer = Writer { depth: 1, runs: false, ..Writer::new(u, emit, &[], &mut none) };
    writer.statements(&mut frame, statements)?;
    if kind == CallbackKind::Timer {
        emit.insn(mov(Reg::R0, Operand::Imm(0)));
        emit.insn(Insn::Exit);
        return Ok(());
    }
    callback_result(u, emit, &frame)
}

/// Mostly to be called again; seldom what no callback may return.
fn callback_result(u: &mut Unstructured<'_>, emit: &mut Emit, frame: &Frame) -> Result<()> {
    let most = if u.ratio(1, 100)? { 2 } else { 1 };
    if frame.of(Reg::R0) == Holds::Number && u.arbitrary()? {
        emit.insn(alu_imm(AluOp::And, Width::W64, Reg::R0, most));
    } else {
        let stops = i32::from(u.ratio(1, 4)?) * most;
        emit.insn(mov(Reg::R0, Operand::Imm(stops)));
    }
    emit.insn(Insn::Exit);
    Ok(())
}
