//! The words that keys and values are made of.
//!
//! Programs access values whenever they like, with loads and stores of any size
//! that the compiler of this crate knows nothing of. So this crate never has a
//! `&[u8]` of a value: it copies word by word with relaxed atomics, which are
//! plain moves on every 64-bit machine.

use super::MapError;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use zerocopy::FromZeros;

/// How many words `bytes` bytes take.
pub(super) const fn words(bytes: u32) -> usize {
    bytes.div_ceil(8) as usize
}

/// This many zero words. Memory is committed when it is first written.
pub(super) fn zeroed(words: u64) -> Result<Box<[AtomicU64]>, MapError> {
    let no_memory = MapError::NoMemory { bytes: words.saturating_mul(8) };
    let words = usize::try_from(words).map_err(|_| no_memory.clone())?;
    <[AtomicU64]>::new_box_zeroed_with_elems(words).map_err(|_| no_memory)
}

/// Copies bytes to words; what is left of the last word becomes zero.
pub(super) fn write(words: &[AtomicU64], bytes: &[u8]) {
    for (word, chunk) in words.iter().zip(bytes.chunks(8)) {
        word.store(word_of(chunk), Relaxed);
    }
}

/// Copies words to bytes.
pub(super) fn read(words: &[AtomicU64], bytes: &mut [u8]) {
    for (word, chunk) in words.iter().zip(bytes.chunks_mut(8)) {
        let word = word.load(Relaxed).to_ne_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

/// Whether words hold these bytes.
pub(super) fn equal(words: &[AtomicU64], bytes: &[u8]) -> bool {
    words.iter().zip(bytes.chunks(8)).all(|(word, chunk)| word.load(Relaxed) == word_of(chunk))
}

/// The address of the first of some words, good for all of them.
pub(super) fn address(words: &[AtomicU64]) -> NonNull<u8> {
    NonNull::from(words).cast()
}

/// Up to 8 bytes as they lie in memory, padded with zeros.
pub(super) fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    match bytes.len() {
        // Keys are mostly of these sizes, and a copy of a known size is a move.
        8 => word.copy_from_slice(bytes),
        4 => word[..4].copy_from_slice(bytes),
        len => word[..len].copy_from_slice(bytes),
    }
    u64::from_ne_bytes(word)
}
