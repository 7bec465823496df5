//! Numbers that change from round to round of a loop that ends by itself are made
//! anything, so that rounds become alike.
//!
//! The kernel does so as soon as the path was at the place before, to each number of
//! which that round has concluded nothing yet. So do we, for else a program that goes
//! wrong with any number there would be accepted here and rejected by the kernel.
//! Numbers from which something was concluded stay for some rounds; the kernel walks
//! them for as long as its budget lasts, we widen them too in the end. Less is known
//! of a number then, which is as true.

use super::order::same_calls;
use super::{Seen, rounds};
use crate::state::State;
use crate::state::origins::Origins;
use crate::state::value::Value;
use brolga_core::Pc;

impl Seen {
    /// Widens what changed since the path was here before `here`, and nothing was
    /// concluded from in that round.
    pub(crate) fn widen_next(&self, pc: Pc, here: Option<usize>, round: &mut State) {
        let earlier = |node: &&usize| Some(**node) != here && same_calls(self.tree.state(**node), round);
        if let Some(node) = self.at[pc.index()].open.iter().rev().find(earlier) {
            widen(round, self.tree.state(*node), self.tree.concluded(*node));
        }
    }

    /// Widens all that changed since an earlier round of a `may_goto`'s loop.
    pub(crate) fn widen_round(&self, pc: Pc, may_gotos: u32, round: &mut State) {
        let earlier = self.open_states(pc).find(|state| state.may_gotos < may_gotos);
        if let Some(earlier) = earlier {
            widen(round, earlier, Origins::NONE);
        }
    }

    /// The same, since an earlier round of a callback.
    pub(crate) fn widen_callback(&self, pc: Pc, round: &mut State) {
        let is_earlier = |e: &&State| same_calls(e, round) && rounds::of_callback(e, round).is_some();
        if let Some(earlier) = self.open_states(pc).find(is_earlier) {
            widen(round, earlier, Origins::NONE);
        }
    }

    /// The same, since an iterator was asked for an earlier element than it is now.
    pub(crate) fn widen_element(&self, pc: Pc, now: &State, round: &mut State) {
        let is_earlier = |e: &&State| same_calls(e, now) && rounds::of_iterator(e, now).is_some();
        if let Some(earlier) = self.open_states(pc).find(is_earlier) {
            widen(round, earlier, Origins::NONE);
        }
    }

    /// The states stored at a place on the path, the last first.
    fn open_states(&self, pc: Pc) -> impl Iterator<Item = &State> {
        self.at[pc.index()].open.iter().rev().map(|node| self.tree.state(*node))
    }
}

/// Makes every number that is not as it was earlier anything, but for those of these
/// labels of the earlier state.
fn widen(round: &mut State, earlier: &State, but: Origins) {
    if round.frames.len() != earlier.frames.len() {
        return;
    }
    let top = earlier.frames.len() - 1;
    let widen_value = |now: &mut Value, was: &Value, label: Origins| {
        if let (Value::Number(n), Value::Number(w)) = (&*now, was)
            && n.range != w.range
            && !label.without(but).is_none()
        {
            *now = Value::UNKNOWN;
        }
    };
    for (index, old) in earlier.frames.iter().enumerate() {
        let frame = &mut round.frames[index];
        for (reg, (now, was)) in frame.regs.iter_mut().zip(&old.regs).enumerate() {
            widen_value(now, was, Origins::reg(index, top, reg));
        }
        for (slot, old) in old.stack.slots().enumerate() {
            if frame.stack.slot(slot).has_spill() && old.has_spill() {
                let label = Origins::slot(index, top, slot);
                widen_value(&mut frame.stack.slot_mut(slot).value, &old.value, label);
            }
        }
    }
}
