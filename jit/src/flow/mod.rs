//! The shape of a subprogram: its blocks, and what is live between them.
//!
//! Only what the facts say is reached is here. An edge that they exclude is
//! none; one that leads where they say that nothing is reached is a trap, as is
//! running off the end: neither happens, and neither is to run on into other
//! code if it did.

mod live;
mod nest;
mod order;
mod program;
mod short;
mod slots;
mod turn;
mod unroll;

pub(crate) use live::{Live, Liveness};
pub(crate) use program::{ProgramPlan, Role, helper_arity};
pub(crate) use slots::Stack;

use crate::options::Passes;
use brolga_core::facts::{Facts, Subprog};
use brolga_core::insn::RegSet;
use brolga_core::{Code, Insn, Pc};

/// An index into [`Plan::blocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockIdx(u32);

impl BlockIdx {
    /// Where a subprogram is entered.
    pub(crate) const ENTRY: Self = Self(0);

    pub(crate) const fn new(index: usize) -> Self {
        Self(index as u32)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It goes on to another, or to itself.
    Goto(BlockIdx),
    /// Its last instruction decides. Both ways lead to the same block only where
    /// that is a `may_goto`, which counts how often it is passed.
    Branch { taken: BlockIdx, next: BlockIdx },
    /// Its last instruction leaves the subprogram.
    Return,
    /// It never ends.
    Trap,
}

impl Ending {
    pub(crate) fn successors(self) -> impl Iterator<Item = BlockIdx> + use<> {
        let (a, b) = match self {
            Self::Goto(to) => (Some(to), None),
            Self::Branch { taken, next } => (Some(taken), Some(next)),
            Self::Return | Self::Trap => (None, None),
        };
        a.into_iter().chain(b)
    }

    /// The same, where it matters nothing which way is gone to the same block.
    fn decided(self) -> Self {
        match self {
            Self::Branch { taken, next } if taken == next => Self::Goto(taken),
            Self::Branch { .. } | Self::Goto(_) | Self::Return | Self::Trap => self,
        }
    }

    /// The same with other places to go to.
    fn map(self, to: impl Fn(BlockIdx) -> BlockIdx) -> Self {
        match self {
            Self::Goto(goes) => Self::Goto(to(goes)),
            Self::Branch { taken, next } => Self::Branch { taken: to(taken), next: to(next) },
            Self::Return => Self::Return,
            Self::Trap => Self::Trap,
        }
    }
}

/// Instructions that run one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// The first instruction.
    pub(crate) start: Pc,
    /// The last instruction.
    pub(crate) last: Pc,
    pub(crate) ending: Ending,
    /// How many loops it is in.
    pub(crate) depth: u8,
    /// How many edges lead here, the subprogram's entry included.
    pub(crate) edges: u32,
    /// What is live at its start.
    pub(crate) live: Live,
    /// Which registers are known to fit 32 bits at its start.
    pub(crate) short: RegSet,
}

/// The blocks of a subprogram; the first is its entry.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) subprog: Subprog,
    pub(crate) blocks: Vec<Block>,
    pub(crate) stack: Stack,
}

impl Plan {
    /// The plan of a subprogram; nothing where no run reaches it.
    pub(crate) fn new(code: &Code, facts: &Facts, subprog: Subprog, passes: Passes) -> Option<Self> {
        let scan = Scan { code, facts, subprog };
        if !scan.reached(subprog.start) {
            return None;
        }
        let leaders = scan.leaders();
        let mut blocks: Vec<Block> = scan.blocks(&leaders);
        if passes.contains(Passes::THREAD) {
            order::thread(code, &mut blocks);
        }
        if passes.contains(Passes::LAYOUT) {
            nest::nest(&mut blocks);
        }
        let copied =
            if passes.contains(Passes::UNROLL) { unroll::unroll(code, &mut blocks) } else { Vec::new() };
        if passes.contains(Passes::TURN) {
            turn::turn(&mut blocks, &copied);
        }
        if passes.contains(Passes::THREAD) {
            order::order(&mut blocks);
        }
        blocks[0].edges += 1;
        for block in 0..blocks.len() {
            for to in blocks[block].ending.successors() {
                blocks[to.index()].edges += 1;
            }
        }
        let insns = blocks.iter().flat_map(|block| block.insns(code)).map(|(_, insn)| insn);
        let stack = Stack::new(insns, passes.contains(Passes::STACK));
        Some(Self { subprog, blocks, stack })
    }

    /// The instructions with their places, block by block.
    pub(crate) fn insns<'a>(&'a self, code: &'a Code) -> impl Iterator<Item = (Pc, &'a Insn)> {
        self.blocks.iter().flat_map(|block| block.insns(code))
    }
}

