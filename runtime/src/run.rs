//! Runs that are more than a call: the interpreter, tail calls, helpers that may
//! panic.
//!
//! A main program that ends in a tail call returns and leaves the target in the
//! run's state; the loop here goes on with it, so that the stack does not grow.
//! A tail call in a subprogram ends only the subprogram, so its target runs
//! nested, in a loop of its own; there are at most 33 in a run.

#![expect(unsafe_code, reason = "the call of verified programs")]

use crate::helpers::Mark;
use crate::prog::{EngineKind, HelperPanic, Prog, RunError};
use crate::rcu;
use brolga_core::interp;
use brolga_core::link::RunState;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Whether the run under way on this thread is to be the interpreter's, for
    /// the targets of tail calls.
    static INTERP: Cell<bool> = const { Cell::new(false) };
}

/// Runs a program to its end, and those that it goes on with.
///
/// # Safety
///
/// The registers are what the program type says, as long as the call lasts.
#[inline(never)]
pub(crate) unsafe fn run(prog: &Prog, kind: Option<EngineKind>, r1: u64, r2: u64) -> Result<u64, RunError> {
    let interp = wants_interp(prog, kind)?;
    if !prog.parts.calls.tail {
        let _section = prog.parts.calls.section.then(rcu::enter);
        // SAFETY: as the caller says.
        return catching(|| unsafe { once(prog, &mut RunState::default(), interp, r1, r2) });
    }
    let _section = rcu::enter();
    let around = INTERP.replace(interp);
    // SAFETY: as the caller says; this is a section.
    let result = catching(|| unsafe { chain(prog, &mut RunState::default(), interp, r1, r2) });
    INTERP.set(around);
    result
}

/// What a helper panicked with during the run, as an error. The program ends
/// there: the panic has gone through its frames.
#[inline]
fn catching(run: impl FnOnce() -> u64) -> Result<u64, RunError> {
    let mark = Mark::now();
    // What a program leaves behind half done is its maps' and its context's
    // memory, which any bytes may be in.
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        // SAFETY: the run has ended, and the caller holds its programs; targets
        // of tail calls are there as long as the section lasts.
        unsafe { mark.discard() };
        RunError::HelperPanicked(HelperPanic::new(payload))
    })
}

fn wants_interp(prog: &Prog, kind: Option<EngineKind>) -> Result<bool, RunError> {
    let (native, linked) = (prog.entry.is_some(), prog.parts.linked.is_some());
    match kind {
        None | Some(EngineKind::Both) => Ok(!native),
        Some(EngineKind::Jit) if native => Ok(false),
        Some(EngineKind::Interp) if linked => Ok(true),
        Some(missing @ (EngineKind::Jit | EngineKind::Interp)) => Err(RunError::Engine(missing)),
    }
}

/// # Safety
///
/// As for [`run`]; and where the program makes tail calls, this is a section of
/// [`rcu`].
unsafe fn chain(prog: &Prog, state: &mut RunState, interp: bool, r1: u64, r2: u64) -> u64 {
    // SAFETY: as the caller says.
    let mut r0 = unsafe { once(prog, state, interp, r1, r2) };
    while state.next != 0 {
        let target = std::mem::take(&mut state.next);
        // SAFETY: the target was in a slot during this section, and the slot's
        // programs are of the caller's type: they take the same registers.
        r0 = unsafe {
            let target = program(target);
            once(target, state, interp, r1, target.r2())
        };
    }
    r0
}

/// # Safety
///
/// The target was in a slot during this section of [`rcu`].
unsafe fn program<'a>(target: u64) -> &'a Prog {
    // SAFETY: as the caller says; a target is the address of a `Prog`.
    unsafe { &*std::ptr::with_exposed_provenance::<Prog>(target as usize) }
}

/// One program, up to its end or its tail call.
///
/// # Safety
///
/// As for [`chain`].
#[inline]
unsafe fn once(prog: &Prog, state: &mut RunState, interp: bool, r1: u64, r2: u64) -> u64 {
    match (prog.entry, &prog.parts.linked) {
        // SAFETY: as the caller says; the caller holds the program.
        (Some(entry), linked) if !interp || linked.is_none() => unsafe { entry(r1, r2, state) },
        // SAFETY: as the caller says.
        (_, Some(linked)) => unsafe { interp::run(linked, r1, r2, state) },
        (_, None) => unreachable!("a program is loaded for an engine"),
    }
}

/// [`Hooks::tail_run`](brolga_core::link::Hooks::tail_run).
///
/// # Safety
///
/// `state` is that of a run of this module, `target` what
/// [`tail_call`](crate::map::tail_call) gave for it, `ctx` the run's `r1`.
pub(crate) unsafe extern "C-unwind" fn tail_run(state: *mut RunState, target: u64, ctx: u64) -> u64 {
    // SAFETY: as the caller says.
    unsafe {
        let target = program(target);
        chain(target, &mut *state, INTERP.get(), ctx, target.r2())
    }
}
