#!/usr/bin/env python3
"""Proves the formulas of the scalar domain (`verifier/src/domain`) with z3.

`model.py` mirrors the Rust functions on symbolic words, and `drift.py` checks
that it does; each proof here states a law of the module it is from for *all*
abstract values and all their members, at the width it is listed with: 64 unless
the solver cannot, then the widest that it can; `cargo test` covers the rest. A
proof that fails prints its counter-example. Times are processor time.

    pip install z3-solver
    python3 verifier/proofs/prove.py [--quick] [NAME..]  # exit code 1 if one fails

`--quick` takes the narrower width for what takes longer than some seconds at 64.
"""

import sys
import time

from z3 import (And, BitVec, Extract, If, Implies, LShR, Not, Or, SignExt, SolverFor, UGE, ULE, ULT, ZeroExt, is_and, sat, unsat)

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


def tnum_after(w):
    """A member that is greater, and the smallest such; the largest, where none is."""
    t, wt = tnum("t", w)
    x, y = BitVec("x", w), BitVec("y", w)
    after = t_after(w, t, x)
    greater = Implies(ULT(x, top(t)), And(ULT(x, after), Implies(And(gamma(t, y), ULT(x, y)), ULE(after, y))))
    return [wt], And(gamma(t, after), greater, Implies(UGE(x, top(t)), after == top(t)))


def tnum_only(w):
    """Where one is found, every member within the bounds is that one."""
    t, wt = tnum("t", w)
    lo, hi, x = (BitVec(n, w) for n in ("lo", "hi", "x"))
    found, it = t_only(w, t, lo, hi)
    return [wt, ULE(lo, x), ULE(x, hi), gamma(t, x), found], x == it


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


def span_binary(w, transfer, meaning):
    a, b, x, y = span("a", w), span("b", w), BitVec("x", w), BitVec("y", w)
    return [inside(a, x), inside(b, y)], inside(transfer(w, a, b), meaning(x, y))


def span_bitwise(w, transfer, meaning):
    """With the bits that hold the result."""
    a, b, x, y = span("a", w), span("b", w), BitVec("x", w), BitVec("y", w)
    t, wt = tnum("t", w)
    given = [wt, inside(a, x), inside(b, y), gamma(t, meaning(x, y))]
    return given, inside(transfer(w, a, b, t), meaning(x, y))


def span_shift(w, transfer, meaning):
    a, x, c = span("a", w), BitVec("x", w), BitVec("count", w)
    return [inside(a, x), ULT(c, w)], inside(transfer(w, a, c), meaning(x, c))


def span_shift_half(w):
    """By half of the word: what the low half says, too."""
    half = w // 2
    a, low, x = span("a", w), span("low", half), BitVec("x", w)
    given = [inside(low, Extract(half - 1, 0, x)), inside(a, x << half)]
    return given, inside(i_lsh_half(w, a, low), x << half)


def span_meet(w):
    a, b, x = span("a", w), span("b", w), BitVec("x", w)
    return [inside(a, x), inside(b, x)], inside(meet(a, b), x)


def span_signs(w):
    s, x = span("s", w), BitVec("x", w)
    return [inside(s, x)], inside(both_signs(w, s), x)


def halves(w):
    half = w // 2
    s, low, x = span("s", w), span("low", half), BitVec("x", w)
    return s, low, x, [inside(s, x), inside(low, Extract(half - 1, 0, x))]


