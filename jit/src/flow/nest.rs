//! How many loops each block is in.
//!
//! A loop is what a jump back is reached from without passing where it leads.
//! Nothing but the order of the blocks depends on this, so that in large programs
//! it may be known in part only.

use super::Block;
use super::live::Predecessors;

/// How many edges are looked at for each block.
const LOOKS: usize = 8;

/// Counts the loops around each block, of these edges back.
pub(super) fn nest(blocks: &mut [Block], mut backs: Vec<(usize, usize)>, into: &Predecessors) {
    backs.sort_unstable_by_key(|(_, first)| *first);
    let mut looks = LOOKS * blocks.len();
    // By block, the first block of the loop that it was counted for last.
    let mut counted = vec![None; blocks.len()];
    for ways in backs.chunk_by(|a, b| a.1 == b.1) {
        let first = ways[0].1;
        let mut work: Vec<usize> = ways.iter().map(|(last, _)| *last).collect();
        work.push(first);
        while let Some(block) = work.pop() {
            if counted[block].replace(first) == Some(first) {
                continue;
            }
            blocks[block].depth = blocks[block].depth.saturating_add(1);
            let from = if block == first { &[] } else { into.of(block) };
            let Some(left) = looks.checked_sub(from.len()) else { return };
            looks = left;
            work.extend(from.iter().map(|from| *from as usize));
        }
    }
}
