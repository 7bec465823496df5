//! The order of the blocks, and jumps that only lead to others.

use super::{Block, BlockIdx, Ending};
use brolga_core::{Code, Insn};

/// Where a block goes to, what leaves a loop first: it comes last then.
fn ways(blocks: &[Block], block: usize) -> [Option<BlockIdx>; 2] {
    let depth = |to: BlockIdx| blocks[to.index()].depth;
    match blocks[block].ending {
        Ending::Branch { taken, next } if depth(next) < depth(taken) => [Some(next), Some(taken)],
        Ending::Branch { taken, next } => [Some(taken), Some(next)],
        Ending::Goto(to) => [Some(to), None],
        Ending::Return | Ending::Trap => [None, None],
    }
}

/// All blocks, gone through depth first from the entry.
pub(super) struct Walk {
    /// The edges that lead back to a block on the way that they were found by:
    /// from where, and to where.
    pub(super) backs: Vec<(usize, usize)>,
    /// The blocks, each behind all that it leads to, but for the edges back.
    left: Vec<usize>,
}

impl Walk {
    pub(super) fn new(blocks: &[Block]) -> Self {
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; blocks.len()];
        let mut walk = Self { backs: Vec::new(), left: Vec::with_capacity(blocks.len()) };
        // The blocks on the way, and where they are yet to be left to.
        let mut way = Vec::with_capacity(blocks.len());
        way.push((0, ways(blocks, 0)));
        marks[0] = Mark::Open;
        while let Some((block, [first, second])) = way.last_mut() {
            let Some(to) = first.take().or_else(|| second.take()).map(BlockIdx::index) else {
                marks[*block] = Mark::Done;
                walk.left.push(*block);
                way.pop();
                continue;
            };
            match marks[to] {
                Mark::New => {
                    marks[to] = Mark::Open;
                    way.push((to, ways(blocks, to)));
                }
                Mark::Open => walk.backs.push((*block, to)),
                Mark::Done => {}
            }
        }
        walk
    }
}

/// Puts the blocks into an order in which each stands before all that it leads
/// to, but for the edges back: so most of what a block asks is known by then.
pub(super) fn order(blocks: &mut Vec<Block>, walk: &Walk) {
    let order = || walk.left.iter().rev().copied();
    if order().eq(0..blocks.len()) {
        return;
    }
    let mut numbers = vec![BlockIdx::ENTRY; blocks.len()];
    for (number, block) in order().enumerate() {
        numbers[block] = BlockIdx::new(number);
    }
    let renamed = |block: usize| {
        let block = blocks[block];
        Block { ending: block.ending.map(|to| numbers[to.index()]), ..block }
    };
    *blocks = order().map(renamed).collect();
}

/// Leads jumps to blocks that do nothing but jump to where those jump to, and
/// leaves such blocks out.
pub(super) fn thread(code: &Code, blocks: &mut Vec<Block>) {
    let only_jumps =
        |block: &Block| block.start == block.last && matches!(code.at(block.last), Some(Insn::Jump { .. }));
    if !blocks.iter().any(only_jumps) {
        return;
    }
    let through: Vec<Option<BlockIdx>> = blocks
        .iter()
        .map(|block| match block.ending {
            Ending::Goto(to) if only_jumps(block) => Some(to),
            Ending::Goto(_) | Ending::Branch { .. } | Ending::Return | Ending::Trap => None,
        })
        .collect();
    // The entry stays, and so does a block that jumps to another such one.
    let skipped = |block: usize| block > 0 && through[block].is_some_and(|to| through[to.index()].is_none());
    if !(0..blocks.len()).any(skipped) {
        return;
    }
    let mut count = 0;
    let numbers: Vec<u32> = (0..blocks.len())
        .map(|block| {
            count += u32::from(!skipped(block));
            count.wrapping_sub(1)
        })
        .collect();
    let to = |to: BlockIdx| {
        let to = through[to.index()].filter(|_| skipped(to.index())).unwrap_or(to);
        BlockIdx(numbers[to.index()])
    };
    let kept = blocks.iter().enumerate().filter(|(i, _)| !skipped(*i));
    let led_on = |block: &Block| Block { ending: block.ending.map(to), ..*block }.simplified(code);
    *blocks = kept.map(|(_, block)| led_on(block)).collect();
}
