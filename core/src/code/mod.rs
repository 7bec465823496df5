//! A program's instructions by place, and their bytes.

mod decode;
mod encode;
mod error;
mod opcode;

pub use decode::decode_slot;
pub use encode::encode_slot;
pub use error::{DecodeError, Field, SlotError};

use crate::insn::{Insn, Pc, Slot};

/// A program's instructions, each at the place of its first slot. The place of
/// the second slot of a 64-bit immediate load holds none.
///
/// Law: for every `code`, `Code::decode(&code.encode()) == Ok(code)`; and for
/// all bytes that decode, encoding gives them back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    slots: Box<[Option<Insn>]>,
}

impl Code {
    /// The most slots that a program may have: the kernel's limit for a
    /// privileged user, 1 million.
    pub const MAX_SLOTS: usize = 1_000_000;

    /// The instructions that these bytes encode.
    ///
    /// # Errors
    ///
    /// Where the bytes are no whole number of slots, none, too many, or where
    /// one is no instruction.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let slots = Slot::parse(bytes).ok_or(DecodeError::Length(bytes.len()))?;
        Self::from_slots(&slots)
    }

    /// The instructions that these slots encode.
    ///
    /// # Errors
    ///
    /// As [`Code::decode`].
    pub fn from_slots(slots: &[Slot]) -> Result<Self, DecodeError> {
        check_count(slots.len())?;
        let mut out = Vec::with_capacity(slots.len());
        while let Some(slot) = slots.get(out.len()) {
            let at = Pc(out.len() as u32);
            let insn = decode_slot(*slot, slots.get(out.len() + 1).copied())
                .map_err(|why| DecodeError::Slot { at, why })?;
            place(&mut out, insn);
        }
        Ok(Self { slots: out.into() })
    }

    /// These instructions, one after the other.
    ///
    /// # Errors
    ///
    /// Where there are none or too many, or where one is none that slots can
    /// hold ([`check`]).
    pub fn from_insns(insns: impl IntoIterator<Item = Insn>) -> Result<Self, DecodeError> {
        let mut out = Vec::new();
        for insn in insns {
            let at = Pc(out.len() as u32);
            check(&insn).map_err(|why| DecodeError::Slot { at, why })?;
            place(&mut out, insn);
        }
        check_count(out.len())?;
        Ok(Self { slots: out.into() })
    }

    /// The bytes that encode the instructions.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_slots().into_iter().flat_map(Slot::to_bytes).collect()
    }

    /// The slots that encode the instructions.
    #[must_use]
    pub fn to_slots(&self) -> Vec<Slot> {
        self.iter()
            .flat_map(|(_, insn)| {
                let (first, second) = encode_slot(insn);
                std::iter::once(first).chain(second)
            })
            .collect()
    }

    /// How many slots there are; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a program is never empty")]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The place after the last slot.
    #[must_use]
    pub fn end(&self) -> Pc {
        Pc(self.slots.len() as u32)
    }

    /// The instruction at this place: nothing past the end and in the middle of
    /// a 64-bit immediate load.
    #[must_use]
    #[inline]
    pub fn at(&self, pc: Pc) -> Option<&Insn> {
        self.slots.get(pc.index())?.as_ref()
    }

    /// The place after the instruction at this place.
    #[must_use]
    pub fn next(&self, pc: Pc) -> Pc {
        pc.plus(self.at(pc).map_or(1, Insn::slots))
    }

    /// The instructions from one place up to another, which is not among them, with
    /// their places, in order; none where there are no such places.
    #[inline]
    pub fn within(&self, from: Pc, to: Pc) -> impl DoubleEndedIterator<Item = (Pc, &Insn)> {
        let slots = self.slots.get(from.index()..to.index()).unwrap_or_default();
        slots.iter().zip(from.0..to.0).filter_map(|(insn, at)| Some((Pc(at), insn.as_ref()?)))
    }

    /// The instructions with their places, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Pc, &Insn)> {
        self.slots.iter().enumerate().filter_map(|(i, insn)| Some((Pc(i as u32), insn.as_ref()?)))
    }

    /// Puts another instruction of the same length in the place of one. Linking
    /// patches map references and calls so.
    ///
    /// # Panics
    ///
    /// Where there is no instruction at the place, or one of another length, or
    /// where slots cannot hold the new one ([`check`]).
    pub fn replace(&mut self, pc: Pc, insn: Insn) {
        assert_eq!(check(&insn), Ok(()), "a replacement that slots can hold");
        let old = self.slots[pc.index()].as_mut().expect("an instruction to replace");
        assert_eq!(old.slots(), insn.slots(), "a replacement of the same length");
        *old = insn;
    }
}

/// That slots can hold the instruction: that what encodes it decodes to it. The
/// types alone allow a few that are none, such as an 8-byte sign-extending load.
///
/// # Errors
///
/// What the decoder says of the slot, or [`SlotError::Cut`].
pub fn check(insn: &Insn) -> Result<(), SlotError> {
    let (first, second) = encode_slot(insn);
    if decode_slot(first, second)? == *insn { Ok(()) } else { Err(SlotError::Cut) }
}

fn check_count(slots: usize) -> Result<(), DecodeError> {
    match slots {
        0 => Err(DecodeError::Empty),
        1..=Code::MAX_SLOTS => Ok(()),
        _ => Err(DecodeError::TooLong(slots)),
    }
}

fn place(out: &mut Vec<Option<Insn>>, insn: Insn) {
    out.push(Some(insn));
    out.extend((insn.slots() == 2).then_some(None));
}
