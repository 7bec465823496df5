//! Where a function starts within a cache line.
//!
//! A processor takes decoded instructions from its cache by lines of 64 bytes of
//! code. A loop of a few instructions that needs one line more than it must runs
//! up to twice as long (measured on AMD's Zen: 318 and 626 ns for the same loop
//! of 42 bytes). Cranelift does not align loops; but a whole function can be
//! moved, so that its hottest loops need as few lines as they can.

use std::ops::Range;

/// The size of a cache line.
pub(crate) const LINE: u32 = 64;

/// The number of loops that are looked at, and the size that one may have: what
/// a line costs does not matter in a larger one.
const LOOPS: usize = 32;
const SIZE: u32 = 4 * LINE;

/// How much more a loop counts than the one it is in.
const NESTING: u64 = 16;

/// The loops of a function, in bytes from its start: from each block that is
/// jumped back to, to the end of the block that does.
///
/// `starts` holds the offsets of the blocks, in order; `edges` those that lead
/// from one to another; `len` is the function's size.
pub(crate) fn loops(starts: &[u32], edges: &[(u32, u32)], len: u32) -> Vec<Range<u32>> {
    let end = |from: u32| starts[starts.partition_point(|s| *s <= from)..].first().copied().unwrap_or(len);
    let back = edges.iter().filter(|(from, to)| to <= from);
    let mut loops: Vec<Range<u32>> = back.map(|(from, to)| *to..end(*from)).collect();
    // Of the ways back to one block the longest counts.
    loops.sort_unstable_by_key(|l| (l.start, l.end));
    loops.dedup_by(|later, first| {
        let same = later.start == first.start;
        if same {
            first.end = later.end;
        }
        same
    });
    loops
}

/// The best place for a function's start within a line, a multiple of `step`.
pub(crate) fn best_start(loops: &[Range<u32>], step: u32) -> u32 {
    let small: Vec<(&Range<u32>, u64)> = loops
        .iter()
        .filter(|l| l.end - l.start <= SIZE)
        .take(LOOPS)
        .map(|inner| {
            let around = loops.iter().take(LOOPS).filter(|l| l.start <= inner.start && inner.end <= l.end);
            (inner, NESTING.saturating_pow(around.count() as u32))
        })
        .collect();
    let cost = |start: &u32| {
        small
            .iter()
            .fold(0_u64, |sum, (l, weight)| sum.saturating_add(excess(l, *start).saturating_mul(*weight)))
    };
    (0..LINE).step_by(step.max(1) as usize).min_by_key(cost).unwrap_or(0)
}

/// How many lines more than it must a loop needs.
fn excess(l: &Range<u32>, start: u32) -> u64 {
    let lines = (start + l.end).div_ceil(LINE) - (start + l.start) / LINE;
    u64::from(lines - (l.end - l.start).div_ceil(LINE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_found_by_their_way_back() {
        // 0 -> 10 -> 20 -> 10, 20 -> 30 -> 0, 30 -> 40; 40 goes nowhere.
        let edges = [(0, 10), (10, 20), (20, 10), (20, 30), (30, 0), (30, 40)];
        assert_eq!(loops(&[0, 10, 20, 30, 40], &edges, 50), [0..40, 10..30]);
        let one = loops(&[0, 10], &[(10, 0), (0, 0)], 25);
        assert_eq!(one.first(), Some(&(0..25)));
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn a_loop_is_moved_into_one_line() {
        for begin in 0..200 {
            let l = begin..begin + 40;
            let start = best_start(std::slice::from_ref(&l), 4);
            assert_eq!(excess(&l, start), 0, "{begin}");
        }
    }

    #[test]
    fn the_inner_loop_counts_most() {
        // Both can not be had: the outer one fills its lines exactly.
        let (outer, inner) = (0..128, 50..80);
        let start = best_start(&[outer.clone(), inner.clone()], 1);
        assert_eq!(excess(&inner, start), 0);
        assert_eq!(excess(&outer, 0), 0);
        assert_eq!(excess(&outer, start), 1);
    }

    #[test]
    fn without_loops_a_function_starts_a_line() {
        assert_eq!(best_start(&[], 16), 0);
    }
}
