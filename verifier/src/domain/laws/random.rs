//! Random words with a taste for edges, and random abstract values that are
//! made as the verifier makes them.

use super::*;

/// An xorshift generator: the laws' random values are the same in every run.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 32) % limit
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A word of `bits` bits: an edge of a size that is a power of two, give or
    /// take a little, or of any length.
    pub(super) fn word(&mut self, bits: u32) -> u64 {
        let edge = |log: u64| 1u64.checked_shl(log as u32).unwrap_or(0);
        let x = match self.below(6) {
            0 => self.below(5),
            1 => edge(bits.into()).wrapping_sub(self.below(5)),
            2 => edge((bits / 2).into()).wrapping_add(self.below(5)).wrapping_sub(2),
            3 => edge(u64::from(bits / 2 * self.below(2) as u32 + bits / 2 - 1)).wrapping_sub(self.below(4)),
            4 => edge(self.below(bits.into())).wrapping_add(self.below(5)).wrapping_sub(2),
            _ => self.next() >> self.below(64),
        };
        cut(bits, if self.below(4) == 0 { x.wrapping_neg() } else { x })
    }

    pub(super) fn tnum<const N: u32>(&mut self) -> TnumOf<N> {
        let (value, mask) = (self.word(N), self.word(N));
        TnumOf::new(value, if self.below(4) == 0 { mask & self.next() } else { mask })
    }
}

/// The values of `values`, cut down to members of `it`, plus some found by
/// asking around `it`'s edges.
pub(super) fn members<const N: u32>(rng: &mut Rng, it: &ScalarOf<N>, mut values: Vec<u64>) -> Vec<u64> {
    let edges = [it.umin, it.umax, it.smin as u64, it.smax as u64, it.tnum.min(), it.tnum.max()];
    values.extend(edges.map(|edge| cut(N, edge)));
    for low in [u64::from(it.u32_min), u64::from(it.u32_max), it.s32_min as u64, it.s32_max as u64] {
        values.push((it.umin & !super::super::bits::mask(N / 2)) | cut(N / 2, low));
    }
    let between = it.umax.wrapping_sub(it.umin).saturating_add(1);
    values.extend((0..3).map(|_| it.umin.wrapping_add(rng.next() % between)));
    values.extend((0..3).map(|_| (rng.word(N) & it.tnum.mask()) | it.tnum.value()));
    values.retain(|x| it.contains(*x));
    values.sort_unstable();
    values.dedup();
    while values.len() > 8 {
        let at = rng.below(values.len() as u64) as usize;
        values.swap_remove(at);
    }
    values
}

/// A scalar as a program might come to hold it: constants joined, a range or
/// known bits; then computed with, then narrowed by jumps.
pub(super) fn scalar<const N: u32>(rng: &mut Rng) -> Known<ScalarOf<N>> {
    loop {
        let mut it = fresh(rng);
        for _ in 0..rng.below(3) {
            it = step(rng, it);
        }
        let members = members(rng, &it, Vec::new());
        if !members.is_empty() {
            return Known { it, members };
        }
    }
}

fn fresh<const N: u32>(rng: &mut Rng) -> ScalarOf<N> {
    let (x, y) = (rng.word(N), rng.word(N));
    let (sx, sy) = (sign_extend(N, x), sign_extend(N, y));
    let made = match rng.below(6) {
        0 => Some(ScalarOf::constant(x)),
        1 => ScalarOf::from_unsigned_range(x.min(y), x.max(y)),
        2 => ScalarOf::from_signed_range(sx.min(sy), sx.max(sy)),
        3 => Some(ScalarOf::from_tnum(rng.tnum())),
        4 => Some(ScalarOf::constant(x).join(&ScalarOf::constant(y))),
        _ => Some(ScalarOf::constant(x).join(&ScalarOf::from_tnum(rng.tnum()))),
    };
    made.unwrap_or(ScalarOf::UNKNOWN)
}

fn step<const N: u32>(rng: &mut Rng, it: ScalarOf<N>) -> ScalarOf<N> {
    let other = fresh(rng);
    let width = rng.pick(&Width::ALL);
    match rng.below(3) {
        0 => ScalarOf::alu(rng.pick(&AluOp::ALL), width, &it, &other),
        1 => it.sign_extend(rng.pick(&[N / 2, N / 4])),
        _ => {
            let cond = rng.pick(&Cond::ALL);
            let taken = rng.below(2) == 0;
            ScalarOf::refine(cond, width, taken, &it, &other).0
        }
    }
}
