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
use brolga_core::facts::{Facts, Subprog, Ways};
use brolga_core::insn::{Flow, RegSet};
use brolga_core::{Callee, Code, Imm64, Insn, Pc};
use live::Predecessors;
use order::Walk;

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
    /// What it refers to other subprograms with.
    pub(crate) references: Vec<Reference>,
}

/// An instruction that refers to a subprogram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) at: Pc,
    /// How far from there the subprogram is.
    pub(crate) off: i32,
    /// Whether it takes the address of a callback, and calls nothing.
    pub(crate) is_callback: bool,
}

impl Reference {
    const fn of(at: Pc, insn: &Insn) -> Option<Self> {
        if let Insn::Call(Callee::Subprog(off)) = *insn {
            Some(Self { at, off, is_callback: false })
        } else if let Insn::LoadImm64 { imm: Imm64::Func(off), .. } = *insn {
            Some(Self { at, off, is_callback: true })
        } else {
            None
        }
    }
}

impl Plan {
    /// The plan of a subprogram; nothing where no run reaches it.
    pub(crate) fn new(code: &Code, facts: &Facts, subprog: Subprog, passes: Passes) -> Option<Self> {
        let scan = Scan { code, facts, subprog };
        if !scan.reached(subprog.start) {
            return None;
        }
        let (mut stack, mut references) = (Stack::new(passes.contains(Passes::STACK)), Vec::new());
        let leaders = scan.leaders(|at, insn| {
            stack.add(insn);
            references.extend(Reference::of(at, insn));
        });
        let mut blocks = scan.blocks(&leaders);
        if passes.contains(Passes::THREAD) {
            order::thread(code, &mut blocks);
        }
        shape(code, &mut blocks, passes);
        blocks[0].edges += 1;
        for block in 0..blocks.len() {
            for to in blocks[block].ending.successors() {
                blocks[to.index()].edges += 1;
            }
        }
        Some(Self { subprog, blocks, stack, references })
    }
}

/// Copies what is copied of loops, and puts the blocks into order.
fn shape(code: &Code, blocks: &mut Vec<Block>, passes: Passes) {
    let mut walk = Walk::new(blocks);
    if !walk.backs.is_empty() {
        let mut into = Predecessors::new(blocks);
        if passes.contains(Passes::LAYOUT) {
            nest::nest(blocks, walk.backs, &into);
            walk = Walk::new(blocks);
        }
        let mut copied = Vec::new();
        if passes.contains(Passes::UNROLL) {
            copied = unroll::unroll(code, blocks, &walk.backs, &into);
        }
        if !copied.is_empty() {
            (walk, into) = (Walk::new(blocks), Predecessors::new(blocks));
        }
        let before = blocks.len();
        if passes.contains(Passes::TURN) {
            turn::turn(blocks, std::mem::take(&mut walk.backs), &into, &copied);
        }
        if blocks.len() > before {
            walk = Walk::new(blocks);
        }
    }
    if passes.contains(Passes::THREAD) {
        order::order(blocks, &walk);
    }
}

impl Block {
    /// The instructions with their places, in order.
    pub(crate) fn insns<'a>(&self, code: &'a Code) -> impl DoubleEndedIterator<Item = (Pc, &'a Insn)> {
        code.within(self.start, self.last.plus(1))
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
struct Edges {
    taken: Option<Pc>,
    next: Option<Pc>,
    returns: bool,
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
    count: usize,
}

impl Leaders {
    fn at(&self, pc: Pc) -> Option<BlockIdx> {
        self.block[(pc.0 - self.start.0) as usize]
    }

    fn ending(&self, edges: &Edges) -> Ending {
        let to = |pc: Option<Pc>| pc.and_then(|pc| self.at(pc));
        match (to(edges.taken), to(edges.next)) {
            _ if edges.returns => Ending::Return,
            (Some(taken), Some(next)) => Ending::Branch { taken, next },
            (Some(to), _) | (None, Some(to)) => Ending::Goto(to),
            (None, None) => Ending::Trap,
        }
    }
}

impl Scan<'_> {
    fn reached(&self, pc: Pc) -> bool {
        (self.subprog.start..self.subprog.end).contains(&pc)
            && self.code.at(pc).is_some()
            && self.facts.at(pc).reached
    }

    /// Where an instruction may go that does not always go on to the next one.
    fn edges(&self, pc: Pc, insn: &Insn) -> Option<Edges> {
        let flow = insn.flow();
        let ways = match flow {
            Flow::Next | Flow::Call(_) => return None,
            Flow::Jump(_) => Ways { taken: true, falls_through: false },
            Flow::Branch(_) if matches!(insn, Insn::MayGoto { .. }) => {
                Ways { taken: true, falls_through: true }
            }
            Flow::Branch(_) => self.facts.at(pc).ways,
            Flow::Exit => Ways::default(),
        };
        let reached = |to: Pc| self.reached(to).then_some(to);
        let taken = if ways.taken { flow.target(pc).and_then(reached) } else { None };
        let next = if ways.falls_through { reached(pc.plus(insn.slots())) } else { None };
        Some(Edges { taken, next, returns: flow == Flow::Exit })
    }

    /// Numbers the places where blocks start, and shows `each` instruction.
    fn leaders(&self, mut each: impl FnMut(Pc, &Insn)) -> Leaders {
        let Subprog { start, end, .. } = self.subprog;
        let mut block = vec![None; (end.0 - start.0) as usize];
        let mut mark = |pc: Pc| block[(pc.0 - start.0) as usize] = Some(BlockIdx::ENTRY);
        mark(start);
        let reached = self.code.within(start, end).filter(|(pc, _)| self.facts.at(*pc).reached);
        for (pc, insn) in reached {
            each(pc, insn);
            if let Some(edges) = self.edges(pc, insn) {
                edges.taken.into_iter().chain(edges.next).for_each(&mut mark);
            }
        }
        let mut count = 0;
        for leader in block.iter_mut().flatten() {
            *leader = BlockIdx::new(count);
            count += 1;
        }
        Leaders { start, block, count }
    }

    fn blocks(&self, leaders: &Leaders) -> Vec<Block> {
        let mut blocks = Vec::with_capacity(leaders.count);
        for (i, block) in leaders.block.iter().enumerate() {
            if block.is_some() {
                blocks.push(self.block(self.subprog.start.plus(i as u32), leaders));
            }
        }
        blocks
    }

    fn block(&self, start: Pc, leaders: &Leaders) -> Block {
        let mut last = start;
        let ending = loop {
            let Some(insn) = self.code.at(last) else { break Ending::Trap };
            if let Some(edges) = self.edges(last, insn) {
                break leaders.ending(&edges);
            }
            let next = last.plus(insn.slots());
            if !self.reached(next) {
                break Ending::Trap;
            }
            if let Some(block) = leaders.at(next) {
                break Ending::Goto(block);
            }
            last = next;
        };
        let (live, short) = (Live::default(), RegSet::EMPTY);
        Block { start, last, ending, depth: 0, edges: 0, live, short }.simplified(self.code)
    }
}
