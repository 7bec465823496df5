//! Pointers: arithmetic, null, comparisons, leaks into memory.

use crate::{xdp, xdp_with_value};
use brolga_core::MapDef;

/// A pointer to a value of a hash map of 8-byte values, or null, in r0.
fn lookup(rest: &str) -> String {
    format!(
        "*(u64 *)(r10 -8) = 0
         r1 = map[idx:0]
         r2 = r10
         r2 += -8
         call bpf_map_lookup_elem#1
         {rest}
         r0 = 0
         exit"
    )
}

fn hash() -> crate::Load {
    xdp().map(MapDef::hash(4, 8, 4))
}

#[test]
fn a_value_is_looked_at_after_a_test_for_null() {
    hash().accepts(&lookup("if r0 == 0 goto +1\n r0 = *(u64 *)(r0 +0)"));
    hash().accepts(&lookup("if r0 != 0 goto +2\n r0 = 0\n exit\n r0 = *(u64 *)(r0 +0)"));
    hash().refuses("R0 invalid mem access 'map_value_or_null'", &lookup("r0 = *(u64 *)(r0 +0)"));
    hash().refuses("map_value_or_null", &lookup("if w0 == 0 goto +1\n r0 = *(u64 *)(r0 +0)"));
    hash().refuses("map_value_or_null", &lookup("if r0 == 1 goto +1\n r0 = *(u64 *)(r0 +0)"));
    hash().refuses("R0 invalid mem access 'scalar'", &lookup("if r0 != 0 goto +1\n r0 = *(u64 *)(r0 +0)"));
}

#[test]
fn what_may_be_null_is_not_moved() {
    let words = "pointer arithmetic on map_value_or_null prohibited, null-check it first";
    hash().refuses(words, &lookup("r0 += 8\n if r0 == 0 goto +1\n r0 = *(u64 *)(r0 -8)"));
    hash().refuses(words, &lookup("r6 = r0\n r6 += 0\n if r6 == 0 goto +1\n r0 = *(u64 *)(r0 +0)"));
    hash().refuses(
        words,
        &lookup("r1 = *(u32 *)(r10 -8)\n r0 += r1\n if r0 == 0 goto +1\n r0 = *(u8 *)(r0 +0)"),
    );
}

#[test]
fn null_is_known_of_every_copy_and_of_no_other_lookup() {
    hash().accepts(&lookup("r6 = r0\n if r6 == 0 goto +1\n r0 = *(u64 *)(r0 +0)"));
    hash().accepts(&lookup(
        "*(u64 *)(r10 -16) = r0\n if r0 == 0 goto +2\n r1 = *(u64 *)(r10 -16)\n r0 = *(u64 *)(r1 +0)",
    ));
    let again = "r6 = r0
         r1 = map[idx:0]
         r2 = r10
         r2 += -8
         call bpf_map_lookup_elem#1
         if r6 == 0 goto +1
         r0 = *(u64 *)(r0 +0)";
    hash().refuses("R0 invalid mem access 'map_value_or_null'", &lookup(again));
}

#[test]
fn only_sums_and_differences_of_pointers() {
    let r1 = |lines: &str| format!("{lines}\n r0 = 0\n exit");
    xdp().refuses("pointer arithmetic with *= operator prohibited", &r1("r1 *= 2"));
    xdp().refuses("bitwise operator &= on pointer prohibited", &r1("r1 &= 7"));
    xdp().refuses("32-bit pointer arithmetic prohibited", &r1("w1 += 4"));
    xdp().refuses("pointer += pointer prohibited", &r1("r1 += r10"));
    xdp().refuses("tried to subtract pointer from scalar", &r1("r2 = 5\n r2 -= r1"));
    xdp().refuses("R1 pointer += pointer prohibited", &r1("r2 = r1\n r1 += r2"));
}

#[test]
fn offsets_stay_far_from_where_they_wrap() {
    let far = |lines: &str| format!("r1 = map[idx:0][0]+0\n {lines}\n r0 = 0\n exit");
    let value = || xdp_with_value(8);
    value().refuses("math between map_value pointer and 536870912", &far("r2 = 0x20000000 ll\n r1 += r2"));
    value().refuses(
        "math between map_value pointer and 9223372036854775807",
        &far("r2 = 0x7fffffffffffffff ll\n r1 -= r2"),
    );
    value().refuses(
        "math between map_value pointer and -9223372036854775808",
        &far("r2 = 0x8000000000000000 ll\n r1 -= r2"),
    );
    value().refuses(
        "map_value pointer offset 536870912 is not allowed",
        &far("r2 = 0x10000000 ll\n r1 += r2\n r1 += r2"),
    );
    value().accepts(&far("r2 = 0x10000000 ll\n r1 += r2\n r1 -= r2\n r0 = *(u32 *)(r1 +0)"));
}

