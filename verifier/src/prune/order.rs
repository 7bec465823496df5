//! When a state makes the walk from another needless.
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
//!
//! A number of `old` on which nothing relied that came of it (its label is not
//! in `precise`) may be any number in `cur`, also where it is spilled.

use crate::state::origins::Origins;
use crate::state::references::Held;
use crate::state::stack::{Byte, Stack, StackSlot};
use crate::state::trace::Trace;
use crate::state::value::{Id, Number, Ptr, Value};
use crate::state::{Frame, State};
use crate::structure::{SlotSet, Structure};
use brolga_core::insn::RegSet;
use brolga_core::{Pc, Reg};

/// The registers of a frame that may still be read; `top` is whether it is the
/// one that runs, at `pc`.
pub(super) fn live_regs(frame: usize, state: &State, pc: Pc, structure: &Structure) -> RegSet {
    match state.frames.get(frame + 1) {
        None => structure.live_in(pc),
        // The call goes on with its arguments as they are.
        Some(callee) if callee.callback.is_some() => structure.live_in(callee.callsite),
        Some(callee) => structure.live_in(callee.callsite.plus(1)).without(RegSet::of(Reg::R0)),
    }
}

/// The stack slots of a frame that may still be read.
pub(super) fn live_slots(frame: usize, state: &State, pc: Pc, structure: &Structure) -> SlotSet {
    structure.stack_live_in(state.frames.get(frame + 1).map_or(pc, |callee| callee.callsite))
}

/// Which name of the current state each name of the old one stands for.
#[derive(Default)]
pub(super) struct Names {
    /// Whether traces are not compared.
    untraced: bool,
    /// By the old one.
    known: Vec<(Id, Id)>,
    /// Of what owns, the current one and the old, by the current one.
    owners: Vec<(Id, Id)>,
    /// How many values and names were looked at; what is done for a state counts as some.
    pub(super) looked: u64,
}

impl Names {
    /// Nothing agreed on; `untraced` where traces are not compared.
    pub(super) fn new(untraced: bool) -> Self {
        Self { untraced, ..Self::default() }
    }

    fn traced(&self, old: Trace, cur: Trace) -> bool {
        self.untraced || old.covers(cur)
    }

    fn agree(&mut self, old: Id, cur: Id) -> bool {
        self.looked += 1;
        insert(&mut self.known, old, cur)
    }

    /// The same of what pointers are owned by, and the other way round too: what
    /// goes with one owner here must not stay with another there.
    fn agree_on_owner(&mut self, old: Id, cur: Id) -> bool {
        if !old.is_some() || !cur.is_some() {
            return old == cur;
        }
        insert(&mut self.owners, cur, old) && self.agree(old, cur)
    }

    /// What both hold is the same, up to names.
    fn agree_on_held(&mut self, old: &Held, cur: &Held) -> bool {
        let locks = match (&old.lock, &cur.lock) {
            (None, None) => true,
            (Some(a), Some(b)) => a.map == b.map && self.agree_on_owner(a.object, b.object),
            (Some(_), None) | (None, Some(_)) => false,
        };
        locks
            && (old.rcu, old.preempt) == (cur.rcu, cur.preempt)
            && old.references.len() == cur.references.len()
            && old.references.iter().zip(&cur.references).all(|(a, b)| self.agree_on_owner(a.id, b.id))
    }
}

/// Puts a name for another among those that are in order; whether there was none, or
/// the same.
fn insert(names: &mut Vec<(Id, Id)>, of: Id, is: Id) -> bool {
    // Most come in order.
    if names.last().is_none_or(|last| last.0 < of) {
        names.push((of, is));
        return true;
    }
    match names.binary_search_by_key(&of, |(of, _)| *of) {
        Ok(at) => names[at].1 == is,
        Err(at) => {
            names.insert(at, (of, is));
            true
        }
    }
}

/// Whether the same calls made the frames of both.
pub(super) fn same_calls(a: &State, b: &State) -> bool {
    let same = |(a, b): (&Frame, &Frame)| a.callsite == b.callsite && a.callback == b.callback;
    a.frames.len() == b.frames.len() && a.frames.iter().zip(b.frames.iter()).all(same)
}

/// Whether all that is live in both is the very same.
pub(super) fn same(names: &mut Names, old: &State, cur: &State, pc: Pc, structure: &Structure) -> bool {
    // The rounds of what both hold were compared before.
    names.looked += 1 + cur.held.references.len() as u64 / 4;
    same_calls(old, cur)
        && names.agree_on_held(&old.held, &cur.held)
        && (0..old.frames.len()).all(|i| {
            let (a, b) = (&old.frames[i], &cur.frames[i]);
            let live = live_regs(i, cur, pc, structure);
            names.looked += (Reg::COUNT + a.stack.len().max(b.stack.len())) as u64 / 4;
            live.iter().all(|r| alike(&a.regs[r.index()], &b.regs[r.index()]))
                && same_stack(&a.stack, &b.stack, live_slots(i, cur, pc, structure))
        })
}

