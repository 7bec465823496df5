//! Laws of what else is made of numbers: a pointer's offset, a number known by
//! another's, the two that are walked apart, the low half with its sign; of the
//! values that are made of bounds; and of what is asked of bits.

use super::super::bits::mask;
use super::*;

/// A domain with the operations that are no operator's of the program.
pub(super) trait Moves: Domain {
    fn offset(op: AluOp, a: &Self, b: &Self) -> Self;
    fn moved(width: Width, a: &Self, by: u64) -> Self;
    fn signs(a: &Self) -> Option<(Self, Self)>;
    fn sign_extend_half(&self, bits: u32) -> Self;
    fn from_unsigned(min: u64, max: u64) -> Option<Self>;
    fn from_signed(min: i64, max: i64) -> Option<Self>;
    fn excludes(&self, other: &Self) -> bool;
    fn is_contradiction(&self) -> bool;
}

impl<const N: u32> Moves for ScalarOf<N> {
    fn offset(op: AluOp, a: &Self, b: &Self) -> Self {
        Self::offset(op, a, b)
    }
    fn moved(width: Width, a: &Self, by: u64) -> Self {
        Self::moved(width, a, by)
    }
    fn signs(a: &Self) -> Option<(Self, Self)> {
        Self::signs(a)
    }
    fn sign_extend_half(&self, bits: u32) -> Self {
        Self::sign_extend_half(self, bits)
    }
    fn from_unsigned(min: u64, max: u64) -> Option<Self> {
        Self::from_unsigned_range(min, max)
    }
    fn from_signed(min: i64, max: i64) -> Option<Self> {
        Self::from_signed_range(min, max)
    }
    fn excludes(&self, other: &Self) -> bool {
        Self::excludes(self, other)
    }
    fn is_contradiction(&self) -> bool {
        Self::is_contradiction(self)
    }
}

/// A way of a jump that some members go is not taken for one that none goes.
fn keeps_open<D: Moves + Branches>(a: &Known<D>, b: &Known<D>) {
    let closed = |on: &D, was: &D| on.excludes(was) || on.is_contradiction();
    for (cond, width) in Cond::ALL.into_iter().flat_map(|c| D::WIDTHS.iter().map(move |w| (c, *w))) {
        let ways = [false, true].map(|taken| D::refine(cond, width, taken, &a.it, &b.it));
        let alone = [false, true].map(|taken| D::refine_same(cond, width, taken, &a.it));
        for (x, y) in pairs(a, b) {
            let goes = |x, y| usize::from(holds(cond, bits_of::<D>(width), x, y));
            let (on_a, on_b) = &ways[goes(x, y)];
            let open = !closed(on_a, &a.it) && !closed(on_b, &b.it) && !closed(&alone[goes(x, x)], &a.it);
            assert!(open, "{x:#x} {y:#x} go a way by {cond:?} {width:?}: {on_a:?}, {on_b:?}");
        }
    }
}

/// `offset` and `moved` hold the sums of all members, `signs` loses none, and the low
/// half's cast holds theirs; what excludes another has no member of it.
pub(super) fn moves<D: Universe + Moves + Branches>() {
    D::each_pair(|a, b| {
        if a.it.excludes(&b.it) {
            assert!(!a.members.iter().any(|x| b.it.contains(*x)), "{a:?} excludes {b:?}");
        }
        keeps_open(a, b);
        for op in [AluOp::Add, AluOp::Sub] {
            let offset = D::offset(op, &a.it, &b.it);
            for (x, y) in pairs(a, b) {
                let sum = eval_at(op, D::BITS, x, y);
                assert!(offset.contains(sum), "{op:?} of {x:#x} in {a:?} and {y:#x} in {b:?}: {offset:?}");
            }
        }
        for (width, by) in D::WIDTHS.iter().flat_map(|w| b.members.iter().map(move |by| (*w, *by))) {
            let moved = D::moved(width, &a.it, by);
            for x in &a.members {
                let sum = eval_at(AluOp::Add, bits_of::<D>(width), *x, by);
                assert!(moved.contains(sum), "{width:?} {x:#x} in {a:?} and {by:#x}: {moved:?}");
            }
        }
    });
    D::each(|a| {
        loses_none(a);
        let half = D::BITS / 2;
        for bits in (0..6).map(|log| 1 << log).filter(|bits| *bits < half) {
            let extended = a.it.sign_extend_half(bits);
            for x in &a.members {
                let word = cut(half, sign_extend(bits, *x) as u64);
                assert!(extended.contains(word), "signed {bits} of {x:#x} in {a:?}: {extended:?}");
            }
        }
    });
    for width in Width::ALL {
        let near = near_zero::<D>(width);
        assert!(D::signs(&near.it).is_some(), "{near:?} is not walked apart");
        loses_none(&near);
    }
}

