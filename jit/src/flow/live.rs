//! What is live between blocks, and how much of it.
//!
//! # The lattice
//!
//! For each of r0 to r9: nothing, its low 32 bits (*narrow*), all of it
//! (*wide*). The order is inclusion of bits, the join is union: a register that
//! one way looks at narrowly and another widely is wide. What it means: no run
//! from here on depends on a bit of a register that is not live.
//!
//! # Transfer
//!
//! Backwards: an instruction kills what it defines and makes live what it uses,
//! in the width it uses it. A move passes on what is live of its destination;
//! a 32-bit one looks widely at what it extends for a wide use, for there may be
//! nothing to extend (see [`short`](super::short)).
//! Everything else counts as used even where the result is not, so that no
//! operand of a compiled instruction is ever garbage: a divisor that was proven
//! to be non-zero must be the real one.

use super::{Block, Plan};
use brolga_core::insn::RegSet;
use brolga_core::{AluOp, AtomicOp, Callee, Code, Insn, Operand, PacketAt, Pc, Reg, Size, Width};

/// What is live at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    wide: RegSet,
    narrow: RegSet,
}

impl Live {
    /// The registers of which all 64 bits are live.
    pub(crate) const fn wide(self) -> RegSet {
        self.wide
    }

    /// The registers of which only the low 32 bits are live.
    pub(crate) const fn narrow(self) -> RegSet {
        self.narrow.without(self.wide)
    }

    /// Every live register.
    pub(crate) const fn any(self) -> RegSet {
        self.wide.union(self.narrow)
    }

    const fn join(self, other: Self) -> Self {
        Self { wide: self.wide.union(other.wide), narrow: self.narrow.union(other.narrow) }
    }

    const fn kill(&mut self, set: RegSet) {
        self.wide = self.wide.without(set);
        self.narrow = self.narrow.without(set);
    }
}

/// What the analysis needs to know of a program.
pub(crate) struct Liveness<'a> {
    pub(crate) code: &'a Code,
    /// Whether narrow is told from wide.
    pub(crate) narrow: bool,
    /// The argument registers that the call at a place reads.
    pub(crate) arguments: &'a dyn Fn(Pc, Callee) -> RegSet,
}

