//! Where paths meet: states seen before, and when one of them makes the walk
//! from another needless ([`order`]).
//!
//! **What is relied on.** Most numbers of a state never matter: a sum that ends
//! in a map, a counter that no one looks at. Each stored state has a set
//! `precise` of labels of its numbers ([`Origins`]); one that is not in it may be
//! any number in a state that is compared. Law: whatever the walk concluded on
//! some path from the state (a way that is never gone, an access that is
//! allowed, a fact for those who run the program) it concluded from pointers,
//! from what every number of that kind is, or from numbers whose origins are all
//! in `precise`. So a run whose other numbers differ goes a way that was walked
//! too, and whatever it does there was allowed.
//!
//! Who concludes something from a number's range says so (`Walk::rely_on`). Its
//! origins become precise in the state stored last on the path; the numbers
//! there have origins in the one stored before, and so on to the start
//! ([`tree`]). Where a path ends because a stored state is known, it goes on as
//! that one did: what was relied on there is relied on here. This is what the
//! kernel finds by going back over the instructions of the path; here each number
//! carries it along, and no instruction needs a rule of its own for the way back.
//!
//! A state from which paths are still open may yet be relied on in more. Where
//! one is taken as known all the same (a round of a loop that ends by itself),
//! everything is compared, and everything is relied on: what was stored between
//! the rounds may be closed before the first round is.
//!
//! When a state is stored, the walk forgets what it knew of dead numbers: they
//! are not stored, so nothing may be concluded from them.

mod effort;
mod order;
mod part;
mod rounds;
mod shape;
mod tree;
mod widen;

use crate::memory::Meter;
use crate::outcome::Options;
use crate::state::State;
use crate::state::origins::Origins;
use crate::state::stack::StackSlot;
use crate::structure::Structure;
use brolga_core::{Code, Insn, Pc};
pub(crate) use effort::Effort;
use order::{Names, same, same_calls, unwritten, within};
use part::live_part;
use rounds::{Relied, Run};
use shape::Shape;
use std::cell::OnceCell;
use std::sync::Arc;
use tree::Tree;

/// A state may be stored where so many jumps and instructions were
/// passed since the last one, as in the kernel.
const STORE_AFTER: (u32, u32) = (2, 8);

/// In a loop whose rounds all differ, and on which no path parted since, it is
/// stored only where so many jumps or instructions were passed, so that a
/// long loop costs no more than its length. Where paths part in the loop, each
/// round is: they meet there, or double with each round.
const STORE_IN_LOOP_AFTER: (u32, u32) = (20, 100);

/// So many of the rounds that are being walked are looked at for one that is the
/// very same, as many as the kernel's patience keeps: where a state is always
/// stored, and elsewhere.
const ROUNDS_COMPARED: (usize, usize) = (64, 8);

/// A state that was compared in vain this often, and so often again for each
/// time that it helped, is forgotten.
const PATIENCE: u32 = 3;

/// What a visit to a prune point finds.
pub(crate) enum Visit {
    /// Every path from here was walked.
    Known {
        /// A bit for each frame of which bytes may be read that were not
        /// written on this path, but on the one that was walked.
        unwritten: u8,
    },
    /// The path was here before, in the very same state.
    Loops,
    /// The path goes on, below this node.
    New(Option<usize>),
}

/// A state from which every path was walked to its end.
struct Entry {
    node: usize,
    hits: u32,
    misses: u32,
}

/// The states stored at one place.
#[derive(Default)]
struct Stored {
    /// Those of the path that is walked now, in its order.
    open: Vec<usize>,
    /// The others, those last whose paths ended last: they are near the path that
    /// is walked now, and looked at first.
    closed: Vec<Entry>,
    /// Whether one of these was compared in vain.
    missed: bool,
}

/// Whether `cur` lies within `old`, which is what may still be read of a state, as
/// far as its numbers of these labels go: what that relies on, and of which frames
/// bytes may be read that were not written in `cur`, but in `old`.
pub(crate) fn lies_within(
    old: &State,
    cur: &State,
    said: Origins,
    pc: Pc,
    structure: &Structure,
) -> Option<(Origins, u8)> {
    let lies = same_calls(old, cur)
        && !rounds::differ(old, cur)
        && within(&mut Names::new(false), old, cur, said, pc, structure);
    lies.then(|| (tree::relied_on(old, cur, said), unwritten(old, cur, pc, structure)))
}

