#!/usr/bin/env python3
"""Proves the formulas of the scalar domain (`verifier/src/domain`) with z3.

`model.py` mirrors the Rust functions on symbolic words, and `drift.py` checks
that it does; each proof here states a law of the module it is from for *all*
abstract values and all their members, at the width it is listed with: 64 unless
the solver cannot, then the widest that it can; `cargo test` covers the rest. A
proof that fails prints its counter-example. Times are processor time.

Sums and their like are proven on arcs, and a span is two arcs (`span arcs`,
`span from_arc`, `span meet`); so they hold for spans, of every width.

    pip install z3-solver
    python3 verifier/proofs/prove.py [--quick] [NAME..]  # exit code 1 if one fails

`--quick` takes the narrower width for what takes longer than some seconds at 64.
"""

import sys
import time

from z3 import (UGE, And, BitVec, BitVecVal, BoolVal, Extract, If, Implies, LShR, Not, Or, SignExt, SolverFor,
                UDiv, ULE, ULT, ZeroExt, is_and, sat, simplify, unsat)

from model import *

TIMEOUT_MS = 900_000


# The proofs. Each gives (assumptions, claim).

def tnum_binary(w, transfer, meaning):
    (a, wa), (b, wb) = tnum("a", w), tnum("b", w)
    x, y = BitVec("x", w), BitVec("y", w)
    result = transfer(a, b)
    claim = And(gamma(result, meaning(x, y)), result[0] & result[1] == 0)
    return [wa, wb, gamma(a, x), gamma(b, y)], claim


def tnum_shift(w, shift):
    a, wa = tnum("a", w)
    x, count = BitVec("x", w), BitVec("count", w)
    return [wa, gamma(a, x), ULT(count, w)], gamma((shift(a[0], count), shift(a[1], count)), shift(x, count))


def tnum_intersect(w):
    (a, wa), (b, wb) = tnum("a", w), tnum("b", w)
    x = BitVec("x", w)
    common = And(gamma(a, x), gamma(b, x))
    met = t_intersect(a, b)
    exact = Implies(t_overlaps(a, b), gamma(met, x) == common)
    return [wa, wb], And(exact, Implies(common, t_overlaps(a, b)))


def tnum_join(w):
    (a, wa), (b, wb) = tnum("a", w), tnum("b", w)
    x = BitVec("x", w)
    join = t_join(a, b)
    holds = Implies(Or(gamma(a, x), gamma(b, x)), gamma(join, x))
    return [wa, wb], And(holds, t_within(a, join), t_within(b, join))


def tnum_within(w):
    (a, wa), (b, wb) = tnum("a", w), tnum("b", w)
    x = BitVec("x", w)
    return [wa, wb, t_within(a, b), gamma(a, x)], gamma(b, x)


def tnum_range(w):
    lo, hi, x = (BitVec(n, w) for n in ("lo", "hi", "x"))
    return [ULE(lo, x), ULE(x, hi)], gamma(t_range(w, lo, hi), x)


def tnum_bounds(w):
    t, wt = tnum("t", w)
    x = BitVec("x", w)
    return [wt, gamma(t, x)], inside(t_bounds(w, t), x)


def tnum_div_power(w):
    """Division by a power of two is a shift."""
    a, wa = tnum("a", w)
    x, k = BitVec("x", w), BitVec("k", w)
    quotient = UDiv(x, const(w, 1) << k)
    return [wa, gamma(a, x), ULT(k, w)], gamma(t_div(w, a, k), quotient)


def tnum_mul_step(w):
    """One turn of `long_mul`: from `sum` holding s, on to the sum with bit i of
    x times y, whether the bit is known or not. By induction over the bits the
    result holds x * y; stopping early is sound as every bit that a later term
    could reach is unknown then (next proof)."""
    (a, wa), (b, wb), (acc, wacc) = tnum("a", w), tnum("b", w), tnum("sum", w)
    x, y, s, i = (BitVec(n, w) for n in ("x", "y", "s", "i"))
    shifted = (b[0] << i, b[1] << i)
    with_term = t_add(acc, shifted)
    joined = t_join(acc, with_term)
    known = LShR(a[0], i) & 1 == 1
    result = tuple(If(known, k, j) for k, j in zip(with_term, joined))
    bit = LShR(x, i) & 1
    reached = s + If(bit == 1, y << i, const(w, 0))
    possible = LShR(top(a), i) & 1 == 1
    return [wa, wb, wacc, gamma(a, x), gamma(b, y), gamma(acc, s), ULT(i, w), possible], gamma(result, reached)


