#!/usr/bin/env python3
"""Proves the formulas of the scalar domain (`verifier/src/domain`) with z3.

`model.py` mirrors the Rust functions on symbolic words; each proof here states
a law of the module it is from for *all* abstract values and all their members,
at the width it is listed with: 64 unless the solver cannot, then the widest
that it can; `cargo test` covers the rest. A proof that fails prints its
counter-example. Times are processor time.

    pip install z3-solver
    python3 verifier/proofs/prove.py [NAME..]     # exit code 1 if one fails
"""

import sys
import time

from z3 import (UGE, And, BitVec, BoolVal, Extract, If, Implies, LShR, Not, Or, SignExt, SolverFor,
                ULE, ULT, ZeroExt, is_and, sat, unsat)

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


def tnum_next(w):
    t, wt = tnum("t", w)
    x, y = BitVec("x", w), BitVec("y", w)
    found, n = next_member(w, t, x)
    sound = Implies(And(gamma(t, y), UGE(y, x)), And(found, ULE(n, y)))
    return [wt], And(sound, Implies(found, And(gamma(t, n), UGE(n, x))))


def tnum_prev(w):
    t, wt = tnum("t", w)
    x, y = BitVec("x", w), BitVec("y", w)
    found, n = prev_member(w, t, x)
    sound = Implies(And(gamma(t, y), ULE(y, x)), And(found, UGE(n, y)))
    return [wt], And(sound, Implies(found, And(gamma(t, n), ULE(n, x))))


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


def span_low(w):
    """64-bit bounds to those of the low half."""
    half = w // 2
    s, ws = span("s", w)
    x = BitVec("x", w)
    low = both(half, arc_low(w, half, u_arc(s)), arc_low(w, half, s_arc(s)))
    return [ws, inside(s, x)], inside(low, Extract(half - 1, 0, x))


def arc_step(w, up):
    """32-bit bounds to those of the word: exact."""
    half = w // 2
    arc = (BitVec("lo", half), BitVec("len", half))
    x, y = BitVec("x", w), BitVec("y", w)
    found, n = arc_next(w, half, arc, x) if up else arc_prev(w, half, arc, x)
    beyond = UGE if up else ULE
    fits = on(arc, Extract(half - 1, 0, y))
    sound = Implies(And(fits, beyond(y, x)), And(found, beyond(y, n)))
    return [], And(sound, Implies(found, And(on(arc, Extract(half - 1, 0, n)), beyond(n, x))))


def sign_bias(w):
    """Flipping the sign bit turns signed order into unsigned, leaves the low half."""
    x, y = BitVec("x", w), BitVec("y", w)
    fx, fy = x ^ sign_bit(w), y ^ sign_bit(w)
    low = w // 2 - 1
    return [], And((x <= y) == ULE(fx, fy), Extract(low, 0, x) == Extract(low, 0, fx))


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
    least, most = (sign_bit(w), smax_of(w)) if signed else (const(w, 0), full(w))
    step = 1 if strict else 0
    if signed:
        a2 = (a[0], a[1], a[2], smin2(a[3], b[3] - step))
        b2 = (b[0], b[1], smax2(b[2], a[2] + step), b[3])
        holds, impossible = (x < y if strict else x <= y), Or(b[3] == least, a[2] == most)
    else:
        a2 = (a[0], umin2(a[1], b[1] - step), a[2], a[3])
        b2 = (umax2(b[0], a[0] + step), b[1], b[2], b[3])
        holds, impossible = (ULT(x, y) if strict else ULE(x, y)), Or(b[1] == least, a[0] == most)
    possible = Not(impossible) if strict else BoolVal(True)
    return [wa, wb, inside(a, x), inside(b, y), holds], And(possible, inside(a2, x), inside(b2, y))


def refine_ne(w):
    """`without`: a value that is not taken is cut off the ends."""
    a, wa = span("a", w)
    x, y = BitVec("x", w), BitVec("y", w)
    umin = If(And(a[0] == y, ULT(a[0], a[1])), a[0] + 1, a[0])
    umax = If(And(a[1] == y, ULT(umin, a[1])), a[1] - 1, a[1])
    smin = If(And(a[2] == y, a[2] < a[3]), a[2] + 1, a[2])
    smax = If(And(a[3] == y, smin < a[3]), a[3] - 1, a[3])
    return [wa, inside(a, x), x != y], inside((umin, umax, smin, smax), x)


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
    if signed:
        always, never, holds = a[3] < b[2], a[2] >= b[3], x < y
    else:
        always, never, holds = ULT(a[1], b[0]), UGE(a[0], b[1]), ULT(x, y)
    return [wa, wb, inside(a, x), inside(b, y)], And(Implies(always, holds), Implies(never, Not(holds)))


