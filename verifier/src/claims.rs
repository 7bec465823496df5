//! What was claimed at each instruction, to be tested against a machine.
//!
//! [`Claims::check`] says whether a concrete machine lies within what was
//! claimed of it. It is the verifier's promise put the other way round: whoever
//! runs a program step by step can see, without trusting the walk, that no run
//! leaves the states that were walked.

mod escape;
mod gamma;
mod view;

pub use escape::{Escape, Miss, Place};
pub use view::{Bounds, MachineView};

use crate::state::State;
use brolga_core::Pc;

/// Every state in which an instruction was walked.
#[derive(Clone, Debug)]
pub struct Claims {
    at: Box<[Vec<State>]>,
}

impl Claims {
    pub(crate) const fn new(at: Box<[Vec<State>]>) -> Self {
        Self { at }
    }

    /// The states claimed at a place; a run that is there is in one of them.
    #[must_use]
    pub fn at(&self, pc: Pc) -> &[State] {
        self.at.get(pc.index()).map_or(&[], Vec::as_slice)
    }

    /// That a machine that is about to run the instruction at `pc` lies within
    /// one of the states claimed there: every register and stack byte of every
    /// frame, and what they have in common by name.
    ///
    /// # Errors
    ///
    /// Where it lies within none: the first thing about each state that does
    /// not hold.
    pub fn check(&self, pc: Pc, machine: &dyn MachineView) -> Result<(), Escape> {
        self.check_from(pc, machine, 0).map(drop)
    }

    /// The same, where the machine is likely to lie within the state of this index or
    /// one of the next; the index of the one that it lies within.
    ///
    /// # Errors
    ///
    /// As of [`Claims::check`].
    pub fn check_from(&self, pc: Pc, machine: &dyn MachineView, likely: usize) -> Result<usize, Escape> {
        let states = self.at(pc);
        let mut misses = Vec::new();
        for index in (likely..states.len()).chain(0..likely.min(states.len())) {
            match gamma::holds(&states[index], machine) {
                Ok(()) => return Ok(index),
                Err(miss) => misses.push(miss),
            }
        }
        Err(Escape { pc, misses })
    }
}
