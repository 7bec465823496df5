//! Loops that end by themselves: the rounds of a callback, of an iterator, and of a
//! `may_goto`.
//!
//! A round of one may be like an earlier one that is still being walked, for the
//! rounds are counted when they run. Taking the earlier one as known makes a
//! cycle of what was walked; every run that goes round it makes one more round of
//! one **run of the loop**: one call of a helper that runs callbacks, one iterator,
//! or one frame that has the `may_goto`, whose budget is its own.
//!
//! That is only true as long as nothing else leads round the cycle. Here the loop
//! `again` has no end, though each call of `bpf_loop` has one:
//!
//! ```text
//! again: done = 0; bpf_loop(2, callback);          callback, one of:
//!        if done { n += 1; if n < 10 goto again }    a: n = 0
//!                                                     b: done = 1
//! ```
//!
//! Round `a` leads back to the first call, known as it is; a later call finds its
//! `a` known from the first, and so to end where that one does. **Law:** what
//! relies on a run of a loop that is still being walked is known only to states
//! of that same run. Once the run's first state is walked to its end, no later
//! one is below it, so that no cycle can lead through both.

use crate::state::State;
use brolga_core::Reg;
use std::collections::HashMap;

/// A run of a loop that is relied on, from a stored state on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The number of the call, iterator or frame.
    pub(super) id: u32,
    /// The stored state that was taken as known.
    pub(super) node: usize,
}

/// Which stored states rely on which runs of loops.
#[derive(Debug, Default)]
pub(super) struct Relied(HashMap<usize, Vec<Run>>);

impl Relied {
    /// The runs still being walked that a state relies on, itself or through
    /// another.
    pub(super) fn runs(&self, node: usize, is_open: impl Fn(usize) -> bool) -> Vec<Run> {
        if !self.0.contains_key(&node) {
            return Vec::new();
        }
        let (mut runs, mut seen, mut work) = (Vec::new(), vec![node], vec![node]);
        while let Some(at) = work.pop() {
            for run in self.0.get(&at).into_iter().flatten() {
                if is_open(run.node) {
                    runs.push(*run);
                } else if !seen.contains(&run.node) {
                    seen.push(run.node);
                    work.push(run.node);
                }
            }
        }
        runs
    }

    /// Notes that the states of a path, from its last up, rely on a run.
    pub(super) fn note(&mut self, path: impl Iterator<Item = usize>, run: Run) {
        for node in path.take_while(|node| *node > run.node) {
            let runs = self.0.entry(node).or_default();
            if !runs.contains(&run) {
                runs.push(run);
            }
        }
    }
}

/// Whether the state is one of this run.
pub(super) fn is_of(state: &State, run: Run) -> bool {
    let iterates = || state.held.references.iter().any(|r| r.run == run.id);
    state.frames.iter().any(|frame| frame.number == run.id || frame.call == run.id) || iterates()
}

/// The run of which `cur` is a later round than `old`, both before the call of a
/// helper that runs a callback.
pub(super) fn of_callback(old: &State, cur: &State) -> Option<u32> {
    let (a, b) = (old.top(), cur.top());
    (a.call == b.call && a.rounds < b.rounds).then_some(b.call)
}

/// The same, both before the call that asks an iterator for its next element.
pub(super) fn of_iterator(old: &State, cur: &State) -> Option<u32> {
    let of = |state: &State| {
        let iter = state.iterator(Reg::R1).filter(|iter| !iter.drained)?;
        state.held.get(iter.id).map(|r| (r.run, r.rounds))
    };
    let ((old_run, before), (run, after)) = (of(old)?, of(cur)?);
    (old_run == run && before < after).then_some(run)
}

/// The same before a `may_goto`.
pub(super) fn of_may_goto(old: &State, cur: &State) -> Option<u32> {
    let same = old.top().number == cur.top().number;
    (same && old.may_gotos != cur.may_gotos).then_some(cur.top().number)
}

/// Whether the states are of different rounds, which are counted.
pub(super) fn differ(a: &State, b: &State) -> bool {
    let elements = || {
        let mut pairs = a.held.references.iter().zip(&b.held.references);
        pairs.any(|(a, b)| a.rounds != b.rounds)
    };
    let rounds = || a.frames.iter().zip(b.frames.iter()).any(|(a, b)| a.rounds != b.rounds);
    a.may_gotos != b.may_gotos || a.later != b.later || rounds() || elements()
}
