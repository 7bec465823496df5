//! The holes that verifiers have had. Each has a test that the old mistake
//! fails: a member that was lost, or a bound that was claimed and did not hold.

use super::super::{sign_extend, zero_extend};
use super::*;

const W32: Width = Width::W32;
const W64: Width = Width::W64;

fn known(value: i64) -> Scalar {
    Scalar::constant(value as u64)
}

fn unsigned(min: u64, max: u64) -> Scalar {
    Scalar::from_unsigned_range(min, max).expect("min <= max")
}

fn signed(min: i64, max: i64) -> Scalar {
    Scalar::from_signed_range(min, max).expect("min <= max")
}

/// The operands of a jump that went the given way.
fn after(cond: Cond, width: Width, taken: bool, a: Scalar, b: Scalar) -> (Scalar, Scalar) {
    refine(cond, width, taken, &a, &b)
}

/// The 32-bit bounds of `&`, `|`, `^` follow the low halves: a low half known
/// while the word is not (CVE-2021-3490).
#[test]
fn bounds32_of_and_or_xor() {
    let low_known = Scalar::from_tnum(Tnum::new(1, !0xffff_ffff));
    let mask = Scalar::constant(0xffff_ffff_0000_0002);
    for (op, low) in [(AluOp::And, 0), (AluOp::Or, 3), (AluOp::Xor, 3)] {
        let result = alu(op, W64, &low_known, &mask);
        assert_eq!(result.as_const32(), Some(low), "{op:?}: {result:?}");
        assert_eq!((result.u32_min(), result.u32_max()), (low, low), "{op:?}");
        assert!(result.contains(op.eval(W64, 0x5_0000_0001, 0xffff_ffff_0000_0002)));
    }
}

/// Negative operands of `&`, `|`, `^`: the result's sign is the operators'.
#[test]
fn bounds_of_bitwise_on_negatives() {
    let (a, b) = (signed(-8, 7), signed(-3, 2));
    for op in [AluOp::And, AluOp::Or, AluOp::Xor] {
        for width in Width::ALL {
            let result = alu(op, width, &a, &b);
            for (x, y) in (-8..8).flat_map(|x| (-3..3).map(move |y| (x, y))) {
                let value = op.eval(width, x as u64, y as u64);
                assert!(result.contains(value), "{op:?} {width:?} {x} {y}: {result:?}");
            }
        }
    }
}

/// 64-bit bounds say something of the low half only if they share the upper one
/// (CVE-2020-8835).
#[test]
fn low_half_of_a_64_bit_range() {
    let range = unsigned(1, (1 << 32) + 1);
    assert_eq!((range.u32_min(), range.u32_max()), (0, u32::MAX));
    assert!(range.contains(1 << 32) && range.contains((1 << 32) + 1) && range.contains(0xffff_ffff));
    let (small, _) = after(Cond::Le, W64, true, unsigned(0, u64::MAX), known(1 << 32));
    assert!(small.contains(1 << 32) && small.contains(5));
    assert_eq!(small.u32_max(), u32::MAX);
}

/// 32-bit bounds go up to 64 only through what is known of the upper half.
#[test]
fn low_half_says_nothing_of_an_unknown_upper_half() {
    let (low, _) = after(Cond::Lt, W32, true, Scalar::UNKNOWN, known(10));
    assert_eq!((low.umin(), low.u32_max()), (0, 9));
    assert_eq!(low.umax(), 0xffff_ffff_0000_0009);
    assert!(low.contains(0xffff_ffff_0000_0009) && low.contains(0x1_0000_0003) && !low.contains(10));
    let (both, _) = after(Cond::Lt, W64, true, low, known(1 << 32));
    assert_eq!((both.umin(), both.umax()), (0, 9));
}

/// A 64-bit right shift moves upper bits down: nothing of the old low half may
/// stay.
#[test]
fn rsh64_moves_the_upper_half_down() {
    let (low, _) = after(Cond::Lt, W32, true, Scalar::UNKNOWN, known(10));
    for op in [AluOp::Rsh, AluOp::Arsh] {
        let result = alu(op, W64, &low, &known(1));
        assert!(result.contains(op.eval(W64, 0x1_0000_0003, 1)), "{op:?}: {result:?}");
        assert_eq!((result.u32_min(), result.u32_max()), (0, 0x8000_0007), "{op:?}");
    }
}

/// A 32-bit right shift shifts the low half alone, zeroes (or its own sign) from
/// above, and clears the upper half.
#[test]
fn rsh32_ignores_the_upper_half() {
    let word = Scalar::from_tnum(Tnum::new(0x8000_0000, 0xff << 32));
    assert_eq!(alu(AluOp::Rsh, W32, &word, &known(4)).as_const(), Some(0x0800_0000));
    assert_eq!(alu(AluOp::Arsh, W32, &word, &known(4)).as_const(), Some(0xf800_0000));
}

