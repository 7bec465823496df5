//! The laws of the domain, each stated once; a type is enrolled with one line.
//!
//! A law quantifies over a [`Universe`]: every abstract value where the word is
//! narrow enough, random ones else. Each comes with members, all of them or a
//! sample, and the concrete meaning is always that of `eval` in `core`.
//!
//! `BROLGA_LAWS=full` lifts the limit on the pairs that the narrow scalars are
//! tried with; that takes minutes.

use std::fmt::Debug;

use brolga_core::insn::{AluOp, Cond, Order, Size, Width};

use super::bits::{cut, sign_extend};
use super::transfer::eval_at;
use super::{Scalar, ScalarOf, Tnum, TnumOf, alu, decide, neg, refine, swap};

mod enrolled;
mod holes;
mod moves;
mod random;
mod units;
mod vectors;

use moves::{bits, made, moves};
use random::Rng;

/// A lattice of sets of `BITS`-bit words with transfer functions.
trait Domain: Copy + Debug + PartialEq {
    /// The number of bits of a word.
    const BITS: u32;
    /// The widths that operators have here; [`Width::W32`] is the low half.
    const WIDTHS: &'static [Width];

    fn contains(&self, x: u64) -> bool;
    fn within(&self, other: &Self) -> bool;
    fn join(&self, other: &Self) -> Self;
    fn alu(op: AluOp, width: Width, a: &Self, b: &Self) -> Self;
}

/// A domain that knows what two values have in common, where there is anything.
trait Meets: Domain {
    fn meet(&self, other: &Self) -> Option<Self>;
}

/// A domain that knows casts from `bits` bits to the whole word.
trait Casts: Domain {
    fn zero_extend(&self, bits: u32) -> Self;
    fn sign_extend(&self, bits: u32) -> Self;
}

/// A domain that learns from jumps.
trait Branches: Domain {
    fn decide(cond: Cond, width: Width, a: &Self, b: &Self) -> Option<bool>;
    fn refine(cond: Cond, width: Width, taken: bool, a: &Self, b: &Self) -> (Self, Self);
    fn refine_same(cond: Cond, width: Width, taken: bool, a: &Self) -> Self;
}

/// A domain whose views tell each other what they know.
trait Reduces: Domain {
    fn sync(&self) -> Self;
    /// Values whose views are not of one word, perhaps with no member.
    fn raw(rng: &mut Rng) -> Self;
}

/// An abstract value and members of it.
#[derive(Clone, Debug)]
struct Known<D> {
    it: D,
    members: Vec<u64>,
}

/// The abstract values that the laws quantify over.
trait Universe: Domain {
    fn each(visit: impl FnMut(&Known<Self>));
    fn each_pair(visit: impl FnMut(&Known<Self>, &Known<Self>));
}

/// How many bits an operation of `width` looks at.
fn bits_of<D: Domain>(width: Width) -> u32 {
    match width {
        Width::W32 => D::BITS / 2,
        Width::W64 => D::BITS,
    }
}

/// The meaning of `cond` on `bits`-bit words.
fn holds(cond: Cond, bits: u32, x: u64, y: u64) -> bool {
    let extend = |v| if cond.is_signed() { sign_extend(bits, v) as u64 } else { cut(bits, v) };
    cond.eval(Width::W64, extend(x), extend(y))
}

/// Whether `op` means something on `bits`-bit words: a shift masks its count, so
/// there must be a power of two of them.
fn has_meaning(op: AluOp, bits: u32) -> bool {
    bits.is_power_of_two() || !matches!(op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh)
}

/// `within` is reflexive, transitive and implies containment of the meaning.
fn order<D: Universe>() {
    D::each(|a| assert!(a.it.within(&a.it), "{a:?}"));
    let mut above: Option<(D, D)> = None;
    D::each_pair(|a, b| {
        if !a.it.within(&b.it) {
            return;
        }
        assert!(a.members.iter().all(|x| b.it.contains(*x)), "{a:?} within {b:?}");
        if let Some((low, high)) = above.filter(|(_, high)| high.within(&a.it)) {
            assert!(low.within(&b.it), "{low:?} within {high:?} within {b:?}");
        }
        above = Some((a.it, b.it));
    });
}

/// `join` is an upper bound, in the order and in the meaning.
fn join<D: Universe>() {
    D::each_pair(|a, b| {
        let join = a.it.join(&b.it);
        assert!(a.it.within(&join) && b.it.within(&join), "{a:?} join {b:?} = {join:?}");
        let members = a.members.iter().chain(&b.members);
        assert!(members.into_iter().all(|x| join.contains(*x)), "{a:?} join {b:?} = {join:?}");
    });
}

