//! Tracked numbers: what is known of each bit of a word.
//!
//! **Lattice.** A tnum is a pair `(value, mask)` with `value & mask == 0`. Bit
//! `i` is unknown where `mask` has it, and equal to `value`'s otherwise.
//!
//! - meaning: `gamma(t) = { x : x & !t.mask == t.value }`, never empty;
//! - order: `a <= b` iff `gamma(a)` is a subset of `gamma(b)`
//!   ([`TnumOf::within`]);
//! - top: [`TnumOf::UNKNOWN`]; bottom is no tnum;
//! - join: [`TnumOf::join`], exact hull; meet: [`TnumOf::intersect`], exact where
//!   [`TnumOf::overlaps`];
//! - transfer: for every operator `op` below and all `x` in `gamma(a)`, `y` in
//!   `gamma(b)`: `op(x, y)` is in `gamma(op#(a, b))`, modulo `2^N`.
//!
//! The word has `N` bits, `1 <= N <= 64`. The verifier uses [`Tnum`], of 64;
//! narrower ones let the laws quantify over every pair.

use std::fmt;

use super::bits::{cut, mask, sign_extend};

/// What is known of each bit of an `N`-bit word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TnumOf<const N: u32> {
    value: u64,
    mask: u64,
}

/// What is known of each bit of a register.
pub type Tnum = TnumOf<64>;

impl<const N: u32> TnumOf<N> {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { value: 0, mask: mask(N) };

    /// The tnum of exactly one value (cut to `N` bits).
    #[must_use]
    pub const fn constant(value: u64) -> Self {
        Self { value: cut(N, value), mask: 0 }
    }

    /// The tnum whose unknown bits are `mask` and whose other bits are those of
    /// `value`; bits of `value` under the mask are dropped.
    #[must_use]
    pub const fn new(value: u64, mask: u64) -> Self {
        Self { value: cut(N, value & !mask), mask: cut(N, mask) }
    }

    /// The smallest tnum that holds every value of `min..=max` (unsigned):
    /// their common leading bits, the rest unknown.
    #[must_use]
    pub const fn range(min: u64, max: u64) -> Self {
        let differ = cut(N, min ^ max);
        if differ == 0 { Self::constant(min) } else { Self::new(min, u64::MAX >> differ.leading_zeros()) }
    }

