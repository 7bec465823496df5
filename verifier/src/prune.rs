//! Where paths meet: states seen before, and when one of them makes the walk
//! from another needless.
//!
//! **Order.** `within(old, cur)`: whatever a run may be in at `cur`, it may be in
//! at `old`, as far as the code from here on can tell: registers that are dead
//! here are not compared, and what was never written in `old` was not relied on
//! there. If every path from `old` was walked to its end, none from `cur` needs
//! to be.
//!
//! Names are compared up to renaming: what shares a name in `old` shares one in
//! `cur` ([`Names`]). The other way round is not asked for: fewer things in
//! common in `old` means that more was walked from it.
//!
//! | old            | cur within it                                        |
//! |----------------|------------------------------------------------------|
//! | uninitialised  | anything                                             |
//! | number         | a number in its range, name for name                 |
//! | pointer        | the same kind and fixed offset, variable offset in   |
//! |                | its range, at least as many bytes of the packet known|
//! | uninit byte    | anything                                             |
//! | misc byte      | anything                                             |
//! | zero byte      | a zero                                               |
//! | spill          | as many bytes of a spill, value within value         |

mod rounds;

use crate::memory::Meter;
use crate::outcome::Options;
use crate::state::references::Held;
use crate::state::stack::{Byte, Stack, StackSlot};
use crate::state::value::{Id, Number, Ptr, Value};
use crate::state::{Frame, State};
use crate::structure::{SlotSet, Structure};
use brolga_core::insn::RegSet;
use brolga_core::{Code, Insn, Pc, Reg};
use rounds::{Relied, Run};

/// A state may be stored where so many prune points and instructions were
/// passed since the last one, as in the kernel.
const STORE_AFTER: (u32, u32) = (2, 8);

/// In a loop whose rounds all differ it is stored only where so many prune
/// points or instructions were passed, so that a long loop costs no more than
/// its length.
const STORE_IN_LOOP_AFTER: (u32, u32) = (20, 100);

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

/// A stored state in the tree of paths.
struct Node {
    parent: Option<usize>,
    /// The paths below it that are not walked to their end.
    open: u32,
}

struct Entry {
    node: usize,
    state: State,
    hits: u32,
    misses: u32,
}

/// The states seen so far.
pub(crate) struct Seen {
    at: Box<[Vec<Entry>]>,
    nodes: Vec<Node>,
    relied: Relied,
    /// Prune points and instructions passed when a state was last stored.
    last: (u32, u32),
    visits: u32,
    pub(crate) meter: Meter,
    /// Where `may_goto` instructions are.
    may_gotos: Vec<Pc>,
    /// Every state at every instruction, where these are recorded.
    pub(crate) recorded: Option<Box<[Vec<State>]>>,
    pub(crate) total: u32,
    pub(crate) peak: u32,
    kept: u32,
}