/// Shift counts are masked: 32-bit shifts by 32 and more do not give 0.
#[test]
fn shift_counts_are_masked() {
    let a = unsigned(1, 3);
    for (width, count) in [(W32, 32), (W32, 63), (W64, 64), (W64, -1)] {
        for op in [AluOp::Lsh, AluOp::Rsh, AluOp::Arsh] {
            let result = alu(op, width, &a, &known(count));
            assert!(
                (1..=3).all(|x| result.contains(op.eval(width, x, count as u64))),
                "{op:?} {width:?} {count}"
            );
        }
    }
    let any = alu(AluOp::Lsh, W64, &known(1), &Scalar::UNKNOWN);
    assert!((0..64).all(|count| any.contains(1 << count)));
}

/// A 32-bit jump refines the low half, and leaves the upper one as it was.
#[test]
fn jmp32_leaves_the_upper_half() {
    let high = unsigned(0, 0x5_ffff_ffff);
    for (cond, other) in [(Cond::Eq, 7), (Cond::Lt, 8), (Cond::Sle, 7), (Cond::Set, 4)] {
        let (a, _) = after(cond, W32, true, high, known(other));
        assert!(a.contains(0x5_0000_0007), "{cond:?}: {a:?}");
        assert!(!a.is_unknown());
    }
    let (a, b) = after(Cond::Eq, W32, true, high, unsigned(3, 4));
    assert!(a.contains(0x2_0000_0003) && b.contains(3) && a.u32_max() == 4);
}

/// A 32-bit `==` on a constant does not make the 64-bit value known, nor does a
/// 32-bit `!=` exclude it.
#[test]
fn jmp32_equality_is_of_the_low_half() {
    let (a, _) = after(Cond::Eq, W32, true, Scalar::UNKNOWN, known(1));
    assert_eq!((a.as_const(), a.as_const32()), (None, Some(1)));
    assert_eq!(decide(Cond::Eq, W32, &known(1 << 32), &known(0)), Some(true));
    assert_eq!(decide(Cond::Ne, W64, &known(1 << 32), &known(0)), Some(true));
    let (a, _) = after(Cond::Ne, W32, true, unsigned(0, 1 << 32), known(0));
    assert!(a.contains(1) && !a.contains(0) && !a.contains(1 << 32));
}

/// Signed 32-bit jumps read the low half's sign, not the word's.
#[test]
fn jmp32_signed_reads_bit_31() {
    assert_eq!(decide(Cond::Slt, W32, &known(0xffff_ffff), &known(0)), Some(true));
    assert_eq!(decide(Cond::Slt, W64, &known(0xffff_ffff), &known(0)), Some(false));
    let (a, _) = after(Cond::Slt, W32, true, Scalar::UNKNOWN, known(0));
    assert!(a.contains(0x8000_0000) && a.contains(u64::MAX) && !a.contains(1));
    assert_eq!((a.smin(), a.umin()), (i64::MIN + 0x8000_0000, 0x8000_0000));
}

/// An immediate is sign-extended: compared with -1, a register is compared with
/// 2^64 - 1, in 32 bits with 2^32 - 1 (CVE-2017-16995).
#[test]
fn sign_extended_immediates() {
    let minus_one = known(-1);
    assert_eq!(decide(Cond::Eq, W64, &known(0xffff_ffff), &minus_one), Some(false));
    assert_eq!(decide(Cond::Eq, W32, &known(0xffff_ffff), &minus_one), Some(true));
    assert_eq!(alu(AluOp::Mov, W32, &known(0), &minus_one).as_const(), Some(0xffff_ffff));
    assert_eq!(alu(AluOp::Add, W32, &unsigned(1, 2), &minus_one), unsigned(0, 1));
}

/// `MOVSX` and `LDSX`: a range that crosses the narrow sign becomes both ends.
#[test]
fn sign_extension() {
    let byte = unsigned(0x7f, 0x80);
    let wide = sign_extend(W64, Size::B1, &byte);
    assert_eq!((wide.smin(), wide.smax()), (-128, 127));
    let narrow = sign_extend(W32, Size::B1, &byte);
    assert!(narrow.contains(0x7f) && narrow.contains(0xffff_ff80) && !narrow.contains(-128i64 as u64));
    assert_eq!(
        sign_extend(W64, Size::B4, &unsigned(0x8000_0000, 0x8000_0004)),
        signed(i64::from(i32::MIN), i64::from(i32::MIN) + 4)
    );
    let crossing = sign_extend(W64, Size::B2, &unsigned(0x1_fffe, 0x2_0001));
    assert_eq!((crossing.smin(), crossing.smax()), (-0x8000, 0x7fff));
    assert_eq!(sign_extend(W64, Size::B8, &byte), byte);
}

/// A narrow copy of a range that crosses the size's edge is the whole size.
#[test]
fn truncation_of_a_crossing_range() {
    assert_eq!(zero_extend(Size::B1, &unsigned(0xff, 0x100)), unsigned(0, 0xff));
    assert_eq!(zero_extend(Size::B1, &signed(-2, 1)), unsigned(0, 0xff));
    assert_eq!(zero_extend(Size::B4, &signed(-2, 1)).s32_max(), 1);
    assert_eq!(zero_extend(Size::B4, &unsigned(0x1_0000_0002, 0x1_0000_0005)), unsigned(2, 5));
    assert_eq!(alu(AluOp::Mov, W32, &known(0), &unsigned(5, 1 << 32)), unsigned(0, 0xffff_ffff));
}

