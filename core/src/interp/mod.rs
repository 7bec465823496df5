//! The reference interpreter: what a program means, step by step.
//!
//! Every operator's meaning is [`AluOp::eval`](crate::AluOp::eval) and its like;
//! here is only what surrounds them: registers, frames, memory, control.
//!
//! It runs in two ways that share every step:
//!
//! * [`run`] trusts a [`Linked`] program, as compiled code does;
//! * [`checked`] trusts nothing. Each access must lie in the program's stack,
//!   its context or what a [`Memory`] declares, each helper argument must fit
//!   the prototype, and the number of steps is bounded. Whatever does not hold
//!   is a [`Fault`] that names the instruction. An [`Observer`] sees the machine
//!   before each step: this is how the verifier's claims are tested.
//!
//! Frames are zeroed when they are entered, and registers when a run starts, so
//! that a run is a function of its inputs even where a program reads what it
//! never wrote.

mod call;
mod callback;
mod guard;
mod machine;
mod memory;
mod step;

pub use callback::MAX_ROUNDS;
pub use guard::{Fault, Memory, Observer};
pub use machine::{Frame, MAX_FRAMES, Machine, STACK_BYTES};

use crate::link::{Executable, Linked, RunState};
use guard::{Checking, Trusting};

/// How often a frame may pass `may_goto` before it is taken
/// (`BPF_MAX_LOOPS` in the kernel).
pub const MAY_GOTO_BUDGET: u32 = 8 * 1024 * 1024;

/// Runs a verified program: r1 and r2 at its start, r0 at its end.
///
/// A main program that ends in a tail call leaves the target in
/// [`RunState::next`], as compiled code does.
///
/// # Safety
///
/// `r1` and `r2` are what the program type says, for as long as the call lasts,
/// and nothing else writes to a context meanwhile.
#[must_use]
#[expect(unsafe_code, reason = "the caller vouches for the arguments, as of compiled code")]
pub unsafe fn run(linked: &Linked, r1: u64, r2: u64, state: &mut RunState) -> u64 {
    let mut guard = Trusting { facts: linked.facts() };
    let mut machine = Machine::new(r1, r2);
    match step::run(linked.exec(), &mut machine, &mut guard, state) {
        Ok(r0) => r0,
        // Nothing faults under a guard that trusts, but code that the proof
        // calls unreachable.
        Err(fault) => unreachable!("a verified program stopped: {fault}"),
    }
}

/// Runs a program that nothing was proven of.
///
/// `ctx` is the address of the real context (or of the memory, for a program
/// type that starts with [`Entry::Mem`](crate::prog_type::Entry::Mem)), `r2` the
/// second argument; `steps` bounds the number of instructions.
///
/// # Errors
///
/// A [`Fault`] where the program did what it may not, or the observer objected.
///
/// # Safety
///
/// `ctx` points to a real context of the program's type, and what `memory`
/// allows is memory that may be read, or written where it says so; both for as
/// long as the call lasts. Helper bodies keep their prototypes.
#[expect(unsafe_code, reason = "the caller vouches for the memory it declares")]
pub unsafe fn checked(
    exec: &Executable,
    ctx: u64,
    r2: u64,
    state: &mut RunState,
    memory: &dyn Memory,
    observer: &mut dyn Observer,
    steps: u64,
) -> Result<u64, Fault> {
    let mut guard = Checking::new(&exec.aux, ctx, memory, observer, steps);
    step::run(exec, &mut Machine::new(ctx, r2), &mut guard, state)
}
