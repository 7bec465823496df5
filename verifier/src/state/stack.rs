//! The stack of a frame: 64 slots of 8 bytes, counted from the frame's end.
//!
//! **Meaning.** A slot's `bytes` say of each byte what it is; where they are all
//! [`Byte::Spill`], the eight bytes together are `value`. Where only the first
//! few are, they are the low bytes of a number, and `value` is the whole of it,
//! as the kernel keeps it.

use super::value::{Id, Value};
use crate::structure::SlotSet;
use std::sync::Arc;

const UNTOUCHED: [StackSlot; CHUNK] = [StackSlot::UNINIT; CHUNK];

/// The size of a frame's stack, in bytes.
pub const STACK_BYTES: i32 = 512;

/// What one byte of the stack holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Byte {
    /// What no one has written. A privileged program may read it.
    #[default]
    Uninit,
    /// A part of the register that the slot's `value` describes.
    Spill,
    /// Any byte.
    Misc,
    /// A zero.
    Zero,
    /// A part of the dynptr that the slot's `dynptr` describes.
    Dynptr,
    /// A part of the iterator that the slot's `iter` describes.
    Iter,
}

/// A `struct bpf_iter_num`: a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iter {
    /// The name of the reference that it is.
    pub id: Id,
    /// Whether its last element was given.
    pub drained: bool,
}

/// A half of a `struct bpf_dynptr`: two slots with one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dynptr {
    /// Whether its memory is in a ring buffer, and to be given back.
    pub ringbuf: bool,
    /// Whether it is the half at the lower address, where pointers to it point.
    pub low: bool,
    /// Its name: for one of a ring buffer that of the reference.
    pub id: Id,
}

/// Eight bytes of the stack, lowest address first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackSlot {
    /// What each byte holds.
    pub bytes: [Byte; 8],
    /// What the spilled bytes are of; `Uninit` where there are none.
    pub value: Value,
    /// The dynptr that the slot is a half of; then all its bytes are
    /// [`Byte::Dynptr`].
    pub dynptr: Option<Dynptr>,
    /// The iterator that the slot is; then all its bytes are [`Byte::Iter`].
    pub iter: Option<Iter>,
}

impl StackSlot {
    /// What no one has written.
    pub const UNINIT: Self =
        Self { bytes: [Byte::Uninit; 8], value: Value::Uninit, dynptr: None, iter: None };

    /// The whole of a register.
    #[must_use]
    pub const fn spill(value: Value) -> Self {
        Self { bytes: [Byte::Spill; 8], value, ..Self::UNINIT }
    }

    /// A half of a dynptr.
    #[must_use]
    pub const fn of_dynptr(dynptr: Dynptr) -> Self {
        Self { bytes: [Byte::Dynptr; 8], dynptr: Some(dynptr), ..Self::UNINIT }
    }

    /// An iterator.
    #[must_use]
    pub const fn of_iter(iter: Iter) -> Self {
        Self { bytes: [Byte::Iter; 8], iter: Some(iter), ..Self::UNINIT }
    }

    /// The register that was spilled here, where it was one, in all 8 bytes.
    #[must_use]
    pub fn whole(&self) -> Option<&Value> {
        (self.bytes == [Byte::Spill; 8]).then_some(&self.value)
    }

    /// How many bytes hold a spilled register; they are those with the lowest
    /// addresses.
    #[must_use]
    pub fn spilled(&self) -> usize {
        self.bytes.iter().filter(|b| **b == Byte::Spill).count()
    }

    /// Whether there is a spilled register, whole or cut: its lowest byte is
    /// always among those that are left.
    #[must_use]
    pub const fn has_spill(&self) -> bool {
        matches!(self.bytes[0], Byte::Spill)
    }

    /// The same with the spilled register or the iterator forgotten: its bytes may
    /// be anything.
    pub fn forget(&mut self) {
        for byte in self.bytes.iter_mut().filter(|b| matches!(b, Byte::Spill | Byte::Iter)) {
            *byte = Byte::Misc;
        }
        (self.value, self.iter) = (Value::Uninit, None);
    }

