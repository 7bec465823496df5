//! Copying to and from a program's memory at every alignment.

use super::super::memory::{clear, copy_in, copy_out, transfer, with_copy};
use super::address;

/// Lengths around the sizes of pieces.
const LENGTHS: [usize; 15] = [0, 1, 3, 4, 7, 8, 9, 15, 64, 255, 256, 257, 511, 513, 1500];

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + 1) as u8).collect()
}

#[test]
fn a_copy_is_what_was_there() {
    let mut memory = pattern(2000);
    let expected = memory.clone();
    let start = address(&mut memory);
    for (off, len) in (0..9).flat_map(|off| LENGTHS.map(|len| (off, len))) {
        let mut copy = vec![0xee; len];
        // SAFETY: all of it is within the vectors.
        unsafe { copy_out(start + off as u64, copy.as_mut_ptr(), len) };
        assert_eq!(copy, expected[off..off + len]);
        // SAFETY: as above.
        let same = unsafe { with_copy(start + off as u64, len, |copy| copy == &expected[off..off + len]) };
        assert_eq!(same, Some(true));
    }
}

#[test]
fn nothing_else_is_written() {
    for (off, len) in (0..9).flat_map(|off| LENGTHS.map(|len| (off, len))) {
        let mut memory = vec![0xee; 2000];
        let mut source = pattern(2000);
        let (to, from) = (address(&mut memory) + off as u64, address(&mut source) + 3);
        let around =
            |memory: &[u8]| memory[..off].iter().chain(&memory[off + len..]).all(|byte| *byte == 0xee);
        // SAFETY: all of it is within the vectors.
        unsafe { copy_in(to, &pattern(len)) };
        assert!(memory[off..off + len] == pattern(len) && around(&memory));
        // SAFETY: as above.
        unsafe { transfer(from, to, len) };
        assert!(memory[off..off + len] == pattern(2000)[3..3 + len] && around(&memory));
        // SAFETY: as above.
        unsafe { clear(to, len) };
        assert!(memory[off..off + len].iter().all(|byte| *byte == 0) && around(&memory));
    }
}
