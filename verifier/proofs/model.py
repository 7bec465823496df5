"""The formulas of the scalar domain (`verifier/src/domain`), each the mirror of
the Rust function of the same name, on z3 words of `w` bits."""

from z3 import (And, BitVec, BitVecVal, BoolVal, Extract, If, LShR, Not, Or, SignExt, UDiv, UGE, UGT, ULE, ULT,
                URem, ZeroExt)


# Words (`bits.rs`).

def const(w, v):
    return BitVecVal(v, w)


def full(w):
    return const(w, -1)


def sign_bit(w):
    return const(w, 1 << (w - 1))


def smax_of(w):
    return const(w, (1 << (w - 1)) - 1)


def umin2(a, b):
    return If(ULE(a, b), a, b)


def umax2(a, b):
    return If(ULE(a, b), b, a)


def smin2(a, b):
    return If(a <= b, a, b)


def smax2(a, b):
    return If(a <= b, b, a)


def smear(w, x):
    """All bits at and below the highest set one: `MAX >> x.leading_zeros()`."""
    shift = 1
    while shift < w:
        x = x | LShR(x, shift)
        shift *= 2
    return x


def below_lowest(w, x):
    """All bits below the lowest set one: `low(x.trailing_zeros())`."""
    return ~x & (x - 1)


# Tnums (`tnum.rs`): pairs (value, mask).

def tnum(name, w):
    v, m = BitVec(name + ".value", w), BitVec(name + ".mask", w)
    return (v, m), v & m == 0


def gamma(t, x):
    return x & ~t[1] == t[0]


def new(v, m):
    return (v & ~m, m)


def top(t):
    return t[0] | t[1]


def t_range(w, lo, hi):
    return new(lo, smear(w, lo ^ hi))


def t_add(a, b):
    values, masks = a[0] + b[0], a[1] + b[1]
    return new(values, ((values + masks) ^ values) | a[1] | b[1])


def t_sub(a, b):
    values = a[0] - b[0]
    return new(values, ((values + a[1]) ^ (values - b[1])) | a[1] | b[1])


def t_and(a, b):
    v = a[0] & b[0]
    return new(v, top(a) & top(b) & ~v)


def t_or(a, b):
    v = a[0] | b[0]
    return new(v, (a[1] | b[1]) & ~v)


def t_xor(a, b):
    return new(a[0] ^ b[0], a[1] | b[1])


def t_join(a, b):
    return new(a[0], a[1] | b[1] | (a[0] ^ b[0]))


def t_overlaps(a, b):
    return (a[0] ^ b[0]) & ~a[1] & ~b[1] == 0


def t_intersect(a, b):
    return new(a[0] | b[0], a[1] & b[1])


def t_within(a, b):
    return And(a[1] & ~b[1] == 0, a[0] & ~b[1] == b[0])


def t_mod(w, a, b):
    """`tnum_mod`: the bits below the divisor's lowest."""
    return new(a[0], a[1] | ~below_lowest(w, top(b)))


def t_bounds(w, t):
    """`bounds_of`: the span of a tnum's members."""
    sign = sign_bit(w)
    return (t[0], top(t), t[0] | (t[1] & sign), top(t) & ~(t[1] & sign))


def t_lsh(a, count):
    return (a[0] << count, a[1] << count)


def t_rsh(a, count):
    return (LShR(a[0], count), LShR(a[1], count))


def t_arsh(a, count):
    return (a[0] >> count, a[1] >> count)


def t_div(w, a, shift):
    """`tnum_div` by `1 << shift`."""
    return t_rsh(a, shift)


# Arcs and spans (`range.rs`): (lo, len) and (umin, umax, smin, smax).

def span(name, w):
    s = tuple(BitVec(name + part, w) for part in (".umin", ".umax", ".smin", ".smax"))
    return s, And(ULE(s[0], s[1]), s[2] <= s[3])


def inside(s, x):
    return And(ULE(s[0], x), ULE(x, s[1]), s[2] <= x, x <= s[3])


def on(arc, x):
    return ULE(x - arc[0], arc[1])


