//! The abstract machine: what is known of every register and stack slot at a
//! point of a path.

pub(crate) mod display;
mod frames;
pub(crate) mod loops;
pub mod origins;
pub mod references;
pub mod stack;
pub mod trace;
pub mod value;

use crate::state::loops::Loops;
use crate::state::origins::Origins;
use crate::state::references::Held;
use crate::state::stack::{Iter, Stack, StackSlot};
use crate::state::value::{Id, Number, Ptr, PtrKind, Value};
use crate::structure::SlotSet;
use brolga_core::facts::SubprogId;
use brolga_core::helper::Callback;
use brolga_core::insn::RegSet;
use brolga_core::{Pc, Reg};
pub use frames::Frames;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The registers.
    pub regs: [Value; Reg::COUNT],
    /// The stack.
    pub stack: Stack,
    /// The subprogram that runs in it.
    pub subprog: SubprogId,
    /// The call that made it; the start, for the main program.
    pub callsite: Pc,
    /// Why a helper runs it, where one does.
    pub callback: Option<Callback>,
    /// How many rounds of a callback the call that is here has made.
    pub rounds: u32,
    /// The number of that call; 0 where there is none.
    pub call: u32,
    /// The number of the frame, another one each time that a subprogram is
    /// entered; 0 for the main program's.
    pub number: u32,
}

impl Frame {
    /// A frame with this number at the start of a subprogram.
    #[must_use]
    pub fn new(number: u8, subprog: SubprogId, callsite: Pc) -> Self {
        let mut regs = [Value::Uninit; Reg::COUNT];
        regs[Reg::FP.index()] = Value::pointer(PtrKind::Stack(number));
        Self {
            regs,
            stack: Stack::default(),
            subprog,
            callsite,
            callback: None,
            rounds: 0,
            call: 0,
            number: 0,
        }
    }

    /// Every value there is: registers and whole or partial spills.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.regs.iter().chain(self.stack.spills())
    }

    fn labelled_slots(&self, index: usize, top: usize) -> impl Iterator<Item = (Origins, &StackSlot)> {
        let slots = self.stack.slots().enumerate().filter(|(_, slot)| slot.has_spill());
        slots.map(move |(i, slot)| (Origins::slot(index, top, i), slot))
    }

    fn labelled_values(&self, index: usize, top: usize) -> impl Iterator<Item = (Origins, &Value)> {
        let regs = self.regs.iter().enumerate();
        let regs = regs.map(move |(i, value)| (Origins::reg(index, top, i), value));
        regs.chain(self.labelled_slots(index, top).map(|(label, slot)| (label, &slot.value)))
    }

    fn origins_of(&self, index: usize, top: usize, labels: Origins) -> Origins {
        let meant = self.labelled_values(index, top).filter(|(label, _)| labels.meets(*label));
        meant.fold(Origins::NONE, |all, (_, value)| all | value.origins())
    }

    fn is_labelled(&self, index: usize, top: usize) -> bool {
        self.labelled_values(index, top).all(|(label, value)| match value {
            Value::Number(n) => n.origins.is(label),
            Value::Pointer(_) | Value::Uninit => true,
        })
    }

    fn label_numbers(&mut self, index: usize, top: usize) {
        for (i, value) in self.regs.iter_mut().enumerate() {
            value.label(Origins::reg(index, top, i));
        }
        for i in 0..self.stack.len() {
            let (label, slot) = (Origins::slot(index, top, i), self.stack.slot(i));
            if slot.has_spill() && !slot.value.origins().is(label) {
                self.stack.slot_mut(i).value.label(label);
            }
        }
    }

    /// Whether there is nothing but in these registers and slots.
    pub(crate) fn holds_only(&self, regs: RegSet, slots: SlotSet) -> bool {
        let live = |reg: &Reg| regs.contains(*reg) || self.regs[reg.index()] == Value::Uninit;
        Reg::ALL.iter().all(live) && self.stack.holds_only(slots)
    }

    /// Forgets all but these registers and slots.
    pub(crate) fn keep(&mut self, regs: RegSet, slots: SlotSet) {
        for reg in RegSet::ALL.without(regs).iter() {
            self.regs[reg.index()] = Value::Uninit;
        }
        self.stack.keep(slots);
    }

    fn change(&mut self, wants: &impl Fn(&Value) -> bool, change: &mut impl FnMut(&mut Value)) {
        self.regs.iter_mut().filter(|v| wants(v)).for_each(&mut *change);
        self.stack.change(wants, change);
    }
}

/// The state of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The frames, the main program's first.
    pub frames: Frames,
    /// How many `may_goto` were passed on the path.
    pub may_gotos: u32,
    /// What must be given back.
    pub held: Held,
    /// How many callbacks that run later set one another up to this one.
    pub later: u32,
    /// The runs of loops that the path is in.
    pub(crate) loops: Loops,
}

