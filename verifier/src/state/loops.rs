//! The runs of loops that a path is in.

use crate::summary::Summary;
use brolga_core::Pc;
use std::sync::Arc;

/// A run of a loop that is summarised.
#[derive(Debug)]
pub(crate) struct LoopRun {
    /// Its number.
    pub(crate) run: u32,
    /// The loop's head.
    pub(crate) head: Pc,
    /// How many frames there are in the loop itself.
    pub(crate) depth: usize,
    /// How many runs of instructions one that is walked here stands for.
    pub(crate) weight: u32,
    /// What is said of every round.
    pub(crate) summary: Summary,
    outer: Loops,
}

/// The runs that a path is in, the innermost first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loops(Option<Arc<LoopRun>>);

/// Where a path is in the walk is no part of what is known there.
impl PartialEq for Loops {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Loops {}

impl Loops {
    /// None.
    pub(crate) const NONE: Self = Self(None);

    /// The innermost run.
    pub(crate) fn top(&self) -> Option<&Arc<LoopRun>> {
        self.0.as_ref()
    }

    /// How many runs of instructions one that is walked here stands for.
    pub(crate) fn weight(&self) -> u32 {
        self.top().map_or(1, |run| run.weight)
    }

    /// A run begins, of which an instruction that is walked counts so often.
    pub(crate) fn enter(&mut self, run: u32, head: Pc, depth: usize, summary: Summary, times: u32) {
        let weight = self.weight().saturating_mul(times);
        let outer = std::mem::take(self);
        self.0 = Some(Arc::new(LoopRun { run, head, depth, weight, summary, outer }));
    }

    /// The innermost run is left.
    pub(crate) fn leave(&mut self) {
        let outer = self.top().map(|run| run.outer.clone());
        *self = outer.unwrap_or_default();
    }
}
