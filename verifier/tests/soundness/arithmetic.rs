//! Numbers: bounds that are not what they seem.

use crate::{Load, xdp_with_value};

/// A map value of 8 bytes in r6, an unknown 64-bit number in r0; then the
/// program's own lines, and a store through r6.
fn with_value_and_number(lines: &str) -> String {
    format!(
        "call 5
         r6 = map[idx:0][0]+0
         {lines}
         *(u8 *)(r6 +0) = 1
         out:
         r0 = 0
         exit"
    )
}

fn value() -> Load {
    xdp_with_value(8)
}

#[test]
fn the_low_half_says_nothing_of_the_high() {
    value().refuses("unbounded min value", &with_value_and_number("if w0 > 7 goto out\n r6 += r0"));
    value().accepts(&with_value_and_number("if w0 > 7 goto out\n w0 = w0\n r6 += r0"));
}

#[test]
fn bounds_of_and_or_xor_at_32_bits() {
    value().accepts(&with_value_and_number("w0 &= 7\n r6 += r0"));
    value().refuses("outside", &with_value_and_number("w0 &= 7\n w0 |= 8\n r6 += r0"));
    value().refuses("outside", &with_value_and_number("w0 &= 7\n w0 ^= 15\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("w1 = w0\n w1 &= 7\n r6 += r0"));
}

#[test]
fn right_shifts_at_32_bits() {
    value().accepts(&with_value_and_number("w0 >>= 29\n r6 += r0"));
    value().refuses("outside", &with_value_and_number("w0 >>= 28\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("w0 s>>= 29\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("r0 >>= 29\n r6 += r0"));
}

#[test]
fn immediates_are_sign_extended() {
    // -1 is 0xffff_ffff_ffff_ffff to a 64-bit comparison: always below.
    value().refuses("unbounded", &with_value_and_number("if r0 > 0xffffffff goto out\n r6 += r0"));
    value().refuses(
        "and 4294967295 is not allowed",
        &with_value_and_number("w0 = -1\n if r0 == -1 goto out\n r6 += r0"),
    );
    value()
        .accepts(&with_value_and_number("r0 = -1\n if r0 != 0xffffffff goto bad\n goto out\n bad: r6 += r0"));
}

#[test]
fn sign_extending_moves_and_loads() {
    value().refuses("min value is", &with_value_and_number("r0 &= 0x80\n r0 = (s8)r0\n r6 += r0"));
    value().accepts(&with_value_and_number("r0 &= 0x7\n r0 = (s8)r0\n r6 += r0"));
    let spilled = "r0 &= 0xff\n *(u64 *)(r10 -8) = r0\n r0 = *(s8 *)(r10 -8)\n r6 += r0";
    value().refuses("min value is", &with_value_and_number(spilled));
    value()
        .refuses("R6 unbounded memory access", &with_value_and_number("r0 &= 0x80\n w0 = (s8)w0\n r6 += r0"));
}

#[test]
fn a_sum_may_wrap() {
    // r1 = r0 + 1 is at most 7 also where r0 is the greatest number.
    value()
        .refuses("min value is", &with_value_and_number("r1 = r0\n r1 += 1\n if r1 > 7 goto out\n r6 += r0"));
    value().refuses("outside", &with_value_and_number("w0 += 1\n if w0 > 8 goto out\n r6 += r0"));
}

#[test]
fn a_32_bit_sum_is_another_word() {
    let lines = "r1 = r0\n w1 += -1\n if w1 > 3 goto out\n r6 += r0";
    value().refuses("unbounded", &with_value_and_number(lines));
}

#[test]
fn copies_learn_together_until_one_changes() {
    value().accepts(&with_value_and_number("r1 = r0\n if r1 > 7 goto out\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("r1 = r0\n r1 *= 2\n if r1 > 7 goto out\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("w1 = w0\n if w1 > 7 goto out\n r6 += r0"));
}

#[test]
fn quotients_are_not_followed() {
    // A quotient by 0 is 0; the kernel does not follow division at all.
    value().refuses("unbounded", &with_value_and_number("r1 = 0\n r0 /= r1\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("r0 %= 8\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("r1 = 0x100000000 ll\n w0 /= w1\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("r0 = 0x8000000000000000 ll\n r0 s/= -1\n r6 += r0"));
    value().refuses("div by zero", &with_value_and_number("r0 /= 0"));
}

#[test]
fn shifts_by_unknown_or_too_much_are_not_followed() {
    value().refuses("unbounded", &with_value_and_number("r1 = 1\n r1 <<= r0\n r6 += r1"));
    value().refuses("unbounded", &with_value_and_number("r1 = 64\n r0 = 1\n r0 <<= r1\n r6 += r0"));
    value().refuses("invalid shift", &with_value_and_number("w0 <<= 32"));
}

#[test]
fn byte_swaps_are_followed_bit_by_bit() {
    value().accepts(&with_value_and_number("r0 &= 7\n r0 <<= 8\n r0 = be16 r0\n r6 += r0"));
    value().refuses("outside", &with_value_and_number("r0 &= 7\n r0 = be16 r0\n r6 += r0"));
    value().accepts(&with_value_and_number("r0 = le16 r0\n if r0 > 7 goto out\n r6 += r0"));
    value().accepts(&with_value_and_number("r1 = r0\n r0 = le64 r0\n if r1 > 7 goto out\n r6 += r0"));
    value().refuses(
        "unbounded",
        &with_value_and_number("r1 = r0\n r0 = be64 r0\n if r1 > 7 goto out\n r6 += r0"),
    );
}

#[test]
fn a_test_of_bits() {
    value().accepts(&with_value_and_number("if r0 & 0xfffffff8 goto out\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("if w0 & 0xfffffff8 goto out\n r6 += r0"));
    value().refuses("unbounded", &with_value_and_number("if r0 & 7 goto on\n goto out\n on: r6 += r0"));
}
