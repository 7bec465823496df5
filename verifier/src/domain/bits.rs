//! Words of `bits` bits (`1..=64`), kept in the low bits of a `u64`.

/// The largest unsigned word.
pub(crate) const fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// The low `bits` of `v`.
pub(crate) const fn cut(bits: u32, v: u64) -> u64 {
    v & mask(bits)
}

/// The sign bit alone.
pub(crate) const fn sign_bit(bits: u32) -> u64 {
    1 << (bits - 1)
}

/// The low `bits` of `v` read as a signed number.
pub(crate) const fn sign_extend(bits: u32, v: u64) -> i64 {
    let shift = 64 - bits;
    ((v << shift) as i64) >> shift
}

/// The least signed word.
pub(crate) const fn signed_min(bits: u32) -> i64 {
    i64::MIN >> (64 - bits)
}

/// The greatest signed word.
pub(crate) const fn signed_max(bits: u32) -> i64 {
    i64::MAX >> (64 - bits)
}