def full_span(w):
    return (const(w, 0), full(w), sign_bit(w), smax_of(w))


def meet(a, b):
    return (umax2(a[0], b[0]), umin2(a[1], b[1]), smax2(a[2], b[2]), smin2(a[3], b[3]))


def from_arc(w, arc):
    lo, hi = arc[0], arc[0] + arc[1]
    all_of = full_span(w)
    known = arc[1] != full(w)
    u, s = And(known, ULE(lo, hi)), And(known, lo <= hi)
    return (If(u, lo, all_of[0]), If(u, hi, all_of[1]), If(s, lo, all_of[2]), If(s, hi, all_of[3]))


def u_arc(s):
    return (s[0], s[1] - s[0])


def s_arc(s):
    return (s[2], s[3] - s[2])


def both(w, unsigned, signed):
    return meet(from_arc(w, unsigned), from_arc(w, signed))


def unsigned(w, lo, hi):
    return from_arc(w, (lo, hi - lo))


def arc_add(w, a, b):
    wide = ZeroExt(1, a[1]) + ZeroExt(1, b[1])
    fits = Extract(w, w, wide) == 0
    return (If(fits, a[0] + b[0], const(w, 0)), If(fits, a[1] + b[1], full(w)))


def arc_neg(a):
    return (-(a[0] + a[1]), a[1])


def arc_not(a):
    return (~(a[0] + a[1]), a[1])


def arc_lsh(w, a, count):
    fits = ULE(a[1], LShR(full(w), count))
    return (If(fits, a[0] << count, const(w, 0)), If(fits, a[1] << count, full(w)))


def reduce(w, s):
    """(there is a word, the reduced span)."""
    sign, negative, some_negative = sign_bit(w), s[3] < 0, s[2] < 0
    lower_lo = If(some_negative, s[0], umax2(s[0], s[2]))
    lower_hi = umin2(s[1], If(negative, sign - 1, s[3]))
    upper_lo = umax2(s[0], If(some_negative, s[2], sign))
    upper_hi = If(negative, umin2(s[1], s[3]), s[1])
    lower = And(Not(negative), ULE(lower_lo, lower_hi))
    upper = And(some_negative, ULE(upper_lo, upper_hi))
    umin, umax = If(lower, lower_lo, upper_lo), If(upper, upper_hi, lower_hi)
    smin, smax = If(upper, upper_lo, lower_lo), If(lower, lower_hi, upper_hi)
    return Or(lower, upper), (umin, umax, smin, smax)


def arc_low(w, half, a):
    most = const(w, (1 << half) - 1)
    return (Extract(half - 1, 0, a[0]), Extract(half - 1, 0, If(UGT(a[1], most), most, a[1])))


# What the views tell each other (`sync.rs`); `low` is of half words.

def with_low(w, wide, low):
    half = w // 2
    put = lambda end, part: (end & (full(w) << half)) | ZeroExt(half, part)
    return (put(wide[0], low[0]), put(wide[1], low[1]), put(wide[2], low[0]), put(wide[3], low[1]))


def extended(w, wide, low):
    half = w // 2
    is_low = And(low[2] >= 0, SignExt(half, sign_bit(half)) <= wide[2], wide[3] <= SignExt(half, smax_of(half)))
    ends = [ZeroExt(half, low[0]), ZeroExt(half, low[1]), SignExt(half, low[2]), SignExt(half, low[3])]
    return tuple(If(is_low, end, loose) for end, loose in zip(ends, full_span(w)))


def span_low(w, s):
    half = w // 2
    return both(half, arc_low(w, half, u_arc(s)), arc_low(w, half, s_arc(s)))


# What a jump tells (`refine.rs`).

def order(w, signed, strict, a, b):
    """(it is possible, what is left of a, and of b)."""
    step = 1 if strict else 0
    if signed:
        least, most = sign_bit(w), smax_of(w)
        possible = Not(Or(b[3] == least, a[2] == most)) if strict else BoolVal(True)
        a2 = (a[0], a[1], a[2], smin2(a[3], b[3] - step))
        b2 = (b[0], b[1], smax2(b[2], a[2] + step), b[3])
    else:
        possible = Not(Or(b[1] == 0, a[0] == full(w))) if strict else BoolVal(True)
        a2 = (a[0], umin2(a[1], b[1] - step), a[2], a[3])
        b2 = (umax2(b[0], a[0] + step), b[1], b[2], b[3])
    return possible, a2, b2


