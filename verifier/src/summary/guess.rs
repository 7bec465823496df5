//! What every round may begin in: a guess, made better until its rounds close.
//!
//! A probe walks one round from the state that the path came in, with every word
//! traced. It shows which places move in step, and which comparisons leave the
//! loop: these say how many rounds there might be. What moves otherwise is first as
//! it was and as it came back, and after that just anything.

use super::rounds::Test;
use super::trial::Found;
use super::widen::Widening;
use super::{Counter, Open, Step, Summary, at, at_mut, places, rounds};
use crate::domain::{self, Scalar};
use crate::state::State;
use crate::state::origins::Origins;
use crate::state::trace::Trace;
use crate::state::value::{Number, Past, Ptr, PtrKind, Value};
use crate::step::pointer::MAX_OFF;
use crate::walk::Walk;
use brolga_core::{AluOp, Pc, Width};

/// Loops of fewer rounds are walked round by round.
const FEWEST: u32 = 5;

/// So many numbers of rounds are tried, and so many states for each.
const TRIED: (usize, usize) = (2, 6);

/// A state in which every round of a run begins.
pub(super) struct Guess {
    run: u32,
    state: State,
    summary: Summary,
    /// What the numbers come from that the counter starts at.
    from: Origins,
}

impl Guess {
    /// What the number of rounds relies on.
    pub(super) const fn origins(&self) -> Origins {
        self.from
    }

    /// The state of a path that begins the run at the loop's head.
    pub(super) fn begin(self, head: Pc) -> State {
        let mut state = self.state;
        let depth = state.frames.len();
        let rounds = self.summary.rounds;
        state.loops.enter(self.run, head, depth, self.summary, rounds);
        state
    }
}

/// What might be the counter of a loop, and how many rounds it lets begin.
struct Bound {
    step: Step,
    rounds: u32,
}

