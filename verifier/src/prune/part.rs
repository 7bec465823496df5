//! What of a state is stored.

use super::order::{live_regs, live_slots};
use crate::state::State;
use crate::state::loops::Loops;
use crate::state::value::{Id, Value};
use crate::structure::Structure;
use brolga_core::insn::RegSet;
use brolga_core::{Pc, Reg};

/// The state without what can no longer be read.
pub(super) fn live_part(state: &State, pc: Pc, structure: &Structure) -> State {
    let mut part = State { loops: Loops::NONE, ..state.clone() };
    for index in 0..part.frames.len() {
        let (regs, slots) = (live_regs(index, state, pc, structure), live_slots(index, state, pc, structure));
        if !part.frames[index].holds_only(regs, slots) {
            part.frames[index].keep(regs, slots);
        }
    }
    part
}

/// A number's name says something only where another number has it too.
pub(super) fn drop_lone_names(state: &mut State) {
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
            *n = n.nameless();
        }
    });
}

/// Makes every number that can no longer be read any number.
pub(super) fn forget_dead_numbers(state: &mut State, pc: Pc, structure: &Structure) {
    for index in 0..state.frames.len() {
        let (regs, slots) = (live_regs(index, state, pc, structure), live_slots(index, state, pc, structure));
        let known = |v: &Value| matches!(v, Value::Number(_)) && *v != Value::UNKNOWN;
        for reg in RegSet::ALL.without(regs).iter().map(Reg::index) {
            if known(&state.frames[index].regs[reg]) {
                state.frames[index].regs[reg] = Value::UNKNOWN;
            }
        }
        for slot in (0..state.frames[index].stack.len()).filter(|slot| !slots.contains(*slot)) {
            let held = state.frames[index].stack.slot(slot);
            if held.has_spill() && held.value.ptr().is_none() {
                state.frames[index].stack.slot_mut(slot).forget();
            }
        }
    }
}
