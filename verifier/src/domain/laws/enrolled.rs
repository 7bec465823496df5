//! The types that keep the laws, and the universes they are tried in.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::super::bits::mask;
use super::super::range::Span;
use super::super::transfer::tnum_alu;
use super::random::scalar;
use super::*;

/// How many random values a universe of wide words has, and how many pairs.
const RANDOM: u64 = 10_000;

/// How many of all narrow scalars each one is paired with.
const PARTNERS: usize = 4;

/// Of so many narrow products of views, one is tried; a prime.
const STRIDE: usize = 4001;

impl<const N: u32> Domain for TnumOf<N> {
    const BITS: u32 = N;
    const WIDTHS: &'static [Width] = &[Width::W64];

    fn contains(&self, x: u64) -> bool {
        Self::contains(*self, x)
    }
    fn within(&self, other: &Self) -> bool {
        Self::within(*self, *other)
    }
    fn join(&self, other: &Self) -> Self {
        Self::join(*self, *other)
    }
    fn alu(op: AluOp, _: Width, a: &Self, b: &Self) -> Self {
        match (op, b.as_const()) {
            (AluOp::Lsh, Some(count)) => a.lsh(count as u32 & (N - 1)),
            (AluOp::Rsh, Some(count)) => a.rsh(count as u32 & (N - 1)),
            (AluOp::Arsh, Some(count)) => a.arsh(count as u32 & (N - 1)),
            (_, _) => tnum_alu(op, *a, *b),
        }
    }
}

impl<const N: u32> Meets for TnumOf<N> {
    fn meet(&self, other: &Self) -> Option<Self> {
        self.overlaps(*other).then(|| self.intersect(*other))
    }
}

impl<const N: u32> Casts for TnumOf<N> {
    fn zero_extend(&self, bits: u32) -> Self {
        Self::zero_extend(*self, bits)
    }
    fn sign_extend(&self, bits: u32) -> Self {
        Self::sign_extend(*self, bits)
    }
}

impl<const N: u32> Domain for ScalarOf<N> {
    const BITS: u32 = N;
    const WIDTHS: &'static [Width] = &Width::ALL;

    fn contains(&self, x: u64) -> bool {
        Self::contains(self, x)
    }
    fn within(&self, other: &Self) -> bool {
        Self::within(self, other)
    }
    fn join(&self, other: &Self) -> Self {
        Self::join(self, other)
    }
    fn alu(op: AluOp, width: Width, a: &Self, b: &Self) -> Self {
        Self::alu(op, width, a, b)
    }
}

impl<const N: u32> Casts for ScalarOf<N> {
    fn zero_extend(&self, bits: u32) -> Self {
        Self::zero_extend(self, bits)
    }
    fn sign_extend(&self, bits: u32) -> Self {
        Self::sign_extend(self, bits)
    }
}

impl<const N: u32> Branches for ScalarOf<N> {
    fn decide(cond: Cond, width: Width, a: &Self, b: &Self) -> Option<bool> {
        Self::decide(cond, width, a, b)
    }
    fn refine(cond: Cond, width: Width, taken: bool, a: &Self, b: &Self) -> (Self, Self) {
        Self::refine(cond, width, taken, a, b)
    }
    fn refine_same(cond: Cond, width: Width, taken: bool, a: &Self) -> Self {
        Self::refine_same(cond, width, taken, a)
    }
}

impl<const N: u32> Reduces for ScalarOf<N> {
    fn sync(&self) -> Self {
        Self::sync(*self)
    }
    fn raw(rng: &mut Rng) -> Self {
        let views = [scalar::<N>(rng).it, scalar(rng).it, scalar(rng).it];
        let mut raw = Self::from_views(views[0].tnum, views[1].wide(), views[2].low());
        if rng.below(2) == 0 {
            (raw.umin, raw.umax) = (views[0].umin, views[0].umax);
        }
        raw
    }
}

/// Every value of a narrow domain.
trait Narrow: Domain + Send + Sync + 'static {
    fn all() -> Vec<Self>;
}

impl<const N: u32> Narrow for TnumOf<N> {
    fn all() -> Vec<Self> {
        let words = || 0..=mask(N);
        words().flat_map(|m| words().filter(move |v| v & m == 0).map(move |v| Self::new(v, m))).collect()
    }
}

