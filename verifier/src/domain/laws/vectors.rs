//! What the formulas give, for the model in `verifier/proofs` to recompute: so
//! that what z3 proves of the model is proven of this code.
//!
//! With `BROLGA_VECTORS` naming a file, it is written there: a line is a name,
//! the number of bits, the operands and, after `=`, the results, in hexadecimal.

use super::super::bits::{mask, signed_max, signed_min};
use super::super::interval::{self, Count};
use super::super::range::{Arc, Span};
use super::super::refine::{less, order, without};
use super::super::sync::{bounds_of, extended, with_low};
use super::super::transfer::tnum_alu;
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

impl Words for Arc {
    fn words(&self) -> Vec<u64> {
        vec![self.lo, self.len]
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

    fn span(&mut self) -> Span {
        let words = [(); 4].map(|()| self.rng.word(N));
        let signed = |at: usize| sign_extend(N, words[at]);
        let loose = Span {
            umin: words[0].min(words[1]),
            umax: words[0].max(words[1]),
            smin: signed(2).min(signed(3)),
            smax: signed(2).max(signed(3)),
        };
        if self.rng.below(4) == 0 { loose } else { loose.reduce(N).unwrap_or(Span::constant(N, words[0])) }
    }

    fn arc(&mut self) -> Arc {
        Arc { lo: self.rng.word(N), len: self.rng.word(N) }
    }

    fn tnum(&mut self) -> TnumOf<N> {
        self.rng.tnum()
    }

    fn operators(&mut self) {
        for op in AluOp::ALL.into_iter().filter(|op| *op != AluOp::Mov) {
            let (a, b, t, u) = (self.span(), self.span(), self.tnum(), self.tnum());
            let count = Count::of(N, u, b);
            let result = interval::alu(op, N, a, b, count);
            let shift = matches!(op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh);
            if shift {
                let counts = (u64::from(count.lo), u64::from(count.hi));
                self.line(&format!("span-{op:?}"), &(a, counts), &result);
                let one = Count::of(N, TnumOf::constant(counts.0), Span::constant(N, counts.0));
                self.line(&format!("tnum-{op:?}"), &(t, counts.0), &tnum_alu(op, N, t, u, one, false));
            } else {
                self.line(&format!("span-{op:?}"), &(a, b), &result);
                let plain = a.smin >= 0 && b.smin >= 0;
                self.line(
                    &format!("tnum-{op:?}"),
                    &((t, u), u64::from(plain)),
                    &tnum_alu(op, N, t, u, count, plain),
                );
            }
        }
    }

    fn views(&mut self) {
        let (a, b, t, u) = (self.span(), self.span(), self.tnum(), self.tnum());
        let (x, arc, other) = (self.rng.word(N), self.arc(), self.arc());
        let count = self.rng.below(u64::from(N));
        self.line("tnum-join", &(t, u), &t.join(u));
        self.line("tnum-intersect", &(t, u), &t.intersect(u));
        self.line("tnum-within", &(t, u), &u64::from(t.within(u)));
        self.line("tnum-range", &(a.umin, a.umax), &TnumOf::<N>::range(a.umin, a.umax));
        self.line("tnum-bounds", &t, &bounds_of(N, t));
        self.line("span-reduce", &a, &a.reduce(N));
        self.line("span-low", &a, &a.low(N, N / 2));
        self.line("span-meet", &(a, b), &a.meet(b));
        self.line("span-from-arc", &arc, &Span::from_arc(N, arc));
        self.line("arc-add", &(arc, other), &arc.add(N, other));
        self.line("arc-neg", &arc, &arc.neg(N));
        self.line("arc-not", &arc, &arc.not(N));
        self.line("arc-lsh", &(arc, count), &arc.lsh(N, count as u32));
        let narrow = SpanOf::<N>::narrow(&b);
        self.line("span-with-low", &(a, narrow), &with_low::<N>(a, narrow));
        self.line("span-extended", &(a, narrow), &extended::<N>(a, narrow));
        self.line("span-without", &(a, x), &without(N, a, x));
    }

    fn orders(&mut self) {
        let (a, b) = (self.span(), self.span());
        for cond in [Cond::Lt, Cond::Le, Cond::Slt, Cond::Sle] {
            self.line(&format!("order-{cond:?}"), &(a, b), &order(cond, N, a, b));
        }
        let said = |said: Option<bool>| said.map(u64::from);
        self.line("less-unsigned", &(a, b), &said(less(a.umin, a.umax, b.umin, b.umax)));
        self.line("less-signed", &(a, b), &said(less(a.smin, a.smax, b.smin, b.smax)));
    }
}

impl<const N: u32> SpanOf<N> {
    /// What a span says of its low half, were it known: some span of half words.
    fn narrow(span: &Span) -> Span {
        span.low(N, N / 2).reduce(N / 2).unwrap_or(Span::full(N / 2))
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
