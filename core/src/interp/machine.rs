//! The machine: registers and frames.

use super::callback::{KEY_BYTES, Rounds};
use crate::insn::{Pc, Reg};

/// How deep calls may nest, the main program included.
pub const MAX_FRAMES: usize = 8;

/// The stack of one frame, in bytes.
pub const STACK_BYTES: usize = 512;

const WORDS: usize = STACK_BYTES / 8;

/// A frame's stack, aligned as compiled code aligns it.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Stack([u64; WORDS]);

/// The copy of a map's key.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Key(pub(super) [u8; KEY_BYTES]);

/// What a frame keeps besides its stack.
#[derive(Clone, Copy, Debug, Default)]
struct Caller {
    resume: Pc,
    saved: [u64; Reg::SAVED.len()],
    may_goto: u32,
    /// The rounds that the frame is one of, where a helper runs it.
    rounds: Option<Rounds>,
}

/// The registers and frames of a run.
pub struct Machine {
    regs: [u64; Reg::COUNT],
    stacks: Box<[Stack; MAX_FRAMES]>,
    callers: [Caller; MAX_FRAMES],
    /// The key that a callback in each frame gets; made with the first.
    keys: Option<Box<[Key; MAX_FRAMES]>>,
    depth: usize,
}

/// One frame as an observer sees it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The frame pointer: the address after the stack's last byte.
    pub fp: u64,
    /// The stack, lowest address first; the last byte is at `fp - 1`.
    pub stack: &'a [u64; WORDS],
    /// r6 to r9 as the frame's caller had them; zeros for the main program.
    pub saved: &'a [u64; Reg::SAVED.len()],
    /// Where the frame's caller goes on; 0 for the main program.
    pub resume: Pc,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine")
            .field("regs", &self.regs)
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

impl Machine {
    pub(super) fn new(r1: u64, r2: u64) -> Self {
        let mut machine = Self {
            regs: [0; Reg::COUNT],
            stacks: Box::new([Stack([0; WORDS]); MAX_FRAMES]),
            callers: [Caller::default(); MAX_FRAMES],
            keys: None,
            depth: 0,
        };
        machine.set(Reg::R1, r1);
        machine.set(Reg::R2, r2);
        machine.set(Reg::FP, machine.frame(0).fp);
        machine
    }

    /// What a register holds.
    #[must_use]
    pub const fn reg(&self, reg: Reg) -> u64 {
        self.regs[reg.index()]
    }

    /// Every register, by its number.
    #[must_use]
    pub const fn regs(&self) -> &[u64; Reg::COUNT] {
        &self.regs
    }

    pub(super) const fn set(&mut self, reg: Reg, value: u64) {
        self.regs[reg.index()] = value;
    }

    /// How many frames there are: 1 in the main program.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth + 1
    }

    /// A frame, counted from the main program's.
    ///
    /// # Panics
    ///
    /// Where there is no such frame.
    #[must_use]
    pub fn frame(&self, index: usize) -> Frame<'_> {
        assert!(index <= self.depth, "frame {index} of {}", self.depth + 1);
        let (stack, caller) = (&self.stacks[index].0, &self.callers[index]);
        let fp = stack.as_ptr_range().end as u64;
        Frame { fp, stack, saved: &caller.saved, resume: caller.resume }
    }

    /// Whether the bytes lie in the stack of one live frame.
    pub(super) fn in_stack(&self, addr: u64, len: u64) -> bool {
        (0..=self.depth).any(|i| {
            let fp = self.frame(i).fp;
            addr >= fp - STACK_BYTES as u64 && addr <= fp && len <= fp - addr
        })
    }

    /// Enters a subprogram; false where the frames are used up.
    pub(super) fn enter(&mut self, resume: Pc) -> bool {
        if self.depth + 1 == MAX_FRAMES {
            return false;
        }
        let saved = Reg::SAVED.map(|r| self.reg(r));
        self.depth += 1;
        self.callers[self.depth] = Caller { resume, saved, may_goto: 0, rounds: None };
        self.stacks[self.depth].0.fill(0);
        self.set(Reg::FP, self.frame(self.depth).fp);
        true
    }

    /// Leaves a subprogram; the place to go on at, or nothing where the main
    /// program ended.
    pub(super) fn leave(&mut self) -> Option<Pc> {
        let Caller { resume, saved, .. } = self.callers[self.depth];
        self.depth = self.depth.checked_sub(1)?;
        for (reg, value) in Reg::SAVED.into_iter().zip(saved) {
            self.set(reg, value);
        }
        self.set(Reg::FP, self.frame(self.depth).fp);
        Some(resume)
    }

    /// Enters the frame that runs anew, as a round of these.
    pub(super) fn enter_round(&mut self, rounds: Rounds) {
        let caller = &mut self.callers[self.depth];
        (caller.may_goto, caller.rounds) = (0, Some(rounds));
        self.stacks[self.depth].0.fill(0);
        // What the callback left in them is nothing to the next round.
        self.regs = [0; Reg::COUNT];
        self.set(Reg::FP, self.frame(self.depth).fp);
    }

    /// The rounds that the frame is one of.
    pub(super) const fn rounds(&self) -> Option<Rounds> {
        self.callers[self.depth].rounds
    }

    /// The key of the frame that runs.
    pub(super) fn key(&mut self) -> &mut [u8; KEY_BYTES] {
        let keys = self.keys.get_or_insert_with(|| Box::new([Key([0; KEY_BYTES]); MAX_FRAMES]));
        &mut keys[self.depth].0
    }

    /// Whether the bytes lie in the key of one live frame.
    pub(super) fn in_key(&self, addr: u64, len: u64) -> bool {
        let within = |key: &Key| {
            let off = addr.wrapping_sub(key.0.as_ptr() as u64);
            off <= KEY_BYTES as u64 && len <= KEY_BYTES as u64 - off
        };
        self.keys.iter().flat_map(|keys| &keys[..=self.depth]).any(within)
    }

    /// Counts a `may_goto` of this frame; whether its budget is spent.
    pub(super) const fn may_goto_spent(&mut self) -> bool {
        let passed = &mut self.callers[self.depth].may_goto;
        if *passed == super::MAY_GOTO_BUDGET {
            return true;
        }
        *passed += 1;
        false
    }
}