def without(a, x):
    umin = If(And(a[0] == x, ULT(a[0], a[1])), a[0] + 1, a[0])
    umax = If(And(a[1] == x, ULT(umin, a[1])), a[1] - 1, a[1])
    smin = If(And(a[2] == x, a[2] < a[3]), a[2] + 1, a[2])
    smax = If(And(a[3] == x, smin < a[3]), a[3] - 1, a[3])
    return (umin, umax, smin, smax)


def less(signed, a, b):
    """(always, never)."""
    if signed:
        return a[3] < b[2], a[2] >= b[3]
    return ULT(a[1], b[0]), UGE(a[0], b[1])


# Operators on spans (`interval.rs`).

def i_add(w, a, b):
    return both(w, arc_add(w, u_arc(a), u_arc(b)), arc_add(w, s_arc(a), s_arc(b)))


def i_sub(w, a, b):
    return both(w, arc_add(w, u_arc(a), arc_neg(u_arc(b))), arc_add(w, s_arc(a), arc_neg(s_arc(b))))


def arc_between(w, lo, hi):
    """`lo` and `hi` of `2 * w` bits or more."""
    length = hi - lo
    wide = length.size()
    fits = ULE(length, ZeroExt(wide - w, full(w)))
    return (If(fits, Extract(w - 1, 0, lo), const(w, 0)), If(fits, Extract(w - 1, 0, length), full(w)))


def i_mul(w, a, b):
    ext = lambda x: ZeroExt(w, x)
    u = arc_between(w, ext(a[0]) * ext(b[0]), ext(a[1]) * ext(b[1]))
    ext = lambda x: SignExt(w, x)
    ends = [ext(x) * ext(y) for x in (a[2], a[3]) for y in (b[2], b[3])]
    least, most = ends[0], ends[0]
    for end in ends[1:]:
        least, most = smin2(least, end), smax2(most, end)
    return both(w, u, arc_between(w, least, most))


def sign_copies(w, a, b):
    bits = const(w, 0)
    for x in (a[2], a[3], b[2], b[3]):
        bits = bits | (x ^ (x >> (w - 1)))
    most = smear(w, bits)
    return ~most, most


def saturating_add(w, a, b):
    return If(ULT(a + b, a), full(w), a + b)


def i_and(w, a, b):
    least, most = sign_copies(w, a, b)
    smin = If(Or(a[2] >= 0, b[2] >= 0), const(w, 0), least)
    return (const(w, 0), umin2(a[1], b[1]), smin, smin2(most, smax2(a[3], b[3])))


def i_or(w, a, b):
    least, most = sign_copies(w, a, b)
    return (umax2(a[0], b[0]), saturating_add(w, a[1], b[1]), smax2(least, smin2(a[2], b[2])), most)


def i_xor(w, a, b):
    smin, smax = sign_copies(w, a, b)
    loose = (const(w, 0), saturating_add(w, a[1], b[1]), smin, smax)
    flipped = both(w, arc_not(u_arc(a)), arc_not(s_arc(a)))
    return tuple(If(b[0] == full(w), f, l) for f, l in zip(flipped, loose))


def i_lsh(w, a, lo, hi):
    exact = both(w, arc_lsh(w, u_arc(a), lo), arc_lsh(w, s_arc(a), lo))
    all_of = full_span(w)
    u = ULE(a[1], LShR(full(w), hi))
    s = And(sign_bit(w) >> hi <= a[2], a[3] <= smax_of(w) >> hi)
    loose = (If(u, a[0] << lo, all_of[0]), If(u, a[1] << hi, all_of[1]),
             If(s, smin2(a[2] << lo, a[2] << hi), all_of[2]), If(s, smax2(a[3] << lo, a[3] << hi), all_of[3]))
    return tuple(If(lo == hi, e, l) for e, l in zip(exact, loose))