/// The state of a path after it was stored: without dead numbers, and labelled.
pub(crate) fn as_stored(state: &State, pc: Pc, structure: &Structure) -> State {
    let mut stored = state.clone();
    part::forget_dead_numbers(&mut stored, pc, structure);
    stored.label_numbers();
    stored
}

/// What may still be read of a state.
pub(crate) fn live_state(state: &State, pc: Pc, structure: &Structure) -> State {
    live_part(state, pc, structure)
}

/// Whether a slot that may be read holds a pointer that `all` knows only as bytes: it
/// lies within, but to read a part of it is not allowed.
pub(crate) fn hides_pointer(all: &State, state: &State, pc: Pc, structure: &Structure) -> bool {
    let is_pointer = |slot: &StackSlot| slot.has_spill() && slot.value.ptr().is_some();
    (0..state.frames.len().min(all.frames.len())).any(|frame| {
        let live = order::live_slots(frame, state, pc, structure);
        let slots = state.frames[frame].stack.slots().enumerate();
        let mut pointers = slots.filter(|(index, slot)| live.contains(*index) && is_pointer(slot));
        pointers.any(|(index, _)| !is_pointer(all.frames[frame].stack.slot(index)))
    })
}

/// The labels of the numbers of a state that are not just any, or have a trace.
pub(crate) fn said(state: &State) -> Origins {
    state.labels(|value| value.trace().is_some() || (value.ptr().is_none() && !order::is_anything(value)))
}

/// The states seen so far.
pub(crate) struct Seen {
    at: Box<[Stored]>,
    tree: Tree,
    relied: Relied,
    /// Jumps and instructions passed when a state was last stored.
    last: (u32, u32),
    /// Whether a path parted since, or another one was taken up.
    parted: bool,
    /// How many jumps, calls and exits were walked.
    jumps: u32,
    /// Whether states are compared without their traces: what is found then is
    /// no proof.
    pub(crate) untraced: bool,
    pub(crate) meter: Meter,
    /// What comparing states took.
    pub(crate) effort: Effort,
    /// What is kept beside states and was counted, in bytes.
    aside: usize,
    /// Where `may_goto` instructions are.
    may_gotos: Vec<Pc>,
    /// Whether there are loops that end by themselves.
    has_rounds: bool,
    /// Every state at every instruction, where these are recorded.
    pub(crate) recorded: Option<Box<[Vec<State>]>>,
    pub(crate) total: u32,
    pub(crate) peak: u32,
    kept: u32,
}

impl Seen {
    pub(crate) fn new(code: &Code, structure: &Structure, options: &Options) -> Self {
        let len = code.len();
        let lists = || std::iter::repeat_with(Vec::new).take(len).collect::<Box<[_]>>();
        Self {
            at: std::iter::repeat_with(Stored::default).take(len).collect(),
            tree: Tree::new(options.record_states),
            relied: Relied::default(),
            last: (0, 0),
            parted: false,
            jumps: 0,
            untraced: false,
            meter: Meter::new(options.memory),
            effort: Effort::default(),
            aside: 0,
            may_gotos: code
                .iter()
                .filter(|(_, i)| matches!(i, Insn::MayGoto { .. }))
                .map(|(pc, _)| pc)
                .collect(),
            has_rounds: code.iter().any(|(pc, insn)| {
                structure.calls_callback(pc) || structure.iterates(pc) || matches!(insn, Insn::MayGoto { .. })
            }),
            recorded: options.record_states.then(lists),
            total: 0,
            peak: 0,
            kept: 0,
        }
    }

    /// Keeps what is claimed at a place: of registers and slots that may still
    /// be read.
    pub(crate) fn record(&mut self, pc: Pc, state: &State, structure: &Structure) {
        if let Some(recorded) = &mut self.recorded {
            let mut claimed = live_part(state, pc, structure);
            // What counts rounds says nothing of the machine.
            claimed.forget_rounds();
            let list = &mut recorded[pc.index()];
            if !list.contains(&claimed) {
                self.meter.keep(&claimed);
                list.push(claimed);
            }
        }
    }

    /// One more way below a node.
    pub(crate) fn path_parts(&mut self, parent: Option<usize>) {
        self.parted = true;
        self.tree.parts(parent);
    }

    /// A way below a node was walked to its end.
    pub(crate) fn path_ended(&mut self, mut parent: Option<usize>) {
        self.parted = true;
        while let Some(node) = parent.filter(|node| self.tree.ends(*node)) {
            let stored = &mut self.at[self.tree.place(node).index()];
            debug_assert_eq!(stored.open.last(), Some(&node), "what was stored last is closed first");
            stored.open.pop_if(|last| *last == node);
            stored.closed.push(Entry { node, hits: 0, misses: 0 });
            parent = self.tree.parent(node);
            parent.into_iter().for_each(|above| self.relied.close(node, above));
        }
    }