impl Seen {
    pub(crate) fn new(code: &Code, options: &Options) -> Self {
        let len = code.len();
        let lists = || std::iter::repeat_with(Vec::new).take(len).collect::<Box<[_]>>();
        Self {
            at: std::iter::repeat_with(Vec::new).take(len).collect(),
            nodes: Vec::new(),
            relied: Relied::default(),
            last: (0, 0),
            visits: 0,
            meter: Meter::new(options.memory),
            may_gotos: code
                .iter()
                .filter(|(_, i)| matches!(i, Insn::MayGoto { .. }))
                .map(|(pc, _)| pc)
                .collect(),
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
        if let Some(node) = parent {
            self.nodes[node].open += 1;
        }
    }

    /// A way below a node was walked to its end.
    pub(crate) fn path_ended(&mut self, mut parent: Option<usize>) {
        while let Some(node) = parent {
            self.nodes[node].open -= 1;
            if self.nodes[node].open > 0 {
                return;
            }
            parent = self.nodes[node].parent;
        }
    }

    /// The last state stored here in an earlier round of a `may_goto`'s loop.
    pub(crate) fn earlier_round(&self, pc: Pc, may_gotos: u32) -> Option<&State> {
        let earlier = |e: &&Entry| self.nodes[e.node].open > 0 && e.state.may_gotos < may_gotos;
        self.at[pc.index()].iter().rev().find(earlier).map(|e| &e.state)
    }

    /// The last state stored at a call in an earlier round of its callback.
    pub(crate) fn earlier_callback(&self, pc: Pc, state: &State) -> Option<&State> {
        let earlier = |e: &&Entry| {
            self.nodes[e.node].open > 0
                && same_calls(&e.state, state)
                && rounds::of_callback(&e.state, state).is_some()
        };
        self.at[pc.index()].iter().rev().find(earlier).map(|e| &e.state)
    }

    /// Compares the state at a prune point with those seen there, and stores it
    /// where that may pay.
    pub(crate) fn visit(
        &mut self,
        pc: Pc,
        state: &State,
        parent: Option<usize>,
        structure: &Structure,
        processed: u32,
    ) -> Visit {
        self.visits += 1;
        let due = self.is_due(pc, structure, processed);
        if let Some(found) = self.compare(pc, state, parent, structure, due) {
            return found;
        }
        self.forget_useless(pc, structure);
        if !due {
            return Visit::New(parent);
        }
        self.last = (self.visits, processed);
        Visit::New(Some(self.store(pc, state, parent, structure)))
    }

    /// Whether a state that is new here is to be stored.
    fn is_due(&self, pc: Pc, structure: &Structure, processed: u32) -> bool {
        if structure.is_force_checkpoint(pc) {
            return true;
        }
        let since = (self.visits - self.last.0, processed - self.last.1);
        let in_loop = self.at[pc.index()].iter().any(|e| self.nodes[e.node].open > 0);
        let seldom = since.0 >= STORE_IN_LOOP_AFTER.0 || since.1 >= STORE_IN_LOOP_AFTER.1;
        since.0 >= STORE_AFTER.0 && since.1 >= STORE_AFTER.1 && (seldom || !in_loop)
    }

    /// Looks for a state that makes the walk from here needless. One that was
    /// looked at in vain counts that only where a new one is stored for it.
    fn compare(
        &mut self,
        pc: Pc,
        state: &State,
        parent: Option<usize>,
        structure: &Structure,
        due: bool,
    ) -> Option<Visit> {
        let nodes = &self.nodes;
        let at_may_goto = self.may_gotos.binary_search(&pc).is_ok();
        let calls_back = structure.calls_callback(pc);
        let is_open = |node: usize| nodes[node].open > 0;
        for entry in &mut self.at[pc.index()] {
            let old = &entry.state;
            let runs = if !is_open(entry.node) {
                self.relied.runs(entry.node, is_open)
            } else {
                if !rounds::differ(old, state) && same(old, state, pc, structure) {
                    return Some(Visit::Loops);
                }
                // What is being walked may be relied on where it is an earlier
                // round of a loop that ends by itself.
                let by_call = calls_back.then(|| rounds::of_callback(old, state)).flatten();
                let by_jump = at_may_goto.then(|| rounds::of_may_goto(old, state)).flatten();
                let Some(id) = by_call.or(by_jump) else {
                    entry.misses += u32::from(due);
                    continue;
                };
                vec![Run { id, node: entry.node }]
            };
            let of_all = runs.iter().all(|run| rounds::is_of(state, *run));
            if of_all && within(old, state, pc, structure) {
                entry.hits += 1;
                let up = |node: &usize| nodes[*node].parent;
                runs.iter().for_each(|run| self.relied.note(std::iter::successors(parent, up), *run));
                return Some(Visit::Known { unwritten: unwritten(old, state, pc, structure) });
            }
            entry.misses += u32::from(due);
        }
        None
    }

    /// All states that are kept here.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &State> {
        let stored = self.at.iter().flatten().map(|entry| &entry.state);
        stored.chain(self.recorded.iter().flatten().flatten())
    }

    /// Drops states that were compared often and in vain. Their nodes stay: they
    /// count the paths below them.
    fn forget_useless(&mut self, pc: Pc, structure: &Structure) {
        let forced = structure.is_force_checkpoint(pc);
        let (nodes, meter, kept) = (&self.nodes, &mut self.meter, &mut self.kept);
        self.at[pc.index()].retain(|entry| {
            let patience = if forced && nodes[entry.node].open > 0 { 64 } else { 3 };
            let keep = entry.misses <= (entry.hits + 1) * patience;
            if !keep {
                meter.release(&entry.state);
                *kept -= 1;
            }
            keep
        });
    }

    fn store(&mut self, pc: Pc, state: &State, parent: Option<usize>, structure: &Structure) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node { parent, open: 1 });
        let mut state = live_part(state, pc, structure);
        drop_lone_names(&mut state);
        self.meter.keep(&state);
        self.at[pc.index()].push(Entry { node, state, hits: 0, misses: 0 });
        self.total += 1;
        self.kept += 1;
        self.peak = self.peak.max(self.kept);
        node
    }
}