impl Block {
    /// The instructions with their places, in order.
    pub(crate) fn insns<'a>(&self, code: &'a Code) -> impl DoubleEndedIterator<Item = (Pc, &'a Insn)> {
        (self.start.0..=self.last.0).filter_map(|i| code.at(Pc(i)).map(|insn| (Pc(i), insn)))
    }

    /// Whether it ends in a `may_goto`.
    pub(crate) fn spends(&self, code: &Code) -> bool {
        matches!(code.at(self.last), Some(Insn::MayGoto { .. }))
    }

    /// The same, with an ending that decides nothing made none, where that is all
    /// that it does.
    fn simplified(self, code: &Code) -> Self {
        if self.spends(code) { self } else { Self { ending: self.ending.decided(), ..self } }
    }
}

/// Where an instruction may go.
#[derive(Clone, Copy, Default)]
struct Edges {
    taken: Option<Pc>,
    next: Option<Pc>,
    returns: bool,
    /// Whether a block ends here even if nothing else jumps to what follows.
    splits: bool,
}

struct Scan<'a> {
    code: &'a Code,
    facts: &'a Facts,
    subprog: Subprog,
}

/// The blocks that start at each place of a subprogram.
struct Leaders {
    start: Pc,
    block: Vec<Option<BlockIdx>>,
}

impl Leaders {
    fn at(&self, pc: Pc) -> Option<BlockIdx> {
        self.block[(pc.0 - self.start.0) as usize]
    }
}

impl Scan<'_> {
    fn reached(&self, pc: Pc) -> bool {
        (self.subprog.start..self.subprog.end).contains(&pc)
            && self.code.at(pc).is_some()
            && self.facts.at(pc).reached
    }

    fn insns(&self) -> impl Iterator<Item = (Pc, &Insn)> {
        (self.subprog.start.0..self.subprog.end.0)
            .map(Pc)
            .filter(|pc| self.reached(*pc))
            .filter_map(|pc| self.code.at(pc).map(|insn| (pc, insn)))
    }

    fn edges(&self, pc: Pc, insn: &Insn) -> Edges {
        let reached = |to: Option<Pc>| to.filter(|to| self.reached(*to));
        let target = || reached(insn.flow().target(pc));
        let next = || reached(Some(self.code.next(pc)));
        match insn {
            Insn::Jump { .. } => Edges { taken: target(), splits: true, ..Edges::default() },
            Insn::JumpIf { .. } => {
                let ways = self.facts.at(pc).ways;
                let taken = ways.taken.then(target).flatten();
                let next = ways.falls_through.then(next).flatten();
                Edges { taken, next, splits: true, returns: false }
            }
            Insn::MayGoto { .. } => Edges { taken: target(), next: next(), splits: true, returns: false },
            Insn::Exit => Edges { returns: true, splits: true, ..Edges::default() },
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
            | Insn::Call(_) => Edges { next: next(), ..Edges::default() },
        }
    }

    fn leaders(&self) -> Leaders {
        let start = self.subprog.start;
        let mut is_leader = vec![false; (self.subprog.end.0 - start.0) as usize];
        let mut mark = |pc: Pc| is_leader[(pc.0 - start.0) as usize] = true;
        mark(start);
        for (pc, insn) in self.insns() {
            let edges = self.edges(pc, insn);
            edges.taken.into_iter().for_each(&mut mark);
            edges.next.into_iter().filter(|_| edges.splits).for_each(&mut mark);
        }
        let mut count = 0;
        let number = |leads: bool| {
            count += u32::from(leads);
            leads.then(|| BlockIdx(count - 1))
        };
        Leaders { start, block: is_leader.into_iter().map(number).collect() }
    }

    fn blocks(&self, leaders: &Leaders) -> Vec<Block> {
        let starts = leaders.block.iter().enumerate().filter(|(_, block)| block.is_some());
        starts.map(|(i, _)| self.block(self.subprog.start.plus(i as u32), leaders)).collect()
    }

    fn block(&self, start: Pc, leaders: &Leaders) -> Block {
        let mut last = start;
        loop {
            let edges = self.code.at(last).map_or_else(Edges::default, |insn| self.edges(last, insn));
            let to = |pc: Option<Pc>| pc.and_then(|pc| leaders.at(pc));
            match edges.next {
                Some(next) if !edges.splits && leaders.at(next).is_none() => last = next,
                _ => {
                    let ending = ending(edges.returns, to(edges.taken), to(edges.next));
                    let block = Block {
                        start,
                        last,
                        ending,
                        depth: 0,
                        edges: 0,
                        live: Live::default(),
                        short: RegSet::EMPTY,
                    };
                    return block.simplified(self.code);
                }
            }
        }
    }
}

fn ending(returns: bool, taken: Option<BlockIdx>, next: Option<BlockIdx>) -> Ending {
    match (taken, next) {
        _ if returns => Ending::Return,
        (Some(taken), Some(next)) => Ending::Branch { taken, next },
        (Some(to), _) | (None, Some(to)) => Ending::Goto(to),
        (None, None) => Ending::Trap,
    }
}
