//! Helpers that run a subprogram of the program's: a callback.
//!
//! What runs it is a loop that ends by itself, of no round or any number of
//! them. So the walk goes on after the call as if there was no round, and keeps
//! for later the way into the callback; where that returns, the walk is at the
//! call again, with all that the round changed:
//!
//! ```text
//!        +--> call --> after it
//!        |     |
//!        |     v
//!        +-- callback
//! ```
//!
//! A state at the call that lies within one from an earlier round needs no walk,
//! though that one is not walked to its end: both then go on alike, and what is
//! not safe on the way is found there. Numbers that change from round to round
//! would keep that from happening, so they are widened: at once those from which
//! nothing was concluded yet, as in the kernel, after some rounds all.
//!
//! A callback that runs later is walked as a program of its own, in a frame
//! without callers.

use crate::outcome::Cause;
use crate::reject::Why;
use crate::state::stack::STACK_BYTES;
use crate::state::value::{Id, MapRef, Number, Ptr, PtrKind, Value};
use crate::state::{Frame, State};
use crate::step::arguments::Given;
use crate::structure::MAX_FRAMES;
use crate::walk::{Step, Walk};
use brolga_core::facts::SubprogId;
use brolga_core::helper::Callback;
use brolga_core::{MapKind, Pc, Reg};

/// How many rounds of a callback are walked before numbers that change between
/// them are widened to anything.
const ROUNDS_WALKED: u32 = 32;

/// The same once a program took this part of its budget.
const ROUNDS_LEFT: (u32, u32) = (2, 8);

/// How many rounds are walked before numbers are widened.
pub(crate) const fn patience(processed: u32, budget: u32) -> u32 {
    let (few, part) = ROUNDS_LEFT;
    if processed > budget / part { few } else { ROUNDS_WALKED }
}

/// The subprogram whose address a value is.
pub(crate) const fn subprog_of(value: &Value) -> Option<SubprogId> {
    match value {
        Value::Pointer(Ptr { kind: PtrKind::Func(subprog), .. }) => Some(*subprog),
        Value::Pointer(_) | Value::Number(_) | Value::Uninit => None,
    }
}

