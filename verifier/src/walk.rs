//! The walk over every path.
//!
//! A path's state is carried from instruction to instruction; where it parts,
//! one way is walked on and the other is kept for later. Where paths meet, a
//! state that lies within one from which every path was already walked to its
//! end needs no walk ([`crate::prune`]). No recursion: what is pending lies on a
//! stack of our own.

use crate::facts::Builder;
use crate::log::Log;
use crate::memory;
use crate::outcome::{Bug, Cause, Options, Unsupported};
use crate::prune::{Seen, Visit};
use crate::reject::{Reject, Why};
use crate::state::State;
use crate::state::origins::Origins;
use crate::state::value::{Id, Number, PtrKind, Value};
use crate::step::global::Globals;
use crate::structure::Structure;
use crate::summary::{Summaries, Trial};
use brolga_core::prog_type::Entry;
use brolga_core::{Aux, Code, Insn, Operand, Pc, Reg};

/// The most ways that may be pending at once: the kernel's
/// `BPF_COMPLEXITY_LIMIT_JMP_SEQ`.
const MAX_PENDING: usize = 8192;

/// A way not yet walked.
struct Pending {
    state: State,
    from: Pc,
    pc: Pc,
    parent: Option<usize>,
}

/// What a step leads to.
pub(crate) enum Step {
    /// The next instruction.
    On,
    /// Another one.
    To(Pc),
    /// Nothing: the path ends.
    End,
}

