//! What is still to be gone over, in an order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Blocks that wait, each at most once at a time; the first in the order given
/// comes first.
pub(super) struct Queue {
    /// Each block's place in the order.
    rank: Vec<u32>,
    order: Vec<u32>,
    waits: Vec<bool>,
    heap: BinaryHeap<Reverse<u32>>,
}

impl Queue {
    /// With all blocks waiting; `order` has each of `count` once.
    pub(super) fn new(order: impl Iterator<Item = u32>, count: usize) -> Self {
        let order: Vec<u32> = order.collect();
        let mut rank = vec![0; count];
        for (i, block) in order.iter().enumerate() {
            rank[*block as usize] = i as u32;
        }
        let heap = (0..order.len() as u32).map(Reverse).collect();
        Self { rank, waits: vec![true; count], order, heap }
    }

    /// Has a block wait.
    pub(super) fn push(&mut self, block: u32) {
        if !std::mem::replace(&mut self.waits[block as usize], true) {
            self.heap.push(Reverse(self.rank[block as usize]));
        }
    }

    /// The first block that waits, which then does no more.
    pub(super) fn pop(&mut self) -> Option<u32> {
        let Reverse(rank) = self.heap.pop()?;
        let block = self.order[rank as usize];
        self.waits[block as usize] = false;
        Some(block)
    }
}
