//! Loops whose rounds are walked once for all.
//!
//! Where a path comes to the head of a loop, a state `S` is looked for in which
//! every round begins, and is walked on from. A path from there that is back at the
//! head ends, where the next round begins in `S` too. How `S` is guessed
//! ([`guess`], [`trial`]) is of no matter to what follows; what closes a round is.
//!
//! **What is known of a round.** The path came in state `P` to the head; from then
//! on it is in a *run* of the loop, until it leaves the loop's body. In round `k`
//! (the first is 0) a place whose trace ([`Trace`]) was `(run, place, by)` at the
//! end of each round before holds `P(place) + k * by`: all such places move in step.
//! Of `k` it is known that it is less than `rounds`. `S` is a set of words for each
//! place, in which `P`'s lies: for places that move in step what `P` says plus
//! `0..rounds` times `by`, for the others whatever was guessed.
//!
//! **Closing.** At the end of a round, before round `k + 1`, these are tested:
//!
//! 1. each place that moves in step has its trace, with the same `by`;
//! 2. one of them, the *counter*, has a range, and started in one, that leave no `k + 1`
//!    but such that are less than `rounds` ([`rounds::most`]). Where it may have
//!    started at several numbers, its range lies within `S`, too: then it is in step
//!    with the others, but nothing is said of it for that;
//! 3. every other place lies within `S`.
//!
//! So the next round begins in `S` again, and 2 says that there are no more than
//! `rounds` of them: the loop ends. What 1, 2 and 3 conclude from numbers is relied
//! on ([`crate::prune`]): the counter's, of 3 what `S` does not leave open, and that
//! of every word whose trace is looked at, in 1 and, of runs around this one, in 3:
//! a word keeps its trace where its range says that its half is all of it, or that
//! what is added is one number.
//!
//! **No path is pruned by another run.** What was concluded of a state inside of
//! the loop holds of this run's rounds only: of an earlier or later run, `k` and
//! `P` say nothing. Each way that comes to close a round carries the counter's trace,
//! from wherever its word comes at each state stored on that way; and a state lies
//! within another only where traces are the same ([`Trace::covers`]). A path that
//! leaves the loop loses the traces of its run. So no path of another run is ever
//! known by a state from which a round of this one was closed. At the head itself
//! what is stored is `P`, not `S`: whoever comes there in a state within `P` may run
//! as this run did.
//!
//! Hence a run of the program that follows what was walked for ever would close
//! rounds for ever. Take the outermost state among those whose rounds it closes
//! for ever. It leaves that run of the loop at most finitely often, for back into it
//! leads only what is stored before it. So it stays, and closes `rounds` of them at most.
//!
//! **Budget.** An instruction walked inside counts as often as there may be
//! rounds, so that no program is accepted that may run for longer than the budget.
//!
//! **Words.** What was guessed may know too little, and a program be rejected for
//! it. So a program that is not accepted with summaries is walked again without; and
//! one too that is rejected only where more is known: part of a spilled pointer is
//! read at a known place, or in some rounds only; a pointer is stored, or overwritten, at
//! a place that a summary left open; the counter's range, known to be in
//! fewer rounds, is the same again; numbers are widened that were others in the round
//! before; on a way that no run goes less is known of a number the more was.

mod guess;
mod rounds;
mod trial;
mod widen;

use crate::domain::Scalar;
use crate::outcome::Cause;
use crate::state::State;
use crate::state::loops::LoopRun;
use crate::state::origins::Origins;
use crate::state::trace::{Place, Trace};
use crate::state::value::Value;
use crate::walk::Walk;
use brolga_core::{Pc, Reg};
use std::collections::BTreeMap;
pub(crate) use trial::Trial;

/// A place that moves in step with the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    place: Place,
    /// What a round adds to its word.
    by: i16,
    /// Whether only the low half of the sum is left, with zeros above.
    narrow: bool,
}

/// What counts the rounds.
#[derive(Clone, Debug)]
struct Counter {
    /// Which of the steps it is.
    step: usize,
    /// The numbers that it may start at.
    start: Scalar,
}

/// What is said of every round of a run.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    /// The state in which each begins: what may still be read of it.
    state: State,
    steps: Vec<Step>,
    counter: Option<Counter>,
    /// There are no more rounds than this, the last that is begun included.
    pub(crate) rounds: u32,
    /// The labels of those numbers in `state` that are not just any, or have a trace.
    said: Origins,
}

