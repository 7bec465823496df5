//! Accesses of the stack, at known and at unknown offsets.

use crate::domain;
use crate::outcome::Cause;
use crate::reject::{Verb, Why};
use crate::state::origins::Origins;
use crate::state::stack::{Byte, STACK_BYTES, StackSlot, place};
use crate::state::trace::Trace;
use crate::state::value::{Number, Ptr, PtrKind, Value};
use crate::step::memory::Access;
use crate::step::pointer::MAX_OFF;
use crate::walk::Walk;
use brolga_core::{Reg, Size};
use std::ops::Range;

/// The bytes of a frame's stack that an access may touch, by offset from the
/// frame's end; all of them, where the offset is known.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    pub(crate) frame: usize,
    pub(crate) offs: Range<i32>,
    pub(crate) exact: bool,
}

impl Walk<'_> {
    /// Which bytes of the stack `size` bytes at a pointer are.
    pub(crate) fn stack_bytes(
        &mut self,
        reg: Reg,
        ptr: &Ptr,
        insn_off: i32,
        size: u32,
        verb: Verb,
    ) -> Result<Touched, Cause> {
        let PtrKind::Stack(frame) = ptr.kind else { return Err(self.bug("a stack pointer is one")) };
        let off = i64::from(ptr.off) + i64::from(insn_off);
        let size = i64::from(size);
        let inside = |from: i64, to: i64| from >= -i64::from(STACK_BYTES) && from < 0 && to <= 0;
        let exact = ptr.var.as_const();
        let (from, to) = match exact {
            Some(var) => {
                let from = off.wrapping_add(var as i64);
                (from, from.wrapping_add(size))
            }
            None if ptr.var.smax() >= MAX_OFF || ptr.var.smin() <= -MAX_OFF => {
                return Err(self.reject(Why::StackUnbounded { verb, reg }));
            }
            None => (ptr.var.smin() + off, ptr.var.smax() + off + size),
        };
        if !inside(from, to) {
            return Err(self.reject(match exact {
                Some(_) => Why::Stack { verb, reg, off: from, size },
                None => Why::StackVariable { verb, reg, var: ptr.var.tnum(), off, size },
            }));
        }
        let offs = from as i32..to as i32;
        self.facts.uses_stack(self.state.frames[usize::from(frame)].subprog, offs.start);
        Ok(Touched { frame: frame.into(), offs, exact: exact.is_some() })
    }

    pub(crate) fn load_stack(&mut self, ptr: &Ptr, access: &Access) -> Result<Value, Cause> {
        let touched = self.stack_bytes(access.reg, ptr, access.off, access.size.bytes(), Verb::Read)?;
        self.note_uninit(&touched);
        self.reads_no_dynptr(ptr, access.reg, access.size.bytes(), &touched)?;
        if !touched.exact {
            self.rely_for_pointers(&touched)?;
            let all_zero = touched.offs.clone().all(|off| self.byte(&touched, off) == Byte::Zero);
            // Zero bytes are compared as what they are.
            return Ok(if all_zero { Value::immediate(0) } else { Value::UNKNOWN });
        }
        let (index, first) = place(touched.offs.start);
        self.name_filled(touched.frame, index, first, access.size);
        let slot = self.state.frames[touched.frame].stack.slot(index);
        self.load_slot(slot, first, access.size)
    }

    /// At a place that is not known a part of a spilled pointer may be read, and at
    /// a known one not: what was walked for many places is not taken for one of them
    /// but where the kernel does.
    fn rely_for_pointers(&mut self, touched: &Touched) -> Result<(), Cause> {
        if self.holds_pointer(touched) {
            self.needs_known_places()?;
            self.rely_on_path();
        }
        Ok(())
    }

    fn holds_pointer(&self, touched: &Touched) -> bool {
        let slots = place(touched.offs.end - 1).0..place(touched.offs.start).0 + 1;
        let stack = &self.state.frames[touched.frame].stack;
        slots.into_iter().any(|slot| stack.slot(slot).value.ptr().is_some())
    }

    /// That no spilled pointer is made mere bytes by a write to one of several places:
    /// with every round of each loop walked it might stay one, and what is done to it
    /// be rejected that may be done to bytes.
    pub(crate) fn spares_pointers(&self, touched: &Touched) -> Result<(), Cause> {
        if self.holds_pointer(touched) { self.needs_known_places() } else { Ok(()) }
    }

    /// What is only rejected at a known place of the stack, or of what stays known
    /// there, is done at one that is not: with every round of each loop walked it might
    /// be known.
    fn needs_known_places(&self) -> Result<(), Cause> {
        let blurred = self.is_summarised();
        if blurred { Err(self.unsupported("a place of the stack that a summary left open")) } else { Ok(()) }
    }

    /// A number that is filled whole is given a name, so that what is learnt of
    /// it later is learnt of the slot too.
    fn name_filled(&mut self, frame: usize, index: usize, first: usize, size: Size) {
        let slot = self.state.frames[frame].stack.slot(index);
        let whole = slot.spilled() == size.bytes() as usize && matches!(size, Size::B4 | Size::B8);
        let Value::Number(n) = slot.value else { return };
        if first == 0 && whole && n.range.umax() <= size.mask() {
            let named = self.named(n);
            if named.id != n.id {
                self.state.frames[frame].stack.slot_mut(index).value = Value::Number(named);
            }
        }
    }

    /// A load of `size` bytes from byte `first` of a slot; they lie in it, for
    /// stack accesses are aligned.
    fn load_slot(&self, slot: &StackSlot, first: usize, size: Size) -> Result<Value, Cause> {
        let bytes = size.bytes() as usize;
        let spilled = slot.spilled();
        let whole = spilled == 8 && bytes == 8;
        match slot.value {
            value if whole => Ok(value),
            Value::Pointer(_) if spilled > 0 => Err(self.reject(Why::FillSize)),
            Value::Number(n) if first == 0 && bytes <= spilled => {
                let fits = n.range.umax() <= size.mask();
                Ok(Value::Number(if fits { n } else { Number { trace: Trace::NONE, ..n.nameless() } }))
            }
            Value::Number(_) | Value::Pointer(_) | Value::Uninit => {
                let zero = slot.is_zero(first..first + bytes);
                Ok(if zero {
                    Value::Number(Number { origins: origins(slot), ..Number::of(ZERO) })
                } else {
                    Value::UNKNOWN
                })
            }
        }
    }

    pub(crate) fn store_stack(&mut self, ptr: &Ptr, access: &Access, value: &Value) -> Result<(), Cause> {
        let touched = self.stack_bytes(access.reg, ptr, access.off, access.size.bytes(), Verb::Write)?;
        self.overwrite_dynptrs(&touched)?;
        self.rely_on_zero(value, access.size, &touched);
        if !touched.exact {
            if value.ptr().is_some() {
                self.needs_known_places()?;
            }
            self.spares_pointers(&touched)?;
            self.smear(&touched, value.as_const() == Some(0));
            return Ok(());
        }
        self.may_spill(&touched, access.size, value)?;
        let (index, first) = place(touched.offs.start);
        let slot = self.state.frames[touched.frame].stack.slot_mut(index);
        store_slot(slot, first, access.size, value);
        Ok(())
    }

    /// Bytes that are known to be 0 are compared as such, so what they come from
    /// is relied on.
    fn rely_on_zero(&mut self, value: &Value, size: Size, touched: &Touched) {
        let (index, first) = place(touched.offs.start);
        let spills = touched.exact && (size == Size::B8 || first == 0);
        if let (Value::Number(n), Some(0), false) = (value, value.as_const(), spills) {
            self.rely_on(n);
            // Of a place that is not known, what is 0 stays as it is.
            let slots = if touched.exact { index..index } else { place(touched.offs.end - 1).0..index + 1 };
            let stack = &self.state.frames[touched.frame].stack;
            let kept = slots.map(|slot| origins(stack.slot(slot))).fold(Origins::NONE, |all, o| all | o);
            self.rely(kept);
        }
    }

    /// Pointers are stored whole, and none to a younger frame into an older
    /// one, where it would outlive it.
    fn may_spill(&self, touched: &Touched, size: Size, value: &Value) -> Result<(), Cause> {
        let Value::Pointer(p) = value else { return Ok(()) };
        if size != Size::B8 {
            return Err(self.reject(Why::SpillSize));
        }
        let to_caller = touched.frame + 1 != self.state.frames.len();
        if to_caller && matches!(p.kind, PtrKind::Stack(_)) {
            return Err(self.reject(Why::SpillsToCaller));
        }
        Ok(())
    }

    /// Each of these bytes may have been written, or not. What was not written
    /// before may still not be: whoever reads it then reads what is there.
    pub(crate) fn smear(&mut self, touched: &Touched, zero: bool) {
        self.note_uninit(touched);
        let stack = &mut self.state.frames[touched.frame].stack;
        for off in touched.offs.clone() {
            let (index, byte) = place(off);
            let slot = stack.slot_mut(index);
            if zero && slot.is_zero(byte..byte + 1) {
                continue;
            }
            slot.forget();
            slot.bytes[byte] = Byte::Misc;
        }
    }

    /// Every one of these bytes is written, with anything.
    pub(crate) fn fill_stack(&mut self, touched: &Touched) {
        let stack = &mut self.state.frames[touched.frame].stack;
        for off in touched.offs.clone() {
            let (index, byte) = place(off);
            let slot = stack.slot_mut(index);
            slot.forget();
            slot.bytes[byte] = Byte::Misc;
        }
    }

    pub(crate) fn byte(&self, touched: &Touched, off: i32) -> Byte {
        self.state.frames[touched.frame].stack.byte(off)
    }

    /// Notes for those who run the program that it may read what no one wrote.
    pub(crate) fn note_uninit(&mut self, touched: &Touched) {
        if touched.offs.clone().any(|off| self.byte(touched, off) == Byte::Uninit) {
            self.facts.reads_uninit(self.state.frames[touched.frame].subprog);
        }
    }
}