fn same_stack(a: &Stack, b: &Stack, live: SlotSet) -> bool {
    let slots = 0..a.len().max(b.len());
    slots.filter(|i| live.contains(*i)).all(|i| {
        let (x, y) = (a.slot(i), b.slot(i));
        let drained = |slot: &StackSlot| slot.iter.map(|iter| iter.drained);
        x.bytes == y.bytes && drained(x) == drained(y) && (!x.has_spill() || alike(&x.value, &y.value))
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
pub(super) fn unwritten(old: &State, cur: &State, pc: Pc, structure: &Structure) -> u8 {
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

/// Whether `cur` lies within `old`, of whose numbers those of these labels were
/// relied on.
pub(super) fn within(
    names: &mut Names,
    old: &State,
    cur: &State,
    precise: Origins,
    pc: Pc,
    structure: &Structure,
) -> bool {
    names.looked += 16;
    if !same_calls(old, cur) {
        return false;
    }
    let top = old.frames.len() - 1;
    names.agree_on_held(&old.held, &cur.held)
        && (0..=top).rev().all(|i| {
            let (a, b) = (&old.frames[i], &cur.frames[i]);
            let live = live_regs(i, cur, pc, structure);
            let is_precise = |label: Origins| precise.meets(label);
            // What more rounds may do was walked from the fewer.
            a.rounds <= b.rounds
                && live.iter().map(Reg::index).all(|r| {
                    let precise = is_precise(Origins::reg(i, top, r));
                    value_within(&a.regs[r], &b.regs[r], precise, names)
                })
                && a.stack.slots().enumerate().all(|(at, slot)| {
                    let precise = is_precise(Origins::slot(i, top, at));
                    slot_within(slot, b.stack.slot(at), precise, names)
                })
        })
}

fn value_within(old: &Value, cur: &Value, precise: bool, names: &mut Names) -> bool {
    names.looked += 1;
    match (old, cur) {
        (Value::Uninit, _) => true,
        (Value::Number(a), Value::Number(b)) => {
            names.traced(a.trace, b.trace) && (!precise || number_within(a, b, names))
        }
        (Value::Pointer(p), Value::Pointer(q)) => {
            names.traced(p.trace, q.trace) && pointer_within(p, q, names)
        }
        (Value::Number(_) | Value::Pointer(_), _) => false,
    }
}

fn number_within(old: &Number, cur: &Number, names: &mut Names) -> bool {
    if !cur.range.within(&old.range) {
        return false;
    }
    // A constant is in common with every equal constant, name or not; but the
    // two states must then agree on it.
    !old.id.is_some()
        || (cur.id.is_some()
            && (old.delta, old.moved) == (cur.delta, cur.moved)
            && names.agree(old.id, cur.id))
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

fn slot_within(old: &StackSlot, cur: &StackSlot, precise: bool, names: &mut Names) -> bool {
    names.looked += 1;
    let bytes = old.bytes.iter().enumerate().all(|(i, byte)| match byte {
        // A dynptr or an iterator may be looked at as plain bytes by no one.
        Byte::Misc => !matches!(cur.bytes[i], Byte::Dynptr | Byte::Iter),
        Byte::Uninit => true,
        Byte::Zero => cur.is_zero(i..i + 1),
        Byte::Spill => !matches!(cur.bytes[i], Byte::Dynptr | Byte::Iter),
        Byte::Dynptr => cur.bytes[i] == Byte::Dynptr,
        Byte::Iter => cur.bytes[i] == Byte::Iter,
    });
    bytes
        && dynptr_within(old, cur, names)
        && iter_within(old, cur, names)
        && (!old.has_spill() || is_any_bytes(old) || spill_within(old, cur, precise, names))
}

fn dynptr_within(old: &StackSlot, cur: &StackSlot, names: &mut Names) -> bool {
    match (old.dynptr, cur.dynptr) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => a.ringbuf == b.ringbuf && a.low == b.low && names.agree_on_owner(a.id, b.id),
    }
}

fn iter_within(old: &StackSlot, cur: &StackSlot, names: &mut Names) -> bool {
    match (old.iter, cur.iter) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => a.drained == b.drained && names.agree_on_owner(a.id, b.id),
    }
}

/// Whether a spilled number says nothing.
fn is_any_bytes(slot: &StackSlot) -> bool {
    slot.spilled() == 8 && is_anything(&slot.value) && !slot.value.trace().is_some()
}

/// Whether a value is any number.
pub(super) fn is_anything(value: &Value) -> bool {
    match value {
        Value::Number(n) => !n.id.is_some() && n.range.is_unknown(),
        Value::Pointer(_) | Value::Uninit => false,
    }
}

/// A number that was not relied on may be any bytes but a pointer's, of which no
/// part may be read.
fn spill_within(old: &StackSlot, cur: &StackSlot, precise: bool, names: &mut Names) -> bool {
    match old.value {
        Value::Number(n) if !precise && !n.trace.is_some() => !cur.has_spill() || cur.value.ptr().is_none(),
        Value::Number(_) | Value::Pointer(_) | Value::Uninit => {
            old.spilled() == cur.spilled() && value_within(&old.value, &cur.value, precise, names)
        }
    }
}