impl Liveness<'_> {
    /// Finds what is live at the start of each block of a plan, the least
    /// solution: last blocks first, for most lead to later ones; then again where
    /// a successor changed.
    pub(crate) fn solve(&self, plan: &mut Plan) {
        let mut work = Vec::new();
        for block in (0..plan.blocks.len()).rev() {
            self.look_at(plan, block);
            if plan.blocks[block].ending.successors().any(|to| to.index() <= block) {
                work.push(block);
            }
        }
        if work.is_empty() {
            return;
        }
        let into = Predecessors::new(&plan.blocks);
        let mut queued = vec![false; plan.blocks.len()];
        work.iter().for_each(|block| queued[*block] = true);
        while let Some(block) = work.pop() {
            queued[block] = false;
            if self.look_at(plan, block) {
                for &from in into.of(block) {
                    if !std::mem::replace(&mut queued[from as usize], true) {
                        work.push(from as usize);
                    }
                }
            }
        }
    }

    /// Finds what is live at the start of a block, as far as that is known of those
    /// behind it; whether it is more than was known.
    fn look_at(&self, plan: &mut Plan, block: usize) -> bool {
        let live = self.at_start(&plan.blocks[block], self.at_end(plan, block));
        let changed = live != plan.blocks[block].live;
        plan.blocks[block].live = live;
        changed
    }

    fn at_end(&self, plan: &Plan, block: usize) -> Live {
        let ending = plan.blocks[block].ending;
        ending.successors().fold(Live::default(), |live, to| live.join(plan.blocks[to.index()].live))
    }

    fn at_start(&self, block: &Block, mut live: Live) -> Live {
        for (pc, insn) in block.insns(self.code).rev() {
            self.before(pc, insn, &mut live);
        }
        live
    }

    /// From what is live after an instruction to what is live before it.
    fn before(&self, pc: Pc, insn: &Insn, live: &mut Live) {
        let after = *live;
        live.kill(insn.defs());
        let (wide, narrow) = if let Insn::Alu { op: AluOp::Mov, src: Operand::Reg(src), dst, .. } = *insn {
            let of = |set: RegSet| if set.contains(dst) { RegSet::of(src) } else { RegSet::EMPTY };
            (of(after.wide), of(after.narrow()))
        } else {
            self.uses(pc, insn)
        };
        // The frame pointer is not tracked: it is known everywhere.
        let (wide, narrow) = (wide.without(RegSet::of(Reg::FP)), narrow.without(RegSet::of(Reg::FP)));
        if self.narrow {
            *live = live.join(Live { wide, narrow });
        } else {
            live.wide |= wide | narrow;
        }
    }

    /// The registers that an instruction looks at widely and narrowly.
    fn uses(&self, pc: Pc, insn: &Insn) -> (RegSet, RegSet) {
        let none = RegSet::EMPTY;
        let by_width = |width: Width, set: RegSet| match width {
            Width::W32 => (none, set),
            Width::W64 => (set, none),
        };
        let by_size = |base: Reg, size: Size, value: RegSet| match size {
            Size::B8 => (RegSet::of(base) | value, none),
            Size::B1 | Size::B2 | Size::B4 => (RegSet::of(base), value),
        };
        match *insn {
            Insn::Alu { width, .. } | Insn::Neg { width, .. } | Insn::JumpIf { width, .. } => {
                by_width(width, insn.uses())
            }
            Insn::MovSx { .. } => (none, insn.uses()),
            Insn::Swap { size, .. } => {
                by_width(if size == Size::B8 { Width::W64 } else { Width::W32 }, insn.uses())
            }
            Insn::Store { size, dst, src, .. } => by_size(dst, size, src.reg().map_or(none, RegSet::of)),
            Insn::StoreRelease { size, dst, src, .. } => by_size(dst, size, RegSet::of(src)),
            Insn::Atomic { op, width, dst, src, .. } => {
                let expected = if op == AtomicOp::Cmpxchg { RegSet::of(Reg::R0) } else { none };
                by_size(dst, width.size(), RegSet::of(src) | expected)
            }
            Insn::LoadPacket { at: PacketAt::Abs, .. } => (RegSet::of(Reg::R6), none),
            Insn::LoadPacket { at: PacketAt::Ind(src), .. } => (RegSet::of(Reg::R6), RegSet::of(src)),
            Insn::Call(callee) => ((self.arguments)(pc, callee), none),
            Insn::AddrSpaceCast { .. }
            | Insn::LoadImm64 { .. }
            | Insn::Load { .. }
            | Insn::LoadAcquire { .. }
            | Insn::Jump { .. }
            | Insn::MayGoto { .. }
            | Insn::Exit => (insn.uses(), none),
        }
    }
}

/// The blocks that lead to each block.
pub(super) struct Predecessors {
    first: Vec<u32>,
    from: Vec<u32>,
}

impl Predecessors {
    pub(super) fn new(blocks: &[Block]) -> Self {
        let mut first = vec![0; blocks.len() + 1];
        let edges = || {
            blocks.iter().enumerate().flat_map(|(i, b)| b.ending.successors().map(move |to| (i, to.index())))
        };
        edges().for_each(|(_, to)| first[to + 1] += 1);
        for i in 0..blocks.len() {
            first[i + 1] += first[i];
        }
        let mut from = vec![0; first[blocks.len()] as usize];
        let mut next = first.clone();
        for (block, to) in edges() {
            from[next[to] as usize] = block as u32;
            next[to] += 1;
        }
        Self { first, from }
    }

    pub(super) fn of(&self, block: usize) -> &[u32] {
        &self.from[self.first[block] as usize..self.first[block + 1] as usize]
    }
}