/// Division is not followed: whatever it meets, a zero divisor, `MIN / -1`, a
/// divisor that 32 bits cut to zero, nothing is claimed.
#[test]
fn division_is_unknown() {
    for op in [AluOp::Div, AluOp::Mod, AluOp::Sdiv, AluOp::Smod] {
        for (a, b) in [(9, 0), (9, 2), (i64::MIN, -1), (6, 1 << 32)] {
            for width in Width::ALL {
                assert_eq!(alu(op, width, &known(a), &known(b)), Scalar::UNKNOWN, "{op:?} {width:?} {a} {b}");
            }
        }
    }
    assert_eq!(neg(W64, &known(i64::MIN)).as_const(), Some(1 << 63));
    assert!(neg(W64, &signed(i64::MIN, i64::MIN + 1)).contains(1 << 63));
}

/// A sum or difference that may wrap has no bounds from its ends; one that must
/// wrap has.
#[test]
fn wrapping_sums() {
    let sum = alu(AluOp::Add, W64, &unsigned(u64::MAX - 1, u64::MAX), &unsigned(1, 2));
    assert!(sum.contains(u64::MAX) && sum.contains(0) && sum.contains(1));
    assert_eq!(sum.as_const(), None);
    let sum = alu(AluOp::Add, W64, &unsigned(u64::MAX - 1, u64::MAX), &unsigned(5, 6));
    assert_eq!(sum, unsigned(3, 5));
    let difference = alu(AluOp::Sub, W32, &unsigned(0, 1), &unsigned(0, 1));
    assert!([0, 1, 0xffff_ffff].iter().all(|x| difference.contains(*x)));
}

/// A product of large factors has no bounds from its ends.
#[test]
fn wrapping_products() {
    let product = alu(AluOp::Mul, W64, &unsigned(1, 1 << 32), &unsigned(1, 1 << 32));
    assert!(product.contains(0) && product.contains(1) && product.contains(3 << 32));
    let product = alu(AluOp::Mul, W32, &signed(-3, 2), &signed(-5, 7));
    assert_eq!((product.s32_min(), product.s32_max()), (-21, 15));
}

/// Comparing with an edge: nothing is below 0, nothing above the greatest.
#[test]
fn impossible_orders() {
    for width in Width::ALL {
        let (least, most) = (i64::MIN >> (64 - width.bits()), i64::MAX >> (64 - width.bits()));
        for (cond, edge) in [(Cond::Lt, 0), (Cond::Gt, -1), (Cond::Slt, least), (Cond::Sgt, most)] {
            assert_eq!(
                decide(cond, width, &Scalar::UNKNOWN, &known(edge)),
                Some(false),
                "{cond:?} {width:?}"
            );
        }
    }
}

/// On a way that no run goes the kernel walks on with the known bits that are left:
/// no multiple of 4096 is in 40..=68.
#[test]
fn impossible_ways() {
    let pages = Scalar::from_tnum(Tnum::new(0, !0xfff));
    let (low, _) = after(Cond::Ge, W64, true, pages, known(40));
    let (none, _) = after(Cond::Le, W64, true, low, known(68));
    assert_eq!((none.as_const(), none.umin(), none.umax()), (Some(0), 0, 0));
}

/// `JSET` not taken clears the bits of a constant, taken sets a single one.
#[test]
fn jset_bits() {
    let (clear, _) = after(Cond::Set, W64, false, Scalar::UNKNOWN, known(!0xff));
    assert_eq!(clear, unsigned(0, 0xff));
    let (set, _) = after(Cond::Set, W64, true, Scalar::UNKNOWN, known(i64::MIN));
    assert_eq!((set.smin(), set.smax()), (i64::MIN, -1));
    let (some, _) = after(Cond::Set, W64, true, Scalar::UNKNOWN, known(3));
    assert!(some.contains(1) && some.contains(2));
    let (low, _) = after(Cond::Set, W32, false, Scalar::UNKNOWN, known(-1));
    assert!(low.contains(1 << 32) && !low.contains(1));
    assert_eq!(decide(Cond::Set, W32, &known(1 << 32), &Scalar::UNKNOWN), Some(false));
}

/// A byte swap moves bits: no bound of the source survives.
#[test]
fn byte_swap_moves_bounds() {
    let swapped = swap(Order::Swap, Size::B4, &unsigned(0, 0xff));
    assert!(swapped.contains(0xab00_0000) && !swapped.contains(0xab));
    assert_eq!(swap(Order::Be, Size::B2, &known(0x1234_5678)).as_const(), Some(0x7856));
    assert_eq!(swap(Order::Le, Size::B2, &known(0x1234_5678)).as_const(), Some(0x5678));
}