def tnum_mul_stop(w):
    """With every bit from i up unknown, adding a multiple of 2^i stays inside."""
    acc, wacc = tnum("sum", w)
    s, rest, i = (BitVec(n, w) for n in ("s", "rest", "i"))
    return [wacc, gamma(acc, s), ULT(i, w), (full(w) << i) & ~acc[1] == 0], gamma(acc, s + (rest << i))


def tnum_mod_bits(w, meaning):
    (a, wa), (b, wb) = tnum("a", w), tnum("b", w)
    x, y = BitVec("x", w), BitVec("y", w)
    return [wa, wb, gamma(a, x), gamma(b, y)], gamma(t_mod(w, a, b), meaning(w, x, y))


def span_binary(w, transfer, meaning):
    (a, wa), (b, wb) = span("a", w), span("b", w)
    x, y = BitVec("x", w), BitVec("y", w)
    return [wa, wb, inside(a, x), inside(b, y)], inside(transfer(w, a, b), meaning(x, y))


def span_binary_w(w, transfer, meaning):
    return span_binary(w, transfer, lambda x, y: meaning(w, x, y))


def span_shift(w, transfer, meaning):
    a, wa = span("a", w)
    x, c, lo, hi = (BitVec(n, w) for n in ("x", "count", "lo", "hi"))
    counts = And(ULE(lo, c), ULE(c, hi), ULT(hi, w))
    return [wa, inside(a, x), counts], inside(transfer(w, a, lo, hi), meaning(x, c))


def span_reduce(w):
    """Exact: the same words, and every bound is a word."""
    s, ws = span("s", w)
    x = BitVec("x", w)
    some, r = reduce(w, s)
    same = Implies(inside(s, x), And(some, inside(r, x)))
    tight = Implies(some, And(*(inside(s, end) for end in r)))
    return [ws], And(same, tight)


def span_from_arc(w):
    lo, length, x = (BitVec(n, w) for n in ("lo", "len", "x"))
    return [on((lo, length), x)], inside(from_arc(w, (lo, length)), x)


