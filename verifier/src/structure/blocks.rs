//! The basic blocks of a program, and the dataflow over them.
//!
//! An edge of this graph stays in its subprogram: a call is an instruction like
//! any other, whose next one is the next. A fact is a set; it flows backward (or
//! forward) through an instruction and grows by union where paths meet, so that
//! the least solution is reached from empty sets by going again over the blocks
//! behind (or after) one whose fact grew. A block is gone over again at most as
//! often as the facts of its neighbours can grow, which their height bounds: the
//! time is linear in the program, whatever its loops.

use super::marks::Marks;
use super::subprogs::Subprogram;
use brolga_core::{Code, Pc};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
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
    preds: Vec<Vec<u32>>,
    /// The blocks so that each comes after those that it leads to, but for
    /// the edges that close a loop.
    postorder: Vec<u32>,
}

/// A fact that flows over blocks.
pub(super) trait Fact: Clone + PartialEq {
    /// Joins the other into this one.
    fn join(&mut self, other: &Self);
}

impl Blocks {
    /// The blocks of a subprogram whose every instruction is reached.
    pub(super) fn of(code: &Code, marks: &[Marks], subprog: &Subprogram) -> Self {
        let range = subprog.range.clone();
        let mut list: Vec<Block> = Vec::new();
        let mut pc = range.start;
        while pc < range.end {
            let end = end_of(code, marks, pc);
            list.push(Block { places: pc..end, succs: [None; 2] });
            pc = end;
        }
        let starts: Vec<Pc> = list.iter().map(|b| b.places.start).collect();
        let number = |at: Pc| starts.binary_search(&at).ok().map(|i| i as u32);
        let mut preds = vec![Vec::new(); list.len()];
        for (i, block) in list.iter_mut().enumerate() {
            block.succs = last_ways(code, block.places.clone()).map(|to| to.and_then(number));
            for succ in block.succs.iter().flatten() {
                preds[*succ as usize].push(i as u32);
            }
        }
        let postorder = postorder(&list);
        Self { list, preds, postorder }
    }

    /// The facts at the blocks' starts, where `transfer` gives the fact at a
    /// block's start from that at its end, and nothing holds after an exit.
    pub(super) fn backward<F: Fact>(&self, empty: &F, transfer: impl Fn(&Block, F) -> F) -> Vec<F> {
        let mut at_start = vec![empty.clone(); self.list.len()];
        let mut queue = Queue::new(self.postorder.iter().copied(), self.list.len());
        while let Some(block) = queue.pop() {
            let fact = transfer(&self.list[block as usize], self.at_end(block, empty, &at_start));
            if fact != at_start[block as usize] {
                at_start[block as usize] = fact;
                self.preds[block as usize].iter().for_each(|p| queue.push(*p));
            }
        }
        at_start
    }

    /// What holds at a block's end, given what holds at each one's start.
    pub(super) fn at_end<F: Fact>(&self, block: u32, empty: &F, at_start: &[F]) -> F {
        let mut fact = empty.clone();
        for succ in self.list[block as usize].succs.iter().flatten() {
            fact.join(&at_start[*succ as usize]);
        }
        fact
    }

    /// The facts at the blocks' starts, where `transfer` gives the fact at a
    /// block's end from that at its start, and `entry` holds at the first's.
    pub(super) fn forward<F: Fact>(&self, entry: F, transfer: impl Fn(&Block, &F) -> F) -> Vec<Option<F>> {
        let mut at_start = vec![None; self.list.len()];
        at_start[0] = Some(entry);
        let mut queue = Queue::new(self.postorder.iter().rev().copied(), self.list.len());
        while let Some(block) = queue.pop() {
            let Some(fact) = &at_start[block as usize] else { continue };
            let fact = transfer(&self.list[block as usize], fact);
            for succ in self.list[block as usize].succs.iter().flatten() {
                if grow(&mut at_start[*succ as usize], &fact) {
                    queue.push(*succ);
                }
            }
        }
        at_start
    }
}

fn grow<F: Fact>(old: &mut Option<F>, with: &F) -> bool {
    let mut new = old.clone().unwrap_or_else(|| with.clone());
    new.join(with);
    let grown = old.as_ref() != Some(&new);
    *old = Some(new);
    grown
}

/// The end of the block that starts here. The subprogram's last instruction
/// ends one.
fn end_of(code: &Code, marks: &[Marks], start: Pc) -> Pc {
    let mut pc = start;
    loop {
        let jumps =
            code.at(pc).is_none_or(|insn| insn.flow().target(pc).is_some() || !insn.flow().falls_through());
        pc = code.next(pc);
        if jumps || marks[pc.index()].contains(Marks::JUMP_TARGET) {
            return pc;
        }
    }
}

fn last_ways(code: &Code, places: Range<Pc>) -> [Option<Pc>; 2] {
    let before = |n| places.end.0.checked_sub(n).map(Pc).filter(|pc| places.contains(pc));
    let last = [1, 2].into_iter().filter_map(before).find_map(|pc| Some((pc, code.at(pc)?)));
    last.map_or([None; 2], |(pc, insn)| {
        let next = insn.flow().falls_through().then_some(places.end);
        [next, insn.flow().target(pc)]
    })
}

fn postorder(list: &[Block]) -> Vec<u32> {
    let mut seen = vec![false; list.len()];
    let mut order = Vec::with_capacity(list.len());
    let mut path = vec![(0, 0)];
    seen[0] = true;
    while let Some((at, way)) = path.last_mut() {
        let Some(succ) = list[*at as usize].succs.get(*way) else {
            order.push(*at);
            path.pop();
            continue;
        };
        *way += 1;
        if let Some(to) = succ.filter(|to| !seen[*to as usize]) {
            seen[to as usize] = true;
            path.push((to, 0));
        }
    }
    order
}

/// Blocks to go over, each at most once at a time, first in the order given.
struct Queue {
    rank: Vec<u32>,
    block: Vec<u32>,
    waits: Vec<bool>,
    heap: BinaryHeap<Reverse<u32>>,
}

impl Queue {
    /// With all blocks in it.
    fn new(order: impl Iterator<Item = u32>, count: usize) -> Self {
        let block: Vec<u32> = order.collect();
        let mut rank = vec![0; count];
        for (i, b) in block.iter().enumerate() {
            rank[*b as usize] = i as u32;
        }
        let heap = (0..block.len() as u32).map(Reverse).collect();
        Self { rank, waits: vec![true; count], block, heap }
    }

    fn push(&mut self, block: u32) {
        if !std::mem::replace(&mut self.waits[block as usize], true) {
            self.heap.push(Reverse(self.rank[block as usize]));
        }
    }

    fn pop(&mut self) -> Option<u32> {
        let Reverse(rank) = self.heap.pop()?;
        let block = self.block[rank as usize];
        self.waits[block as usize] = false;
        Some(block)
    }
}