    /// Something was concluded from numbers of these origins below a node.
    pub(crate) fn rely(&mut self, parent: Option<usize>, origins: Origins) {
        self.tree.rely(parent, origins);
    }

    /// The same, but numbers within the range of these are as good.
    pub(crate) fn rely_on_range(&mut self, parent: Option<usize>, origins: Origins) {
        self.tree.rely_on_range(parent, origins);
    }

    /// Something was found that another number here would not do, though that be
    /// within: only the same states are as good as those of the path.
    pub(crate) fn rely_on_path(&mut self, parent: Option<usize>) {
        self.tree.rely_on_path(parent);
    }

    /// A jump, a call or an exit is walked.
    pub(crate) const fn jumped(&mut self) {
        self.jumps += 1;
    }

    /// Compares the state at a prune point with those seen there, and stores it
    /// where that may pay.
    pub(crate) fn visit(
        &mut self,
        pc: Pc,
        state: &mut State,
        parent: Option<usize>,
        structure: &Structure,
        processed: u32,
    ) -> Visit {
        let due = self.is_due(pc, structure, processed);
        let most = self.effort.most(processed);
        if let Some(found) = self.compare((pc, parent), state, structure, due, most) {
            return found;
        }
        if !due {
            return Visit::New(parent);
        }
        self.forget_useless(pc);
        (self.last, self.parted) = ((self.jumps, processed), false);
        Visit::New(Some(self.store(pc, state, parent, structure)))
    }

    /// Whether a state that is new here is to be stored.
    fn is_due(&self, pc: Pc, structure: &Structure, processed: u32) -> bool {
        if structure.is_force_checkpoint(pc) {
            return true;
        }
        let since = (self.jumps - self.last.0, processed - self.last.1);
        let in_loop = !self.at[pc.index()].open.is_empty();
        let seldom = since.0 >= STORE_IN_LOOP_AFTER.0 || since.1 >= STORE_IN_LOOP_AFTER.1;
        since.0 >= STORE_AFTER.0 && since.1 >= STORE_AFTER.1 && (seldom || self.parted || !in_loop)
    }

    /// Looks for a state that makes the walk from here needless. One that was
    /// looked at in vain counts that only where a new one is stored for it.
    fn compare(
        &mut self,
        (pc, parent): (Pc, Option<usize>),
        state: &State,
        structure: &Structure,
        due: bool,
        most: usize,
    ) -> Option<Visit> {
        let shape = OnceCell::new();
        let is_kept = |old: Option<&Arc<Shape>>| {
            old.is_none_or(|old| old.is_kept_by(shape.get_or_init(|| Shape::of(state))))
        };
        if let Some(found) = self.compare_rounds((pc, parent), state, structure, is_kept, most) {
            return Some(found);
        }
        let mut known = None;
        // In a loop more is stored than in the kernel, and so more is compared in
        // vain before a path comes that meets one of them.
        let often = self.parted && !self.at[pc.index()].open.is_empty();
        self.at[pc.index()].missed |= due && !often;
        for entry in self.at[pc.index()].closed.iter_mut().rev().take(most) {
            let (old, precise) = (self.tree.state(entry.node), self.tree.precise(entry.node));
            let mut names = Names::new(self.untraced);
            let lies = within(&mut names, old, state, precise, pc, structure);
            self.effort.spend(&names);
            let runs = if lies { self.relied.runs(entry.node, |node| self.tree.is_open(node)) } else { None };
            // What rests on rounds still walked is compared as these are.
            let of_all = |runs: &Vec<Run>| {
                runs.iter().all(|run| rounds::is_of(state, *run))
                    && (runs.is_empty() || is_kept(self.tree.shape(entry.node)))
            };
            let alike = || match self.tree.is_exact(entry.node) {
                true => same(&mut Names::default(), old, state, pc, structure),
                false => !hides_pointer(old, state, pc, structure),
            };
            if let Some(runs) = runs.filter(of_all).filter(|_| alike()) {
                entry.hits += 1;
                known = Some((entry.node, runs));
                break;
            }
            entry.misses += u32::from(due && !often);
        }
        let (node, runs) = known?;
        let concluded = state.origins_of(self.tree.concluded(node));
        self.tree.rely(parent, concluded);
        let relied = tree::relied_on(self.tree.state(node), state, self.tree.precise(node));
        Some(self.known(node, state, (pc, parent), structure, (&runs, relied)))
    }

