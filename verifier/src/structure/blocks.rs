//! The basic blocks of a subprogram, and facts that flow over them.
//!
//! An edge of this graph stays in its subprogram: a call is an instruction like
//! any other, whose next one is the next.
//!
//! A fact grows where paths meet, and only so often: its height. The least
//! solution is reached by going again over the blocks behind (or after) one
//! whose fact grew, so each is gone over at most as often as the facts beside it
//! can grow. The time is linear in the program, whatever its loops.

use super::marks::Marks;
use super::queue::Queue;
use super::subprogs::Subprogram;
use brolga_core::{Code, Pc};
use std::ops::Range;

/// A run of instructions that is entered at its first and left at its last.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) places: Range<Pc>,
    succs: [Option<u32>; 2],
}

/// The blocks of one subprogram.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    /// By place.
    pub(super) list: Vec<Block>,
    /// The blocks before each, those of the i-th from `first_pred[i]` on.
    preds: Vec<u32>,
    first_pred: Vec<u32>,
    /// The blocks that the first leads to, so that each comes after those that
    /// it leads to, but for the edges that close a loop.
    postorder: Vec<u32>,
    /// Each block's place in that order.
    rank: Vec<u32>,
    /// Where edges close a loop: each cycle has such a place.
    pub(super) headers: Vec<Pc>,
}

/// A set of things that may still be read. Order: inclusion; join: union.
pub(super) trait Set: Copy + PartialEq {
    /// Nothing.
    const EMPTY: Self;
    /// What is in either.
    fn union(self, other: Self) -> Self;
    /// What is in this one only.
    fn without(self, other: Self) -> Self;
}

/// What an instruction, or a run of them, does to a set of things that may still
/// be read: first it reads, then it overwrites.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect<S> {
    pub(super) reads: S,
    pub(super) writes: S,
}

impl<S: Set> Effect<S> {
    pub(super) const NONE: Self = Self { reads: S::EMPTY, writes: S::EMPTY };

    /// This one, and then the other.
    pub(super) fn then(self, next: Self) -> Self {
        let reads = self.reads.union(next.reads.without(self.writes));
        Self { reads, writes: self.writes.union(next.writes) }
    }

    /// What may be read from here on, given what may be after.
    pub(super) fn before(self, after: S) -> S {
        self.reads.union(after.without(self.writes))
    }
}

/// A fact of which more is possible the longer it is looked for.
pub(super) trait Grow: Clone {
    /// Takes in what the other allows; whether that was more.
    fn grow(&mut self, other: &Self) -> bool;
}

impl Blocks {
    /// The blocks of a subprogram, no jump of which goes into the middle of an
    /// instruction.
    pub(super) fn of(code: &Code, marks: &[Marks], subprog: &Subprogram) -> Self {
        let mut list = split(code, marks, subprog.range.clone());
        for i in 0..list.len() {
            let number = |at: Pc| list.binary_search_by_key(&at, |b| b.places.start).ok().map(|i| i as u32);
            list[i].succs = ways(code, list[i].places.clone()).map(|to| to.and_then(number));
        }
        let (preds, first_pred) = predecessors(&list);
        let mut walk =
            Walk { list: &list, ranks: vec![Walk::NEW; list.len()], order: Vec::new(), headers: Vec::new() };
        walk.run();
        let Walk { ranks: rank, order: postorder, headers, .. } = walk;
        Self { list, preds, first_pred, postorder, rank, headers }
    }

    /// Whether the first block leads to every other.
    pub(super) fn all_reached(&self) -> bool {
        self.postorder.len() == self.list.len()
    }

    /// The block that starts here.
    pub(super) fn number(&self, start: Pc) -> Option<u32> {
        self.list.binary_search_by_key(&start, |b| b.places.start).ok().map(|i| i as u32)
    }

    /// The blocks of which an edge closes a loop at this one.
    pub(super) fn closing(&self, head: u32) -> impl Iterator<Item = u32> {
        let rank = self.rank[head as usize];
        self.preds(head).iter().copied().filter(move |from| self.rank[*from as usize] <= rank)
    }

    /// The blocks that lead to one.
    pub(super) fn preds(&self, block: u32) -> &[u32] {
        &self.preds[self.first_pred[block as usize] as usize..self.first_pred[block as usize + 1] as usize]
    }

    /// What may still be read at each block's end, given what each block does.
    /// After an exit, nothing.
    ///
    /// Every block must be reached.
    fn backward<S: Set>(&self, effects: &[Effect<S>]) -> Vec<S> {
        let mut at_end = vec![S::EMPTY; self.list.len()];
        let mut queue = Queue::new(&self.postorder, &self.rank, false);
        while let Some(block) = queue.pop() {
            let fact = effects[block as usize].before(at_end[block as usize]);
            for &pred in self.preds(block) {
                let old = &mut at_end[pred as usize];
                let new = old.union(fact);
                if new != std::mem::replace(old, new) {
                    queue.push(pred);
                }
            }
        }
        at_end
    }