const ZERO: domain::Scalar = domain::Scalar::constant(0);

/// What the number comes from that is spilled in a slot.
fn origins(slot: &StackSlot) -> Origins {
    match &slot.value {
        Value::Number(n) if slot.has_spill() => n.origins,
        Value::Number(_) | Value::Pointer(_) | Value::Uninit => Origins::NONE,
    }
}

/// A store of `size` bytes from byte `first` of a slot on; of any bytes, where
/// the value is `Uninit`.
fn store_slot(slot: &mut StackSlot, first: usize, size: Size, value: &Value) {
    let bytes = size.bytes() as usize;
    if bytes == 8 && *value != Value::Uninit {
        *slot = StackSlot::spill(*value);
        return;
    }
    slot.forget();
    match value {
        Value::Number(n) if first == 0 => {
            slot.value = Value::Number(in_part(n, size));
            slot.bytes[..bytes].fill(Byte::Spill);
        }
        Value::Number(_) | Value::Pointer(_) | Value::Uninit => {
            let byte = if value.as_const() == Some(0) { Byte::Zero } else { Byte::Misc };
            slot.bytes[first..first + bytes].fill(byte);
        }
    }
}

/// A number of which only the low bytes are stored; it keeps its name only where
/// that is all of it. Like the kernel, the slot remembers the whole: the key of a
/// map is a constant only where all of it is.
fn in_part(n: &Number, size: Size) -> Number {
    let fits = n.range.umax() <= size.mask();
    if fits { *n } else { Number { trace: Trace::NONE, ..n.nameless() } }
}
