//! States made wider by what rounds end in: by what came back at first, to just
//! anything where that was not enough.

use super::Step;
use crate::domain::{self, Scalar};
use crate::state::State;
use crate::state::origins::Origins;
use crate::state::stack::{Byte, StackSlot};
use crate::state::trace::{Place, Trace};
use crate::state::value::{Number, Past, Ptr, Value};
use brolga_core::{AluOp, Reg, Width};

/// A state in which rounds might begin, but for what moves in step.
pub(super) struct Widening {
    run: u32,
    pub(super) state: State,
    /// The places that were made wider, by frame.
    widened: Vec<(usize, Place)>,
    changes: usize,
    names: bool,
}

impl Widening {
    /// Of a run that begins in this state.
    pub(super) const fn new(run: u32, state: State) -> Self {
        Self { run, state, widened: Vec::new(), changes: 0, names: true }
    }

    /// How often it was made wider.
    pub(super) const fn changes(&self) -> usize {
        self.changes
    }

    /// Makes it wider by the end of a round, but for what moves in step.
    pub(super) fn widen(&mut self, end: &State, steps: &[Step]) {
        let frames = self.state.frames.len();
        if end.frames.len() != frames {
            return;
        }
        let in_step = |frame, place| frame + 1 == frames && steps.iter().any(|step| step.place == place);
        for frame in 0..frames {
            for reg in 0..Reg::FP.index() {
                let place = Place::Reg(reg as u8);
                let old = self.state.frames[frame].regs[reg];
                let now = self.as_before(&end.frames[frame].regs[reg], &old, (frame, place));
                let again = self.widened.contains(&(frame, place));
                let wider = wider(&old, &now, again);
                if let (Some(wider), false) = (wider, in_step(frame, place)) {
                    self.state.frames[frame].regs[reg] = wider;
                    self.note(frame, place);
                }
            }
            for slot in 0..self.state.frames[frame].stack.len() {
                let place = Place::Slot(slot as u8);
                let old = *self.state.frames[frame].stack.slot(slot);
                let mut now = *end.frames[frame].stack.slot(slot);
                now.value = self.as_before(&now.value, &old.value, (frame, place));
                let again = self.widened.contains(&(frame, place));
                let wider = wider_slot(&old, &now, again);
                if let (Some(wider), false) = (wider, in_step(frame, place)) {
                    *self.state.frames[frame].stack.slot_mut(slot) = wider;
                    self.note(frame, place);
                }
            }
        }
    }

    /// What came back, of which it is known how it stands to a run around this
    /// one: as before, where it is the word that was there.
    fn as_before(&self, now: &Value, old: &Value, (frame, place): (usize, Place)) -> Value {
        let mut value = *now;
        let stayed = now.trace().is(Trace::head(self.run, place)) && frame + 1 == self.state.frames.len();
        if stayed {
            value.set_trace(old.trace());
        } else if now.trace().run() == self.run {
            value.set_trace(Trace::NONE);
        }
        value
    }

    fn note(&mut self, frame: usize, place: Place) {
        self.changes += 1;
        self.widened.push((frame, place));
    }

    /// Forgets which numbers are the same; false, where that was done.
    pub(super) fn drop_names(&mut self) -> bool {
        let named = |value: &Value| matches!(value, Value::Number(n) if n.id.is_some());
        self.state.change(named, |value| {
            if let Value::Number(n) = value {
                *n = n.nameless();
            }
        });
        std::mem::replace(&mut self.names, false)
    }
}

/// What holds both; nothing, where `old` does.
fn wider(old: &Value, now: &Value, again: bool) -> Option<Value> {
    match (old, now) {
        (Value::Uninit, _) => None,
        (Value::Number(a), Value::Number(b)) => wider_number(a, b, again).map(Value::Number),
        (Value::Pointer(p), Value::Pointer(q)) => wider_pointer(p, q, again),
        (Value::Number(_) | Value::Pointer(_), _) => Some(Value::Uninit),
    }
}

fn wider_number(old: &Number, now: &Number, again: bool) -> Option<Number> {
    let trace = if old.trace.covers(now.trace) { old.trace } else { Trace::NONE };
    let within = now.range.within(&old.range);
    let named = !old.id.is_some() || (now.id.is_some() && (now.delta, now.moved) == (old.delta, old.moved));
    if within && named && trace.is(old.trace) {
        return None;
    }
    let range = match (within, again) {
        (true, _) => old.range,
        (false, true) => Scalar::UNKNOWN,
        (false, false) => old.range.join(&now.range),
    };
    let old = if within && named { *old } else { old.nameless() };
    // What a trace comes from, it comes from also where its word may be any.
    let origins = if range.is_unknown() && !trace.is_some() { Origins::NONE } else { old.origins };
    Some(Number { range, trace, origins, ..old })
}

fn wider_pointer(old: &Ptr, now: &Ptr, again: bool) -> Option<Value> {
    let alike = (old.kind, old.nullable, old.id.is_some(), old.owner.is_some())
        == (now.kind, now.nullable, now.id.is_some(), now.owner.is_some());
    let traced = old.trace.covers(now.trace);
    let known = old.range <= now.range && old.past <= now.past;
    if alike && traced && known && old.off == now.off && now.var.within(&old.var) {
        return None;
    }
    if !alike || again {
        return Some(Value::Uninit);
    }
    let by = Scalar::constant((i64::from(now.off) - i64::from(old.off)) as u64);
    let var = old.var.join(&domain::alu(AluOp::Add, Width::W64, &now.var, &by));
    let moved = old.off != now.off || !now.var.within(&old.var);
    let range = if moved { 0 } else { old.range.min(now.range) };
    let past = if moved { Past::Unknown } else { old.past.min(now.past) };
    let trace = if traced { old.trace } else { Trace::NONE };
    Some(Value::Pointer(Ptr { var, range, past, trace, ..*old }))
}

fn wider_slot(old: &StackSlot, now: &StackSlot, again: bool) -> Option<StackSlot> {
    let mut slot = *old;
    if old.has_spill() {
        let alike = now.has_spill() && old.spilled() == now.spilled();
        match alike.then(|| wider(&old.value, &now.value, again)) {
            Some(None) => {}
            Some(Some(Value::Uninit)) | None => slot.forget(),
            Some(Some(value)) => slot.value = value,
        }
    }
    for (i, byte) in slot.bytes.iter_mut().enumerate() {
        if *byte == Byte::Zero && !now.is_zero(i..i + 1) {
            *byte = Byte::Misc;
        }
    }
    let same = slot.bytes == old.bytes && slot.value == old.value && slot.value.trace().is(old.value.trace());
    (!same).then_some(slot)
}
