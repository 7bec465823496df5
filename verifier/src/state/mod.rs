//! The abstract machine: what is known of every register and stack slot at a
//! point of a path.

pub(crate) mod display;
pub mod stack;
pub mod value;

use crate::state::stack::Stack;
use crate::state::value::{Id, Number, Ptr, PtrKind, Value};
use brolga_core::facts::SubprogId;
use brolga_core::{Pc, Reg};

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
}

impl Frame {
    /// A frame with this number at the start of a subprogram.
    #[must_use]
    pub fn new(number: u8, subprog: SubprogId, callsite: Pc) -> Self {
        let mut regs = [Value::Uninit; Reg::COUNT];
        regs[Reg::FP.index()] = Value::pointer(PtrKind::Stack(number));
        Self { regs, stack: Stack::default(), subprog, callsite }
    }
}

/// The state of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The frames, the main program's first.
    pub frames: Vec<Frame>,
    /// How many `may_goto` were passed on the path.
    pub may_gotos: u32,
}

impl State {
    /// The start of the main program.
    #[must_use]
    pub fn new() -> Self {
        Self { frames: vec![Frame::new(0, SubprogId::MAIN, Pc::START)], may_gotos: 0 }
    }

    /// The frame that runs.
    #[must_use]
    pub fn top(&self) -> &Frame {
        self.frames.last().expect("a state has a frame")
    }

    /// The frame that runs, to be changed.
    pub fn top_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a state has a frame")
    }

    /// What a register of the running frame holds.
    #[must_use]
    pub fn reg(&self, reg: Reg) -> &Value {
        &self.top().regs[reg.index()]
    }

    /// Puts a value into a register of the running frame.
    pub fn set(&mut self, reg: Reg, value: Value) {
        self.top_mut().regs[reg.index()] = value;
    }

    /// Every value there is: registers and whole or partial spills, of every
    /// frame.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.frames.iter_mut().flat_map(|frame| {
            let spilled =
                frame.stack.slots_mut().iter_mut().filter(|s| s.spilled() > 0).map(|s| &mut s.value);
            frame.regs.iter_mut().chain(spilled)
        })
    }

    /// Every pointer there is.
    pub fn pointers_mut(&mut self) -> impl Iterator<Item = &mut Ptr> {
        self.values_mut().filter_map(|v| match v {
            Value::Pointer(p) => Some(p),
            Value::Uninit | Value::Number(_) => None,
        })
    }

    /// Every number that is made of this unknown word.
    pub fn numbers_of(&mut self, id: Id) -> impl Iterator<Item = &mut Number> {
        self.values_mut().filter_map(move |v| match v {
            Value::Number(n) if n.id == id && id.is_some() => Some(n),
            Value::Uninit | Value::Number(_) | Value::Pointer(_) => None,
        })
    }

    /// Makes every pointer into the packet a mere number, wherever it is.
    pub fn lose_packet(&mut self) {
        let is_packet = |v: &Value| v.ptr().is_some_and(|p| p.is_packet() || p.kind == PtrKind::PacketEnd);
        for frame in &mut self.frames {
            frame.regs.iter_mut().filter(|v| is_packet(v)).for_each(|v| *v = Value::UNKNOWN);
            let slots = frame.stack.slots_mut().iter_mut();
            slots.filter(|s| s.spilled() > 0 && is_packet(&s.value)).for_each(|s| s.value = Value::UNKNOWN);
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}