impl Walk<'_> {
    /// The address of a subprogram that starts at this distance.
    pub(crate) fn callback_address(&self, off: i32) -> Result<Value, Cause> {
        let start = self.target(off)?;
        let subprog = self.structure.subprog_at(start);
        let subprog = subprog.ok_or_else(|| self.bug("a callback is a subprogram"))?;
        if subprog == SubprogId::MAIN || self.global(subprog).is_some() {
            return Err(self.reject(Why::CallbackNotStatic));
        }
        Ok(Value::pointer(PtrKind::Func(subprog)))
    }

    /// The call of a helper that takes a callback, its arguments tested: keeps
    /// the way into the callback.
    pub(crate) fn call_back(&mut self, kind: Callback, given: &Given) -> Result<(), Cause> {
        let subprog = given.func.ok_or_else(|| self.bug("a callback was given"))?;
        self.facts.calls_back(self.pc, subprog);
        if kind.runs_later() {
            return self.run_later(kind, subprog, given);
        }
        if kind == Callback::Loop {
            self.rely(self.state.reg(Reg::R1).origins());
        }
        if kind == Callback::Loop && !self.has_rounds_left() {
            self.calls_no_more();
            return Ok(());
        }
        let mut state = self.state.clone();
        let depth = state.frames.len();
        if depth >= MAX_FRAMES {
            return Err(self.reject(Why::CallDepth(depth + 1)));
        }
        let frame = Frame { number: self.new_run(), ..Frame::new(depth as u8, subprog, self.pc) };
        let frame = self.callback_frame(kind, frame, given)?;
        state.top_mut().rounds += 1;
        state.frames.push(frame);
        self.calls_no_more();
        self.push(state, self.start_of(subprog))
    }

    /// The walk goes on after the call.
    fn calls_no_more(&mut self) {
        let frame = self.state.top_mut();
        (frame.rounds, frame.call) = (0, 0);
    }

    /// Whether `bpf_loop` may make one more round than it did.
    fn has_rounds_left(&self) -> bool {
        let most = self.state.reg(Reg::R1).scalar().map_or(u64::MAX, crate::domain::Scalar::umax);
        u64::from(self.state.top().rounds) < most
    }

    fn start_of(&self, subprog: SubprogId) -> Pc {
        self.structure.subprog(subprog).range.start
    }

    fn run_later(&mut self, kind: Callback, subprog: SubprogId, given: &Given) -> Result<(), Cause> {
        self.facts.runs_later(subprog);
        let frame = Frame { number: self.new_run(), ..Frame::new(0, subprog, Pc::START) };
        let frame = self.callback_frame(kind, frame, given)?;
        let state = State { later: self.state.later + 1, ..State::of(frame) };
        self.push_later(state, self.start_of(subprog))
    }

    /// The frame of a callback with its arguments.
    fn callback_frame(&mut self, kind: Callback, mut frame: Frame, given: &Given) -> Result<Frame, Cause> {
        frame.callback = Some(kind);
        let arguments = match kind {
            Callback::Loop => vec![Value::UNKNOWN, *self.state.reg(Reg::R3)],
            Callback::MapElem => self.element_arguments(given)?,
            Callback::Timer => {
                let map = given.timer_of.ok_or_else(|| self.bug("a timer is in a map"))?;
                let [of_map, key] = [PtrKind::Map(map), PtrKind::MapKey(map)].map(Value::pointer);
                vec![of_map, key, self.some_value(map)]
            }
            Callback::Vma => return Err(self.unsupported("a callback that gets a memory mapping")),
            Callback::UserRingbuf => return Err(self.unsupported("a callback that gets a dynptr")),
        };
        for (reg, value) in Reg::ARGS.into_iter().zip(arguments) {
            frame.regs[reg.index()] = value;
        }
        Ok(frame)
    }

    fn element_arguments(&mut self, given: &Given) -> Result<Vec<Value>, Cause> {
        let map = given.map.ok_or_else(|| self.bug("elements are those of a map"))?;
        if !has_elements(self.map_kind(map)) {
            return Err(self.reject(Why::CallbackMap));
        }
        if map.def(self.aux).key_size > STACK_BYTES as u32 {
            return Err(self.unsupported("a callback that gets a key of more than 512 bytes"));
        }
        let [of_map, ctx] = [Reg::R1, Reg::R3].map(|reg| *self.state.reg(reg));
        Ok(vec![of_map, Value::pointer(PtrKind::MapKey(map)), self.some_value(map), ctx])
    }

    /// A value of a map: of one with locks another one each time.
    fn some_value(&mut self, map: MapRef) -> Value {
        let id = if self.names_values(map) { self.new_id() } else { Id::NONE };
        Value::Pointer(Ptr { id, ..Ptr::to(PtrKind::MapValue(map)) })
    }

    fn map_kind(&self, map: MapRef) -> MapKind {
        map.def(self.aux).kind
    }

    /// The end of a callback: on at the call that runs it.
    pub(crate) fn leave_callback(&mut self, kind: Callback) -> Result<Step, Cause> {
        let result = *self.state.reg(Reg::R0);
        self.callback_result(kind, &result)?;
        let callsite = self.state.top().callsite;
        self.state.frames.pop();
        let rounds = self.state.top().rounds;
        self.seen.widen_next(callsite, None, &mut self.state);
        if rounds > patience(self.processed, self.options.budget) {
            self.seen.widen_callback(callsite, &mut self.state);
        }
        Ok(Step::To(callsite))
    }

    /// That a callback returns what it may.
    pub(crate) fn callback_result(&mut self, kind: Callback, result: &Value) -> Result<(), Cause> {
        self.rely(result.origins());
        let later = kind.runs_later();
        let Value::Number(Number { range, .. }) = result else {
            return Err(self.reject(match later {
                true => Why::LaterResultKind(result.type_name()),
                false => Why::CallbackResultKind,
            }));
        };
        let (min, max) = (*kind.results().start(), *kind.results().end());
        if range.smin() < i64::from(min) || range.smax() > i64::from(max) {
            return Err(self.reject(Why::CallbackResult { later, found: *range, min, max }));
        }
        Ok(())
    }
}

/// The kinds of map whose elements a helper goes over.
const fn has_elements(kind: MapKind) -> bool {
    matches!(
        kind,
        MapKind::Array
            | MapKind::PercpuArray
            | MapKind::Hash
            | MapKind::PercpuHash
            | MapKind::LruHash
            | MapKind::LruPercpuHash
    )
}