def i_rsh(w, a, lo, hi):
    return unsigned(w, LShR(a[0], hi), LShR(a[1], lo))


def i_arsh(w, a, lo, hi):
    smin = a[2] >> If(a[2] < 0, lo, hi)
    smax = a[3] >> If(a[3] < 0, hi, lo)
    return from_arc(w, (smin, smax - smin))


def i_div(w, a, b):
    one = const(w, 1)
    least = If(b[0] == 0, const(w, 0), UDiv(a[0], b[1]))
    most = If(b[1] == 0, const(w, 0), UDiv(a[1], umax2(b[0], one)))
    return unsigned(w, least, most)


def i_mod(w, a, b):
    one_quotient = And(b[0] == b[1], UDiv(a[0], b[0]) == UDiv(a[1], b[0]))
    loose = unsigned(w, const(w, 0), umin2(a[1], b[1] - 1))
    exact = unsigned(w, URem(a[0], b[0]), URem(a[1], b[0]))
    dividend = unsigned(w, const(w, 0), a[1])
    same = Or(b[1] == 0, ULT(a[1], b[0]))
    pick = lambda i: If(same, a[i], If(b[0] == 0, dividend[i], If(one_quotient, exact[i], loose[i])))
    return tuple(pick(i) for i in range(4))


def i_sdiv(w, a, b):
    zero, all_of = const(w, 0), full_span(w)
    wraps = And(a[2] == sign_bit(w), b[2] <= -1, -1 <= b[3])
    some, lo, hi = And(b[2] <= 0, 0 <= b[3]), zero, zero
    for least, most in ((smax2(b[2], const(w, 1)), b[3]), (b[2], smin2(b[3], full(w)))):
        there = least <= most
        ends = [x / y for x in (a[2], a[3]) for y in (least, most)]
        start_lo, start_hi = If(some, lo, ends[0]), If(some, hi, ends[0])
        for end in ends:
            start_lo, start_hi = smin2(start_lo, end), smax2(start_hi, end)
        lo, hi, some = If(there, start_lo, lo), If(there, start_hi, hi), Or(some, there)
    signed = from_arc(w, (lo, hi - lo))
    return tuple(If(Or(wraps, Not(some)), f, s) for f, s in zip(all_of, signed))


def magnitudes(w, s):
    size = lambda x: If(x < 0, -x, x)
    one, two = size(s[2]), size(s[3])
    return If(And(s[2] <= 0, 0 <= s[3]), const(w, 0), umin2(one, two)), umax2(one, two)


def i_smod(w, a, b):
    least, greatest = magnitudes(w, b)
    smin, smax = smin2(a[2], const(w, 0)), smax2(a[3], const(w, 0))
    same = Or(greatest == 0, And(least != 0, ULT(magnitudes(w, a)[1], least)))
    limit = greatest - 1
    lo = If(least == 0, smin, smax2(smin, -limit))
    hi = If(least == 0, smax, smin2(smax, limit))
    signed = from_arc(w, (lo, hi - lo))
    return tuple(If(same, a[i], signed[i]) for i in range(4))


def nonnegative(a, b):
    return And(a[2] >= 0, b[2] >= 0)


def i_sdiv_any(w, a, b):
    """`Sdiv` is `Div` where no word is negative."""
    return tuple(If(nonnegative(a, b), u, s) for u, s in zip(i_div(w, a, b), i_sdiv(w, a, b)))


def i_smod_any(w, a, b):
    return tuple(If(nonnegative(a, b), u, s) for u, s in zip(i_mod(w, a, b), i_smod(w, a, b)))


# What the operators mean (`AluOp::eval`).

def e_div(w, x, y):
    return If(y == 0, const(w, 0), UDiv(x, y))


def e_mod(w, x, y):
    return If(y == 0, x, URem(x, y))


def e_sdiv(w, x, y):
    return If(y == 0, const(w, 0), x / y)


def e_smod(w, x, y):
    return If(y == 0, x, x - (x / y) * y)