    /// Whether the slot is 0, if these bytes are read.
    #[must_use]
    pub fn is_zero(&self, bytes: std::ops::Range<usize>) -> bool {
        let spilled_zero = self.value.as_const() == Some(0);
        self.bytes[bytes].iter().all(|b| *b == Byte::Zero || (*b == Byte::Spill && spilled_zero))
    }
}

/// How many slots are copied together.
const CHUNK: usize = 8;

/// How many slots a frame has.
const SLOTS: usize = STACK_BYTES as usize / 8;

/// The slots of a frame that were ever touched, the nearest to the frame's end
/// first. Copies share what neither has changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    chunks: [Option<Arc<[StackSlot; CHUNK]>>; SLOTS / CHUNK],
    touched: u8,
}

/// The slot that holds the byte at a negative offset from the frame's end, and
/// which of its bytes that is.
#[must_use]
pub const fn place(off: i32) -> (usize, usize) {
    let back = (-off - 1) as usize;
    (back / 8, 7 - back % 8)
}

impl Stack {
    /// A slot; one never touched is uninitialised.
    #[must_use]
    pub fn slot(&self, index: usize) -> &StackSlot {
        match self.chunks.get(index / CHUNK) {
            Some(Some(chunk)) => &chunk[index % CHUNK],
            Some(None) | None => &StackSlot::UNINIT,
        }
    }

    /// A slot, to be changed.
    ///
    /// # Panics
    ///
    /// Where a frame has no such slot.
    pub fn slot_mut(&mut self, index: usize) -> &mut StackSlot {
        self.touched = self.touched.max(index as u8 + 1);
        let chunk = &mut self.chunks[index / CHUNK];
        let chunk = chunk.get_or_insert_with(|| Arc::new([StackSlot::UNINIT; CHUNK]));
        &mut Arc::make_mut(chunk)[index % CHUNK]
    }

    /// How many slots there are from the nearest to the farthest touched so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.touched as usize
    }

    /// Whether none was touched.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.touched == 0
    }

    /// The slots touched so far.
    pub fn slots(&self) -> impl Iterator<Item = &StackSlot> {
        let chunks = self.chunks.iter().map(Option::as_deref);
        chunks.flat_map(|c| c.unwrap_or(&UNTOUCHED)).take(self.len())
    }

    /// The spilled registers, whole or cut.
    pub fn spills(&self) -> impl Iterator<Item = &Value> {
        let chunks = self.chunks.iter().flatten();
        chunks.flat_map(|c| c.iter()).filter(|s| s.has_spill()).map(|s| &s.value)
    }

    /// Changes each spilled register that `wants` to be.
    pub(super) fn change(&mut self, wants: &impl Fn(&Value) -> bool, change: &mut impl FnMut(&mut Value)) {
        let wanted = |s: &StackSlot| s.has_spill() && wants(&s.value);
        for chunk in self.chunks.iter_mut().flatten() {
            let Some(first) = chunk.iter().position(wanted) else { continue };
            for slot in Arc::make_mut(chunk)[first..].iter_mut().filter(|s| wanted(s)) {
                change(&mut slot.value);
            }
        }
    }

    /// Whether nothing is in any slot but these.
    pub(crate) fn holds_only(&self, live: SlotSet) -> bool {
        self.slots().enumerate().all(|(i, slot)| live.contains(i) || *slot == StackSlot::UNINIT)
    }

    /// Forgets every slot but these.
    pub(crate) fn keep(&mut self, live: SlotSet) {
        for index in 0..self.len() {
            if !live.contains(index) && *self.slot(index) != StackSlot::UNINIT {
                *self.slot_mut(index) = StackSlot::UNINIT;
            }
        }
    }

    /// What the byte at this offset (negative, from the frame's end) holds.
    #[must_use]
    pub fn byte(&self, off: i32) -> Byte {
        let (slot, byte) = place(off);
        self.slot(slot).bytes[byte]
    }

    /// The pieces that copies share: where each lies, and its size in bytes.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (usize, usize)> {
        let chunks = self.chunks.iter().flatten();
        chunks.map(|c| (Arc::as_ptr(c).addr(), size_of::<[StackSlot; CHUNK]>()))
    }
}
