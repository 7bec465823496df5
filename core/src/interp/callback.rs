//! Helpers that run a subprogram, once for each round: `bpf_loop`,
//! `bpf_for_each_map_elem`.
//!
//! The callback gets a frame of its own, which keeps the rounds. Where it is
//! left, the next round enters it anew, or the frame goes and the helper's
//! caller goes on. So nothing nests here, and each step is seen.

#![expect(unsafe_code, reason = "calls of hooks")]

use super::guard::Fault;
use super::machine::Machine;
use super::step::Next;
use crate::helper::Callback;
use crate::insn::{Pc, Reg};
use crate::link::Executable;

/// The most bytes that the key of a map with elements to go over has.
pub(super) const KEY_BYTES: usize = 512;

/// How many rounds `bpf_loop` makes at most (`BPF_MAX_LOOPS` in the kernel).
pub const MAX_ROUNDS: u32 = 8 * 1024 * 1024;

/// What a subprogram's address is here: no address of the host's.
const BASE: u64 = 0xb6f0_0000_0000_0000;

const INVALID: u64 = -22_i64 as u64;
/// Of 32 bits, as the loop that the kernel puts in the helper's place gives it.
const TOO_BIG: u64 = -7_i32 as u32 as u64;

/// The address of the subprogram that starts at this place.
pub(super) const fn address(start: Pc) -> u64 {
    BASE | start.0 as u64
}

/// The place that an address is of.
pub(super) fn start(address: u64) -> Option<Pc> {
    u32::try_from(address.wrapping_sub(BASE)).ok().map(Pc)
}

/// The rounds of a callback.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    start: Pc,
    /// How many were begun.
    begun: u32,
    /// What each gets besides.
    ctx: u64,
    over: Over,
}

/// What the rounds go over.
#[derive(Clone, Copy, Debug)]
enum Over {
    /// So many numbers.
    Numbers(u32),
    /// The elements of a map, at this position.
    Elements { map: u64, position: u64 },
}

/// Calls a helper that runs a subprogram. Its arguments fit its prototype.
pub(super) fn call(exec: &Executable, at: Pc, kind: Callback, machine: &mut Machine) -> Result<Next, Fault> {
    let [first, func, ctx, flags] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4].map(|r| machine.reg(r));
    let over = match kind {
        Callback::Loop => Over::Numbers(first as u32),
        Callback::MapElem => Over::Elements { map: first, position: 0 },
        Callback::Vma | Callback::UserRingbuf | Callback::Timer => {
            return Err(Fault::Unsupported { at, what: "a callback" });
        }
    };
    let refused = match over {
        _ if flags != 0 => Some(INVALID),
        Over::Numbers(count) if count > MAX_ROUNDS => Some(TOO_BIG),
        Over::Numbers(_) | Over::Elements { .. } => None,
    };
    if let Some(error) = refused {
        machine.set(Reg::R0, error);
        return Ok(Next::On);
    }
    let start = start(func).ok_or(Fault::Unsupported { at, what: "a callback" })?;
    if !machine.enter(at.plus(1)) {
        return Err(Fault::CallDepth { at });
    }
    machine.set(Reg::R0, 0);
    let rounds = Rounds { start, begun: 0, ctx, over };
    Ok(round(exec, machine, rounds).map_or(Next::Leave, Next::To))
}

/// Where a callback that is left is entered again; nothing where its rounds are
/// done and the helper's result is in r0, or the frame is no callback's.
pub(super) fn next_round(exec: &Executable, machine: &mut Machine) -> Option<Pc> {
    let rounds = machine.rounds()?;
    if machine.reg(Reg::R0) != 0 {
        machine.set(Reg::R0, rounds.begun.into());
        return None;
    }
    round(exec, machine, rounds)
}

/// Begins a round; nothing where there is none left.
fn round(exec: &Executable, machine: &mut Machine, mut rounds: Rounds) -> Option<Pc> {
    let args = match &mut rounds.over {
        Over::Numbers(count) if rounds.begun < *count => Some([rounds.begun.into(), rounds.ctx, 0, 0]),
        Over::Numbers(_) => None,
        Over::Elements { map, position } => element(exec, machine, *map, position, rounds.ctx),
    };
    let Some(args) = args else {
        machine.set(Reg::R0, rounds.begun.into());
        return None;
    };
    rounds.begun += 1;
    machine.enter_round(rounds);
    for (reg, arg) in Reg::ARGS.into_iter().zip(args) {
        machine.set(reg, arg);
    }
    Some(rounds.start)
}

/// What the callback gets for the next element.
fn element(
    exec: &Executable,
    machine: &mut Machine,
    map: u64,
    position: &mut u64,
    ctx: u64,
) -> Option<[u64; 4]> {
    let key = machine.key().as_mut_ptr();
    // SAFETY: the guard vouches that the map's handle is one, whose keys have at
    // most as many bytes; the position is one of this map's.
    let value = unsafe { (exec.hooks.next_elem)(map, position, key) };
    (value != 0).then_some([map, key as u64, value, ctx])
}
