//! Loops turned round, so that each round jumps less often.
//!
//! The last block of a loop jumps back to the first, which then decides where to
//! go. Where several ways lead to the last block, all but one of them jump there
//! too. With a copy of the first block behind the last, the round starts where the
//! last block is and falls into the copy.

use super::live::Predecessors;
use super::{Block, BlockIdx, Ending};

/// The most instructions that the first block of a loop may have to be copied,
/// and that copies may add to a subprogram.
const LARGEST: u32 = 16;
const ADDED: u32 = 64;

/// Turns the loops of these edges back, but for those that start at one of `but`.
pub(super) fn turn(
    blocks: &mut Vec<Block>,
    mut backs: Vec<(usize, usize)>,
    into: &Predecessors,
    but: &[usize],
) {
    backs.sort_unstable_by_key(|(_, first)| *first);
    let mut added = 0;
    for ways in backs.chunk_by(|a, b| a.1 == b.1) {
        let &[(last, first)] = ways else { continue };
        let jumps = into.of(last).len() > 1 || matches!(blocks[last].ending, Ending::Goto(_));
        let decides = matches!(blocks[first].ending, Ending::Branch { .. });
        let insns = blocks[first].last.0 - blocks[first].start.0 + 1;
        if last == first || !jumps || !decides || insns > LARGEST || but.contains(&first) {
            continue;
        }
        added += insns;
        if added > ADDED {
            return;
        }
        let copy = BlockIdx(blocks.len() as u32);
        blocks.push(blocks[first]);
        blocks[last].ending = blocks[last].ending.map(|to| if to.index() == first { copy } else { to });
    }
}
