//! What the walk finds out for those who run the program: joined over every
//! state in which an instruction is walked.
//!
//! A state that is pruned lies within one that was walked, register by register
//! and slot by slot, so what held of that one holds of it.

use crate::structure::{Structure, stack_depth};
use brolga_core::facts::{Facts, InsnFacts, Region, Subprog, SubprogId};
use brolga_core::prog_type::SockKind;
use brolga_core::{Code, MapIdx, Pc};

/// How a memory access is converted before it runs: in one way at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// Not at all.
    Plain,
    /// As one of the context.
    Ctx,
    /// As one of a socket.
    Socket(SockKind),
    /// As one of another kernel object.
    Object,
}

/// Facts in the making.
pub(crate) struct Builder {
    insns: Box<[InsnFacts]>,
    /// Whether the instruction that is walked is walked for the first time.
    first: bool,
    /// How a memory access, at its place, is converted.
    converted: Box<[Option<Conversion>]>,
    subprogs: Vec<Subprog>,
    /// Which subprograms a helper took to be run later.
    later: Vec<bool>,
}

impl Builder {
    pub(crate) fn new(code: &Code, structure: &Structure) -> Self {
        let subprogs = structure.subprogs().iter().map(|s| Subprog {
            start: s.range.start,
            end: s.range.end,
            stack: 0,
            reads_uninit_stack: false,
        });
        Self {
            insns: vec![InsnFacts::default(); code.len()].into(),
            first: false,
            converted: vec![None; code.len()].into(),
            subprogs: subprogs.collect(),
            later: vec![false; structure.subprogs().len()],
        }
    }

    pub(crate) fn reach(&mut self, pc: Pc) {
        let row = &mut self.insns[pc.index()];
        self.first = !row.reached;
        row.reached = true;
    }

    pub(crate) fn goes(&mut self, pc: Pc, taken: bool) {
        let ways = &mut self.insns[pc.index()].ways;
        if taken {
            ways.taken = true;
        } else {
            ways.falls_through = true;
        }
    }

    pub(crate) fn divides(&mut self, pc: Pc, nonzero: bool) {
        let row = &mut self.insns[pc.index()];
        row.divisor_nonzero = nonzero && (self.first || row.divisor_nonzero);
    }

    pub(crate) fn passes(&mut self, pc: Pc, map: Option<MapIdx>) {
        let row = &mut self.insns[pc.index()];
        row.map = map.filter(|_| self.first || row.map == map);
    }

    pub(crate) fn calls_back(&mut self, pc: Pc, subprog: SubprogId) {
        let row = &mut self.insns[pc.index()];
        let same = self.first || row.callback == Some(subprog);
        row.callback = same.then_some(subprog);
    }

    pub(crate) fn runs_later(&mut self, subprog: SubprogId) {
        self.later[subprog.index()] = true;
    }

    pub(crate) fn touches(&mut self, pc: Pc, region: Region) {
        let row = &mut self.insns[pc.index()];
        row.region = Some(match row.region {
            None => region,
            Some(known) => join(known, region),
        });
    }

    /// Notes how an access is converted; false where it is otherwise on another
    /// path.
    pub(crate) fn same_kind(&mut self, pc: Pc, conversion: Conversion) -> bool {
        *self.converted[pc.index()].get_or_insert(conversion) == conversion
    }

    /// Notes that a subprogram's frame is used down to an offset from its end.
    pub(crate) fn uses_stack(&mut self, subprog: SubprogId, off: i32) {
        let stack = &mut self.subprogs[subprog.index()].stack;
        *stack = (*stack).max(off.unsigned_abs().next_multiple_of(8));
    }

    pub(crate) fn reads_uninit(&mut self, subprog: SubprogId) {
        self.subprogs[subprog.index()].reads_uninit_stack = true;
    }

    /// The frame that each subprogram needs.
    pub(crate) fn frames(&self) -> impl Iterator<Item = stack_depth::Frame> {
        let frame = |(s, later): (&Subprog, &bool)| stack_depth::Frame { bytes: s.stack, runs_later: *later };
        self.subprogs.iter().zip(&self.later).map(frame)
    }

    pub(crate) fn finish(self) -> Facts {
        Facts { insns: self.insns, subprogs: self.subprogs }
    }
}

/// What is true of both accesses.
fn join(a: Region, b: Region) -> Region {
    match (a, b) {
        (a, b) if a == b => a,
        // Whoever may reach such an object is not run at all.
        (Region::Kernel, _) | (_, Region::Kernel) => Region::Kernel,
        (Region::Stack { .. }, Region::Stack { .. }) => Region::Stack { fixed: None },
        (
            Region::Stack { .. } | Region::Ctx(_) | Region::Packet | Region::MapValue(_) | Region::Other,
            Region::Stack { .. } | Region::Ctx(_) | Region::Packet | Region::MapValue(_) | Region::Other,
        ) => Region::Other,
    }
}
