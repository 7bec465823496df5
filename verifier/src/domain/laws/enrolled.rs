//! The types that keep the laws, and the universes they are tried in.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::super::bits::mask;
use super::super::interval::{self, Count};
use super::super::range::Span;
use super::super::transfer::tnum_alu;
use super::random::{members, scalar};
use super::*;

/// How many random values a universe of wide words has, and how many pairs.
const RANDOM: u64 = 10_000;

/// How many of all narrow scalars each one is paired with.
const PARTNERS: usize = 4;

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
    fn meet(&self, other: &Self) -> Option<Self> {
        Self::intersect(*self, *other)
    }
    fn alu(op: AluOp, _: Width, a: &Self, b: &Self) -> Self {
        tnum_alu(op, N, *a, *b, Count::of(N, *b, Span::full(N)), false)
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

/// A [`Span`] of `N`-bit words, reduced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SpanOf<const N: u32>(Span);

impl<const N: u32> Domain for SpanOf<N> {
    const BITS: u32 = N;
    const WIDTHS: &'static [Width] = &[Width::W64];

    fn contains(&self, x: u64) -> bool {
        self.0.contains(N, x)
    }
    fn within(&self, other: &Self) -> bool {
        self.0.within(other.0)
    }
    fn join(&self, other: &Self) -> Self {
        Self(self.0.join(other.0))
    }
    fn meet(&self, other: &Self) -> Option<Self> {
        self.0.meet(other.0).reduce(N).map(Self)
    }
    fn alu(op: AluOp, _: Width, a: &Self, b: &Self) -> Self {
        let count = Count::of(N, TnumOf::<N>::UNKNOWN, b.0);
        Self(interval::alu(op, N, a.0, b.0, count))
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
    fn meet(&self, other: &Self) -> Option<Self> {
        Self::meet(self, other)
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
    fn refine(cond: Cond, width: Width, taken: bool, a: &Self, b: &Self) -> Option<(Self, Self)> {
        Self::refine(cond, width, taken, a, b)
    }
}

impl<const N: u32> Normal for ScalarOf<N> {
    fn sync(&self) -> Option<Self> {
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

impl<const N: u32> Narrow for SpanOf<N> {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (umin, umax) in intervals(N) {
            for (lo, hi) in intervals(N) {
                let bias = 1 << (N - 1);
                let (smin, smax) = (lo as i64 - bias, hi as i64 - bias);
                let span = Span { umin, umax, smin, smax };
                // Each set of words once: as its reduced span.
                if span.reduce(N) == Some(span) {
                    all.push(Self(span));
                }
            }
        }
        all
    }
}

impl<const N: u32> Narrow for ScalarOf<N> {
    /// All meets of what the single views can say.
    fn all() -> Vec<Self> {
        let mut all = HashSet::from([Self::UNKNOWN]);
        for view in views::<N>() {
            all = all.iter().flat_map(|met| view.iter().filter_map(|said| met.meet(said))).collect();
        }
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by_key(|s| (s.umin, s.umax, s.smin, s.tnum.value(), s.tnum.mask(), s.u32_min, s.s32_min));
        all
    }
}

/// Everything that each view alone can say.
fn views<const N: u32>() -> [Vec<ScalarOf<N>>; 5] {
    let (bias, low_bias) = (1 << (N - 1), 1 << (N / 2 - 1));
    let low = |umin, umax| {
        let low = Span { umin, umax, ..Span::full(N / 2) };
        ScalarOf::from_views(TnumOf::UNKNOWN, Span::full(N), low).sync()
    };
    let signed = |(lo, hi)| ScalarOf::from_signed_range(lo as i64 - bias, hi as i64 - bias);
    let signed32 = |(lo, hi)| ScalarOf::from_signed_range32(lo as i32 - low_bias, hi as i32 - low_bias);
    [
        TnumOf::all().into_iter().map(ScalarOf::from_tnum).collect(),
        intervals(N / 2).filter_map(|(lo, hi)| low(lo, hi)).collect(),
        intervals(N / 2).filter_map(signed32).collect(),
        intervals(N).filter_map(|(lo, hi)| ScalarOf::from_unsigned_range(lo, hi)).collect(),
        intervals(N).filter_map(signed).collect(),
    ]
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
universe!(SpanOf, 4, 40, random_span);
universe!(ScalarOf, 4, PARTNERS, scalar);

fn random_tnum<const N: u32>(rng: &mut Rng) -> Known<TnumOf<N>> {
    let it = rng.tnum();
    let mut members: Vec<_> = (0..6).map(|_| (rng.word(N) & it.mask()) | it.value()).collect();
    members.extend([it.min(), it.max()]);
    Known { it, members }
}

fn random_span<const N: u32>(rng: &mut Rng) -> Known<SpanOf<N>> {
    let known = scalar::<N>(rng);
    Known { it: SpanOf(known.it.wide()), members: members(rng, &known.it, known.members) }
}
