#!/usr/bin/env python3
"""Whether `model.py` still is the Rust: recomputes what the formulas of
`verifier/src/domain` gave in a test (`domain/laws/vectors.rs`).

    BROLGA_VECTORS=FILE cargo test -p brolga-verifier --lib vectors
    python3 verifier/proofs/drift.py FILE         # exit code 1 if one differs
"""

import sys

from z3 import BitVecVal, is_true, simplify

import model as m
from model import const

def number(word):
    return simplify(word).as_long()


def truth(claim):
    return is_true(simplify(claim)) if not isinstance(claim, bool) else claim


def split(words, *sizes):
    out, at = [], 0
    for size in sizes:
        out.append(tuple(words[at:at + size]) if size > 1 else words[at])
        at += size
    return out


def maybe(there, *values):
    """The words of a result that may not be there."""
    return [word for value in values for word in value] if truth(there) else []


def t_mul(w, a, b):
    """`TnumOf::mul`, whose turns are proven one by one."""
    known = lambda t: number(t[1]) == 0
    if known(a) and known(b):
        return (a[0] * b[0], const(w, 0))
    power = number(b[0])
    if known(b) and power and power & (power - 1) == 0:
        return m.t_lsh(a, power.bit_length() - 1)
    total = (const(w, 0), const(w, 0))
    for bit in range(w):
        if number(m.top(a)) >> bit == 0:
            break
        if not number(m.top(a)) >> bit & 1:
            continue
        if truth((m.full(w) << bit) & ~total[1] == 0):
            break
        term = m.t_add(total, m.t_lsh(b, bit))
        total = term if number(a[0]) >> bit & 1 else m.t_join(total, term)
    return total


def tnum2(f):
    return lambda w, v: f(*split(v, 2, 2))


def tnum2w(f):
    return lambda w, v: f(w, *split(v, 2, 2))


def with_tnum(f):
    return lambda w, v: f(w, *split(v, 4, 4, 2))


def halved(w, words):
    half = w // 2
    return tuple(const(half, number(word) & ((1 << half) - 1)) for word in words)


def with_half(f):
    def call(w, v):
        wide, low = split(v, 4, 4)
        return f(w, wide, halved(w, low))
    return call


def from_wide(w, v):
    low, wide = split(v, 4, 4)
    return m.from_wide(w, halved(w, low), wide)


def only(w, v):
    there, it = m.t_only(w, tuple(v[:2]), v[2], v[3])
    return maybe(there, [it])


def part(w, v):
    there, least, most = m.signed_part(w, w // 4, v[2], v[3])
    return maybe(there, [least, most])


def ordered(signed, strict):
    return lambda w, v: [word for s in m.order(w, signed, strict, *split(v, 4, 4)) for word in s]


def said(signed, sure=1):
    """`less`, or, where `sure` is 0, `at_least`: the same in the other order."""
    def call(w, v):
        ways = list(zip(m.less(signed, *split(v, 4, 4)), (sure, 1 - sure)))
        for holds, answer in ways if sure else ways[::-1]:
            if truth(holds):
                return [const(w, answer)]
        return []
    return call


FORMULAS = {
    "span-Add": lambda w, v: m.i_add(w, *split(v, 4, 4, 2)[:2]),
    "span-Sub": lambda w, v: m.i_sub(w, *split(v, 4, 4, 2)[:2]),
    "span-Mul": lambda w, v: m.i_mul(w, *split(v, 4, 4, 2)[:2]),
    "span-And": with_tnum(m.i_and), "span-Or": with_tnum(m.i_or), "span-Xor": with_tnum(m.i_xor),
    "span-Lsh": lambda w, v: m.i_lsh(w, *split(v, 4, 1)),
    "span-Rsh": lambda w, v: m.i_rsh(w, *split(v, 4, 1)),
    "span-Arsh": lambda w, v: m.i_arsh(w, *split(v, 4, 1)),
    "span-Lsh-half": with_half(m.i_lsh_half),
    "tnum-Add": tnum2(m.t_add), "tnum-Sub": tnum2(m.t_sub), "tnum-And": tnum2(m.t_and),
    "tnum-Or": tnum2(m.t_or), "tnum-Xor": tnum2(m.t_xor), "tnum-Mul": tnum2w(t_mul),
    "tnum-Lsh": lambda w, v: m.t_lsh(*split(v, 2, 1)), "tnum-Rsh": lambda w, v: m.t_rsh(*split(v, 2, 1)),
    "tnum-Arsh": lambda w, v: m.t_arsh(*split(v, 2, 1)),
    "tnum-join": tnum2(m.t_join), "tnum-intersect": tnum2(m.t_intersect),
    "tnum-overlaps": lambda w, v: [const(w, int(truth(m.t_overlaps(*split(v, 2, 2)))))],
    "tnum-within": lambda w, v: [const(w, int(truth(m.t_within(*split(v, 2, 2)))))],
    "tnum-range": lambda w, v: m.t_range(w, *v),
    "tnum-bounds": lambda w, v: m.t_bounds(w, tuple(v)),
    "tnum-after": lambda w, v: [m.t_after(w, *split(v, 2, 1))], "tnum-only": only,
    "span-meet": lambda w, v: m.meet(*split(v, 4, 4)),
    "span-signs": lambda w, v: m.both_signs(w, tuple(v)), "span-from-wide": from_wide,
    "span-with-low": with_half(m.with_low),
    "span-extended": with_half(lambda w, wide, low: maybe(*m.extended(w, wide, low))),
    "span-without": lambda w, v: m.without(*split(v, 4, 1)),
    "span-part": part, "span-low-part": lambda w, v: m.low_span(w, w // 4, v[0], v[1]),
    "order-Lt": ordered(False, True), "order-Le": ordered(False, False),
    "order-Slt": ordered(True, True), "order-Sle": ordered(True, False),
    "less-unsigned": said(False), "less-signed": said(True),
    "at-least-unsigned": said(False, 0), "at-least-signed": said(True, 0),
}


def low_bits(word, bits):
    """As the Rust prints it: a narrower word sign-extended has its low bits."""
    return word & ((1 << bits) - 1)


def agrees(line):
    head, result = line.split("=")
    name, bits, *operands = head.split()
    bits = int(bits)
    given = [int(word, 16) for word in result.split()]
    made = [simplify(word) for word in FORMULAS[name](bits, [BitVecVal(int(o, 16), bits) for o in operands])]
    if len(made) != len(given):
        return False
    return all(word.as_long() == low_bits(said, word.size()) for word, said in zip(made, given))


def main():
    lines = open(sys.argv[1]).read().splitlines()
    wrong = [line for line in lines if not agrees(line)]
    for line in wrong[:20]:
        print(f"DRIFTED  {line}")
    unasked = set(FORMULAS) - {line.split()[0] for line in lines}
    if unasked:
        print(f"never asked: {sorted(unasked)}")
    print(f"{len(lines) - len(wrong)} of {len(lines)} vectors agree, {len(FORMULAS)} formulas")
    return 0 if lines and not wrong and not unasked else 1


if __name__ == "__main__":
    sys.exit(main())