fn loses_none<D: Moves>(a: &Known<D>) {
    let Some((zero, ones)) = D::signs(&a.it) else { return };
    let kept = |x: &u64| zero.contains(*x) || ones.contains(*x);
    assert!(a.members.iter().all(kept), "{a:?} is {zero:?} or {ones:?}");
}

/// A word that is, or whose low half is, 0 or -1.
fn near_zero<D: Universe + Moves + Branches>(width: Width) -> Known<D> {
    let most = mask(D::BITS);
    let any = D::from_unsigned(0, most).expect("every word");
    let is = |value| D::from_signed(value, value).expect("one word");
    let (low, _) = D::refine(Cond::Sge, width, true, &any, &is(-1));
    let (it, _) = D::refine(Cond::Sle, width, true, &low, &is(0));
    let half = mask(D::BITS / 2);
    let members = [0, most, half, most & !half, 1 << (D::BITS - 1)].into_iter();
    Known { it, members: members.filter(|x| it.contains(*x)).collect() }
}

/// Of two bounds the right way round a value is made that holds them, and all between.
pub(super) fn made<D: Universe + Moves>() {
    D::each_pair(|a, b| {
        for (x, y) in pairs(a, b) {
            let unsigned = D::from_unsigned(x, y);
            assert_eq!(unsigned.is_some(), x <= y, "{x:#x} {y:#x}");
            let holds =
                |z: u64| !(x..=y).contains(&z) || unsigned.as_ref().is_some_and(|made| made.contains(z));
            assert!([x, y, x / 2 + y / 2].into_iter().all(holds), "{x:#x} {y:#x}: {unsigned:?}");
            let (lo, hi) = (sign_extend(D::BITS, x), sign_extend(D::BITS, y));
            let signed = D::from_signed(lo, hi);
            assert_eq!(signed.is_some(), lo <= hi, "{lo} {hi}");
            let holds = |z: i64| {
                !(lo..=hi).contains(&z)
                    || signed.as_ref().is_some_and(|made| made.contains(cut(D::BITS, z as u64)))
            };
            assert!([lo, hi, lo / 2 + hi / 2].into_iter().all(holds), "{lo} {hi}: {signed:?}");
        }
    });
}

/// A domain of which single bits are asked.
pub(super) trait Bits: Domain {
    fn range(min: u64, max: u64) -> Self;
    fn negated(&self) -> Self;
    fn with_low(&self, bits: u32, low: &Self) -> Self;
    fn is_aligned(&self, size: u64) -> bool;
    fn after(&self, x: u64) -> u64;
    /// The least and the greatest member.
    fn ends(&self) -> (u64, u64);
}

impl<const N: u32> Bits for TnumOf<N> {
    fn range(min: u64, max: u64) -> Self {
        Self::range(min, max)
    }
    fn negated(&self) -> Self {
        self.neg()
    }
    fn with_low(&self, bits: u32, low: &Self) -> Self {
        Self::with_low(*self, bits, *low)
    }
    fn is_aligned(&self, size: u64) -> bool {
        Self::is_aligned(*self, size)
    }
    fn after(&self, x: u64) -> u64 {
        Self::after(*self, x)
    }
    fn ends(&self) -> (u64, u64) {
        (self.min(), self.max())
    }
}

/// The least and greatest member are that; what is aligned has aligned members; the
/// next member is one, and skips none; a range, a negation and what is put together
/// of two halves lose none.
pub(super) fn bits<D: Universe + Bits>() {
    D::each(|a| {
        let (least, most) = a.it.ends();
        assert!(a.it.contains(least) && a.it.contains(most), "{a:?}");
        for x in &a.members {
            assert!((least..=most).contains(x), "{x:#x} in {a:?}");
            let negated = eval_at(AluOp::Sub, D::BITS, 0, *x);
            assert!(a.it.negated().contains(negated), "-{x:#x} of {a:?}");
            for size in [1, 2, 4, 8].into_iter().filter(|size| a.it.is_aligned(*size)) {
                assert_eq!(x % size, 0, "{x:#x} in {a:?}");
            }
        }
    });
    D::each_pair(|a, b| {
        let with_low = a.it.with_low(D::BITS / 2, &b.it);
        for (x, y) in pairs(a, b) {
            let half = mask(D::BITS / 2);
            assert!(with_low.contains(x & !half | y & half), "{x:#x} {y:#x}: {with_low:?}");
            let next = a.it.after(y);
            assert!(a.it.contains(next), "after {y:#x} in {a:?} is {next:#x}");
            assert!(x <= y || next <= x, "after {y:#x} in {a:?} is {x:#x}, not {next:#x}");
            if x <= y {
                let range = D::range(x, y);
                assert!([x, y, x + (y - x) / 2].into_iter().all(|z| range.contains(z)), "{x:#x} {y:#x}");
            }
        }
    });
}
