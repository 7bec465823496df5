//! The stack of a frame: 64 slots of 8 bytes, counted from the frame's end.
//!
//! **Meaning.** A slot's `bytes` say of each byte what it is; where they are all
//! [`Byte::Spill`], the eight bytes together are `value`. Where only the first
//! few are, they are the low bytes of a number, and `value` is that number cut
//! to them.

use super::value::Value;

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
}

/// Eight bytes of the stack, lowest address first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackSlot {
    /// What each byte holds.
    pub bytes: [Byte; 8],
    /// What the spilled bytes are of; `Uninit` where there are none.
    pub value: Value,
}

impl StackSlot {
    /// What no one has written.
    pub const UNINIT: Self = Self { bytes: [Byte::Uninit; 8], value: Value::Uninit };

    /// The whole of a register.
    #[must_use]
    pub const fn spill(value: Value) -> Self {
        Self { bytes: [Byte::Spill; 8], value }
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

    /// The same with the spilled register forgotten: its bytes may be anything.
    pub fn forget(&mut self) {
        for byte in self.bytes.iter_mut().filter(|b| **b == Byte::Spill) {
            *byte = Byte::Misc;
        }
        self.value = Value::Uninit;
    }

    /// Whether the slot is 0, if these bytes are read.
    #[must_use]
    pub fn is_zero(&self, bytes: std::ops::Range<usize>) -> bool {
        let spilled_zero = self.value.as_const() == Some(0);
        self.bytes[bytes].iter().all(|b| *b == Byte::Zero || (*b == Byte::Spill && spilled_zero))
    }
}

/// The slots of a frame that were ever touched, the nearest to the frame's end
/// first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    slots: Vec<StackSlot>,
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
    pub fn slot(&self, index: usize) -> StackSlot {
        self.slots.get(index).copied().unwrap_or(StackSlot::UNINIT)
    }

    /// A slot, to be changed.
    pub fn slot_mut(&mut self, index: usize) -> &mut StackSlot {
        if index >= self.slots.len() {
            self.slots.resize(index + 1, StackSlot::UNINIT);
        }
        &mut self.slots[index]
    }

    /// The slots touched so far.
    #[must_use]
    pub fn slots(&self) -> &[StackSlot] {
        &self.slots
    }

    /// The slots touched so far, to be changed.
    pub fn slots_mut(&mut self) -> &mut [StackSlot] {
        &mut self.slots
    }

    /// What the byte at this offset (negative, from the frame's end) holds.
    #[must_use]
    pub fn byte(&self, off: i32) -> Byte {
        let (slot, byte) = place(off);
        self.slots.get(slot).map_or(Byte::Uninit, |s| s.bytes[byte])
    }
}