def span_from_wide(w):
    """The word's bounds to those of its low half."""
    s, low, x, given = halves(w)
    return given, inside(from_wide(w, low, s), Extract(w // 2 - 1, 0, x))


def span_with_low(w):
    """Low bounds to those of the word."""
    s, low, x, given = halves(w)
    return given, inside(with_low(w, s, low), x)


def span_extended(w):
    s, low, x, given = halves(w)
    is_low, told = extended(w, s, low)
    return [*given, is_low], inside(told, x)


def span_low_part(w, part):
    s, x = span("s", w), BitVec("x", w)
    low = ZeroExt(w - part, Extract(part - 1, 0, x))
    return [inside(s, x)], inside(low_span(w, part, s[0], s[1]), low)


def span_signed_part(w, part):
    s, x = span("s", w), BitVec("x", w)
    low = SignExt(w - part, Extract(part - 1, 0, x))
    told, least, most = signed_part(w, part, s[2], s[3])
    return [inside(s, x), told], And(least <= low, low <= most)


def refine_order(w, signed, strict):
    """a < b, a <= b: the ends move."""
    a, b, x, y = span("a", w), span("b", w), BitVec("x", w), BitVec("y", w)
    a2, b2 = order(w, signed, strict, a, b)
    if signed:
        holds = x < y if strict else x <= y
    else:
        holds = ULT(x, y) if strict else ULE(x, y)
    return [inside(a, x), inside(b, y), holds], And(inside(a2, x), inside(b2, y))


def refine_ne(w):
    """A value that is not taken is cut off the ends."""
    a, x, y = span("a", w), BitVec("x", w), BitVec("y", w)
    return [inside(a, x), x != y], inside(without(a, y), x)


def refine_set(w):
    """A common bit with a known word of one bit: it is set."""
    a, wa = tnum("a", w)
    x, y = BitVec("x", w), BitVec("y", w)
    single = And(y != 0, y & (y - 1) == 0)
    return [wa, gamma(a, x), x & y != 0, single], gamma(t_or(a, (y, const(w, 0))), x)


def refine_clear(w):
    """No common bit with a known word: its bits are clear."""
    a, wa = tnum("a", w)
    x, y = BitVec("x", w), BitVec("y", w)
    return [wa, gamma(a, x), x & y == 0], gamma(t_and(a, (~y, const(w, 0))), x)


def decide_order(w, signed):
    """`less`, and `at_least`, which is the same the other way round."""
    a, b, x, y = span("a", w), span("b", w), BitVec("x", w), BitVec("y", w)
    (always, never), holds = less(signed, a, b), x < y if signed else ULT(x, y)
    return [inside(a, x), inside(b, y)], And(Implies(always, holds), Implies(never, Not(holds)))


def decide_eq(w):
    a, b, (t, wt), (u, wu) = span("a", w), span("b", w), tnum("t", w), tnum("u", w)
    x, y = BitVec("x", w), BitVec("y", w)
    disjoint = [ULT(a[1], b[0]), ULT(b[1], a[0]), a[3] < b[2], b[3] < a[2], Not(t_overlaps(t, u))]
    members = [wt, wu, inside(a, x), inside(b, y), gamma(t, x), gamma(u, y)]
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
        ("tnum after", tnum_after),
        ("span meet", span_meet), ("span signs", span_signs), ("span from wide", span_from_wide),
        ("span with low", span_with_low), ("span extended", span_extended),
        ("span lsh by half", span_shift_half),
        ("refine ne", refine_ne), ("refine set", refine_set), ("refine clear", refine_clear),
        ("decide eq", decide_eq),
    ]:
        yield name, 64, 64, proof
    yield "tnum only", 64, 32, tnum_only
    yield "tnum mul step", 64, 16, tnum_mul_step
    for part in (8, 16, 32):
        yield f"low {part}", 64, 64, lambda w, p=part: span_low_part(w, p)
        yield f"signed {part}", 64, 64, lambda w, p=part: span_signed_part(w, p)
    for part in (8, 16):
        yield f"signed {part}", 32, 32, lambda w, p=part: span_signed_part(w, p)
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
        yield f"span {name}", 64, 64, lambda w, t=transfer, m=meaning: span_bitwise(w, t, m)
    for name, transfer, meaning in [("lsh", i_lsh, lsh), ("rsh", i_rsh, LShR), ("arsh", i_arsh, arsh)]:
        yield f"span {name}", 64, 16, lambda w, t=transfer, m=meaning: span_shift(w, t, m)
    for name, transfer, meaning in [("add", i_add, lambda x, y: x + y), ("sub", i_sub, lambda x, y: x - y)]:
        yield f"span {name}", 64, 32, lambda w, t=transfer, m=meaning: span_binary(w, t, m)
    # Beyond the solver at 64.
    yield "span mul", 6, 4, lambda w: span_binary(w, i_mul, lambda x, y: x * y)


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