def decide_eq(w):
    (a, wa), (b, wb), (t, wt), (u, wu) = span("a", w), span("b", w), tnum("t", w), tnum("u", w)
    x, y = BitVec("x", w), BitVec("y", w)
    disjoint = [ULT(a[1], b[0]), ULT(b[1], a[0]), a[3] < b[2], b[3] < a[2], Not(t_overlaps(t, u))]
    members = [wa, wb, wt, wu, inside(a, x), inside(b, y), gamma(t, x), gamma(u, y)]
    return members, And(*(Implies(apart, x != y) for apart in disjoint))


def proofs():
    """(name, width, proof)."""
    lsh, arsh = (lambda x, c: x << c), (lambda x, c: x >> c)
    for name, transfer, meaning in [
        ("add", t_add, lambda x, y: x + y), ("sub", t_sub, lambda x, y: x - y),
        ("and", t_and, lambda x, y: x & y), ("or", t_or, lambda x, y: x | y),
        ("xor", t_xor, lambda x, y: x ^ y),
    ]:
        yield f"tnum {name}", 64, lambda w, t=transfer, m=meaning: tnum_binary(w, t, m)
    for name, shift in [("lsh", lsh), ("rsh", LShR), ("arsh", arsh)]:
        yield f"tnum {name}", 64, lambda w, s=shift: tnum_shift(w, s)
        yield f"tnum {name}", 32, lambda w, s=shift: tnum_shift(w, s)
    for name, proof in [
        ("tnum intersect", tnum_intersect), ("tnum join", tnum_join), ("tnum within", tnum_within),
        ("tnum range", tnum_range), ("tnum next", tnum_next), ("tnum prev", tnum_prev),
        ("tnum mul step", tnum_mul_step), ("tnum mul stop", tnum_mul_stop),
        ("span from_arc", span_from_arc), ("span reduce", span_reduce), ("span low", span_low),
        ("span sign bias", sign_bias), ("span lsh high", lsh_drops_high),
        ("refine ne", refine_ne), ("refine set", refine_set), ("refine clear", refine_clear),
        ("decide eq", decide_eq),
    ]:
        yield name, 64, proof
    for up in (True, False):
        yield f"span low to wide {'up' if up else 'down'}", 64, lambda w, u=up: arc_step(w, u)
    for signed in (False, True):
        kind = "signed" if signed else "unsigned"
        yield f"decide {kind}", 64, lambda w, s=signed: decide_order(w, s)
        for strict in (False, True):
            name = f"refine {kind} {'lt' if strict else 'le'}"
            yield name, 64, lambda w, s=signed, t=strict: refine_order(w, s, t)
    for name, transfer, meaning in [
        ("add", i_add, lambda x, y: x + y), ("sub", i_sub, lambda x, y: x - y),
        ("and", i_and, lambda x, y: x & y), ("or", i_or, lambda x, y: x | y),
        ("xor", i_xor, lambda x, y: x ^ y),
    ]:
        for width in (64, 32):
            yield f"span {name}", width, lambda w, t=transfer, m=meaning: span_binary(w, t, m)
    for name, transfer, meaning in [("lsh", i_lsh, lsh), ("rsh", i_rsh, LShR), ("arsh", i_arsh, arsh)]:
        yield f"span {name}", 64, lambda w, t=transfer, m=meaning: span_shift(w, t, m)
    # Multiplication and division of symbolic words are beyond the solver at 64.
    yield "span mul", 6, lambda w: span_binary(w, i_mul, lambda x, y: x * y)
    for name, transfer, meaning in [
        ("div", i_div, e_div), ("mod", i_mod, e_mod), ("sdiv", i_sdiv, e_sdiv), ("smod", i_smod, e_smod),
    ]:
        yield f"span {name}", 8, lambda w, t=transfer, m=meaning: span_binary_w(w, t, m)
    for name, meaning in [("mod", e_mod), ("smod", e_smod)]:
        yield f"tnum {name}", 8, lambda w, m=meaning: tnum_mod_bits(w, m)


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
    wanted = sys.argv[1:]
    chosen = [p for p in proofs() if not wanted or any(word in p[0] for word in wanted)]
    proven = sum(prove(*p) for p in chosen)
    print(f"{proven} of {len(chosen)} proven")
    return 0 if chosen and proven == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