    /// The bits known to be one.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.value
    }

    /// The unknown bits.
    #[must_use]
    pub const fn mask(self) -> u64 {
        self.mask
    }

    /// The smallest member, unsigned.
    #[must_use]
    pub const fn min(self) -> u64 {
        self.value
    }

    /// The largest member, unsigned.
    #[must_use]
    pub const fn max(self) -> u64 {
        self.value | self.mask
    }

    /// The smallest member that is greater than `x` (an `N`-bit word); the largest
    /// one, where none is.
    #[must_use]
    pub const fn after(self, x: u64) -> u64 {
        if x >= self.max() {
            return self.max();
        }
        let least = x + 1;
        let differs = (least ^ self.value) & !self.mask;
        if differs == 0 {
            return least;
        }
        // At the highest known bit that is not `least`'s: where the member has it
        // set, it is greater whatever follows; else the bits above must be.
        let bit = differs.ilog2();
        let above = !(low(bit) | 1 << bit);
        if self.value >> bit & 1 == 1 {
            return least & above | self.value & !above;
        }
        let counted = ((least | !self.mask | !above).wrapping_add(1)) & self.mask & above;
        counted | self.value
    }

    /// Whether exactly one value is a member.
    #[must_use]
    pub const fn is_const(self) -> bool {
        self.mask == 0
    }

    /// The only member, if there is one only.
    #[must_use]
    pub const fn as_const(self) -> Option<u64> {
        if self.mask == 0 { Some(self.value) } else { None }
    }

    /// Whether every value is a member.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        self.mask == mask(N)
    }

    /// Whether `x` (an `N`-bit word) is a member.
    #[must_use]
    pub const fn contains(self, x: u64) -> bool {
        x & !self.mask == self.value
    }

    /// Whether every member of `self` is one of `other` (the kernel's
    /// `tnum_in(other, self)`).
    #[must_use]
    pub const fn within(self, other: Self) -> bool {
        self.mask & !other.mask == 0 && self.value & !other.mask == other.value
    }

    /// Whether every member is a multiple of `size`, a power of two. Zero asks
    /// for nothing.
    #[must_use]
    pub const fn is_aligned(self, size: u64) -> bool {
        size == 0 || self.max() & (size - 1) == 0
    }

    /// Whether some value is a member of both.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        (self.value ^ other.value) & !self.mask & !other.mask == 0
    }

    /// The values that are members of both. Where there are none, a bit that the
    /// two disagree on is believed to be one, as in the kernel.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Self {
        Self::new(self.value | other.value, self.mask & other.mask)
    }

    /// The smallest tnum that holds the members of both.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        let mask = self.mask | other.mask | (self.value ^ other.value);
        Self::new(self.value, mask)
    }

    /// The sum.
    #[must_use]
    pub const fn add(self, other: Self) -> Self {
        let values = self.value.wrapping_add(other.value);
        let masks = self.mask.wrapping_add(other.mask);
        // Bits that a carry out of unknown bits may reach.
        let carries = values.wrapping_add(masks) ^ values;
        Self::new(values, carries | self.mask | other.mask)
    }

    /// The difference.
    #[must_use]
    pub const fn sub(self, other: Self) -> Self {
        let values = self.value.wrapping_sub(other.value);
        let highest = values.wrapping_add(self.mask);
        let lowest = values.wrapping_sub(other.mask);
        Self::new(values, (highest ^ lowest) | self.mask | other.mask)
    }

    /// The negation, `0 - self`.
    #[must_use]
    pub const fn neg(self) -> Self {
        Self::constant(0).sub(self)
    }

    /// The bitwise and.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let value = self.value & other.value;
        Self::new(value, self.max() & other.max() & !value)
    }

    /// The bitwise or.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        let value = self.value | other.value;
        Self::new(value, (self.mask | other.mask) & !value)
    }

    /// The bitwise exclusive or.
    #[must_use]
    pub const fn xor(self, other: Self) -> Self {
        Self::new(self.value ^ other.value, self.mask | other.mask)
    }

    /// The product, as precise as the kernel's.
    #[must_use]
    pub const fn mul(self, other: Self) -> Self {
        match (self.as_const(), other.as_const()) {
            (Some(x), Some(y)) => Self::constant(x.wrapping_mul(y)),
            (None, Some(y)) if y.is_power_of_two() => self.lsh(y.trailing_zeros()),
            (Some(_), None) | (None, Some(_)) | (None, None) => self.long_mul(other),
        }
    }

    /// Long multiplication: for each bit of `self`, add the shifted `other` if
    /// it is one, and join both ways if it is unknown.
    const fn long_mul(self, other: Self) -> Self {
        let mut sum = Self::constant(0);
        let mut rest = self;
        while rest.max() != 0 {
            let bit = rest.max().trailing_zeros();
            // Every bit that further terms can reach is unknown already.
            if cut(N, !low(bit)) & !sum.mask == 0 {
                return sum;
            }
            let with = sum.add(other.lsh(bit));
            sum = if rest.value >> bit & 1 == 1 { with } else { sum.join(with) };
            rest = Self { value: rest.value & !(1 << bit), mask: rest.mask & !(1 << bit) };
        }
        sum
    }

    /// Shifted left by `count < N`.
    #[must_use]
    pub const fn lsh(self, count: u32) -> Self {
        Self { value: cut(N, self.value << count), mask: cut(N, self.mask << count) }
    }

    /// Shifted right by `count < N`, zeroes from above.
    #[must_use]
    pub const fn rsh(self, count: u32) -> Self {
        Self { value: self.value >> count, mask: self.mask >> count }
    }

    /// Shifted right by `count < N`, copies of the sign bit from above.
    #[must_use]
    pub const fn arsh(self, count: u32) -> Self {
        let value = sign_extend(N, self.value) >> count;
        let mask = sign_extend(N, self.mask) >> count;
        Self { value: cut(N, value as u64), mask: cut(N, mask as u64) }
    }

    /// The low `bits`, zeroes above (the kernel's `tnum_cast`).
    #[must_use]
    pub const fn zero_extend(self, bits: u32) -> Self {
        Self { value: cut(bits, self.value), mask: cut(bits, self.mask) }
    }

    /// The low `bits`, the topmost of them copied upwards.
    #[must_use]
    pub const fn sign_extend(self, bits: u32) -> Self {
        let value = sign_extend(bits, self.value) as u64;
        let mask = sign_extend(bits, self.mask) as u64;
        Self { value: cut(N, value), mask: cut(N, mask) }
    }

    /// `self` with its low `bits` replaced by those of `low` (the kernel's
    /// `tnum_with_subreg` where `bits` is 32).
    #[must_use]
    pub const fn with_low(self, bits: u32, low: Self) -> Self {
        let keep = !mask(bits);
        Self {
            value: (self.value & keep) | cut(bits, low.value),
            mask: (self.mask & keep) | cut(bits, low.mask),
        }
    }
}

impl Tnum {
    /// The low 32 bits, zeroes above.
    #[must_use]
    pub const fn subreg(self) -> Self {
        self.zero_extend(32)
    }

    /// The low `size` bytes with their order turned round, zeroes above.
    #[must_use]
    pub const fn swap_bytes(self, size: brolga_core::insn::Size) -> Self {
        let swap = brolga_core::insn::Order::Swap;
        Self { value: swap.eval(size, self.value), mask: swap.eval(size, self.mask) }
    }
}

/// The low `bits` bits set, `bits <= 64`.
const fn low(bits: u32) -> u64 {
    if bits == 0 { 0 } else { mask(bits) }
}

/// The kernel's form: `(value; mask)` in hexadecimal.
impl<const N: u32> fmt::Display for TnumOf<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:#x}; {:#x})", self.value, self.mask)
    }
}
