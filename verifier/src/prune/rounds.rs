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

/// So many runs are told apart of one state; of more it is only known where the first
/// begins.
const TOLD_APART: usize = 64;

/// What a state relies on.
#[derive(Clone, Debug)]
enum Reliance {
    /// These runs.
    On(Vec<Run>),
    /// More runs than are told apart; of their nodes this is the first.
    Many(usize),
}

impl Reliance {
    const NONE: Self = Self::On(Vec::new());

    fn add(&mut self, run: Run) {
        match self {
            Self::Many(first) => *first = run.node.min(*first),
            Self::On(runs) if runs.contains(&run) => {}
            Self::On(runs) if runs.len() < TOLD_APART => runs.push(run),
            Self::On(runs) => {
                *self = Self::Many(runs.iter().fold(run.node, |first, run| first.min(run.node)));
            }
        }
    }

    /// The same, of nodes that these are of.
    fn of(&self, wants: impl Fn(usize) -> bool) -> Self {
        match self {
            Self::On(runs) => Self::On(runs.iter().copied().filter(|run| wants(run.node)).collect()),
            Self::Many(first) if wants(*first) => self.clone(),
            Self::Many(_) => Self::NONE,
        }
    }

    fn join(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::On(runs)) => runs.iter().for_each(|run| self.add(*run)),
            (Self::Many(a), Self::Many(b)) => *a = (*a).min(*b),
            (Self::On(runs), Self::Many(b)) => {
                *self = Self::Many(runs.iter().fold(*b, |first, run| first.min(run.node)));
            }
        }
    }

    fn first(&self, wants: impl Fn(usize) -> bool) -> Option<usize> {
        match self {
            Self::On(runs) => runs.iter().map(|run| run.node).filter(|node| wants(*node)).min(),
            Self::Many(first) => Some(*first).filter(|node| wants(*node)),
        }
    }
}

/// Which stored states rely on which runs of loops.
///
/// Nodes are numbered as they are stored, so that what lies above another has the
/// smaller number. A run that is noted below a node and begins above it is one that the
/// node relies on; that is handed up when the node is closed, for of no other anyone
/// asks. So of a node's runs, of which all begin above it: whatever one whose node is
/// closed relies on, the first of those that are closed does.
#[derive(Debug, Default)]
pub(super) struct Relied(HashMap<usize, Reliance>);

impl Relied {
    /// The runs still being walked that a closed state relies on, itself or through
    /// another; nothing, where they are too many to tell.
    pub(super) fn runs(&mut self, node: usize, is_open: impl Fn(usize) -> bool) -> Option<Vec<Run>> {
        if !self.0.contains_key(&node) {
            return Some(Vec::new());
        }
        let (mut through, mut at) = (Vec::new(), Some(node));
        while let Some(reliance) = at.and_then(|at| self.0.get(&at)) {
            through.extend(at);
            at = reliance.first(|node| !is_open(node));
        }
        // Whoever asks again need not go that way again.
        let mut open = Reliance::NONE;
        for at in through.into_iter().rev() {
            let Some(reliance) = self.0.get_mut(&at) else { continue };
            open.join(&reliance.of(&is_open));
            *reliance = open.clone();
        }
        match open {
            Reliance::On(runs) => Some(runs),
            Reliance::Many(_) => None,
        }
    }

    /// Notes that a state relies on a run that began above it.
    pub(super) fn note(&mut self, node: usize, run: Run) {
        if run.node < node {
            self.0.entry(node).or_insert(Reliance::NONE).add(run);
        }
    }

    /// Every path below a node was walked: what it relies on, the one above it does.
    pub(super) fn close(&mut self, node: usize, above: usize) {
        let Some(reliance) = self.0.get(&node) else { return };
        let handed = reliance.of(|node| node < above);
        if handed.first(|_| true).is_some() {
            self.0.entry(above).or_insert(Reliance::NONE).join(&handed);
        }
    }

    /// How many bytes that takes at most.
    pub(super) fn bytes(&self) -> usize {
        self.0.len() * (size_of::<(usize, Reliance)>() + TOLD_APART * size_of::<Run>())
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

#[cfg(test)]
mod tests {
    use super::{Relied, Run, TOLD_APART};

    const INNER: Run = Run { id: 7, node: 2 };
    const OUTER: Run = Run { id: 8, node: 0 };

    /// Node 4 lies below 3, that below 2, 1 and 0.
    fn nested() -> Relied {
        let mut relied = Relied::default();
        relied.note(4, INNER);
        relied.close(4, 3);
        relied.note(3, OUTER);
        for node in [3, 2, 1] {
            relied.close(node, node - 1);
        }
        relied
    }

    #[test]
    fn what_is_relied_on_is_handed_up_to_where_it_began() {
        let mut relied = nested();
        assert_eq!(relied.runs(4, |node| node <= 3), Some(vec![INNER]));
        assert_eq!(relied.runs(3, |node| node <= 2), Some(vec![INNER, OUTER]));
        assert_eq!(relied.runs(2, |node| node <= 1), Some(vec![OUTER]));
        assert_eq!(relied.runs(1, |node| node == 0), Some(vec![OUTER]));
        assert_eq!(relied.runs(0, |_| false), Some(vec![]));
    }

    #[test]
    fn what_a_closed_run_relies_on_is_relied_on() {
        let mut relied = nested();
        // Node 4 itself goes on only where node 2 did, and that relies on the outer run.
        assert_eq!(relied.runs(4, |node| node <= 1), Some(vec![OUTER]));
        assert_eq!(relied.runs(4, |node| node <= 1), Some(vec![OUTER]));
        assert_eq!(relied.runs(4, |_| false), Some(vec![]));
    }

    #[test]
    fn of_too_many_runs_only_the_first_is_known() {
        let mut relied = Relied::default();
        let last = TOLD_APART + 2;
        for node in (1..last).rev() {
            relied.note(last, Run { id: 9, node });
        }
        assert_eq!(relied.runs(last, |node| node >= 1), None);
        relied.close(last, last - 1);
        assert_eq!(relied.runs(last - 1, |node| node >= 1), None);
        assert_eq!(relied.runs(last - 1, |_| false), Some(vec![]));
    }
}
