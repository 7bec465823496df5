"""The formulas of the scalar domain (`verifier/src/domain`), each the mirror of
the Rust function of the same name, on z3 words of `w` bits."""

from z3 import (And, BitVec, BitVecVal, Extract, If, LShR, Not, Or, SignExt, UGE, UGT, ULE, ULT, ZeroExt)


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


def below(w, x):
    """All bits below the highest set one: `low(x.ilog2())`."""
    return LShR(smear(w, x), 1)


def t_after(w, t, x):
    """`after`: the smallest member that is greater."""
    least = x + 1
    differs = (least ^ t[0]) & ~t[1]
    under = below(w, differs)
    bit = smear(w, differs) & ~under
    above = ~(under | bit)
    set_there = (least & above) | (t[0] & ~above)
    counted = (((least | ~t[1] | ~above) + 1) & t[1] & above) | t[0]
    next_ = If(differs == 0, least, If(t[0] & bit != 0, set_there, counted))
    return If(UGE(x, top(t)), top(t), next_)


# Spans (`range.rs`): (umin, umax, smin, smax).

def span(name, w):
    """Any bounds, crossed ones too."""
    return tuple(BitVec(name + part, w) for part in (".umin", ".umax", ".smin", ".smax"))


def inside(s, x):
    return And(ULE(s[0], x), ULE(x, s[1]), s[2] <= x, x <= s[3])


def full_span(w):
    return (const(w, 0), full(w), sign_bit(w), smax_of(w))


def pick(cond, a, b):
    return tuple(If(cond, x, y) for x, y in zip(a, b))


def meet_unsigned(a, lo, hi):
    return (umax2(a[0], lo), umin2(a[1], hi), a[2], a[3])


def meet_signed(a, lo, hi):
    return (a[0], a[1], smax2(a[2], lo), smin2(a[3], hi))


def meet(a, b):
    return meet_signed(meet_unsigned(a, b[0], b[1]), b[2], b[3])


def signed_as_unsigned(w, a):
    none = full_span(w)
    fits = a[0] <= a[1]
    return (a[0], a[1], If(fits, a[0], none[2]), If(fits, a[1], none[3]))


# What the views tell each other (`sync.rs`); `low` is of half words.

def t_only(w, t, lo, hi):
    """(the kernel finds one, it)."""
    next_ = t_after(w, t, lo)
    member = gamma(t, lo)
    alone = Or(next_ == top(t), And(ULE(next_, hi), UGT(t_after(w, t, next_), hi)))
    return If(member, UGT(next_, hi), alone), If(member, lo, next_)


def from_wide(w, low, wide):
    half = w // 2
    high = lambda end: Extract(w - 1, half, end)
    part = lambda end: Extract(half - 1, 0, end)
    (ulo, uhi, slo, shi) = wide
    ordered = lambda lo, hi: part(lo) <= part(hi)
    same = high(ulo) == high(uhi)
    low = pick(same, meet_unsigned(low, part(ulo), part(uhi)), low)
    low = pick(And(same, ordered(ulo, uhi)), meet_signed(low, part(ulo), part(uhi)), low)
    same = high(slo) == high(shi)
    low = pick(And(same, ULE(part(slo), part(shi))), meet_unsigned(low, part(slo), part(shi)), low)
    low = pick(And(same, ordered(slo, shi)), meet_signed(low, part(slo), part(shi)), low)
    for lo, hi in ((ulo, uhi), (slo, shi)):
        follows = And(high(lo) + 1 == high(hi), part(lo) < 0, part(hi) >= 0)
        low = pick(follows, meet_signed(low, part(lo), part(hi)), low)
    return low


def both_signs(w, s):
    s = pick(s[0] <= s[1], meet_signed(s, s[0], s[1]), s)
    umin, umax, smin, smax = s
    upper = (umin, umin2(umax, smax), umin, smax)
    lower = (umax2(umin, smin), umax, smin, umax)
    parted = pick(ULT(umax, smin), upper, pick(ULT(smax, umin), lower, s))
    return pick(ULE(smin, smax), meet_unsigned(s, smin, smax), parted)


def with_low(w, wide, low):
    half = w // 2
    put = lambda end, part: (end & (full(w) << half)) | ZeroExt(half, part)
    return meet(wide, (put(wide[0], low[0]), put(wide[1], low[1]), put(wide[2], low[0]), put(wide[3], low[1])))


def extended(w, wide, low):
    """(it is its low half, the bounds that are left)."""
    half = w // 2
    is_low = And(low[2] >= 0, SignExt(half, sign_bit(half)) <= wide[2], wide[3] <= SignExt(half, smax_of(half)))
    least, most = SignExt(half, low[2]), SignExt(half, low[3])
    return is_low, (least, most, least, most)


# What a jump tells (`refine.rs`).

