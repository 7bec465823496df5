//! What was claimed at each instruction, to be tested against a machine.

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
}
