//! A trial: the rounds that begin in a state are walked, and only they, to see in
//! what they end. Nothing of it is kept but that.

use super::rounds::Test;
use super::{Open, Summaries, Summary};
use crate::outcome::{LogLevel, Options};
use crate::state::State;
use crate::state::origins::Origins;
use crate::state::trace::Place;
use crate::state::value::Value;
use crate::walk::Walk;
use brolga_core::{Cond, Insn, Operand, Reg};

/// The most instructions that are walked in one.
const WALKED: u32 = 4_000;

/// A trial may take so many instructions, and so many for each of the probe's.
const LONGER: (u32, u32) = (200, 8);

/// The most ends of rounds that are kept.
const ENDS: usize = 64;

/// The trial that a walk is.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    /// The run of the loop.
    pub(super) run: u32,
    /// Whether it is to find out what there is to know: then all ends are kept.
    pub(super) probe: bool,
    /// The states in which rounds end that are not closed, and what that was for.
    ends: Vec<(State, Option<Open>)>,
    tests: Vec<Test>,
    masked: Vec<Place>,
}

/// What comes of one.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) ends: Vec<(State, Option<Open>)>,
    pub(super) tests: Vec<Test>,
    /// The places of whose words single bits are tested.
    pub(super) masked: Vec<Place>,
    /// How many instructions were walked, those of loops inside as often as
    /// they have rounds.
    pub(super) charge: u32,
    /// How many were.
    pub(super) walked: u32,
}

impl Walk<'_> {
    /// Walks the rounds that begin in a state, to see whether the summary's close;
    /// nothing, where what is done there is not allowed or takes too long: much longer
    /// than a probe, where that many instructions were `probed`. Without that this is
    /// the probe.
    pub(super) fn try_rounds(
        &mut self,
        run: u32,
        summary: Summary,
        start: State,
        probed: Option<u32>,
    ) -> Option<Found> {
        let probe = probed.is_none();
        let options = Options {
            log: LogLevel::Off,
            record_states: false,
            budget: self.options.budget.saturating_sub(self.processed),
            ..self.options.clone()
        };
        let mut walk = Walk::new(self.code, self.aux, self.structure, &options);
        (walk.state, walk.pc, walk.from) = (start, self.pc, self.from);
        walk.state.loops = Default::default();
        let depth = walk.state.frames.len();
        walk.state.loops.enter(run, self.pc, depth, summary, 1);
        walk.counts_on_from(self);
        walk.most_walked = probed.map_or(WALKED, |probed| WALKED.min(LONGER.0 + LONGER.1 * probed));
        walk.seen.untraced = probe;
        walk.seen.effort = self.seen.effort;
        walk.trial = Some(Trial { run, probe, ..Trial::default() });
        let taken = self.summaries.taken;
        walk.summaries = std::mem::take(&mut self.summaries);
        walk.summaries.depth += 1;
        let result = walk.run_paths(true);
        let (walked, charge, trial) = (walk.walked, walk.processed, walk.trial.take());
        self.seen.effort = walk.seen.effort;
        self.summaries = std::mem::take(&mut walk.summaries);
        let Summaries { depth, spent, .. } = &mut self.summaries;
        *depth -= 1;
        // What is made ready for a trial takes time as well.
        *spent = spent.saturating_add(walked + self.code.len() as u32 / 16);
        self.summaries.taken = taken;
        let Trial { ends, tests, masked, .. } = trial?;
        result.ok().map(|()| Found { ends, tests, masked, charge, walked })
    }

    /// The path, of a trial, is at the end of a round.
    pub(super) fn note_end_of_round(&mut self, closed: Result<(Origins, u8), Open>) {
        let state = self.state.clone();
        let Some(trial) = &mut self.trial else { return };
        let (probe, full) = (trial.probe, trial.ends.len() >= ENDS);
        let relied = match closed {
            Ok((relied, _)) if !probe => relied,
            closed => {
                if full {
                    // One too many says that there is more.
                    self.most_walked = 0;
                } else {
                    trial.ends.push((state, closed.err()));
                }
                if probe { Origins::NONE } else { Origins::ALL }
            }
        };
        self.rely(relied);
    }

    /// Notes of which words of the round bits are tested; and a comparison that may
    /// leave the loop, where this walk is to find that out.
    pub(crate) fn note_test(&mut self, insn: &Insn) {
        let Some(Trial { probe, run, .. }) = self.trial else { return };
        let Insn::JumpIf { cond, width, dst, src, off } = *insn else { return };
        if cond == Cond::Set {
            self.note_masked(run, dst, src);
        }
        if !probe {
            return;
        }
        let in_loop = self.state.loops.top().filter(|r| r.run == run && r.depth == self.state.frames.len());
        let body = in_loop.and_then(|run| self.structure.loop_at(run.head));
        let (Some(body), Some(target)) = (body, self.pc.jump(off.into())) else { return };
        let holds = match (body.contains(target), body.contains(self.pc.plus(1))) {
            (true, false) => Some(cond),
            (false, true) => cond.negated(),
            (true, true) | (false, false) => None,
        };
        let (a, b) = (*self.state.reg(dst), self.operand(src).ok());
        let (Some(holds), Some(b)) = (holds, b) else { return };
        let mut note = |trace: crate::state::trace::Trace, with: Option<&crate::domain::Scalar>, holds| {
            if let (true, Some(with), Some(trial)) = (trace.run() == run, with, &mut self.trial) {
                trial.tests.push(Test { holds, width, trace, with: *with });
            }
        };
        note(a.trace(), b.scalar(), holds);
        if let Operand::Reg(_) = src {
            note(b.trace(), a.scalar(), holds.swapped());
        }
    }

    fn note_masked(&mut self, run: u32, dst: Reg, src: Operand) {
        let words = [Some(*self.state.reg(dst)), self.operand(src).ok()];
        let traces = words.iter().flatten().map(Value::trace).filter(|trace| trace.run() == run);
        if let Some(trial) = &mut self.trial {
            trial.masked.extend(traces.map(crate::state::trace::Trace::place));
        }
    }
}