def order(w, signed, strict, a, b):
    step = 1 if strict else 0
    if signed:
        return (a[0], a[1], a[2], smin2(a[3], b[3] - step)), (b[0], b[1], smax2(b[2], a[2] + step), b[3])
    return (a[0], umin2(a[1], b[1] - step), a[2], a[3]), (umax2(b[0], a[0] + step), b[1], b[2], b[3])


def without(a, x):
    up, down = (lambda end: If(end == x, end + 1, end)), (lambda end: If(end == x, end - 1, end))
    return (up(a[0]), down(a[1]), up(a[2]), down(a[3]))


def less(signed, a, b):
    """(always, never), the first before the second."""
    if signed:
        return a[3] < b[2], a[2] >= b[3]
    return ULT(a[1], b[0]), UGE(a[0], b[1])


# Operators on spans (`interval.rs`).

def fits_signed(w, wide):
    """Whether a word of more than `w` bits is one of `w`, signed."""
    return wide == SignExt(wide.size() - w, Extract(w - 1, 0, wide))


def i_signed(w, least, most, fits):
    none = full_span(w)
    cut = lambda end: Extract(w - 1, 0, end)
    return (none[0], none[1], If(fits, cut(least), none[2]), If(fits, cut(most), none[3]))


def i_add(w, a, b):
    ext = lambda x: SignExt(1, x)
    least, most = ext(a[2]) + ext(b[2]), ext(a[3]) + ext(b[3])
    s = i_signed(w, least, most, And(fits_signed(w, least), fits_signed(w, most)))
    carries = lambda x, y: Extract(w, w, ZeroExt(1, x) + ZeroExt(1, y)) == 1
    known = Or(carries(a[0], b[0]), Not(carries(a[1], b[1])))
    return (If(known, a[0] + b[0], s[0]), If(known, a[1] + b[1], s[1]), s[2], s[3])


def i_sub(w, a, b):
    ext = lambda x: SignExt(1, x)
    least, most = ext(a[2]) - ext(b[3]), ext(a[3]) - ext(b[2])
    s = i_signed(w, least, most, And(fits_signed(w, least), fits_signed(w, most)))
    known = Or(UGE(a[0], b[1]), ULT(a[1], b[0]))
    return (If(known, a[0] - b[1], s[0]), If(known, a[1] - b[0], s[1]), s[2], s[3])


def i_mul(w, a, b):
    ext = lambda x: SignExt(w, x)
    ends = [ext(x) * ext(y) for x in (a[2], a[3]) for y in (b[2], b[3])]
    least, most = ends[0], ends[0]
    for end in ends[1:]:
        least, most = smin2(least, end), smax2(most, end)
    s = i_signed(w, least, most, And(*(fits_signed(w, end) for end in ends)))
    ext = lambda x: ZeroExt(w, x)
    least, most = ext(a[0]) * ext(b[0]), ext(a[1]) * ext(b[1])
    known = And(*(Extract(2 * w - 1, w, end) == 0 for end in (least, most)))
    cut = lambda end: Extract(w - 1, 0, end)
    return (If(known, cut(least), s[0]), If(known, cut(most), s[1]), s[2], s[3])


def bounded(w, lo, hi):
    none = full_span(w)
    return signed_as_unsigned(w, (lo, hi, none[2], none[3]))


def i_and(w, a, b, t):
    return bounded(w, t[0], umin2(a[1], b[1]))


def i_or(w, a, b, t):
    return bounded(w, umax2(a[0], b[0]), top(t))


def i_xor(w, a, b, t):
    return bounded(w, t[0], top(t))


def i_lsh(w, a, count):
    none = full_span(w)
    lost = UGT(a[1], const(w, 1) << (const(w, w - 1) - count))
    return (If(lost, none[0], a[0] << count), If(lost, none[1], a[1] << count), none[2], none[3])


def i_rsh(w, a, count):
    none = full_span(w)
    return (LShR(a[0], count), LShR(a[1], count), none[2], none[3])


def i_arsh(w, a, count):
    none = full_span(w)
    return (none[0], none[1], a[2] >> count, a[3] >> count)


def i_lsh_half(w, wide, low):
    half = w // 2
    up = lambda end: SignExt(half, end) << half
    return (wide[0], wide[1], up(low[2]), up(low[3]))


# Casts (`transfer.rs`) to the low `part` bits.

def low_span(w, part, lo, hi):
    most = const(w, (1 << part) - 1)
    alike = lo & ~most == hi & ~most
    lo, hi = If(alike, lo & most, const(w, 0)), If(alike, hi & most, most)
    return (lo, hi, lo, hi)


def signed_part(w, part, smin, smax):
    """(the bounds say it, the least, the greatest)."""
    sign = lambda end: SignExt(w - part, Extract(part - 1, 0, end))
    one, other = sign(smin), sign(smax)
    alike = And(Extract(w - 1, part, smin) == Extract(w - 1, part, smax), (one >= 0) == (other >= 0))
    return alike, smin2(one, other), smax2(one, other)
