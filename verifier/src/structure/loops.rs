//! The loops of a subprogram: which places are between a head and the edges that
//! lead back to it.
//!
//! The **body** of a head `h` is the set of blocks from which one of the edges
//! that close a loop at `h` is reached without passing `h`, and `h` itself. A head
//! whose body holds the subprogram's first block, unless it is that, has none:
//! there `h` is not the only way in.

use super::blocks::Blocks;
use brolga_core::{Code, Insn, Pc};
use std::ops::Range;

/// So many blocks are gone over for each of a subprogram, at most; heads that are
/// left then have no loop.
const WORK: usize = 16;

/// A loop.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) head: Pc,
    /// Its places, in order; neighbours are one range.
    body: Vec<Range<Pc>>,
}

impl Loop {
    /// Whether a place is in the body.
    pub(crate) fn contains(&self, pc: Pc) -> bool {
        let after = self.body.partition_point(|range| range.start <= pc);
        after > 0 && self.body[after - 1].contains(&pc)
    }

    /// Whether its rounds are counted when they run.
    fn ends_by_itself(&self, code: &Code) -> bool {
        let places = self.body.iter().flat_map(|range| range.start.0..range.end.0);
        places.map(Pc).any(|pc| matches!(code.at(pc), Some(Insn::MayGoto { .. })))
    }
}

/// The loops of a subprogram, those left out whose rounds are counted when they
/// run.
pub(super) fn find(code: &Code, blocks: &Blocks) -> Vec<Loop> {
    let mut heads = blocks.headers.clone();
    heads.sort_unstable();
    heads.dedup();
    let mut work = WORK * blocks.list.len();
    let mut last = vec![Pc(u32::MAX); blocks.list.len()];
    let found = heads.into_iter().filter_map(|head| of(blocks, head, &mut last, &mut work));
    found.filter(|l| !l.ends_by_itself(code)).collect()
}

/// `last` is of each block the head whose loop it was found in last.
fn of(blocks: &Blocks, head: Pc, last: &mut [Pc], work: &mut usize) -> Option<Loop> {
    let first = blocks.number(head)?;
    let mut inside = vec![first];
    last[first as usize] = head;
    let mut todo: Vec<u32> = blocks.closing(first).collect();
    while let Some(block) = todo.pop() {
        *work = work.checked_sub(1)?;
        if std::mem::replace(&mut last[block as usize], head) == head {
            continue;
        }
        if block == 0 {
            return None;
        }
        inside.push(block);
        todo.extend(blocks.preds(block));
    }
    inside.sort_unstable();
    let mut body: Vec<Range<Pc>> = Vec::new();
    for places in inside.iter().map(|block| &blocks.list[*block as usize].places) {
        match body.last_mut() {
            Some(last) if last.end == places.start => last.end = places.end,
            Some(_) | None => body.push(places.clone()),
        }
    }
    Some(Loop { head, body })
}
