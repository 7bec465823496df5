//! What is still to be gone over, in an order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Blocks that wait, each at most once at a time; the first in an order comes
/// first. At the start all wait.
pub(super) struct Queue<'a> {
    /// Each block once.
    order: &'a [u32],
    /// Each block's place in the order.
    rank: &'a [u32],
    /// Whether the order is meant the other way round.
    reversed: bool,
    /// All from this place on still wait for the first time.
    untouched: usize,
    /// The places before it that wait again.
    again: BinaryHeap<Reverse<usize>>,
    waits: Vec<bool>,
}

impl<'a> Queue<'a> {
    /// In this order, or with `reversed` the other way round; `rank` is each
    /// block's place in it.
    pub(super) fn new(order: &'a [u32], rank: &'a [u32], reversed: bool) -> Self {
        let waits = vec![true; order.len()];
        Self { order, rank, reversed, untouched: 0, again: BinaryHeap::new(), waits }
    }

    /// Has a block wait.
    pub(super) fn push(&mut self, block: u32) {
        if !std::mem::replace(&mut self.waits[block as usize], true) {
            self.again.push(Reverse(self.turned(self.rank[block as usize] as usize)));
        }
    }

    /// The first block that waits, which then does no more.
    pub(super) fn pop(&mut self) -> Option<u32> {
        let place = match self.again.pop() {
            Some(Reverse(place)) => place,
            None if self.untouched == self.order.len() => return None,
            None => {
                self.untouched += 1;
                self.untouched - 1
            }
        };
        let block = self.order[self.turned(place)];
        self.waits[block as usize] = false;
        Some(block)
    }

    fn turned(&self, place: usize) -> usize {
        if self.reversed { self.order.len() - 1 - place } else { place }
    }
}