/// The registers of a frame that may still be read; `top` is whether it is the
/// one that runs, at `pc`.
fn live_regs(frame: usize, state: &State, pc: Pc, structure: &Structure) -> RegSet {
    match state.frames.get(frame + 1) {
        None => structure.live_in(pc),
        // The call goes on with its arguments as they are.
        Some(callee) if callee.callback.is_some() => structure.live_in(callee.callsite),
        Some(callee) => structure.live_in(callee.callsite.plus(1)).without(RegSet::of(Reg::R0)),
    }
}

/// The stack slots of a frame that may still be read.
fn live_slots(frame: usize, state: &State, pc: Pc, structure: &Structure) -> SlotSet {
    structure.stack_live_in(state.frames.get(frame + 1).map_or(pc, |callee| callee.callsite))
}

/// The state without what can no longer be read.
fn live_part(state: &State, pc: Pc, structure: &Structure) -> State {
    let mut part = state.clone();
    for index in 0..part.frames.len() {
        let (regs, slots) = (live_regs(index, state, pc, structure), live_slots(index, state, pc, structure));
        if !part.frames[index].holds_only(regs, slots) {
            part.frames[index].keep(regs, slots);
        }
    }
    part
}

/// A number's name says something only where another number has it too.
fn drop_lone_names(state: &mut State) {
    let named = |v: &Value| match v {
        Value::Number(n) if n.id.is_some() => Some(n.id),
        Value::Number(_) | Value::Pointer(_) | Value::Uninit => None,
    };
    let mut names: Vec<Id> = state.values().filter_map(named).collect();
    names.sort_unstable();
    let is_lone = |id: Id| {
        let first = names.partition_point(|name| *name < id);
        names.get(first) == Some(&id) && names.get(first + 1) != Some(&id)
    };
    let wants = |v: &Value| named(v).is_some_and(is_lone);
    state.change(wants, |value| {
        if let Value::Number(n) = value {
            (n.id, n.delta) = (Id::NONE, 0);
        }
    });
}

/// Which name of the current state each name of the old one stands for.
#[derive(Default)]
struct Names {
    known: Vec<(Id, Id)>,
    owners: Vec<(Id, Id)>,
}

impl Names {
    fn agree(&mut self, old: Id, cur: Id) -> bool {
        if let Some((_, known)) = self.known.iter().find(|(o, _)| *o == old) {
            return *known == cur;
        }
        self.known.push((old, cur));
        true
    }

    /// The same of what pointers are owned by, and the other way round too: what
    /// goes with one owner here must not stay with another there.
    fn agree_on_owner(&mut self, old: Id, cur: Id) -> bool {
        if !old.is_some() || !cur.is_some() {
            return old == cur;
        }
        let other = self.owners.iter().any(|(o, c)| *c == cur && *o != old);
        self.owners.push((old, cur));
        !other && self.agree(old, cur)
    }

    /// What both hold is the same, up to names.
    fn agree_on_held(&mut self, old: &Held, cur: &Held) -> bool {
        let locks = match (&old.lock, &cur.lock) {
            (None, None) => true,
            (Some(a), Some(b)) => a.map == b.map && self.agree_on_owner(a.object, b.object),
            (Some(_), None) | (None, Some(_)) => false,
        };
        locks
            && old.references.len() == cur.references.len()
            && old.references.iter().zip(&cur.references).all(|(a, b)| self.agree_on_owner(a.id, b.id))
    }
}

/// Whether the same calls made the frames of both.
fn same_calls(a: &State, b: &State) -> bool {
    let same = |(a, b): (&Frame, &Frame)| a.callsite == b.callsite && a.callback == b.callback;
    a.frames.len() == b.frames.len() && a.frames.iter().zip(b.frames.iter()).all(same)
}

/// Whether all that is live in both is the very same.
fn same(old: &State, cur: &State, pc: Pc, structure: &Structure) -> bool {
    same_calls(old, cur)
        && Names::default().agree_on_held(&old.held, &cur.held)
        && (0..old.frames.len()).all(|i| {
            let (a, b) = (&old.frames[i], &cur.frames[i]);
            let live = live_regs(i, cur, pc, structure);
            live.iter().all(|r| alike(&a.regs[r.index()], &b.regs[r.index()]))
                && same_stack(&a.stack, &b.stack, live_slots(i, cur, pc, structure))
        })
}

fn same_stack(a: &Stack, b: &Stack, live: SlotSet) -> bool {
    let slots = 0..a.len().max(b.len());
    slots.filter(|i| live.contains(*i)).all(|i| {
        let (x, y) = (a.slot(i), b.slot(i));
        x.bytes == y.bytes && (!x.has_spill() || alike(&x.value, &y.value))
    })
}

