//! What the formulas give, for the model in `verifier/proofs` to recompute: so
//! that what z3 proves of the model is proven of this code.
//!
//! With `BROLGA_VECTORS` naming a file, it is written there: a line is a name,
//! the number of bits, the operands and, after `=`, the results, in hexadecimal.

use super::super::bits::{mask, signed_max, signed_min};
use super::super::interval;
use super::super::range::Span;
use super::super::refine::{at_least, less, order, without};
use super::super::sync::{both_signs, bounds_of, extended, from_wide, only, with_low};
use super::super::transfer::{low_span, signed_part, span_alu, tnum_alu};
use super::*;
use std::collections::HashSet;
use std::fmt::Write;

/// How often every formula is asked, at each width.
const ROUNDS: usize = 12;

/// Lines of one width.
struct Vectors<const N: u32> {
    rng: Rng,
    lines: String,
}

/// One abstract value, as words.
trait Words {
    fn words(&self) -> Vec<u64>;
}

impl Words for Span {
    fn words(&self) -> Vec<u64> {
        vec![self.umin, self.umax, self.smin as u64, self.smax as u64]
    }
}

impl<const N: u32> Words for TnumOf<N> {
    fn words(&self) -> Vec<u64> {
        vec![self.value(), self.mask()]
    }
}

impl Words for u64 {
    fn words(&self) -> Vec<u64> {
        vec![*self]
    }
}

impl<T: Words> Words for Option<T> {
    /// Nothing, where there is nothing.
    fn words(&self) -> Vec<u64> {
        self.iter().flat_map(Words::words).collect()
    }
}

impl<A: Words, B: Words> Words for (A, B) {
    fn words(&self) -> Vec<u64> {
        [self.0.words(), self.1.words()].concat()
    }
}

impl<const N: u32> Vectors<N> {
    fn line(&mut self, name: &str, of: &dyn Words, is: &dyn Words) {
        let shown = |words: &dyn Words| {
            words.words().into_iter().map(|w| format!(" {:x}", cut(N, w))).collect::<String>()
        };
        writeln!(self.lines, "{name} {N}{} ={}", shown(of), shown(is)).expect("a string takes it");
    }

    /// Bounds that no word need be within both of, of `bits` bits.
    fn span(&mut self, bits: u32) -> Span {
        let words = [(); 4].map(|()| self.rng.word(bits));
        let signed = |at: usize| sign_extend(bits, words[at]);
        let (smin, smax) = (signed(2).min(signed(3)), signed(2).max(signed(3)));
        let loose = Span { umin: words[0].min(words[1]), umax: words[0].max(words[1]), smin, smax };
        if self.rng.below(2) == 0 { loose } else { loose.signed_as_unsigned(bits) }
    }

    fn tnum(&mut self) -> TnumOf<N> {
        self.rng.tnum()
    }

    fn operators(&mut self) {
        for op in [AluOp::Add, AluOp::Sub, AluOp::Mul, AluOp::And, AluOp::Or, AluOp::Xor] {
            let (a, b, t, u) = (self.span(N), self.span(N), self.tnum(), self.tnum());
            self.line(&format!("tnum-{op:?}"), &(t, u), &tnum_alu(op, t, u));
            self.line(&format!("span-{op:?}"), &((a, b), t), &span_alu(op, N, a, b, t));
        }
        let (a, low, t) = (self.span(N), self.span(N / 2), self.tnum());
        let count = self.rng.below(u64::from(N)) as u32;
        let of = |count: u32| u64::from(count);
        self.line("tnum-Lsh", &(t, of(count)), &t.lsh(count));
        self.line("tnum-Rsh", &(t, of(count)), &t.rsh(count));
        self.line("tnum-Arsh", &(t, of(count)), &t.arsh(count));
        self.line("span-Lsh", &(a, of(count)), &interval::lsh(N, a, count));
        self.line("span-Rsh", &(a, of(count)), &interval::rsh(N, a, count));
        self.line("span-Arsh", &(a, of(count)), &interval::arsh(N, a, count));
        self.line("span-Lsh-half", &(a, low), &interval::lsh_by_half(N, a, low));
    }

    fn views(&mut self) {
        let (a, b, t, u) = (self.span(N), self.span(N), self.tnum(), self.tnum());
        let (x, low) = (self.rng.word(N), self.span(N / 2));
        self.line("tnum-join", &(t, u), &t.join(u));
        self.line("tnum-intersect", &(t, u), &t.intersect(u));
        self.line("tnum-overlaps", &(t, u), &u64::from(t.overlaps(u)));
        self.line("tnum-within", &(t, u), &u64::from(t.within(u)));
        self.line("tnum-range", &(a.umin, a.umax), &TnumOf::<N>::range(a.umin, a.umax));
        self.line("tnum-bounds", &t, &bounds_of(N, t));
        self.line("tnum-after", &(t, x), &t.after(x));
        self.line("tnum-only", &(t, (a.umin, a.umax)), &only(t, a.umin, a.umax));
        self.line("span-meet", &(a, b), &a.meet(b));
        self.line("span-signs", &a, &both_signs(N, a));
        self.line("span-from-wide", &(low, a), &from_wide::<N>(low, a));
        self.line("span-with-low", &(a, low), &with_low::<N>(a, low));
        self.line("span-extended", &(a, low), &extended::<N>(a, low));
        self.line("span-without", &(a, x), &without(N, a, x));
        let bits = N / 4;
        self.line(
            "span-part",
            &a,
            &signed_part(N, bits, a.smin, a.smax).map(|(lo, hi)| (lo as u64, hi as u64)),
        );
        self.line("span-low-part", &a, &low_span(N, bits, a.umin, a.umax));
    }

    fn orders(&mut self) {
        let (a, b) = (self.span(N), self.span(N));
        for cond in [Cond::Lt, Cond::Le, Cond::Slt, Cond::Sle] {
            self.line(&format!("order-{cond:?}"), &(a, b), &order(cond, a, b));
        }
        let said = |said: Option<bool>| said.map(u64::from);
        self.line("less-unsigned", &(a, b), &said(less(a.umin, a.umax, b.umin, b.umax)));
        self.line("less-signed", &(a, b), &said(less(a.smin, a.smax, b.smin, b.smax)));
        self.line("at-least-unsigned", &(a, b), &said(at_least(a.umin, a.umax, b.umin, b.umax)));
        self.line("at-least-signed", &(a, b), &said(at_least(a.smin, a.smax, b.smin, b.smax)));
    }
}

fn vectors<const N: u32>() -> String {
    let mut all = Vectors::<N> { rng: Rng::new(u64::from(N)), lines: String::new() };
    for _ in 0..ROUNDS {
        all.operators();
        all.views();
        all.orders();
    }
    all.lines
}

/// Every line has all of its words, and the widths' edges are among them.
#[test]
fn vectors_for_the_proofs() {
    let all = [vectors::<8>(), vectors::<32>(), vectors::<64>()].concat();
    let lines: Vec<&str> = all.lines().collect();
    let names: HashSet<&str> = lines.iter().filter_map(|l| l.split(' ').next()).collect();
    assert_eq!(lines.len(), ROUNDS * 3 * names.len(), "{names:?}");
    for edge in [mask(64), signed_min(64) as u64, signed_max(64) as u64] {
        assert!(all.contains(&format!(" {edge:x}")), "{edge:x} is never asked for");
    }
    if let Some(path) = std::env::var_os("BROLGA_VECTORS") {
        std::fs::write(path, all).expect("the file can be written");
    }
}
