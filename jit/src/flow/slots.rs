//! Which stack slots are values rather than memory.
//!
//! A slot is eight bytes at a multiple of eight. It is a value where every
//! access of it is a plain load or store of all of it through the frame pointer
//! itself, and where nothing else can reach it: so only in a subprogram that
//! never makes another pointer from its frame pointer.

use brolga_core::insn::RegSet;
use brolga_core::{Insn, Operand, Reg, Size};

/// The slots of a frame: bit `i` for the eight bytes at `fp - 8 * (i + 1)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slots(u64);

const COUNT: i32 = 64;

impl Slots {
    /// Every slot.
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// The number of the slot that an access at this offset from the frame's
    /// end is to, where it is one to a whole slot of the set.
    pub(crate) fn whole(self, off: i32, size: Size) -> Option<usize> {
        let slot = -off / 8 - 1;
        let whole = size == Size::B8 && off % 8 == 0 && (0..COUNT).contains(&slot);
        (whole && self.0 & (1 << slot) != 0).then_some(slot as usize)
    }

    /// The set without the slots that these bytes touch.
    fn without(self, off: i32, size: Size) -> Self {
        let slot = |byte: i32| (-byte - 1).div_euclid(8);
        let touched = slot(off + size.bytes() as i32 - 1).max(0)..=slot(off).min(COUNT - 1);
        Self(touched.fold(self.0, |set, slot| set & !(1 << slot)))
    }
}

/// What a subprogram's stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The slots that are values.
    pub(crate) values: Slots,
    /// The slots that are accessed as a whole.
    touched: Slots,
    /// Whether there is anything in it besides values.
    pub(crate) is_memory: bool,
}

impl Stack {
    /// The stack of a subprogram of no instructions yet; all of it memory, unless
    /// there may be values.
    pub(super) const fn new(values: bool) -> Self {
        let values = if values { Slots::ALL } else { Slots(0) };
        Self { values, touched: Slots(0), is_memory: false }
    }

    /// With an instruction more.
    pub(super) fn add(&mut self, insn: &Insn) {
        match access(insn) {
            Use::None => return,
            Use::Whole(slot) => self.touched.0 |= 1 << slot,
            Use::Part(off, size) => {
                self.values = self.values.without(off, size);
                self.is_memory = true;
            }
            Use::Escape => {
                self.values = Slots(0);
                self.is_memory = true;
            }
        }
        // A slot that is also accessed in part is memory.
        self.is_memory |= self.touched.0 & !self.values.0 != 0;
    }

    /// How many values there are.
    pub(crate) const fn value_count(&self) -> usize {
        (self.values.0 & self.touched.0).count_ones() as usize
    }
}

/// What an instruction does with the frame pointer.
enum Use {
    None,
    /// A plain access of a whole slot.
    Whole(usize),
    /// Another access of these bytes.
    Part(i32, Size),
    Escape,
}

fn access(insn: &Insn) -> Use {
    let plain = |off: i16, size: Size| {
        let off = i32::from(off);
        Slots::ALL.whole(off, size).map_or(Use::Part(off, size), Use::Whole)
    };
    match *insn {
        Insn::Load { src: Reg::R10, off, size, .. } => plain(off, size),
        Insn::Store { dst: Reg::R10, off, size, src } if src != Operand::Reg(Reg::R10) => plain(off, size),
        Insn::LoadAcquire { src: Reg::R10, off, size, .. } => Use::Part(off.into(), size),
        Insn::StoreRelease { dst: Reg::R10, off, size, src } if src != Reg::R10 => {
            Use::Part(off.into(), size)
        }
        Insn::Atomic { dst: Reg::R10, off, width, src, .. } if src != Reg::R10 => {
            Use::Part(off.into(), width.size())
        }
        Insn::Call(_) => Use::None,
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::Swap { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::LoadImm64 { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::LoadPacket { .. }
        | Insn::Jump { .. }
        | Insn::JumpIf { .. }
        | Insn::MayGoto { .. }
        | Insn::Exit => {
            let uses: RegSet = insn.uses();
            if uses.contains(Reg::FP) { Use::Escape } else { Use::None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_eight_aligned_bytes() {
        assert_eq!(Slots::ALL.whole(-8, Size::B8), Some(0));
        assert_eq!(Slots::ALL.whole(-512, Size::B8), Some(63));
        assert_eq!(Slots::ALL.whole(-520, Size::B8), None);
        assert_eq!(Slots::ALL.whole(-12, Size::B8), None);
        assert_eq!(Slots::ALL.whole(-8, Size::B4), None);
        assert_eq!(Slots::ALL.whole(0, Size::B8), None);
    }

    #[test]
    fn an_access_spoils_what_it_touches() {
        let left = Slots::ALL.without(-12, Size::B8);
        assert_eq!(left, Slots(!0b11));
        let left = Slots::ALL.without(-17, Size::B1);
        assert_eq!(left, Slots(!0b100));
        assert_eq!(Slots::ALL.without(-512, Size::B4), Slots(u64::MAX >> 1));
        assert_eq!(Slots::ALL.without(-516, Size::B8), Slots(u64::MAX >> 1));
        assert_eq!(Slots::ALL.without(-4, Size::B8), Slots(!1));
        assert_eq!([0, -520].map(|off| Slots::ALL.without(off, Size::B8)), [Slots::ALL; 2]);
    }
}
