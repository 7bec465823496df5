//! The meaning of a state: the set of machines that it stands for.
//!
//! `gamma(state)` are the machines with the same frames, entered by the same
//! calls, in which every word is in the meaning of what the state says of its
//! place ([`word`]), and whatever has one name has in common what the name
//! says ([`Names`]):
//!
//! ```text
//! gamma(Uninit)     = every word
//! gamma(Number n)   = { x | x in n.range }
//! gamma(Pointer p)  = { base + off + v | base in bases(kind), v in var,
//!                       v + range lies in the packet, where range > 0,
//!                       and the sum is past the packet's end, where it is said }
//!                   U { 0 | nullable }
//! name of numbers   = x - delta is the same word for all
//! name of pointers  = base + v is the same word for all, and null is null
//! gamma(Uninit byte) = gamma(Misc byte) = every byte;  gamma(Zero byte) = { 0 }
//! k spilled bytes    = words whose low k bytes are in gamma(value)
//! ```
//!
//! `bases` are: the context's address; a frame's end; a map's handle; every
//! place where a value of the map may lie; the packet's start, its metadata's
//! start, its end; the memory that the program was given. Where the machine
//! can not tell, any word will do.
//!
//! Registers r0 to r5 of a frame that waits for its callee are lost and so not
//! claimed; its r6 to r9 are those that the callee's frame keeps.
//!
//! A global function is walked as a program of its own: its state has no frames
//! of its callers, which the machine has. So states line up with the machine's
//! youngest frames:
//!
//! ```text
//! machine    main   sub   global   sub
//! state                   0        1
//! ```

use super::escape::{Miss, Place};
use super::view::MachineView;
use crate::domain;
use crate::state::stack::{Byte, StackSlot};
use crate::state::value::{Id, Number, Past, Ptr, PtrKind, Value};
use crate::state::{Frame, State};
use brolga_core::facts::SubprogId;
use brolga_core::{Reg, Size};

/// Whether the machine is one of those that the state stands for.
pub(super) fn holds(state: &State, machine: &dyn MachineView) -> Result<(), Miss> {
    let view = &View::aligned(state, machine)?;
    let mut names = Names::default();
    for (index, frame) in state.frames.iter().enumerate() {
        for (reg, word) in view.registers(index) {
            claim(Place::Reg(index, reg), word, &frame.regs[reg.index()], view, &mut names)?;
        }
        stack(index, frame, view, &mut names)?;
    }
    Ok(())
}

/// A machine whose frames are counted as a state's.
struct View<'a> {
    machine: &'a dyn MachineView,
    /// How many frames of the machine are older than the state's first.
    base: usize,
    /// How many the state has.
    frames: usize,
}

impl<'a> View<'a> {
    /// The machine's frames that are a state's: its youngest, entered by the same
    /// calls.
    fn aligned(state: &State, machine: &'a dyn MachineView) -> Result<Self, Miss> {
        let (claimed, count) = (state.frames.len(), machine.frames());
        let other = Miss::Frames { machine: count, claimed };
        let Some(base) = count.checked_sub(claimed) else { return Err(other) };
        let alone = state.frames[0].subprog != SubprogId::MAIN;
        let called = |i: usize| state.frames[i].callsite.plus(1) == machine.resume(base + i);
        if (base > 0) != alone || !(1..claimed).all(called) {
            return Err(other);
        }
        Ok(Self { machine, base, frames: claimed })
    }

    fn fp(&self, frame: usize) -> u64 {
        self.machine.fp(self.base + frame)
    }

    /// The registers of a frame of which anything is known.
    fn registers(&self, frame: usize) -> impl Iterator<Item = (Reg, u64)> + use<'_> {
        let waits = frame + 1 < self.frames;
        let words = if waits { self.kept(frame) } else { *self.machine.regs() };
        let first = if waits { Reg::SAVED[0].index() } else { 0 };
        Reg::ALL.into_iter().zip(words).skip(first)
    }

    /// The registers of a frame that waits for its callee, the lost ones as 0.
    fn kept(&self, frame: usize) -> [u64; Reg::COUNT] {
        let mut words = [0; Reg::COUNT];
        let saved = self.machine.saved(self.base + frame + 1);
        Reg::SAVED.into_iter().zip(saved).for_each(|(reg, word)| words[reg.index()] = word);
        words[Reg::FP.index()] = self.fp(frame);
        words
    }
}

fn stack(index: usize, frame: &Frame, view: &View<'_>, names: &mut Names) -> Result<(), Miss> {
    let words = view.machine.stack(view.base + index);
    for (i, slot) in frame.stack.slots().enumerate() {
        let at = Place::Slot(index, -8 * (i as i32 + 1));
        let word = words[words.len() - 1 - i];
        zeros(at, word, slot)?;
        match slot.spilled() {
            0 => {}
            8 => claim(at, word, &slot.value, view, names)?,
            bytes => claim(at, word & ((1 << (8 * bytes)) - 1), &low(&slot.value, bytes), view, names)?,
        }
    }
    Ok(())
}