/// The walk: the path that is walked now, and all that is kept.
pub(crate) struct Walk<'a> {
    pub(crate) code: &'a Code,
    pub(crate) aux: &'a Aux,
    pub(crate) structure: &'a Structure,
    pub(crate) options: &'a Options,
    pub(crate) state: State,
    pub(crate) pc: Pc,
    pub(crate) facts: Builder,
    pub(crate) log: Log,
    pub(crate) seen: Seen,
    /// How many instructions count as walked: those inside of loops that are
    /// summarised as often as there may be rounds.
    pub(crate) processed: u32,
    /// How many were, and how many may be.
    pub(crate) walked: u32,
    pub(crate) most_walked: u32,
    /// The instruction that the path comes from.
    pub(crate) from: Pc,
    pub(crate) summaries: Summaries,
    /// The trial that this walk is, where it is one.
    pub(crate) trial: Option<Trial>,
    pub(crate) globals: Globals,
    pending: Vec<Pending>,
    parent: Option<usize>,
    last_id: u32,
    last_run: u32,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(code: &'a Code, aux: &'a Aux, structure: &'a Structure, options: &'a Options) -> Self {
        Self {
            code,
            aux,
            structure,
            options,
            state: entry_state(aux),
            pc: Pc::START,
            facts: Builder::new(code, structure),
            log: Log::new(options),
            seen: Seen::new(code, structure, options),
            processed: 0,
            walked: 0,
            most_walked: u32::MAX,
            from: Pc::START,
            summaries: Summaries::default(),
            trial: None,
            globals: Globals::default(),
            pending: Vec::new(),
            parent: None,
            last_id: 0,
            last_run: 0,
        }
    }

    /// Walks every path to its end: the main program's, and then those of each
    /// global function that is called.
    pub(crate) fn run(&mut self) -> Result<(), Cause> {
        self.run_root()?;
        while let Some((state, pc)) = self.next_global()? {
            (self.state, self.pc, self.parent) = (state, pc, None);
            self.run_root()?;
        }
        Ok(())
    }

    fn run_root(&mut self) -> Result<(), Cause> {
        self.log.starts(None, self.pc, &self.state, self.aux);
        self.run_paths(false)
    }

    /// Walks this path and all that it parts into to their ends; `begun`, where
    /// all that is to be done before its first instruction was.
    pub(crate) fn run_paths(&mut self, begun: bool) -> Result<(), Cause> {
        let mut ended = begun && self.walk_one()?;
        loop {
            if ended && !self.next_pending() {
                return Ok(());
            }
            ended = self.leaves_loops() || self.ends_here()? || self.walk_one()?;
        }
    }

    fn ends_here(&mut self) -> Result<bool, Cause> {
        self.seen.record(self.pc, &self.state, self.structure);
        self.is_pruned()
    }

    /// One instruction; whether the path ended with it.
    fn walk_one(&mut self) -> Result<bool, Cause> {
        if self.processed >= self.options.budget {
            return Err(self.reject(Why::Budget(self.processed + 1)));
        }
        if self.walked >= self.most_walked {
            return Err(self.unsupported("so long a trial"));
        }
        self.walked += 1;
        self.summaries_pay()?;
        self.processed = self.processed.saturating_add(self.state.loops.weight());
        let Some(insn) = self.code.at(self.pc) else { return Err(self.bug("an instruction is walked")) };
        self.note_test(insn);
        self.from = self.pc;
        self.facts.reach(self.pc);
        self.log.before(self.pc, insn, &self.state);
        if jumps(insn) {
            self.seen.jumped();
        }
        let step = self.step(insn)?;
        self.log.after(&self.state, self.aux);
        match step {
            Step::On => self.pc = self.pc.plus(insn.slots()),
            Step::To(pc) => self.pc = pc,
            Step::End => return Ok(true),
        }
        Ok(false)
    }

    /// Whether the path needs no more walking from here.
    fn is_pruned(&mut self) -> Result<bool, Cause> {
        if !self.structure.is_prune_point(self.pc) {
            return Ok(false);
        }
        if self.ends_round() {
            return Ok(true);
        }
        if self.structure.calls_callback(self.pc) && self.state.top().rounds == 0 {
            let call = self.new_run();
            self.state.top_mut().call = call;
        }
        // The kernel counts the instruction before it compares states.
        match self.seen.visit(self.pc, &mut self.state, self.parent, self.structure, self.walked + 1) {
            Visit::Known { unwritten } => {
                self.note_unwritten(unwritten);
                self.log.pruned(self.pc);
                Ok(true)
            }
            Visit::Loops => Err(self.reject(Why::InfiniteLoop(self.pc))),
            Visit::New(stored) => {
                let new = stored != std::mem::replace(&mut self.parent, stored);
                self.fits_in_memory()?;
                self.summarise(new)?;
                Ok(false)
            }
        }
    }

    /// Notes for those who run the program which frames it may read that no one
    /// wrote, on the path that is not walked further.
    pub(crate) fn note_unwritten(&mut self, frames: u8) {
        let noted = self.state.frames.iter().enumerate().filter(|(i, _)| frames & 1 << i != 0);
        noted.for_each(|(_, frame)| self.facts.reads_uninit(frame.subprog));
    }

    /// Takes up a pending way; false where there is none.
    fn next_pending(&mut self) -> bool {
        self.seen.path_ended(self.parent);
        let Some(Pending { state, from, pc, parent }) = self.pending.pop() else { return false };
        self.seen.meter.release(&state);
        (self.state, self.pc, self.parent, self.from) = (state, pc, parent, from);
        self.log.starts(Some(from), pc, &self.state, self.aux);
        true
    }

    /// Keeps a way for later.
    pub(crate) fn push(&mut self, state: State, pc: Pc) -> Result<(), Cause> {
        if self.pending.len() >= MAX_PENDING {
            return Err(self.reject(Why::TooManyJumps(self.pending.len() + 1)));
        }
        self.seen.path_parts(self.parent);
        self.seen.meter.keep(&state);
        self.pending.push(Pending { state, from: self.pc, pc, parent: self.parent });
        self.fits_in_memory()
    }

    /// That the states kept take no more memory than allowed.
    fn fits_in_memory(&mut self) -> Result<(), Cause> {
        if !self.seen.meter.seems_full() {
            return Ok(());
        }
        let pending = self.pending.iter().map(|way| &way.state);
        let bytes = memory::taken(self.seen.kept().chain(pending)) + self.seen.aside();
        self.seen.meter.counted(bytes).map_err(|bytes| self.reject(Why::Memory(bytes)))
    }

    /// Keeps for later what runs on its own.
    pub(crate) fn push_later(&mut self, state: State, pc: Pc) -> Result<(), Cause> {
        if self.trial.is_some() {
            return Err(self.unsupported("what runs later, in a trial"));
        }
        if self.pending.len() >= MAX_PENDING {
            return Err(self.reject(Why::TooManyJumps(self.pending.len() + 1)));
        }
        self.seen.meter.keep(&state);
        self.pending.push(Pending { state, from: self.pc, pc, parent: None });
        Ok(())
    }

    /// A rejection at the instruction that is walked.
    pub(crate) fn reject(&self, why: Why) -> Cause {
        Cause::Reject(Reject { at: Some(self.pc), why })
    }

    /// The end of a walk that has no rule to go on with.
    pub(crate) fn unsupported(&self, what: impl Into<String>) -> Cause {
        Cause::Unsupported(Unsupported { at: Some(self.pc), what: what.into() })
    }

    pub(crate) fn bug(&self, what: &'static str) -> Cause {
        Cause::Bug(Bug { at: Some(self.pc), what })
    }

    /// Gives no name or number again that another walk gave.
    pub(crate) const fn counts_on_from(&mut self, other: &Walk<'_>) {
        (self.last_id, self.last_run) = (other.last_id, other.last_run);
    }

    /// The state that was stored last on this path.
    pub(crate) const fn parent(&self) -> Option<usize> {
        self.parent
    }

    /// Stores the state where it was not.
    pub(crate) fn store_here(&mut self) -> Result<(), Cause> {
        self.parent = Some(self.seen.store(self.pc, &mut self.state, self.parent, self.structure));
        self.fits_in_memory()
    }

    /// A number for a call of a callback, for a frame, or for a run of a loop.
    pub(crate) fn new_run(&mut self) -> u32 {
        self.last_run += 1;
        self.last_run
    }

    pub(crate) fn new_id(&mut self) -> Id {
        self.last_id += 1;
        Id(self.last_id)
    }

    /// Something was concluded from a number's range: where it differs, what was
    /// stored on this path is of no use.
    pub(crate) fn rely_on(&mut self, number: &Number) {
        self.rely(number.origins);
    }

    /// The same, of numbers that come from there.
    pub(crate) fn rely(&mut self, origins: Origins) {
        self.seen.rely(self.parent, origins);
    }

    /// Something is proven of a number's range that no verdict comes of: it may still
    /// be made wider in the next round of a loop.
    pub(crate) fn rely_on_range(&mut self, number: &Number) {
        self.seen.rely_on_range(self.parent, number.origins);
    }

    /// The same, of every number on the path.
    pub(crate) fn rely_on_path(&mut self) {
        self.seen.rely_on_path(self.parent);
    }

    /// What a register holds, which may be read.
    pub(crate) fn read(&self, reg: Reg) -> Result<Value, Cause> {
        match *self.state.reg(reg) {
            Value::Uninit => Err(self.reject(Why::Unreadable(reg))),
            value @ (Value::Number(_) | Value::Pointer(_)) => Ok(value),
        }
    }

    /// What an operand is, which may be read.
    pub(crate) fn operand(&self, operand: Operand) -> Result<Value, Cause> {
        match operand {
            Operand::Reg(reg) => self.read(reg),
            Operand::Imm(imm) => Ok(Value::immediate(imm as u64)),
        }
    }

    /// That a register may be written.
    pub(crate) fn writable(&self, reg: Reg) -> Result<(), Cause> {
        if reg == Reg::FP { Err(self.reject(Why::WritesFramePointer)) } else { Ok(()) }
    }

    /// Gives the number in a register a name, so that its copies are known to
    /// be the same; a constant needs none.
    pub(crate) fn name_number(&mut self, reg: Reg) -> Option<Number> {
        let Value::Number(number) = *self.state.reg(reg) else { return None };
        let named = self.named(number);
        if named.id != number.id {
            self.state.set(reg, Value::Number(named));
        }
        Some(named)
    }

    /// The number with a name. One that is a distance away from what it is named
    /// after gets a new one, and is no more known by the other.
    pub(crate) fn named(&mut self, mut number: Number) -> Number {
        if number.moved.is_some() {
            number = number.nameless();
        }
        if !number.id.is_some() && number.range.as_const().is_none() {
            number.id = self.new_id();
        }
        number
    }

    fn step(&mut self, insn: &Insn) -> Result<Step, Cause> {
        match *insn {
            Insn::Alu { op, width, dst, src } => self.alu(op, width, dst, src)?,
            Insn::Neg { width, dst } => self.negate(width, dst)?,
            Insn::MovSx { width, from, dst, src } => self.move_signed(width, from, dst, src)?,
            Insn::Swap { order, size, dst } => self.swap(order, size, dst)?,
            Insn::AddrSpaceCast { .. } => return Err(self.unsupported("an address space cast")),
            Insn::LoadImm64 { dst, imm } => self.load_imm64(dst, imm)?,
            Insn::Load { size, signed, dst, src, off } => self.load(size, signed, dst, src, off)?,
            Insn::Store { size, dst, off, src } => self.store(size, dst, off, src)?,
            Insn::Atomic { op, width, dst, off, src } => self.atomic(op, width, dst, off, src)?,
            Insn::LoadAcquire { size, dst, src, off } => self.load_acquire(size, dst, src, off)?,
            Insn::StoreRelease { size, dst, off, src } => self.store_release(size, dst, off, src)?,
            Insn::LoadPacket { at, .. } => self.load_packet(at)?,
            Insn::Jump { off, .. } => return Ok(Step::To(self.target(off)?)),
            Insn::JumpIf { cond, width, dst, src, off } => {
                return self.jump_if(cond, width, dst, src, off.into());
            }
            Insn::MayGoto { off } => return self.may_goto(off.into()),
            Insn::Call(callee) => return self.call(callee),
            Insn::Exit => return self.exit(),
        }
        Ok(Step::On)
    }

    /// Where a jump lands; the structure vouches that it lands somewhere.
    pub(crate) fn target(&self, off: i32) -> Result<Pc, Cause> {
        self.pc.jump(off).ok_or_else(|| self.bug("a jump stays in the program"))
    }
}

/// Whether it is of the class of jumps, which the kernel counts.
const fn jumps(insn: &Insn) -> bool {
    match insn {
        Insn::Jump { .. } | Insn::JumpIf { .. } | Insn::MayGoto { .. } | Insn::Call(_) | Insn::Exit => true,
        Insn::Alu { .. } | Insn::Neg { .. } | Insn::MovSx { .. } | Insn::Swap { .. } => false,
        Insn::AddrSpaceCast { .. } | Insn::LoadImm64 { .. } | Insn::Load { .. } | Insn::Store { .. } => false,
        Insn::Atomic { .. } | Insn::LoadAcquire { .. } | Insn::StoreRelease { .. } => false,
        Insn::LoadPacket { .. } => false,
    }
}

/// What the program finds at its start.
fn entry_state(aux: &Aux) -> State {
    let mut state = State::new();
    match aux.prog_type.entry {
        Entry::Ctx => state.set(Reg::R1, Value::pointer(PtrKind::Ctx)),
        Entry::Mem => {
            state.set(Reg::R1, Value::pointer(PtrKind::Mem { size: aux.mem_size, rdonly: false }));
            state.set(Reg::R2, Value::immediate(aux.mem_size.into()));
        }
    }
    state
}
