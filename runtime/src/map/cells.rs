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
    let (whole, rest) = bytes.as_chunks::<8>();
    for (word, chunk) in words.iter().zip(whole) {
        word.store(u64::from_ne_bytes(*chunk), Relaxed);
    }
    if let (Some(word), false) = (words.get(whole.len()), rest.is_empty()) {
        word.store(word_of(rest), Relaxed);
    }
}

/// Copies words to bytes.
pub(super) fn read(words: &[AtomicU64], bytes: &mut [u8]) {
    let (whole, rest) = bytes.as_chunks_mut::<8>();
    for (word, chunk) in words.iter().zip(whole.iter_mut()) {
        *chunk = word.load(Relaxed).to_ne_bytes();
    }
    if let Some(word) = words.get(whole.len()) {
        let word = word.load(Relaxed).to_ne_bytes();
        rest.copy_from_slice(&word[..rest.len()]);
    }
}

/// Whether words hold these bytes.
pub(super) fn equal(words: &[AtomicU64], bytes: &[u8]) -> bool {
    let (whole, rest) = bytes.as_chunks::<8>();
    let same = |(word, chunk): (&AtomicU64, &[u8; 8])| word.load(Relaxed) == u64::from_ne_bytes(*chunk);
    let last = words.get(whole.len()).is_none_or(|word| word.load(Relaxed) == word_of(rest));
    words.iter().zip(whole).all(same) && last
}

/// The address of the first of some words, good for all of them.
pub(super) fn address(words: &[AtomicU64]) -> NonNull<u8> {
    NonNull::from(words).cast()
}

/// Up to 8 bytes as they lie in memory, padded with zeros.
pub(super) fn word_of(bytes: &[u8]) -> u64 {
    // Keys are mostly of these sizes, and a load of a known size is a move.
    if let Ok(whole) = bytes.try_into() {
        return u64::from_ne_bytes(whole);
    }
    if let Ok(half) = bytes.try_into() {
        return u64::from_le(u32::from_le_bytes(half).into());
    }
    let padded = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    u64::from_le(padded)
}
