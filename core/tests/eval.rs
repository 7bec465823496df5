//! The concrete meaning of every operator, against values worked out by hand
//! from RFC 9669, sections 4 and 5.

use brolga_core::{AluOp, AtomicOp, Cond, Order, Size, Width};
use proptest::prelude::*;

const MIN32: u64 = 0x8000_0000;
const MAX32: u64 = 0x7fff_ffff;
const ONES32: u64 = 0xffff_ffff;
const MIN64: u64 = 0x8000_0000_0000_0000;
const MAX64: u64 = 0x7fff_ffff_ffff_ffff;
const ONES64: u64 = u64::MAX;
/// Something in the upper half, which no 32-bit operation looks at or keeps.
const JUNK: u64 = 0xdead_beef_0000_0000;

/// An operator with rows of `a`, `b` and what it gives on 64 bits and on 32.
type Rows = (AluOp, &'static [(u64, u64, u64, u64)]);

const ALU: [Rows; 14] = [
    (
        AluOp::Add,
        &[
            (1, 2, 3, 3),
            (ONES64, 1, 0, 0),
            (ONES32, 1, 0x1_0000_0000, 0),
            (MAX64, 1, MIN64, 0),
            (JUNK | 5, JUNK | 6, 0xbd5b_7dde_0000_000b, 11),
        ],
    ),
    (
        AluOp::Sub,
        &[
            (3, 2, 1, 1),
            (0, 1, ONES64, ONES32),
            (MIN64, 1, MAX64, ONES32),
            (JUNK, 1, 0xdead_beee_ffff_ffff, ONES32),
        ],
    ),
    (
        AluOp::Mul,
        &[
            (6, 7, 42, 42),
            (ONES64, ONES64, 1, 1),
            (0x1_0000_0001, 0x1_0000_0001, 0x2_0000_0001, 1),
            (MIN64, 2, 0, 0),
            (0x1_0000, 0x1_0000, 0x1_0000_0000, 0),
        ],
    ),
    (
        AluOp::Div,
        &[
            (7, 2, 3, 3),
            (7, 0, 0, 0),
            (ONES64, 2, MAX64, MAX32),
            (MIN64, ONES64, 0, 0),
            (MIN32, ONES32, 0, 0),
            // The divisor's low half is 0: no divisor at 32 bits.
            (JUNK | 7, JUNK, 1, 0),
        ],
    ),
    (
        AluOp::Sdiv,
        &[
            (7, 2, 3, 3),
            // -7 / 2 rounds towards 0.
            (7_u64.wrapping_neg(), 2, 3_u64.wrapping_neg(), 0xffff_fffd),
            (7, 2_u64.wrapping_neg(), 3_u64.wrapping_neg(), 0xffff_fffd),
            (5_u64.wrapping_neg(), 0, 0, 0),
            (MIN64, ONES64, MIN64, 0),
            // At 32 bits: MIN / -1 is MIN, zero-extended. At 64: 2^31 / -1.
            (MIN32, ONES64, 0xffff_ffff_8000_0000, MIN32),
            (MIN32, 2, 0x4000_0000, 0xc000_0000),
            // Two negative numbers, the dividend the nearer to 0.
            (JUNK | 9, JUNK, 0, 0),
            (JUNK, JUNK | 9, 1, 0),
        ],
    ),
    (AluOp::Or, &[(0b1100, 0b1010, 0b1110, 0b1110), (JUNK, 1, JUNK | 1, 1), (0, ONES64, ONES64, ONES32)]),
    (AluOp::And, &[(0b1100, 0b1010, 0b1000, 0b1000), (JUNK | 7, ONES64, JUNK | 7, 7), (JUNK, JUNK, JUNK, 0)]),
    (
        AluOp::Lsh,
        &[
            (1, 4, 16, 16),
            (1, 31, MIN32, MIN32),
            (1, 32, 0x1_0000_0000, 1),
            (1, 63, MIN64, MIN32),
            (1, 64, 1, 1),
            (1, 65, 2, 2),
            (3, ONES64, MIN64, MIN32),
            (MIN32, 1, 0x1_0000_0000, 0),
        ],
    ),
    (
        AluOp::Rsh,
        &[
            (16, 4, 1, 1),
            (ONES64, 63, 1, 1),
            (ONES64, 31, 0x1_ffff_ffff, 1),
            (ONES64, 32, ONES32, ONES32),
            (ONES64, 64, ONES64, ONES32),
            (MIN64, 1, 0x4000_0000_0000_0000, 0),
            (JUNK | 8, 2, 0x37ab_6fbb_c000_0002, 2),
        ],
    ),
    (
        AluOp::Mod,
        &[
            (7, 4, 3, 3),
            (7, 0, 7, 7),
            (JUNK | 7, 0, JUNK | 7, 7),
            (ONES64, 10, 5, 5),
            (MIN64, ONES64, MIN64, 0),
            (JUNK | 9, JUNK, 9, 9),
        ],
    ),
    (
        AluOp::Smod,
        &[
            (7, 4, 3, 3),
            // The remainder has the dividend's sign.
            (7_u64.wrapping_neg(), 4, 3_u64.wrapping_neg(), 0xffff_fffd),
            (7, 4_u64.wrapping_neg(), 3, 3),
            (JUNK | 7, 0, JUNK | 7, 7),
            (ONES64, 0, ONES64, ONES32),
            (MIN64, ONES64, 0, 0),
            (MIN32, ONES64, 0, 0),
            (MIN32, 3, 2, 0xffff_fffe),
        ],
    ),
    (AluOp::Xor, &[(0b1100, 0b1010, 0b0110, 0b0110), (ONES64, JUNK, !JUNK, ONES32), (JUNK, JUNK, 0, 0)]),
    (AluOp::Mov, &[(9, 4, 4, 4), (0, ONES64, ONES64, ONES32), (0, JUNK | 1, JUNK | 1, 1)]),
    (
        AluOp::Arsh,
        &[
            (16, 4, 1, 1),
            (ONES64, 63, ONES64, ONES32),
            (MIN64, 63, ONES64, 0),
            (MIN64, 4, 0xf800_0000_0000_0000, 0),
            (MIN32, 31, 1, ONES32),
            (MIN32, 4, 0x0800_0000, 0xf800_0000),
            (MIN32, 32, 0, MIN32),
            (MIN32, 64, MIN32, MIN32),
            (MAX32, 30, 1, 1),
        ],
    ),
];

#[test]
fn arithmetic() {
    let tested: Vec<AluOp> = ALU.iter().map(|(op, _)| *op).collect();
    assert_eq!(tested, AluOp::ALL);
    for (op, rows) in ALU {
        for (a, b, wide, narrow) in rows {
            assert_eq!(op.eval(Width::W64, *a, *b), *wide, "64 bits: {a:#x} {op:?} {b:#x}");
            assert_eq!(op.eval(Width::W32, *a, *b), *narrow, "32 bits: {a:#x} {op:?} {b:#x}");
        }
    }
}

/// For every condition: whether it holds of `(a, b)` on 64 bits and on 32.
fn conditions(a: u64, b: u64) -> Vec<(Cond, bool, bool)> {
    let holds = |c: Cond| (c, c.eval(Width::W64, a, b), c.eval(Width::W32, a, b));
    Cond::ALL.into_iter().map(holds).filter(|(_, wide, narrow)| *wide || *narrow).collect()
}

#[test]
fn comparisons() {
    use Cond::{Eq, Ge, Gt, Le, Lt, Ne, Set, Sge, Sgt, Sle, Slt};
    let both = |conds: &[Cond]| conds.iter().map(|c| (*c, true, true)).collect::<Vec<_>>();
    assert_eq!(conditions(5, 5), both(&[Eq, Ge, Le, Set, Sge, Sle]));
    assert_eq!(conditions(0, 0), both(&[Eq, Ge, Le, Sge, Sle]));
    assert_eq!(conditions(4, 3), both(&[Ne, Gt, Ge, Sgt, Sge]));
    assert_eq!(conditions(3, 4), both(&[Ne, Lt, Le, Slt, Sle]));
    // -1 against 1
    assert_eq!(conditions(ONES64, 1), both(&[Ne, Gt, Ge, Set, Slt, Sle]));
    assert_eq!(conditions(1, ONES64), both(&[Ne, Lt, Le, Set, Sgt, Sge]));
    // The upper half counts at 64 bits only.
    let expected = [
        (Eq, false, true),
        (Ne, true, false),
        (Gt, true, false),
        (Ge, true, true),
        (Le, false, true),
        (Sge, false, true),
        (Slt, true, false),
        (Sle, true, true),
    ];
    assert_eq!(conditions(JUNK, 0), expected);
    // 2^31 is positive at 64 bits and MIN at 32.
    let expected =
        [(Ne, true, true), (Gt, true, true), (Ge, true, true), (Sgt, true, false), (Sge, true, false)];
    let narrow = [(Slt, false, true), (Sle, false, true)];
    assert_eq!(conditions(MIN32, 1), [&expected[..], &narrow[..]].concat());
}

#[test]
fn byte_swaps() {
    let v = 0x0123_4567_89ab_cdef;
    let cases = [
        (Order::Le, Size::B2, 0xcdef),
        (Order::Le, Size::B4, 0x89ab_cdef),
        (Order::Le, Size::B8, v),
        (Order::Be, Size::B2, 0xefcd),
        (Order::Be, Size::B4, 0xefcd_ab89),
        (Order::Be, Size::B8, 0xefcd_ab89_6745_2301),
        (Order::Swap, Size::B2, 0xefcd),
        (Order::Swap, Size::B4, 0xefcd_ab89),
        (Order::Swap, Size::B8, 0xefcd_ab89_6745_2301),
    ];
    for (order, size, expected) in cases {
        assert_eq!(order.eval(size, v), expected, "{order:?} {size:?}");
    }
}

#[test]
fn sign_and_zero_extension() {
    let cases = [
        (Size::B1, 0x1_80, 0x80, 0xffff_ffff_ffff_ff80),
        (Size::B1, 0x1_7f, 0x7f, 0x7f),
        (Size::B2, 0x1_8000, 0x8000, 0xffff_ffff_ffff_8000),
        (Size::B2, 0x1_7fff, 0x7fff, 0x7fff),
        (Size::B4, 0x1_8000_0000, MIN32, 0xffff_ffff_8000_0000),
        (Size::B4, 0x1_7fff_ffff, MAX32, MAX32),
        (Size::B8, MIN64, MIN64, MIN64),
    ];
    for (size, v, zero, sign) in cases {
        assert_eq!((size.zero_extend(v), size.sign_extend(v)), (zero, sign), "{size:?}");
    }
    assert_eq!((Width::W32.zero_extend(ONES64), Width::W64.zero_extend(ONES64)), (ONES32, ONES64));
    assert_eq!((Width::W32.signed(MIN32), Width::W64.signed(MIN32)), (i64::from(i32::MIN), 1 << 31));
}

#[test]
fn atomics() {
    use AtomicOp::{Add, And, Cmpxchg, FetchAdd, FetchAnd, FetchOr, FetchXor, Or, Xchg, Xor};
    // What memory holds after: old 0b1100 with high junk, source 0b1010, r0.
    let (old, src) = (JUNK | 0b1100, 0b1010);
    let cases = [
        (Add, 0, JUNK | 0b10110, 0b10110),
        (FetchAdd, 0, JUNK | 0b10110, 0b10110),
        (Or, 0, JUNK | 0b1110, 0b1110),
        (FetchOr, 0, JUNK | 0b1110, 0b1110),
        (And, 0, 0b1000, 0b1000),
        (FetchAnd, 0, 0b1000, 0b1000),
        (Xor, 0, JUNK | 0b0110, 0b0110),
        (FetchXor, 0, JUNK | 0b0110, 0b0110),
        (Xchg, 0, 0b1010, 0b1010),
        // r0 equals the old value at 32 bits only.
        (Cmpxchg, 0b1100, JUNK | 0b1100, 0b1010),
        (Cmpxchg, JUNK | 0b1100, 0b1010, 0b1010),
        (Cmpxchg, 0, JUNK | 0b1100, 0b1100),
    ];
    for (op, r0, wide, narrow) in cases {
        assert_eq!(op.eval(Width::W64, old, src, r0), wide, "{op:?} r0={r0:#x}");
        assert_eq!(op.eval(Width::W32, old, src, r0), narrow, "{op:?} r0={r0:#x}");
    }
    let fetching: Vec<AtomicOp> = AtomicOp::ALL.into_iter().filter(|op| op.fetches()).collect();
    assert_eq!(fetching, [FetchAdd, FetchOr, FetchAnd, FetchXor, Xchg, Cmpxchg]);
}

proptest! {
    #[test]
    fn a_32_bit_result_fits_32_bits(a: u64, b: u64) {
        for op in AluOp::ALL {
            let r = op.eval(Width::W32, a, b);
            prop_assert_eq!(r, Width::W32.zero_extend(r), "{:?}", op);
            prop_assert_eq!(r, op.eval(Width::W32, a & ONES32, b & ONES32), "{:?}", op);
        }
    }

    /// `a == (a / b) * b + a % b`, with and without signs, zero included.
    #[test]
    fn division_and_remainder_agree(a: u64, b in prop_oneof![Just(0), Just(1), Just(ONES64), any::<u64>()]) {
        for (div, rem) in [(AluOp::Div, AluOp::Mod), (AluOp::Sdiv, AluOp::Smod)] {
            for width in Width::ALL {
                let product = AluOp::Mul.eval(width, div.eval(width, a, b), b);
                let sum = AluOp::Add.eval(width, product, rem.eval(width, a, b));
                prop_assert_eq!(sum, width.zero_extend(a));
            }
        }
    }

    #[test]
    fn negated_and_swapped_conditions(a: u64, b: u64, near: bool) {
        let b = if near { a.wrapping_add(b % 3).wrapping_sub(1) } else { b };
        for (cond, width) in Cond::ALL.into_iter().flat_map(|c| Width::ALL.map(|w| (c, w))) {
            let holds = cond.eval(width, a, b);
            prop_assert_eq!(cond.swapped().eval(width, b, a), holds, "{:?}", cond);
            match cond.negated() {
                Some(not) => prop_assert_eq!(not.eval(width, a, b), !holds, "{:?}", cond),
                None => prop_assert_eq!(cond, Cond::Set),
            }
        }
    }
}
