//! One step per instruction.

#![expect(unsafe_code, reason = "accesses that the guard allowed")]

use super::guard::{Fault, Guard, Place, Wanted};
use super::machine::Machine;
use super::memory;
use super::{call, callback};
use crate::insn::{AluOp, AtomicOp, Callee, Imm64, Insn, Operand, Pc, Reg, Size, Width};
use crate::link::{Executable, RunState};
use std::sync::atomic::Ordering;

/// Where to go after a step.
pub(super) enum Next {
    /// To the next instruction.
    On,
    /// By this offset.
    Jump(i32),
    /// To this place.
    To(Pc),
    /// Out of the frame.
    Leave,
}

/// Runs to the end of the main program; r0 there.
pub(super) fn run(
    exec: &Executable,
    machine: &mut Machine,
    guard: &mut impl Guard,
    state: &mut RunState,
) -> Result<u64, Fault> {
    let mut pc = Pc::START;
    loop {
        let insn = exec.code.at(pc).ok_or(Fault::NoInsn { at: pc })?;
        guard.step(pc, machine)?;
        pc = match step(exec, pc, insn, machine, guard, state)? {
            Next::On => pc.plus(insn.slots()),
            Next::Jump(off) => pc.jump(off).ok_or(Fault::NoInsn { at: pc })?,
            Next::To(to) => to,
            Next::Leave => match callback::next_round(exec, machine) {
                Some(start) => start,
                None => match machine.leave() {
                    Some(resume) => resume,
                    None => return Ok(machine.reg(Reg::R0)),
                },
            },
        };
    }
}

fn step(
    exec: &Executable,
    at: Pc,
    insn: &Insn,
    machine: &mut Machine,
    guard: &impl Guard,
    state: &mut RunState,
) -> Result<Next, Fault> {
    match *insn {
        Insn::Alu { op, width, dst, src } => {
            let value = op.eval(width, machine.reg(dst), operand(machine, src));
            machine.set(dst, value);
        }
        Insn::Neg { width, dst } => machine.set(dst, AluOp::Sub.eval(width, 0, machine.reg(dst))),
        Insn::MovSx { width, from, dst, src } => {
            machine.set(dst, width.zero_extend(from.sign_extend(machine.reg(src))));
        }
        Insn::Swap { order, size, dst } => machine.set(dst, order.eval(size, machine.reg(dst))),
        Insn::AddrSpaceCast { .. } => return Err(Fault::Unsupported { at, what: "an address space cast" }),
        Insn::LoadImm64 { dst, imm } => machine.set(dst, immediate(at, imm)?),
        Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. } => access(at, insn, machine, guard)?,
        Insn::LoadPacket { size, at: from, imm } => {
            return call::load_packet(exec, at, (size, from, imm), machine, guard);
        }
        Insn::Jump { off, .. } => return Ok(Next::Jump(off)),
        Insn::JumpIf { cond, width, dst, src, off } => {
            if cond.eval(width, machine.reg(dst), operand(machine, src)) {
                return Ok(Next::Jump(off.into()));
            }
        }
        Insn::MayGoto { off } => {
            if machine.may_goto_spent() {
                return Ok(Next::Jump(off.into()));
            }
        }
        Insn::Call(Callee::Helper(_) | Callee::Kfunc { .. }) => {
            return call::helper(exec, at, machine, guard, state);
        }
        Insn::Call(Callee::Subprog(off)) => {
            return if machine.enter(at.plus(1)) {
                Ok(Next::Jump(off))
            } else {
                Err(Fault::CallDepth { at })
            };
        }
        Insn::Exit => return Ok(Next::Leave),
    }
    Ok(Next::On)
}

fn operand(machine: &Machine, operand: Operand) -> u64 {
    match operand {
        Operand::Reg(reg) => machine.reg(reg),
        Operand::Imm(imm) => imm as u64,
    }
}

fn immediate(at: Pc, imm: Imm64) -> Result<u64, Fault> {
    match imm {
        Imm64::Value(value) => Ok(value),
        Imm64::MapFd(_) | Imm64::MapValue { .. } | Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => {
            Err(Fault::Unsupported { at, what: "an unresolved map reference" })
        }
        Imm64::BtfId { .. } => Err(Fault::Unsupported { at, what: "a kernel variable" }),
        Imm64::Func(off) => at.jump(off).map(callback::address).ok_or(Fault::NoInsn { at }),
    }
}

fn access(at: Pc, insn: &Insn, machine: &mut Machine, guard: &impl Guard) -> Result<(), Fault> {
    match *insn {
        Insn::Load { size, signed, dst, src, off } => {
            let place = read_place(at, machine, guard, (src, off, size))?;
            let value = load(place, Ordering::Relaxed);
            machine.set(dst, if signed { size.sign_extend(value) } else { value });
        }
        Insn::LoadAcquire { size, dst, src, off } => {
            let place = read_place(at, machine, guard, (src, off, size))?;
            machine.set(dst, load(place, Ordering::Acquire));
        }
        Insn::Store { size, dst, off, src } => {
            let place = write_place(at, machine, guard, (dst, off, size))?;
            store(place, operand(machine, src), Ordering::Relaxed);
        }
        Insn::StoreRelease { size, dst, off, src } => {
            let place = write_place(at, machine, guard, (dst, off, size))?;
            store(place, machine.reg(src), Ordering::Release);
        }
        Insn::Atomic { op, width, dst, off, src } => {
            let place = write_place(at, machine, guard, (dst, off, width.size()))?;
            let old = atomic(at, place, width, op, machine.reg(src), machine.reg(Reg::R0))?;
            let into = if op == AtomicOp::Cmpxchg { Reg::R0 } else { src };
            if op.fetches() {
                machine.set(into, old);
            }
        }
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::Swap { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::LoadImm64 { .. }
        | Insn::LoadPacket { .. }
        | Insn::Jump { .. }
        | Insn::JumpIf { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => unreachable!("step sends only memory accesses here"),
    }
    Ok(())
}

type Operands = (Reg, i16, Size);

fn read_place(
    at: Pc,
    machine: &Machine,
    guard: &impl Guard,
    (reg, off, size): Operands,
) -> Result<Place, Fault> {
    guard.place(Wanted { at, base: machine.reg(reg), off, size, write: false }, machine)
}

fn write_place(
    at: Pc,
    machine: &Machine,
    guard: &impl Guard,
    (reg, off, size): Operands,
) -> Result<Place, Fault> {
    guard.place(Wanted { at, base: machine.reg(reg), off, size, write: true }, machine)
}

fn load(place: Place, ordering: Ordering) -> u64 {
    // SAFETY: the guard made the place: its bytes are the program's to read.
    unsafe { memory::load(place.addr, place.size, ordering) }
}

fn store(place: Place, value: u64, ordering: Ordering) {
    // SAFETY: the guard made the place: its bytes are the program's to write.
    unsafe { memory::store(place.addr, place.size, value, ordering) };
}

fn atomic(at: Pc, place: Place, width: Width, op: AtomicOp, src: u64, r0: u64) -> Result<u64, Fault> {
    let size = width.size().bytes().into();
    if !place.addr.is_multiple_of(size) {
        return Err(Fault::Misaligned { at, addr: place.addr, size });
    }
    // SAFETY: the guard made the place: its bytes are the program's to read and
    // write; aligned by the test above.
    Ok(unsafe { memory::atomic(place.addr, width, op, src, r0) })
}