impl<const N: u32> Narrow for ScalarOf<N> {
    /// What the single views can say together, told of each other: one in `STRIDE`
    /// of all that there is, which repeats little.
    fn all() -> Vec<Self> {
        let spans = |bits| intervals(bits).flat_map(move |u| signed_intervals(bits).map(move |s| span(u, s)));
        let (tnums, wide, low) =
            (TnumOf::all(), spans(N).collect::<Vec<_>>(), spans(N / 2).collect::<Vec<_>>());
        let count = tnums.len() * wide.len() * low.len();
        let made = (0..count).step_by(STRIDE).map(|at| {
            let (rest, low) = (at / low.len(), low[at % low.len()]);
            Self::from_views(tnums[rest / wide.len()], wide[rest % wide.len()], low).sync()
        });
        let mut all: Vec<_> = made.collect::<HashSet<_>>().into_iter().collect();
        all.sort_by_key(|s| (s.umin, s.umax, s.smin, s.tnum.value(), s.tnum.mask(), s.u32_min, s.s32_min));
        all
    }
}

fn span((umin, umax): (u64, u64), (smin, smax): (i64, i64)) -> Span {
    Span { umin, umax, smin, smax }
}

/// Every signed `lo <= hi` of `bits`-bit words.
fn signed_intervals(bits: u32) -> impl Iterator<Item = (i64, i64)> {
    let bias = 1 << (bits - 1);
    intervals(bits).map(move |(lo, hi)| (lo as i64 - bias, hi as i64 - bias))
}

/// Every `lo <= hi` of `bits`-bit words.
fn intervals(bits: u32) -> impl Iterator<Item = (u64, u64)> {
    (0..=mask(bits)).flat_map(move |lo| (lo..=mask(bits)).map(move |hi| (lo, hi)))
}

fn with_members<D: Domain>(it: D) -> Known<D> {
    Known { it, members: (0..=mask(D::BITS)).filter(|x| it.contains(*x)).collect() }
}

/// All of a narrow domain with all members, made once.
fn narrow<D: Narrow>() -> &'static [Known<D>] {
    static MADE: Mutex<BTreeMap<TypeId, &'static (dyn Any + Send + Sync)>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let all = made.entry(TypeId::of::<D>()).or_insert_with(|| {
        let all = D::all().into_iter().map(with_members).filter(|known| !known.members.is_empty());
        Box::leak(Box::new(all.collect::<Vec<Known<D>>>()))
    });
    all.downcast_ref::<Vec<Known<D>>>().expect("it is kept by its type")
}

/// Each with each, or with `partners` spread over all if that is fewer.
fn visit_pairs<D>(all: &[Known<D>], partners: usize, mut visit: impl FnMut(&Known<D>, &Known<D>)) {
    let full = std::env::var_os("BROLGA_LAWS").is_some_and(|value| value == "full");
    let step = if full { 1 } else { all.len().div_ceil(partners) };
    for (at, a) in all.iter().enumerate() {
        all.iter().skip(at % step).step_by(step).for_each(|b| visit(a, b));
    }
}

/// A universe that is everything up to `$narrow` bits, each paired with
/// `$partners`, and what `$random` makes beyond.
macro_rules! universe {
    ($domain:ident, $narrow:expr, $partners:expr, $random:expr) => {
        impl<const N: u32> Universe for $domain<N> {
            fn each(mut visit: impl FnMut(&Known<Self>)) {
                if N <= $narrow {
                    narrow().iter().for_each(visit);
                } else {
                    let mut rng = Rng::new(1);
                    for _ in 0..RANDOM {
                        visit(&$random(&mut rng));
                    }
                }
            }
            fn each_pair(mut visit: impl FnMut(&Known<Self>, &Known<Self>)) {
                if N <= $narrow {
                    visit_pairs(narrow(), $partners, visit);
                } else {
                    let mut rng = Rng::new(2);
                    for _ in 0..RANDOM {
                        visit(&$random(&mut rng), &$random(&mut rng));
                    }
                }
            }
        }
    };
}

universe!(TnumOf, 5, usize::MAX, random_tnum);
universe!(ScalarOf, 4, PARTNERS, scalar);

fn random_tnum<const N: u32>(rng: &mut Rng) -> Known<TnumOf<N>> {
    let it = rng.tnum();
    let mut members: Vec<_> = (0..6).map(|_| (rng.word(N) & it.mask()) | it.value()).collect();
    members.extend([it.min(), it.max()]);
    Known { it, members }
}