impl Walk<'_> {
    /// Looks for a state in which every round begins that the path may make from
    /// here, its labels those of the state stored here.
    pub(super) fn guess(&mut self) -> Option<Guess> {
        let run = self.new_run();
        let start = self.state.clone();
        let mut traced = start.clone();
        for place in places(&start) {
            at_mut(&mut traced, place)?.set_trace(Trace::head(run, place));
        }
        let summary = self.summary(&start, &[], None, 1);
        let probe = self.try_rounds(run, summary, traced, None)?;
        let steps = steps(&start, &probe);
        let counters = self.counters(&start, &steps, &probe);
        counters.iter().find_map(|counter| self.settle(run, &steps, counter, &probe))
    }

    /// Places that might count the rounds, those of the fewest rounds first.
    fn counters(&self, start: &State, steps: &[Step], probe: &Found) -> Vec<Bound> {
        let counter = |test: &Test| {
            let step = *steps.iter().find(|step| step.place == test.trace.place())?;
            let rounds = test.rounds(at(start, step.place)?.scalar()?, step.by)?;
            self.affords(probe.charge, rounds).then_some(Bound { step, rounds })
        };
        let mut counters: Vec<Bound> = probe.tests.iter().filter_map(counter).collect();
        counters.sort_by_key(|counter| counter.rounds);
        counters.dedup_by_key(|counter| (counter.rounds, counter.step.place));
        counters.retain(|counter| counter.rounds >= FEWEST);
        counters.truncate(TRIED.0);
        counters
    }

    /// Whether the budget is enough for rounds of which each takes so much.
    fn affords(&self, charge: u32, rounds: u32) -> bool {
        let weight = u64::from(self.state.loops.weight()) * u64::from(rounds);
        let left = u64::from(self.options.budget.saturating_sub(self.processed));
        u64::from(charge).saturating_mul(weight) <= left
    }

    fn settle(&mut self, run: u32, steps: &[Step], counter: &Bound, probe: &Found) -> Option<Guess> {
        let mut steps = steps.to_vec();
        let mut widening = Widening::new(run, self.state.clone());
        probe.ends.iter().for_each(|(end, _)| widening.widen(end, &steps));
        for _ in 0..TRIED.1 {
            let state = self.every_round(run, &widening.state, &mut steps, counter)?;
            let step = steps.iter().position(|step| *step == counter.step)?;
            let first = *at(&self.state, counter.step.place)?;
            let counted = Counter { step, start: *first.scalar()? };
            let summary = self.summary(&state, &steps, Some(counted), counter.rounds);
            let found = self.try_rounds(run, summary.clone(), state.clone(), Some(probe.walked))?;
            if stalls(&first, &counter.step, &found) {
                return None;
            }
            if found.ends.is_empty() {
                let taken = self.affords(found.charge, counter.rounds) && self.begins_in(&state, &steps);
                return taken.then(|| Guess { run, state, summary, from: first.origins() });
            }
            learn(&found, &mut steps, &mut widening)?;
        }
        None
    }

    /// Whether the path is in that state too; of addresses that move in step
    /// [`Self::every_round`] says so.
    fn begins_in(&self, state: &State, steps: &[Step]) -> bool {
        let (mut state, mut here) = (state.clone(), self.state.clone());
        state.change(|value| value.trace().is_some(), |value| value.set_trace(Trace::NONE));
        for place in steps.iter().map(|step| step.place) {
            if let (Some(Value::Pointer(p)), Some(to)) = (at(&state, place), at_mut(&mut here, place)) {
                *to = Value::Pointer(*p);
            }
        }
        let every = crate::prune::live_state(&state, self.pc, self.structure);
        !crate::prune::hides_pointer(&every, &here, self.pc, self.structure)
            && crate::prune::lies_within(&every, &here, Origins::ALL, self.pc, self.structure).is_some()
    }

    fn summary(&self, state: &State, steps: &[Step], counter: Option<Counter>, rounds: u32) -> Summary {
        let state = crate::prune::live_state(state, self.pc, self.structure);
        let said = crate::prune::said(&state);
        Summary { state, steps: steps.to_vec(), counter, rounds, said }
    }

    /// The state with what moves in step where it is in any of the rounds. Law:
    /// for each round `k` less than the counter's `rounds`, what a place of
    /// `steps` held at first plus `k` times its `by` is among what it holds here;
    /// of a counter that may start at several numbers only for the first.
    /// A step of which that can not be said is none.
    fn every_round(
        &mut self,
        run: u32,
        base: &State,
        steps: &mut Vec<Step>,
        counter: &Bound,
    ) -> Option<State> {
        let mut state = base.clone();
        let from = at(&self.state, counter.step.place)?.origins();
        let mut kept = Vec::new();
        for step in &*steps {
            let first = *at(&self.state, step.place)?;
            let value = match first {
                Value::Number(n) if *step == counter.step && n.range.as_const().is_none() => {
                    counter_in(&n, step, counter.rounds).map(Value::Number)
                }
                Value::Number(n) => number_in(&n, step, counter.rounds, from).map(Value::Number),
                Value::Pointer(p) => self.pointer_in(&p, step, counter.rounds).map(Value::Pointer),
                Value::Uninit => None,
            };
            let Some(mut value) = value else { continue };
            value.set_trace(Trace::head(run, step.place));
            *at_mut(&mut state, step.place)? = value;
            kept.push(*step);
        }
        *steps = kept;
        Some(state)
    }

    fn pointer_in(&mut self, first: &Ptr, step: &Step, rounds: u32) -> Option<Ptr> {
        let may_move = match first.kind {
            PtrKind::Stack(_)
            | PtrKind::MapValue(_)
            | PtrKind::MapKey(_)
            | PtrKind::Packet
            | PtrKind::PacketMeta
            | PtrKind::Mem { .. }
            | PtrKind::Record(_) => !first.nullable && !step.narrow,
            PtrKind::Ctx
            | PtrKind::Map(_)
            | PtrKind::Func(_)
            | PtrKind::PacketEnd
            | PtrKind::Socket(_)
            | PtrKind::SocketOfMap
            | PtrKind::Kernel { .. } => false,
        };
        // As of an address that moves up from the lowest it comes to.
        let way = i64::from(step.by) * (i64::from(rounds) - 1);
        let lowest = way.min(0);
        let var = domain::alu(AluOp::Add, Width::W64, &first.var, &moves(step, rounds)?);
        let off = i32::try_from(i64::from(first.off) + lowest).ok()?;
        let near = |v: i64| (-MAX_OFF..MAX_OFF).contains(&v);
        // The kernel looks at the fixed offset that each round has.
        let last = i64::from(first.off) + way;
        let reach =
            [first.var.smin(), first.var.smax(), var.smin(), var.smax(), first.off.into(), off.into(), last];
        if !may_move || !reach.into_iter().all(near) {
            return None;
        }
        // What shared its variable part with it may not move.
        let id = if first.is_packet() || first.id.is_some() { self.new_id() } else { first.id };
        Some(Ptr { off, var, id, range: 0, past: Past::Unknown, ..*first })
    }
}