/// The same but for names.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x.range == y.range,
        (Value::Pointer(p), Value::Pointer(q)) => Ptr { id: q.id, owner: q.owner, ..*p } == *q,
        (Value::Uninit, Value::Uninit) => true,
        (Value::Number(_) | Value::Pointer(_) | Value::Uninit, _) => false,
    }
}

/// The frames of which a byte that may be read from here on was written in `old`,
/// but not in `cur`.
fn unwritten(old: &State, cur: &State, pc: Pc, structure: &Structure) -> u8 {
    let lacks = |i: usize| {
        let at = cur.frames.get(i + 1).map_or(pc, |callee| callee.callsite);
        let live = structure.stack_live_in(at);
        old.frames[i].stack.slots().enumerate().any(|(slot, was)| {
            let now = cur.frames[i].stack.slot(slot).bytes;
            live.contains(slot)
                && was.bytes.iter().zip(now).any(|(was, now)| *was != Byte::Uninit && now == Byte::Uninit)
        })
    };
    (0..old.frames.len()).filter(|i| lacks(*i)).fold(0, |frames, i| frames | 1 << i)
}

/// Whether `cur` lies within `old`.
fn within(old: &State, cur: &State, pc: Pc, structure: &Structure) -> bool {
    if !same_calls(old, cur) {
        return false;
    }
    let mut names = Names::default();
    names.agree_on_held(&old.held, &cur.held)
        && (0..old.frames.len()).rev().all(|i| {
            let (a, b) = (&old.frames[i], &cur.frames[i]);
            let live = live_regs(i, cur, pc, structure);
            // What more rounds may do was walked from the fewer.
            a.rounds <= b.rounds
                && live.iter().all(|r| value_within(&a.regs[r.index()], &b.regs[r.index()], &mut names))
                && stack_within(&a.stack, &b.stack, &mut names)
        })
}

fn value_within(old: &Value, cur: &Value, names: &mut Names) -> bool {
    match (old, cur) {
        (Value::Uninit, _) => true,
        (Value::Number(a), Value::Number(b)) => number_within(a, b, names),
        (Value::Pointer(p), Value::Pointer(q)) => pointer_within(p, q, names),
        (Value::Number(_) | Value::Pointer(_), _) => false,
    }
}

fn number_within(old: &Number, cur: &Number, names: &mut Names) -> bool {
    if !cur.range.within(&old.range) {
        return false;
    }
    // A constant is in common with every equal constant, name or not; but the
    // two states must then agree on it.
    !old.id.is_some() || (cur.id.is_some() && old.delta == cur.delta && names.agree(old.id, cur.id))
}

fn pointer_within(old: &Ptr, cur: &Ptr, names: &mut Names) -> bool {
    old.kind == cur.kind
        && old.nullable == cur.nullable
        && old.off == cur.off
        && old.range <= cur.range
        && old.past <= cur.past
        && cur.var.within(&old.var)
        && old.id.is_some() == cur.id.is_some()
        && (!old.id.is_some() || names.agree(old.id, cur.id))
        && names.agree_on_owner(old.owner, cur.owner)
}

fn stack_within(old: &Stack, cur: &Stack, names: &mut Names) -> bool {
    old.slots().enumerate().all(|(i, slot)| slot_within(slot, cur.slot(i), names))
}

fn slot_within(old: &StackSlot, cur: &StackSlot, names: &mut Names) -> bool {
    let bytes = old.bytes.iter().enumerate().all(|(i, byte)| match byte {
        // What was a dynptr may be looked at as plain bytes by no one.
        Byte::Misc => cur.bytes[i] != Byte::Dynptr,
        Byte::Uninit => true,
        Byte::Zero => cur.is_zero(i..i + 1),
        Byte::Spill => cur.bytes[i] != Byte::Dynptr,
        Byte::Dynptr => cur.bytes[i] == Byte::Dynptr,
    });
    bytes
        && dynptr_within(old, cur, names)
        && (!old.has_spill() || is_anything(old) || spill_within(old, cur, names))
}

fn dynptr_within(old: &StackSlot, cur: &StackSlot, names: &mut Names) -> bool {
    match (old.dynptr, cur.dynptr) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => a.ringbuf == b.ringbuf && a.low == b.low && names.agree_on_owner(a.id, b.id),
    }
}

/// Whether a spilled number says nothing.
fn is_anything(slot: &StackSlot) -> bool {
    match slot.value {
        Value::Number(n) => slot.spilled() == 8 && !n.id.is_some() && n.range.is_unknown(),
        Value::Pointer(_) | Value::Uninit => false,
    }
}

fn spill_within(old: &StackSlot, cur: &StackSlot, names: &mut Names) -> bool {
    old.spilled() == cur.spilled() && value_within(&old.value, &cur.value, names)
}