    /// Compares the state with those of the rounds that are being walked.
    fn compare_rounds(
        &mut self,
        (pc, parent): (Pc, Option<usize>),
        state: &State,
        structure: &Structure,
        is_kept: impl Fn(Option<&Arc<Shape>>) -> bool,
        most: usize,
    ) -> Option<Visit> {
        let at_may_goto = self.may_gotos.binary_search(&pc).is_ok();
        let calls_back = structure.calls_callback(pc);
        let iterates = structure.iterates(pc);
        let forced = structure.is_force_checkpoint(pc);
        let most = most.min(if forced { ROUNDS_COMPARED.0 } else { ROUNDS_COMPARED.1 });
        let mut known = None;
        for &node in self.at[pc.index()].open.iter().rev().take(most) {
            let old = self.tree.state(node);
            let mut names = Names::default();
            let loops = !rounds::differ(old, state) && same(&mut names, old, state, pc, structure);
            self.effort.spend(&names);
            if loops {
                return Some(Visit::Loops);
            }
            // What is being walked may be relied on where it is an earlier round
            // of a loop that ends by itself.
            let by_call = calls_back.then(|| rounds::of_callback(old, state)).flatten();
            let by_jump = at_may_goto.then(|| rounds::of_may_goto(old, state)).flatten();
            let by_iter = iterates.then(|| rounds::of_iterator(old, state)).flatten();
            let Some(id) = by_call.or(by_jump).or(by_iter) else { continue };
            let mut names = Names::new(self.untraced);
            let lies = within(&mut names, old, state, Origins::ALL, pc, structure);
            self.effort.spend(&names);
            if lies && is_kept(self.tree.shape(node)) {
                known = Some(Run { id, node });
                break;
            }
        }
        let run = known?;
        Some(self.known(run.node, state, (pc, parent), structure, (&[run], Origins::ALL)))
    }

    /// The state lies within a stored one, which relies on runs of loops; what is
    /// relied on there is relied on below `parent`.
    fn known(
        &mut self,
        node: usize,
        state: &State,
        (pc, parent): (Pc, Option<usize>),
        structure: &Structure,
        (runs, relied): (&[Run], Origins),
    ) -> Visit {
        if let Some(parent) = parent {
            runs.iter().for_each(|run| self.relied.note(parent, *run));
        }
        let unwritten = unwritten(self.tree.state(node), state, pc, structure);
        self.tree.rely_on_range(parent, relied);
        Visit::Known { unwritten }
    }

    /// All states that are kept here.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &State> {
        self.tree.states().chain(self.recorded.iter().flatten().flatten())
    }

    /// How many bytes are kept beside the states.
    pub(crate) fn aside(&self) -> usize {
        self.tree.bytes() + self.relied.bytes()
    }

    /// Drops states that were compared often and in vain.
    fn forget_useless(&mut self, pc: Pc) {
        let (tree, meter, kept) = (&mut self.tree, &mut self.meter, &mut self.kept);
        let stored = &mut self.at[pc.index()];
        if !std::mem::take(&mut stored.missed) {
            return;
        }
        stored.closed.retain(|entry| {
            let keep = entry.misses <= (entry.hits + 1) * PATIENCE;
            if !keep {
                tree.drop_state(entry.node, meter);
                *kept -= 1;
            }
            keep
        });
    }

    /// The shape of a state, one for all on the path that have the same.
    fn shape(&self, pc: Pc, state: &State) -> Arc<Shape> {
        let last = self.at[pc.index()].open.last().and_then(|node| self.tree.shape(*node));
        let shape = Shape::of(state);
        last.filter(|last| ***last == shape).cloned().unwrap_or_else(|| Arc::new(shape))
    }

    pub(crate) fn store(
        &mut self,
        pc: Pc,
        state: &mut State,
        parent: Option<usize>,
        structure: &Structure,
    ) -> usize {
        let shape = self.has_rounds.then(|| self.shape(pc, state));
        part::forget_dead_numbers(state, pc, structure);
        let mut stored = live_part(state, pc, structure);
        part::drop_lone_names(&mut stored);
        self.meter.keep(&stored);
        let node = self.tree.store(pc, parent, stored, shape);
        let aside = self.aside();
        self.meter.keep_aside(aside - std::mem::replace(&mut self.aside, aside));
        state.label_numbers();
        self.at[pc.index()].open.push(node);
        self.total += 1;
        self.kept += 1;
        self.peak = self.peak.max(self.kept);
        node
    }
}
