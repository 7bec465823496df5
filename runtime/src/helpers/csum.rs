//! Internet checksums (RFC 1071): sums of 16-bit words in ones' complement.
//!
//! A sum is kept unfolded in 32 bits, as the kernel's `__wsum`; byte order does
//! not matter as long as the bytes are summed and stored in the same one.

use super::memory::with_copy;

/// The sum of two sums.
pub(super) const fn add(a: u32, b: u32) -> u32 {
    let (sum, carry) = a.overflowing_add(b);
    sum + carry as u32
}

/// A sum without another.
pub(super) const fn sub(a: u32, b: u32) -> u32 {
    add(a, !b)
}

/// A sum in 16 bits.
pub(super) const fn fold(sum: u32) -> u16 {
    (sum.wrapping_add(sum.rotate_right(16)) >> 16) as u16
}

/// A sum and bytes added to it, the last of an odd number padded with zeros.
pub(super) fn with_bytes(sum: u32, bytes: &[u8]) -> u32 {
    let word = |chunk: &[u8]| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_ne_bytes(word)
    };
    bytes.chunks(4).fold(sum, |sum, chunk| add(sum, word(chunk)))
}

/// `(from, from_size, to, to_size, seed)` to the sum of `seed`, of what is at
/// `to`, and of the complement of what is at `from`, in 16 bits.
pub(super) unsafe extern "C-unwind" fn csum_diff(
    from: u64,
    from_size: u64,
    to: u64,
    to_size: u64,
    seed: u64,
    _: u64,
) -> u64 {
    let (from_size, to_size, seed) = (from_size as u32, to_size as u32, seed as u32);
    let sum = |sum: u32, addr: u64, size: u32| match size {
        0 => Some(sum),
        // SAFETY: by its prototype the helper gets as many readable bytes as the
        // size says.
        _ => unsafe { with_copy(addr, size as usize, |bytes| with_bytes(sum, bytes)) },
    };
    // Which zero comes out, 0 or 0xffff, depends on the order of it all.
    let diff = match (from_size, to_size) {
        (_, 0) => sum(!seed, from, from_size).map(|sum| !sum),
        _ => sum(seed, to, to_size).zip(sum(0, from, from_size)).map(|(new, old)| match from_size {
            0 => new,
            _ => sub(new, old),
        }),
    };
    diff.map_or(super::fail(rustix::io::Errno::NOMEM), |sum| fold(sum).into())
}