/// `meet` is a lower bound and keeps the common members.
fn meet<D: Universe + Meets>() {
    D::each_pair(|a, b| {
        let meet = a.it.meet(&b.it);
        let common = a.members.iter().filter(|x| b.it.contains(**x));
        for x in common {
            assert!(meet.is_some_and(|meet| meet.contains(*x)), "{a:?} meet {b:?} = {meet:?}, lost {x:#x}");
        }
        if let Some(meet) = meet {
            assert!(meet.within(&a.it) && meet.within(&b.it), "{a:?} meet {b:?} = {meet:?}");
        }
    });
}

/// `op#(a, b)` holds `op(x, y)` for all members.
fn transfer<D: Universe>() {
    D::each_pair(|a, b| {
        for &width in D::WIDTHS {
            for op in AluOp::ALL.into_iter().filter(|op| has_meaning(*op, bits_of::<D>(width))) {
                let result = D::alu(op, width, &a.it, &b.it);
                for (x, y) in pairs(a, b) {
                    let value = eval_at(op, bits_of::<D>(width), x, y);
                    assert!(
                        result.contains(value),
                        "{op:?} {width:?} of {x:#x} in {a:?} and {y:#x} in {b:?} is {value:#x}, not in {result:?}"
                    );
                }
            }
        }
    });
}

/// A cast holds the casts of all members.
fn casts<D: Universe + Casts>() {
    D::each(|a| {
        for bits in (0..7).map(|log| 1 << log).filter(|bits| *bits < D::BITS) {
            let (zero, sign) = (a.it.zero_extend(bits), a.it.sign_extend(bits));
            for x in &a.members {
                assert!(zero.contains(cut(bits, *x)), "low {bits} of {x:#x} in {a:?}, not in {zero:?}");
                let signed = cut(D::BITS, sign_extend(bits, *x) as u64);
                assert!(sign.contains(signed), "signed {bits} of {x:#x} in {a:?}, not in {sign:?}");
            }
        }
    });
}

/// `decide` answers only where all members agree; `refine` keeps the members that
/// go its way.
fn branches<D: Universe + Branches>() {
    D::each_pair(|a, b| {
        for &width in D::WIDTHS {
            for cond in Cond::ALL {
                let decided = D::decide(cond, width, &a.it, &b.it);
                let ways = [false, true].map(|taken| D::refine(cond, width, taken, &a.it, &b.it));
                let context = || format!("{cond:?} {width:?} of {a:?} and {b:?}: {decided:?}, {ways:?}");
                for (x, y) in pairs(a, b) {
                    let taken = holds(cond, bits_of::<D>(width), x, y);
                    assert!(decided.is_none_or(|decided| decided == taken), "{x:#x} {y:#x} {}", context());
                    let (kept_a, kept_b) = &ways[usize::from(taken)];
                    assert!(kept_a.contains(x) && kept_b.contains(y), "lost {x:#x} {y:#x} {}", context());
                }
            }
        }
    });
}

/// Of a word that is compared with itself, `refine_same` keeps the members that go
/// its way.
fn same<D: Universe + Branches>() {
    D::each(|a| {
        for &width in D::WIDTHS {
            for cond in Cond::ALL {
                let ways = [false, true].map(|taken| D::refine_same(cond, width, taken, &a.it));
                for x in &a.members {
                    let taken = holds(cond, bits_of::<D>(width), *x, *x);
                    let kept = ways[usize::from(taken)].contains(*x);
                    assert!(kept, "lost {x:#x}: {cond:?} {width:?} of {a:?}: {ways:?}");
                }
            }
        }
    });
}

/// `sync` keeps all members.
fn reduces<D: Universe + Reduces>() {
    let mut rng = Rng::new(7);
    for _ in 0..20_000 {
        let raw = D::raw(&mut rng);
        let synced = raw.sync();
        for x in (0..64).map(|_| rng.word(D::BITS)).filter(|x| raw.contains(*x)) {
            assert!(synced.contains(x), "{raw:?} lost {x:#x}: {synced:?}");
        }
    }
    D::each(|a| {
        let synced = a.it.sync();
        assert!(a.members.iter().all(|x| synced.contains(*x)), "{a:?}: {synced:?}");
    });
}

/// Every member of the one with every member of the other.
fn pairs<'a, D>(a: &'a Known<D>, b: &'a Known<D>) -> impl Iterator<Item = (u64, u64)> + 'a {
    a.members.iter().flat_map(|x| b.members.iter().map(|y| (*x, *y)))
}

/// Enrols a type in laws.
macro_rules! laws {
    ($($name:ident: $domain:ty => $($law:ident)+;)+) => {$(
        mod $name {
            use super::*;
            $(#[test] fn $law() { super::$law::<$domain>(); })+
        }
    )+};
}

laws! {
    tnum4: TnumOf<4> => order join meet transfer casts bits;
    tnum5: TnumOf<5> => order join meet transfer bits;
    tnum64: Tnum => order join meet transfer casts bits;
    scalar4: ScalarOf<4> => order join transfer casts branches same reduces moves made;
    scalar8: ScalarOf<8> => order join transfer casts branches same reduces moves made;
    scalar64: Scalar => order join transfer casts branches same reduces moves made;
}