#[test]
fn accesses_stay_in_the_value() {
    let at = |lines: &str| format!("r1 = map[idx:0][0]+4\n {lines}\n r0 = 0\n exit");
    let value = || xdp_with_value(8);
    value().accepts(&at("r0 = *(u32 *)(r1 +0)"));
    value().refuses("R1 min value is outside of the allowed memory range", &at("r0 = *(u64 *)(r1 +0)"));
    value().refuses("R1 min value is outside of the allowed memory range", &at("r0 = *(u32 *)(r1 -5)"));
    value().accepts(&at("r0 = *(u32 *)(r1 -4)"));
    xdp_with_value(8).refuses("invalid access to map value pointer", "r1 = map[idx:0][0]+8\n r0 = 0\n exit");
}

#[test]
fn a_part_of_a_pointer_is_a_number() {
    xdp().refuses("R0 invalid mem access 'scalar'", "w0 = w1\n r0 = *(u32 *)(r0 +0)\n exit");
    xdp().refuses("R1 invalid mem access 'scalar'", "r1 = -r1\n r0 = *(u32 *)(r1 +0)\n exit");
    xdp().refuses("R1 invalid mem access 'scalar'", "r1 = be64 r1\n r0 = *(u32 *)(r1 +0)\n exit");
    xdp().refuses("R1 invalid mem access 'scalar'", "r1 = le64 r1\n r0 = *(u32 *)(r1 +0)\n exit");
    xdp().refuses("R1 invalid mem access 'scalar'", "r1 = (s32)r1\n r0 = *(u32 *)(r1 +0)\n exit");
}

#[test]
fn atomics_take_and_give_pointers_as_numbers_but_for_what_was_there() {
    let stored = "r3 = r10\n *(u64 *)(r10 -8) = 0\n r3 = xchg_64(r10 -8, r3)\n r0 = *(u64 *)(r10 -8)";
    xdp().refuses("R0 invalid mem access 'scalar'", &format!("{stored}\n *(u64 *)(r0 -16) = 0\n exit"));
    let fetched = "r2 = r10\n *(u64 *)(r10 -8) = r2\n r3 = 5\n r3 = xchg_64(r10 -8, r3)";
    xdp().accepts(&format!("{fetched}\n *(u64 *)(r3 -16) = 1\n r0 = 0\n exit"));
    xdp().refuses(
        "R3 invalid mem access 'scalar'",
        &format!("{fetched}\n r3 = *(u64 *)(r10 -8)\n *(u64 *)(r3 -16) = 1\n r0 = 0\n exit"),
    );
    let added = "*(u64 *)(r10 -8) = r1\n r2 = 1\n lock *(u64 *)(r10 -8) += r2\n r1 = *(u64 *)(r10 -8)";
    xdp().refuses("R1 invalid mem access 'scalar'", &format!("{added}\n r0 = *(u32 *)(r1 +0)\n exit"));
}

#[test]
fn atomics_fetch_into_a_register_that_is_then_unknown() {
    let fetch = |insn: &str| {
        format!(
            "r6 = map[idx:0][0]+0\n r0 = 1\n r1 = 1\n *(u64 *)(r10 -8) = 0\n {insn}\n r6 += r1\n r6 += r0\n *(u8 *)(r6 +0) = 1\n r0 = 0\n exit"
        )
    };
    let value = || xdp_with_value(8);
    value().refuses("unbounded", &fetch("r1 = atomic64_fetch_add((u64 *)(r6 +0), r1)"));
    value().refuses("unbounded", &fetch("r0 = cmpxchg_64(r6 +0, r0, r1)"));
    value().refuses("R6 unbounded", &fetch("r1 = atomic_fetch_or((u32 *)(r6 +0), r1)"));
    value().refuses("R6 unbounded", &fetch("r0 = cmpxchg32_32(r6 +0, w0, w1)"));
    value().accepts(&fetch("lock *(u64 *)(r6 +0) += r1"));
}

#[test]
fn an_atomic_does_not_fetch_into_its_own_address() {
    let words = "misaligned access off (0x0; 0xffffffffffffffff)+0+0 size 8";
    let stored = "r1 = r10\n r1 += -8\n *(u64 *)(r10 -8) = r1";
    xdp().refuses(words, &format!("{stored}\n r1 = atomic64_fetch_add((u64 *)(r1 +0), r1)\n r0 = 0\n exit"));
    xdp().refuses(words, &format!("{stored}\n r0 = r1\n r0 = cmpxchg_64(r0 +0, r0, r1)\n r0 = 0\n exit"));
}

#[test]
fn one_access_does_not_serve_the_context_and_something_else() {
    xdp_with_value(256).refuses(
        "same insn cannot be used with different pointers",
        "r6 = *(u32 *)(r1 +12)
         if r6 == 1 goto +2
         r1 = map[idx:0][0]+0
         r0 = *(u32 *)(r1 +12)
         r0 = 0
         exit",
    );
    xdp().refuses(
        "dereference of modified ctx ptr R1 off=4 disallowed",
        "r1 += 4\n r0 = *(u32 *)(r1 +0)\n exit",
    );
}