/// The number that starts as `first` in any of the rounds; `from` is what their
/// count comes from.
fn number_in(first: &Number, step: &Step, rounds: u32, from: Origins) -> Option<Number> {
    let op = if step.by > 0 { AluOp::Add } else { AluOp::Sub };
    let range = domain::alu(op, Width::W64, &first.range, &moves(step, rounds)?);
    let way = i128::from(step.by) * (i128::from(rounds) - 1);
    let (least, most) = (i128::from(first.range.umin()), i128::from(first.range.umax()));
    let wraps = least + way.min(0) < 0 || most + way.max(0) > i128::from(u32::MAX);
    if step.narrow && wraps {
        return None;
    }
    Some(Number { origins: first.origins | from, ..Number::of(range) })
}

/// A counter that may start at several numbers in any of the rounds. A round is
/// only closed where it lies within.
fn counter_in(first: &Number, step: &Step, rounds: u32) -> Option<Number> {
    let range = rounds::range(&first.range, step, rounds)?;
    let number = Number { origins: first.origins, ..Number::of(range) };
    first.range.within(&range).then_some(number)
}

/// How far a step has moved in any of the rounds, up or down.
fn moves(step: &Step, rounds: u32) -> Option<Scalar> {
    let by = u64::from(step.by.unsigned_abs());
    let shift = by.trailing_zeros();
    let range = Scalar::from_unsigned_range(0, by.checked_mul(u64::from(rounds) - 1)? >> shift)?;
    Some(domain::alu(AluOp::Lsh, Width::W64, &range, &Scalar::constant(shift.into())))
}

/// The places of which every end of the probe says that they moved by the same.
fn steps(start: &State, probe: &Found) -> Vec<Step> {
    let step = |place| {
        let traces = probe.ends.iter().map(|(end, _)| at(end, place).map_or(Trace::NONE, Value::trace));
        let mut traces = traces.filter(|trace| trace.is_some() && trace.place() == place);
        let first = traces.next()?;
        let all = 1 + traces.filter(|trace| trace.is(first)).count() == probe.ends.len();
        (all && first.by() != 0).then_some(Step { place, by: first.by(), narrow: first.is_narrow() })
    };
    places(start).into_iter().filter_map(step).collect()
}

/// Whether, walked round by round, the counter may be in the same range again: where
/// it may start at several numbers, and bits of it are tested. What the kernel then
/// knows may be less than it was, though there are fewer numbers left; it takes the
/// loop for one that never ends.
fn stalls(first: &Value, counter: &Step, found: &Found) -> bool {
    first.as_const().is_none() && found.masked.contains(&counter.place)
}

/// Makes the guess wider by what rounds ended in; nothing, where that is no use.
fn learn(found: &Found, steps: &mut Vec<Step>, widening: &mut Widening) -> Option<()> {
    let mut off = Vec::new();
    for (_, why) in &found.ends {
        match why {
            Some(Open::Counter) => return None,
            Some(Open::Steps(places)) => off.extend(places),
            Some(Open::State) | None => {}
        }
    }
    let mut index = 0;
    steps.retain(|_| {
        index += 1;
        !off.contains(&(index - 1))
    });
    let changes = widening.changes();
    found.ends.iter().for_each(|(end, _)| widening.widen(end, steps));
    (!off.is_empty() || widening.changes() > changes || widening.drop_names()).then_some(())
}