/// A state that the end of a round does not lie within, and why.
#[derive(Debug)]
enum Open {
    /// These places do not move in step.
    Steps(Vec<usize>),
    /// The counter does not say that there are no more rounds.
    Counter,
    /// Some other place is not as it was.
    State,
}

/// What the walk knows of summaries.
#[derive(Debug, Default)]
pub(crate) struct Summaries {
    /// Whether loops are summarised.
    pub(crate) on: bool,
    /// How many summaries the walk went on from.
    pub(crate) taken: u32,
    /// How often a loop was not summarised, by its head.
    failed: BTreeMap<Pc, u8>,
    /// How many instructions were walked in trials.
    spent: u32,
    /// How many trials are under way, one in another.
    depth: u8,
}

impl Walk<'_> {
    /// Leaves the loops in whose bodies the path is no longer. Whether that ends
    /// the path, which is walked in a trial of the loop's rounds only.
    pub(crate) fn leaves_loops(&mut self) -> bool {
        while let Some(run) = self.state.loops.top() {
            let frames = self.state.frames.len();
            let body = || self.structure.loop_at(run.head).is_some_and(|l| l.contains(self.pc));
            if frames > run.depth || (frames == run.depth && body()) {
                return false;
            }
            let number = run.run;
            if self.trial.as_ref().is_some_and(|trial| trial.run == number) {
                return true;
            }
            self.leave_run(number);
        }
        false
    }

    fn leave_run(&mut self, run: u32) {
        self.state.loops.leave();
        let of_run = |value: &Value| value.trace().run() == run;
        self.state.change(of_run, |value| value.set_trace(Trace::NONE));
    }

    /// Whether the path is back at the head of the innermost loop it is in, and
    /// ends here.
    pub(crate) fn ends_round(&mut self) -> bool {
        let frames = self.state.frames.len();
        let run = self.state.loops.top().filter(|run| run.head == self.pc && run.depth == frames);
        let Some(run) = run.cloned() else { return false };
        let closed = self.closes(&run);
        if self.trial.as_ref().is_some_and(|trial| trial.run == run.run) {
            self.note_end_of_round(closed);
            return true;
        }
        match closed {
            Ok((relied, unwritten)) => {
                self.rely(relied);
                self.note_unwritten(unwritten);
                true
            }
            Err(_) => {
                self.leave_run(run.run);
                false
            }
        }
    }

    /// Whether the next round begins as all do; what that relies on, and of which
    /// frames bytes may be read that were not written on this path.
    fn closes(&self, run: &LoopRun) -> Result<(Origins, u8), Open> {
        let Summary { state: old, steps, counter, rounds, said } = &run.summary;
        let off = |step: &Step| {
            let word = Trace::head(run.run, step.place);
            let trace = at(&self.state, step.place).map_or(Trace::NONE, Value::trace);
            !(trace.is_some()
                && (trace.run(), trace.place()) == (word.run(), word.place())
                && (trace.by(), trace.is_narrow()) == (step.by, step.narrow))
        };
        let off: Vec<usize> = (0..steps.len()).filter(|i| off(&steps[*i])).collect();
        if !off.is_empty() {
            return Err(Open::Steps(off));
        }
        let counter = counter.as_ref().ok_or(Open::Counter)?;
        let counted =
            self.counted(run, &steps[counter.step], &counter.start, *rounds).ok_or(Open::Counter)?;
        let mut next = self.state.clone();
        let mut traced = counted;
        for step in steps {
            let (Some(value), Some(to)) = (at(old, step.place), at_mut(&mut next, step.place)) else {
                return Err(Open::State);
            };
            traced |= to.origins();
            *to = *value;
            to.label(counted);
        }
        if crate::prune::hides_pointer(old, &next, self.pc, self.structure) {
            return Err(Open::State);
        }
        let (relied, unwritten) =
            crate::prune::lies_within(old, &next, *said, self.pc, self.structure).ok_or(Open::State)?;
        Ok((relied | traced, unwritten))
    }

    /// What it relies on that the counter's next round is one of so many: the
    /// range of any number that is the same word.
    fn counted(&self, run: &LoopRun, step: &Step, start: &Scalar, rounds: u32) -> Option<Origins> {
        let of_head = |value: &&Value| value.trace().is(Trace::head(run.run, step.place));
        // What a state keeps of a place is what may still be read there.
        let every = at(&run.summary.state, step.place).filter(of_head)?.scalar()?;
        let word = at(&self.state, step.place)?.trace();
        let same = self.state.top().values().filter(|value| value.trace().is(word));
        let mut counting = same.filter(|value| {
            value.scalar().is_some_and(|range| {
                let most = rounds::most(start, range, step, rounds);
                let lies = start.as_const().is_some() || range.within(every);
                lies && most.is_some_and(|most| most < i128::from(rounds))
            })
        });
        counting.next().map(Value::origins)
    }

    /// At the head of a loop that the path comes to from outside: goes on from
    /// where every round begins, where that is found.
    pub(crate) fn summarise(&mut self, stored: bool) -> Result<(), Cause> {
        if !self.may_summarise() {
            return Ok(());
        }
        let spent = self.summaries.spent;
        let labelled = crate::prune::as_stored(&self.state, self.pc, self.structure);
        let here = std::mem::replace(&mut self.state, labelled);
        let found = self.guess();
        self.state = here;
        self.summaries.spent = self.summaries.spent.max(spent + 16);
        let Some(guess) = found else {
            *self.summaries.failed.entry(self.pc).or_default() += 1;
            return Ok(());
        };
        // Only now: a walk in which nothing is found is to be as without.
        if !stored {
            self.store_here()?;
        }
        self.rely(guess.origins());
        self.state = guess.begin(self.pc);
        self.summaries.taken += 1;
        self.seen.record(self.pc, &self.state, self.structure);
        Ok(())
    }

    /// That what is saved is worth what more is walked since less is known. Where
    /// it is not, the walk without summaries is to be taken.
    pub(crate) fn summaries_pay(&self) -> Result<(), Cause> {
        /// After so many instructions not fewer than so many should be spared for
        /// each that is walked.
        const PAY: (u32, u32) = (8_000, 2);
        let lost = self.summaries.taken > 0
            && self.trial.is_none()
            && self.walked > PAY.0
            && self.processed / (1 + PAY.1) < self.walked;
        if lost { Err(self.unsupported("a walk that summaries make longer")) } else { Ok(()) }
    }

    /// Whether places may be unknown here that are known where each round is walked.
    /// What is only rejected at a known place has to be walked so.
    pub(crate) const fn is_summarised(&self) -> bool {
        self.summaries.taken > 0 || self.trial.is_some()
    }

    /// That the path is in no loop that is summarised: where numbers are compared with
    /// those of the round before, or where less may come of more.
    pub(crate) fn knows_every_round(&self) -> Result<(), Cause> {
        let blurred = self.is_in_summary();
        if blurred { Err(self.unsupported("each round, in a loop that is summarised")) } else { Ok(()) }
    }

    /// Whether the path is in a loop that is summarised, or may be.
    pub(crate) fn is_in_summary(&self) -> bool {
        self.trial.is_some() || self.state.loops.top().is_some()
    }

    fn may_summarise(&self) -> bool {
        /// A loop for which no summary was found so often is walked round by
        /// round.
        const PATIENCE: u8 = 3;
        /// The most trials one in another.
        const NESTED: u8 = 3;
        /// So many instructions may be walked in trials, and so many for each
        /// that is walked.
        const EFFORT: (u32, u32) = (20_000, 2);
        let Summaries { on, failed, spent, depth, .. } = &self.summaries;
        *on && *depth < NESTED
            && self.structure.loop_at(self.pc).is_some_and(|l| !l.contains(self.from))
            && failed.get(&self.pc).is_none_or(|failed| *failed < PATIENCE)
            && *spent < EFFORT.0.saturating_add(EFFORT.1.saturating_mul(self.walked))
    }
}

/// What a place of the running frame holds.
fn at(state: &State, place: Place) -> Option<&Value> {
    match place {
        Place::Reg(reg) => Some(&state.top().regs[usize::from(reg)]),
        Place::Slot(slot) => {
            let slot = state.top().stack.slot(slot.into());
            slot.has_spill().then_some(&slot.value)
        }
    }
}

fn at_mut(state: &mut State, place: Place) -> Option<&mut Value> {
    match place {
        Place::Reg(reg) => Some(&mut state.top_mut().regs[usize::from(reg)]),
        Place::Slot(slot) => {
            let slot = state.top_mut().stack.slot_mut(slot.into());
            if slot.has_spill() { Some(&mut slot.value) } else { None }
        }
    }
}

/// The places of the running frame that hold something which can be read.
fn places(state: &State) -> Vec<Place> {
    let regs = (0..Reg::FP.index() as u8).map(Place::Reg);
    let slots = (0..state.top().stack.len() as u8).map(Place::Slot);
    let holds = |place: &Place| at(state, *place).is_some_and(|value| *value != Value::Uninit);
    regs.chain(slots).filter(holds).collect()
}
