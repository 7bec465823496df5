//! What leaves the interpreter: helpers, tail calls, legacy packet loads.

#![expect(unsafe_code, reason = "calls of helper bodies and hooks")]

use super::callback;
use super::guard::{Fault, Guard};
use super::machine::Machine;
use super::step::Next;
use crate::helper::Callback;
use crate::helper::table::id;
use crate::insn::{PacketAt, Pc, Reg, Size};
use crate::link::{Call, Executable, RunState};

/// Calls the helper of the call at `at`.
pub(super) fn helper(
    exec: &Executable,
    at: Pc,
    machine: &mut Machine,
    guard: &impl Guard,
    state: &mut RunState,
) -> Result<Next, Fault> {
    let call = exec.calls.get(&at).ok_or(Fault::Unsupported { at, what: "a call without a body" })?;
    guard.arguments(at, &call.proto, machine)?;
    if call.proto.id == id::TAIL_CALL {
        return Ok(tail_call(exec, machine, state));
    }
    if let Some(kind @ (Callback::Loop | Callback::MapElem)) = call.proto.callback {
        return callback::call(exec, at, kind, machine);
    }
    let r0 = body(call, machine);
    machine.set(Reg::R0, r0);
    Ok(Next::On)
}

fn body(call: &Call, machine: &Machine) -> u64 {
    let [a, b, c, d, e] = Reg::ARGS.map(|r| machine.reg(r));
    // SAFETY: the guard vouches for the arguments: by the verifier's proof, or
    // because it tested them against the prototype.
    unsafe { (call.body.func)(a, b, c, d, e, call.body.env.unwrap_or(0)) }
}

/// A tail call that succeeds ends the frame: the main program's caller goes on
/// with the target, a subprogram's result is the target's.
fn tail_call(exec: &Executable, machine: &mut Machine, state: &mut RunState) -> Next {
    let [ctx, map, index] = [Reg::R1, Reg::R2, Reg::R3].map(|r| machine.reg(r));
    // SAFETY: the guard vouches that r2 is a program array's handle; `state` is
    // a live run's.
    let target = unsafe { (exec.hooks.tail_call)(state, map, index) };
    if target == 0 {
        return Next::On;
    }
    if machine.depth() == 1 {
        state.next = target;
        machine.set(Reg::R0, 0);
    } else {
        // SAFETY: the target is what the hook above returned, r1 the context.
        let r0 = unsafe { (exec.hooks.tail_run)(state, target, ctx) };
        machine.set(Reg::R0, r0);
    }
    Next::Leave
}

/// A legacy packet load; one outside the packet ends the frame with 0.
pub(super) fn load_packet(
    exec: &Executable,
    at: Pc,
    (size, from, imm): (Size, PacketAt, i32),
    machine: &mut Machine,
    guard: &impl Guard,
) -> Result<Next, Fault> {
    let ctx = machine.reg(Reg::R6);
    guard.context(at, ctx)?;
    let off = match from {
        PacketAt::Abs => imm,
        PacketAt::Ind(src) => imm.wrapping_add(machine.reg(src) as i32),
    };
    // SAFETY: r6 is the context, by proof or by test.
    let value = unsafe { (exec.hooks.load_packet)(ctx, off.into(), size.bytes().into()) };
    machine.set(Reg::R0, u64::try_from(value).unwrap_or(0));
    Ok(if value < 0 { Next::Leave } else { Next::On })
}