/// What the low bytes of a number are.
fn low(value: &Value, bytes: usize) -> Value {
    let size = Size::ALL.into_iter().find(|size| size.bytes() as usize == bytes);
    match (value, size) {
        (Value::Number(n), Some(size)) => {
            Value::Number(Number { range: domain::zero_extend(size, &n.range), ..*n })
        }
        (Value::Number(_) | Value::Pointer(_) | Value::Uninit, _) => *value,
    }
}

fn zeros(at: Place, word: u64, slot: &StackSlot) -> Result<(), Miss> {
    let breaks = |byte: &usize| slot.bytes[*byte] == Byte::Zero && word.to_le_bytes()[*byte] != 0;
    match (0..8).find(breaks) {
        None => Ok(()),
        Some(byte) => Err(Miss::NotZero { at, byte, word }),
    }
}

/// That the word is in the meaning of the value, its name included.
fn claim(at: Place, word: u64, value: &Value, view: &View<'_>, names: &mut Names) -> Result<(), Miss> {
    if !self::word(word, value, view) {
        return Err(Miss::Word { at, word, claimed: Box::new(*value) });
    }
    names.agree(at, word, value)
}

/// Whether the word is in the meaning of the value, names aside.
fn word(word: u64, value: &Value, view: &View<'_>) -> bool {
    match value {
        Value::Uninit => true,
        Value::Number(Number { range, .. }) => range.contains(word),
        Value::Pointer(ptr) => (ptr.nullable && word == 0) || points(word, ptr, view),
    }
}

fn points(word: u64, ptr: &Ptr, view: &View<'_>) -> bool {
    let machine = view.machine;
    let based = |base: u64| ptr.var.contains(origin(word, ptr).wrapping_sub(base));
    match ptr.kind {
        PtrKind::Ctx => based(machine.ctx()),
        PtrKind::Stack(frame) => based(view.fp(frame.into())),
        PtrKind::Map(map) => machine.map(map).is_none_or(based),
        PtrKind::MapValue(map) => machine.values(map).into_iter().any(based),
        PtrKind::Packet => machine.packet().is_some_and(|p| based(p.start) && known(word, ptr, p.end)),
        PtrKind::PacketMeta => machine.packet().is_some_and(|p| based(p.meta) && known(word, ptr, p.start)),
        PtrKind::PacketEnd => machine.packet().is_some_and(|p| based(p.end)),
        // What the program starts with; but what a global function is given, or a
        // part of a dynptr, lies elsewhere.
        PtrKind::Mem { .. } if view.base == 0 && ptr.id == Id::NONE => machine.memory().is_none_or(based),
        PtrKind::Mem { .. } => word != 0,
        // Where these lie no machine says.
        PtrKind::Record(_) | PtrKind::Socket(_) | PtrKind::SocketOfMap | PtrKind::Kernel { .. } => word != 0,
        PtrKind::MapKey(_) | PtrKind::Func(_) => true,
    }
}

/// The pointer without its fixed offset: `base + v`.
fn origin(word: u64, ptr: &Ptr) -> u64 {
    word.wrapping_sub(ptr.off as u64)
}

/// Whether the bytes known to be there are, up to `end`, and those known not to
/// be there are not.
fn known(word: u64, ptr: &Ptr, end: u64) -> bool {
    let past = match ptr.past {
        Past::Unknown => true,
        Past::AtEnd => word >= end,
        Past::Behind => word > end,
    };
    past && (ptr.range == 0 || origin(word, ptr).checked_add(ptr.range.into()).is_some_and(|to| to <= end))
}

/// What each name was found to stand for.
#[derive(Default)]
struct Names(Vec<Named>);

struct Named {
    id: Id,
    pointer: bool,
    /// What all have in common: nothing for a null pointer.
    shared: Option<u64>,
    at: Place,
}

impl Names {
    fn agree(&mut self, at: Place, word: u64, value: &Value) -> Result<(), Miss> {
        let (id, pointer, shared) = match value {
            Value::Uninit => return Ok(()),
            Value::Number(n) => {
                let base = word.wrapping_sub(n.delta as u64);
                (n.id, false, Some(n.moved.map_or(base, |width| width.zero_extend(base))))
            }
            // A name of what holds a lock: the object, wherever in it this is.
            Value::Pointer(p) if !p.nullable && matches!(p.kind, PtrKind::MapValue(_)) => {
                let Some(var) = p.var.as_const() else { return Ok(()) };
                (p.id, true, Some(origin(word, p).wrapping_sub(var)))
            }
            Value::Pointer(p) => (p.id, true, (!p.nullable || word != 0).then(|| origin(word, p))),
        };
        if !id.is_some() {
            return Ok(());
        }
        match self.0.iter().find(|named| named.id == id && named.pointer == pointer) {
            Some(named) if named.shared != shared => Err(Miss::Name { at, other: named.at, id: id.0 }),
            Some(_) => Ok(()),
            None => {
                self.0.push(Named { id, pointer, shared, at });
                Ok(())
            }
        }
    }
}