    /// What may still be read before each instruction, given what each does, by
    /// place.
    ///
    /// Every block must be reached.
    pub(super) fn live_before<S: Set>(&self, effects: &[Effect<S>], live: &mut [S]) {
        let range = |block: &Block| block.places.start.index()..block.places.end.index();
        let whole = |block: &Block| effects[range(block)].iter().fold(Effect::NONE, |all, e| all.then(*e));
        let at_end = self.backward(&self.list.iter().map(whole).collect::<Vec<_>>());
        for (block, mut fact) in self.list.iter().zip(at_end) {
            for at in range(block).rev() {
                fact = effects[at].before(fact);
                live[at] = fact;
            }
        }
    }

    /// What holds at each block's start, where `entry` does at the first's and
    /// `through` makes of the fact at a block's start the one at its end.
    ///
    /// Every block must be reached.
    pub(super) fn forward<F: Grow>(&self, entry: F, through: impl Fn(&Block, &mut F)) -> Vec<Option<F>> {
        let mut at_start = vec![None; self.list.len()];
        at_start[0] = Some(entry);
        let mut queue = Queue::new(&self.postorder, &self.rank, true);
        while let Some(number) = queue.pop() {
            let block = &self.list[number as usize];
            let Some(mut fact) = at_start[number as usize].clone() else { continue };
            through(block, &mut fact);
            for &succ in block.succs.iter().flatten() {
                if join(&mut at_start[succ as usize], &fact) {
                    queue.push(succ);
                }
            }
        }
        at_start
    }
}

fn join<F: Grow>(old: &mut Option<F>, with: &F) -> bool {
    match old {
        Some(old) => old.grow(with),
        None => {
            *old = Some(with.clone());
            true
        }
    }
}

fn split(code: &Code, marks: &[Marks], range: Range<Pc>) -> Vec<Block> {
    let mut list = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let end = end_of(code, marks, start);
        list.push(Block { places: start..end, succs: [None; 2] });
        start = end;
    }
    list
}

/// The end of the block that starts here: after a jump or exit, which the
/// subprogram's last instruction is, or where a jump leads to.
fn end_of(code: &Code, marks: &[Marks], start: Pc) -> Pc {
    let mut pc = start;
    loop {
        let leaves = code.at(pc).is_none_or(|insn| {
            let flow = insn.flow();
            flow.target(pc).is_some() || !flow.falls_through()
        });
        pc = code.next(pc);
        if leaves || marks[pc.index()].contains(Marks::JUMP_TARGET) {
            return pc;
        }
    }
}

/// Where a block leads: on, and by its jump.
fn ways(code: &Code, places: Range<Pc>) -> [Option<Pc>; 2] {
    let last = (places.start.0..places.end.0).rev().map(Pc).find_map(|pc| Some((pc, code.at(pc)?)));
    last.map_or([None; 2], |(pc, insn)| {
        let next = insn.flow().falls_through().then_some(places.end);
        [next, insn.flow().target(pc)]
    })
}

/// The edges backward, by where they lead to, and where those of each block
/// start.
fn predecessors(list: &[Block]) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0; list.len() + 1];
    let edges = || list.iter().zip(0..).flat_map(|(b, i)| b.succs.iter().flatten().map(move |to| (i, *to)));
    edges().for_each(|(_, to)| first[to as usize] += 1);
    let mut sum = 0;
    for end in &mut first {
        sum += *end;
        *end = sum;
    }
    let mut preds = vec![0; sum as usize];
    for (from, to) in edges() {
        first[to as usize] -= 1;
        preds[first[to as usize] as usize] = from;
    }
    (preds, first)
}

/// A depth-first walk over the blocks, on to the next one first and then by the
/// jump, as the kernel's.
struct Walk<'a> {
    list: &'a [Block],
    /// Each block's place in the order, once it has one.
    ranks: Vec<u32>,
    order: Vec<u32>,
    headers: Vec<Pc>,
}

impl Walk<'_> {
    const NEW: u32 = u32::MAX;
    /// The walk is at the block or below it.
    const OPEN: u32 = u32::MAX - 1;

    fn run(&mut self) {
        let mut path = vec![(0, 0)];
        self.ranks[0] = Self::OPEN;
        while let Some((at, way)) = path.last_mut() {
            let Some(succ) = self.list[*at as usize].succs.get(*way) else {
                self.ranks[*at as usize] = self.order.len() as u32;
                self.order.push(*at);
                path.pop();
                continue;
            };
            *way += 1;
            path.extend(succ.filter(|to| self.enters(*to)).map(|to| (to, 0)));
        }
    }

    /// Whether the walk is to go on below this block.
    fn enters(&mut self, block: u32) -> bool {
        match self.ranks[block as usize] {
            Self::NEW => {
                self.ranks[block as usize] = Self::OPEN;
                true
            }
            Self::OPEN => {
                self.headers.push(self.list[block as usize].places.start);
                false
            }
            _ => false,
        }
    }
}
