//! Calls of kernel functions.
//!
//! An iterator is a slot of the stack, and a reference. What asks it for its next
//! element goes on in two ways: it gave one, and may be asked again, or it has
//! none left.
//!
//! ```text
//!          new          next gave one          next gave none        destroy
//! slot     active       active                 drained               unwritten
//! r0       a number     memory of the iterator 0
//! ```
//!
//! Rounds of such a loop are like those of a callback (see there): an iterator
//! ends by itself, so a round that lies within an earlier one of the same
//! iterator needs no walk.

use crate::outcome::Cause;
use crate::reject::{Held, Verb, Why};
use crate::state::references::Reference;
use crate::state::stack::{Iter, StackSlot, place};
use crate::state::value::{Ptr, PtrKind, Value};
use crate::step::callback::patience;
use crate::walk::Walk;
use brolga_core::kfunc::{ITER_NUM_BYTES, Kfunc};
use brolga_core::{Callee, Reg};

impl Walk<'_> {
    pub(crate) fn call_kfunc(&mut self, callee: Callee) -> Result<(), Cause> {
        let Some(kfunc) = self.aux.kfunc(callee) else {
            return Err(self.unsupported("a kernel function"));
        };
        match kfunc {
            Kfunc::IterNumNew => self.new_iterator()?,
            Kfunc::IterNumNext => return self.next_element(),
            Kfunc::IterNumDestroy => self.destroy_iterator()?,
            Kfunc::RcuReadLock => self.rcu(true)?,
            Kfunc::RcuReadUnlock => self.rcu(false)?,
            Kfunc::PreemptDisable => self.state.held.preempt += 1,
            Kfunc::PreemptEnable => {
                let less = self.state.held.preempt.checked_sub(1);
                self.state.held.preempt = less.ok_or_else(|| self.held(Held::PreemptNotDisabled))?;
            }
        }
        self.lose_caller_saved();
        if kfunc == Kfunc::IterNumNew {
            self.state.set(Reg::R0, Value::UNKNOWN);
        }
        Ok(())
    }

    fn rcu(&mut self, begins: bool) -> Result<(), Cause> {
        match (self.state.held.rcu, begins) {
            (true, true) => return Err(self.held(Held::RcuTwice)),
            (false, false) => return Err(self.held(Held::RcuNotRead)),
            (true, false) | (false, true) => self.state.held.rcu = begins,
        }
        Ok(())
    }

    /// The pointer to an iterator that is the first argument.
    fn iterator_argument(&self) -> Result<Ptr, Cause> {
        match self.read(Reg::R1)? {
            Value::Pointer(ptr) if matches!(ptr.kind, PtrKind::Stack(_)) => Ok(ptr),
            Value::Pointer(_) | Value::Number(_) | Value::Uninit => Err(self.held(Held::IteratorPlace)),
        }
    }

    fn new_iterator(&mut self) -> Result<(), Cause> {
        let ptr = self.iterator_argument()?;
        let off = ptr.fixed_off().filter(|off| off % 8 == 0 && *off < 0);
        if off.is_none() || self.state.iterator(Reg::R1).is_some() {
            return Err(self.held(Held::IteratorThere));
        }
        let touched = self.stack_bytes(Reg::R1, &ptr, 0, ITER_NUM_BYTES, Verb::Write)?;
        self.overwrite_dynptrs(&touched)?;
        for reg in [Reg::R2, Reg::R3] {
            if self.read(reg)?.scalar().is_none() {
                return Err(self.held(Held::NoScalar(reg)));
            }
        }
        let (id, run) = (self.new_id(), self.new_run());
        self.state.held.references.push(Reference { id, at: self.pc, run, rounds: 0 });
        let slot = StackSlot::of_iter(Iter { id, drained: false });
        *self.state.frames[touched.frame].stack.slot_mut(place(touched.offs.start).0) = slot;
        Ok(())
    }

    /// The iterator that is the first argument, which there must be.
    fn known_iterator(&self) -> Result<Iter, Cause> {
        self.iterator_argument()?;
        self.state.iterator(Reg::R1).ok_or_else(|| self.held(Held::NoIterator))
    }

    /// The frame and slot of the iterator that is the first argument.
    fn iterator_slot(&self) -> Result<(usize, usize), Cause> {
        let ptr = self.iterator_argument()?;
        match (ptr.kind, ptr.fixed_off()) {
            (PtrKind::Stack(frame), Some(off)) => Ok((frame.into(), place(off as i32).0)),
            _ => Err(self.bug("an iterator is at a known place")),
        }
    }

    fn next_element(&mut self) -> Result<(), Cause> {
        let iter = self.known_iterator()?;
        let (frame, slot) = self.iterator_slot()?;
        if !iter.drained {
            self.another_element(iter)?;
            let drained = StackSlot::of_iter(Iter { drained: true, ..iter });
            *self.state.frames[frame].stack.slot_mut(slot) = drained;
        }
        self.lose_caller_saved();
        self.state.set(Reg::R0, Value::immediate(0));
        Ok(())
    }

    /// Keeps for later the way on which there is one more element.
    fn another_element(&mut self, iter: Iter) -> Result<(), Cause> {
        self.knows_every_round()?;
        let mut next = self.state.clone();
        let reference = next.held.references.iter_mut().find(|r| r.id == iter.id);
        let reference = reference.ok_or_else(|| self.bug("an iterator is a reference"))?;
        reference.rounds += 1;
        let rounds = reference.rounds;
        self.seen.widen_next(self.pc, self.parent(), &mut next);
        if rounds > patience(self.processed, self.options.budget) {
            self.seen.widen_element(self.pc, &self.state, &mut next);
        }
        for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            next.set(reg, Value::Uninit);
        }
        let element = Ptr { owner: iter.id, ..Ptr::to(PtrKind::Mem { size: 4, rdonly: true }) };
        next.set(Reg::R0, Value::Pointer(element));
        self.push(next, self.pc.plus(1))
    }

    fn destroy_iterator(&mut self) -> Result<(), Cause> {
        let iter = self.known_iterator()?;
        let (frame, slot) = self.iterator_slot()?;
        if !self.release(iter.id) {
            return Err(self.reject(Why::Held(Held::NoIterator)));
        }
        *self.state.frames[frame].stack.slot_mut(slot) = StackSlot::UNINIT;
        Ok(())
    }
}