impl State {
    /// The start of the main program.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Frame::new(0, SubprogId::MAIN, Pc::START))
    }

    /// The start of what runs in this frame alone.
    #[must_use]
    pub fn of(frame: Frame) -> Self {
        Self { frames: Frames::new(frame), may_gotos: 0, held: Held::default(), later: 0, loops: Loops::NONE }
    }

    /// The same without what counts rounds of loops.
    pub(crate) fn forget_rounds(&mut self) {
        (self.may_gotos, self.later) = (0, 0);
        self.held.references.iter_mut().for_each(|r| (r.run, r.rounds) = (0, 0));
        for index in 0..self.frames.len() {
            let Frame { rounds, call, number, .. } = self.frames[index];
            if (rounds, call, number) != (0, 0, 0) {
                let frame = &mut self.frames[index];
                (frame.rounds, frame.call, frame.number) = (0, 0, 0);
            }
        }
    }

    /// The frame that runs.
    #[must_use]
    pub fn top(&self) -> &Frame {
        self.frames.top()
    }

    /// The frame that runs, to be changed.
    pub fn top_mut(&mut self) -> &mut Frame {
        self.frames.top_mut()
    }

    /// What a register of the running frame holds.
    #[must_use]
    pub fn reg(&self, reg: Reg) -> &Value {
        &self.top().regs[reg.index()]
    }

    /// The iterator that a register points to, where it is at a known place.
    #[must_use]
    pub fn iterator(&self, reg: Reg) -> Option<Iter> {
        let ptr = self.reg(reg).ptr()?;
        let PtrKind::Stack(frame) = ptr.kind else { return None };
        let off = i32::try_from(ptr.fixed_off()?).ok()?;
        let fits = off % 8 == 0 && (-stack::STACK_BYTES..0).contains(&off);
        fits.then(|| self.frames[usize::from(frame)].stack.slot(stack::place(off).0).iter)?
    }

    /// Puts a value into a register of the running frame.
    pub fn set(&mut self, reg: Reg, value: Value) {
        self.top_mut().regs[reg.index()] = value;
    }

    /// Every value there is: registers and whole or partial spills, of every
    /// frame.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.frames.iter().flat_map(Frame::values)
    }

    /// What the numbers at the places of these labels come from, in the state
    /// stored before.
    pub(crate) fn origins_of(&self, labels: Origins) -> Origins {
        let top = self.frames.len() - 1;
        let from = if labels.is_of_waiting() { 0 } else { top };
        (from..=top).fold(Origins::NONE, |all, i| all | self.frames[i].origins_of(i, top, labels))
    }

    /// The labels of the places whose values are wanted.
    pub(crate) fn labels(&self, wants: impl Fn(&Value) -> bool) -> Origins {
        let top = self.frames.len() - 1;
        let values = self.frames.iter().enumerate().flat_map(|(i, frame)| frame.labelled_values(i, top));
        values.filter(|(_, value)| wants(value)).fold(Origins::NONE, |all, (label, _)| all | label)
    }

    /// Labels every number: this is the state stored last now.
    pub(crate) fn label_numbers(&mut self) {
        let top = self.frames.len() - 1;
        for index in 0..=top {
            if !self.frames[index].is_labelled(index, top) {
                self.frames[index].label_numbers(index, top);
            }
        }
    }

    /// Changes every value that `wants` to be. What wants no change goes on
    /// being shared with the state's copies.
    pub fn change(&mut self, wants: impl Fn(&Value) -> bool, mut change: impl FnMut(&mut Value)) {
        for index in 0..self.frames.len() {
            if self.frames[index].values().any(&wants) {
                self.frames[index].change(&wants, &mut change);
            }
        }
    }

    /// Changes every number that is made of this unknown word.
    pub fn change_numbers(&mut self, id: Id, mut change: impl FnMut(&mut Number)) {
        let named = |v: &Value| matches!(v, Value::Number(n) if n.id == id && id.is_some());
        self.change(named, |value| {
            if let Value::Number(n) = value {
                change(n);
            }
        });
    }

    /// Makes every pointer into the packet a mere number, wherever it is.
    pub fn lose_packet(&mut self) {
        self.lose(|p| p.is_packet() || p.kind == PtrKind::PacketEnd);
    }

    /// Makes every pointer that lives as long as this a mere number.
    pub fn lose_owned(&mut self, owner: Id) {
        self.lose(|p| p.owner == owner && owner.is_some());
    }

    fn lose(&mut self, is_lost: impl Fn(&Ptr) -> bool) {
        let wants = |v: &Value| v.ptr().is_some_and(&is_lost);
        self.change(wants, |value| *value = Value::UNKNOWN);
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}