def span_low_half(w):
    """64-bit bounds to those of the low half."""
    s, ws = span("s", w)
    x = BitVec("x", w)
    return [ws, inside(s, x)], inside(span_low(w, s), Extract(w // 2 - 1, 0, x))


def on_arc(name, w):
    """An arc and a word of it: `lo + p` with `p <= len`."""
    lo, length, p = (BitVec(name + part, w) for part in (".lo", ".len", ".p"))
    return (lo, length), lo + p, ULE(p, length)


def span_arcs(w):
    """A span's words are on both of its arcs."""
    s, ws = span("s", w)
    x = BitVec("x", w)
    return [ws, inside(s, x)], And(on(u_arc(s), x), on(s_arc(s), x))


def span_meet(w):
    (a, _), (b, _) = span("a", w), span("b", w)
    x = BitVec("x", w)
    return [inside(a, x), inside(b, x)], inside(meet(a, b), x)


def on_it(arc, x):
    """`on`, with the sums in the distance cancelled before the solver sees them."""
    return ULE(simplify(x - arc[0], som=True), arc[1])


def arc_sum(w):
    (a, x, has_x), (b, y, has_y) = on_arc("a", w), on_arc("b", w)
    total = arc_add(w, a, b)
    fits = Extract(w, w, ZeroExt(1, a[1]) + ZeroExt(1, b[1])) == 0
    exact = And(total[0] == a[0] + b[0], total[1] == a[1] + b[1], on_it((a[0] + b[0], a[1] + b[1]), x + y))
    return [has_x, has_y], And(Implies(fits, exact), Implies(Not(fits), total[1] == full(w)))


def arc_negation(w):
    a, x, has_x = on_arc("a", w)
    return [has_x], on_it(arc_neg(a), -x)


def arc_complement(w):
    """`~x` is `-x - 1`, and so is each end."""
    a, x, has_x = on_arc("a", w)
    v = BitVec("v", w)
    return [has_x], And(~v == -v - 1, on_it((-(a[0] + a[1]) - 1, a[1]), -x - 1))


def arc_shift(w):
    """For each count: a shift is a product with a power of two."""
    a, x, has_x = on_arc("a", w)
    claims = []
    for count in range(w):
        power, shifted = const(w, 1 << count), arc_lsh(w, a, const(w, count))
        fits = ULE(a[1], LShR(full(w), count))
        exact = And(shifted[0] == a[0] * power, shifted[1] == a[1] * power, x << count == x * power,
                    on_it((a[0] * power, a[1] * power), x * power))
        claims += [Implies(fits, exact), Implies(Not(fits), shifted[1] == full(w))]
    return [has_x], And(*claims)


def arc_of_product(w):
    """The low words of the numbers from `lo` to `hi`, of twice the width."""
    lo, hi, v = (BitVec(n, 2 * w) for n in ("lo", "hi", "v"))
    fits = ULE(v - lo, hi - lo)
    return [fits], on(arc_between(w, lo, hi), Extract(w - 1, 0, v))


def halves(w):
    half = w // 2
    (s, ws), (low, wl) = span("s", w), span("low", half)
    x = BitVec("x", w)
    return s, low, x, [ws, wl, inside(s, x), inside(low, Extract(half - 1, 0, x))]


def span_with_low(w):
    """Low bounds to those of the word."""
    s, low, x, given = halves(w)
    return given, inside(with_low(w, s, low), x)


def span_extended(w):
    s, low, x, given = halves(w)
    return given, inside(extended(w, s, low), x)


def lsh_drops_high(w):
    """Shifted by half or more, a word is its low half shifted, signed or not."""
    half = w // 2
    x, c = BitVec("x", w), BitVec("count", w)
    low = Extract(half - 1, 0, x)
    same = And(x << c == ZeroExt(half, low) << c, x << c == SignExt(half, low) << c)
    return [UGE(c, half), ULT(c, w)], same


def refine_order(w, signed, strict):
    """a < b, a <= b: the ends move, and it is impossible where one cannot."""
    (a, wa), (b, wb) = span("a", w), span("b", w)
    x, y = BitVec("x", w), BitVec("y", w)
    possible, a2, b2 = order(w, signed, strict, a, b)
    if signed:
        holds = x < y if strict else x <= y
    else:
        holds = ULT(x, y) if strict else ULE(x, y)
    return [wa, wb, inside(a, x), inside(b, y), holds], And(possible, inside(a2, x), inside(b2, y))


def refine_ne(w):
    """A value that is not taken is cut off the ends."""
    a, wa = span("a", w)
    x, y = BitVec("x", w), BitVec("y", w)
    return [wa, inside(a, x), x != y], inside(without(a, y), x)


def refine_set(w):
    (a, wa), (b, wb) = tnum("a", w), tnum("b", w)
    x, y = BitVec("x", w), BitVec("y", w)
    common = top(a) & top(b)
    one = (common, const(w, 0))
    single = And(common != 0, common & (common - 1) == 0)
    known = And(gamma(t_or(a, one), x), gamma(t_or(b, one), y))
    return [wa, wb, gamma(a, x), gamma(b, y), x & y != 0], And(common != 0, Implies(single, known))


def refine_clear(w):
    (a, wa), (b, wb) = tnum("a", w), tnum("b", w)
    x, y = BitVec("x", w), BitVec("y", w)
    a2, b2 = t_and(a, (~b[0], const(w, 0))), t_and(b, (~a[0], const(w, 0)))
    known = And(a[0] & b[0] == 0, gamma(a2, x), gamma(b2, y))
    return [wa, wb, gamma(a, x), gamma(b, y), x & y == 0], known


def decide_order(w, signed):
    """`less`."""
    (a, wa), (b, wb) = span("a", w), span("b", w)
    x, y = BitVec("x", w), BitVec("y", w)
    (always, never), holds = less(signed, a, b), x < y if signed else ULT(x, y)
    return [wa, wb, inside(a, x), inside(b, y)], And(Implies(always, holds), Implies(never, Not(holds)))


def decide_eq(w):
    (a, wa), (b, wb), (t, wt), (u, wu) = span("a", w), span("b", w), tnum("t", w), tnum("u", w)
    x, y = BitVec("x", w), BitVec("y", w)
    disjoint = [ULT(a[1], b[0]), ULT(b[1], a[0]), a[3] < b[2], b[3] < a[2], Not(t_overlaps(t, u))]
    members = [wa, wb, wt, wu, inside(a, x), inside(b, y), gamma(t, x), gamma(u, y)]
    return members, And(*(Implies(apart, x != y) for apart in disjoint))


def proofs():
    """(name, width, width if quick, proof)."""
    lsh, arsh = (lambda x, c: x << c), (lambda x, c: x >> c)
    for name, transfer, meaning in [
        ("add", t_add, lambda x, y: x + y), ("sub", t_sub, lambda x, y: x - y),
        ("and", t_and, lambda x, y: x & y), ("or", t_or, lambda x, y: x | y),
        ("xor", t_xor, lambda x, y: x ^ y),
    ]:
        yield f"tnum {name}", 64, 32, lambda w, t=transfer, m=meaning: tnum_binary(w, t, m)
    for name, shift in [("lsh", lsh), ("rsh", LShR), ("arsh", arsh)]:
        yield f"tnum {name}", 64, 64, lambda w, s=shift: tnum_shift(w, s)
        yield f"tnum {name}", 32, 32, lambda w, s=shift: tnum_shift(w, s)
    for name, proof in [
        ("tnum intersect", tnum_intersect), ("tnum join", tnum_join), ("tnum within", tnum_within),
        ("tnum range", tnum_range), ("tnum bounds", tnum_bounds),
        ("tnum mul stop", tnum_mul_stop),
        ("span arcs", span_arcs), ("span meet", span_meet), ("span from_arc", span_from_arc),
        ("arc add", arc_sum), ("arc neg", arc_negation), ("arc not", arc_complement),
        ("arc of a product", arc_of_product), ("arc lsh", arc_shift),
        ("span low", span_low_half), ("span with low", span_with_low), ("span extended", span_extended),
        ("span lsh high", lsh_drops_high),
        ("refine ne", refine_ne), ("refine set", refine_set), ("refine clear", refine_clear),
        ("decide eq", decide_eq),
    ]:
        yield name, 64, 64, proof
    yield "tnum mul step", 64, 16, tnum_mul_step
    yield "span reduce", 64, 32, span_reduce
    for signed in (False, True):
        kind = "signed" if signed else "unsigned"
        yield f"decide {kind}", 64, 64, lambda w, s=signed: decide_order(w, s)
        for strict in (False, True):
            name = f"refine {kind} {'lt' if strict else 'le'}"
            yield name, 64, 64, lambda w, s=signed, t=strict: refine_order(w, s, t)
    for name, transfer, meaning in [
        ("and", i_and, lambda x, y: x & y), ("or", i_or, lambda x, y: x | y),
        ("xor", i_xor, lambda x, y: x ^ y),
    ]:
        yield f"span {name}", 64, 16, lambda w, t=transfer, m=meaning: span_binary(w, t, m)
    for name, transfer, meaning in [("lsh", i_lsh, lsh), ("rsh", i_rsh, LShR), ("arsh", i_arsh, arsh)]:
        yield f"span {name}", 64, 16, lambda w, t=transfer, m=meaning: span_shift(w, t, m)
    # Beyond the solver at 64; sums are proven on arcs, above.
    yield "span add", 6, 4, lambda w: span_binary(w, i_add, lambda x, y: x + y)
    yield "span sub", 6, 4, lambda w: span_binary(w, i_sub, lambda x, y: x - y)
    yield "span mul", 6, 4, lambda w: span_binary(w, i_mul, lambda x, y: x * y)
    for name, transfer, meaning in [
        ("div", i_div, e_div), ("mod", i_mod, e_mod), ("sdiv", i_sdiv_any, e_sdiv), ("smod", i_smod_any, e_smod),
    ]:
        yield f"span {name}", 8, 6, lambda w, t=transfer, m=meaning: span_binary_w(w, t, m)
    for name, meaning in [("mod", e_mod), ("smod", e_smod)]:
        yield f"tnum {name}", 8, 8, lambda w, m=meaning: tnum_mod_bits(w, m)
    yield "tnum div by a power of two", 16, 8, tnum_div_power


def parts(claim):
    """The conjuncts of a claim: smaller questions are quicker to answer."""
    return [p for child in claim.children() for p in parts(child)] if is_and(claim) else [claim]


def prove(name, width, proof):
    """Whether the negated claim has no model."""
    assumptions, claim = proof(width)
    started, answer, solver = time.process_time(), unsat, None
    for part in parts(claim):
        solver = SolverFor("QF_BV")
        solver.set("timeout", TIMEOUT_MS)
        solver.add(*assumptions, Not(part))
        answer = solver.check()
        if answer != unsat:
            break
    took = time.process_time() - started
    verdict = "proven" if answer == unsat else "REFUTED" if answer == sat else "UNKNOWN"
    print(f"{verdict:8} {took:7.2f} s  {width:2} bits  {name}", flush=True)
    if answer == sat:
        print(f"         {solver.model()}", flush=True)
    return answer == unsat


def main():
    quick = "--quick" in sys.argv
    wanted = [word for word in sys.argv[1:] if word != "--quick"]
    chosen = [p for p in proofs() if not wanted or any(word in p[0] for word in wanted)]
    proven = sum(prove(name, narrow if quick else wide, proof) for name, wide, narrow, proof in chosen)
    print(f"{proven} of {len(chosen)} proven")
    return 0 if chosen and proven == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
