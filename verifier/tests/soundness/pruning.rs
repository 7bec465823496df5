//! Where paths meet: none may be dropped that could do what the one walked
//! could not.

use crate::{xdp, xdp_with_value};
use brolga_core::MapDef;

/// Enough instructions for a state to be stored where paths meet.
fn pad() -> String {
    "r8 = 1\n".repeat(10)
}

/// The path walked first comes to `meet` with r7 = `first`, the other with
/// `second`.
fn meet(first: &str, second: &str, after: &str) -> String {
    let pad = pad();
    format!(
        "r6 = *(u32 *)(r1 +12)
         r9 = map[idx:0][0]+0
         {pad}
         if r6 == 7 goto other
         {first}
         goto meet
         other:
         {second}
         meet:
         r6 = 0
         {pad}
         if r6 == 1 goto meet2
         meet2:
         {after}
         r0 = 0
         exit"
    )
}

const STORE: &str = "r9 += r7\n *(u8 *)(r9 +0) = 1";

#[test]
fn a_greater_number() {
    xdp_with_value(8).accepts(&meet("r7 = 7", "r7 = 3", STORE));
    xdp_with_value(8).refuses("outside of the allowed", &meet("r7 = 3", "r7 = 8", STORE));
    xdp_with_value(8).refuses("outside of the allowed", &meet("r7 = 8", "r7 = 3", STORE));
}

#[test]
fn a_number_that_a_branch_depends_on() {
    let after = "if r7 == 0 goto +1\n r9 += 100\n *(u8 *)(r9 +0) = 1";
    xdp_with_value(8).refuses("outside of the allowed", &meet("r7 = 0", "r7 = 1", after));
}

#[test]
fn a_spilled_number() {
    let after = format!("r7 = *(u64 *)(r10 -8)\n {STORE}");
    xdp_with_value(8).refuses("outside", &meet("*(u64 *)(r10 -8) = 3", "*(u64 *)(r10 -8) = 8", &after));
    xdp_with_value(8).refuses("unbounded", &meet("*(u64 *)(r10 -8) = 3", "r7 = 0", &after));
    let part = format!("r7 = *(u32 *)(r10 -8)\n {STORE}");
    xdp_with_value(8)
        .refuses("outside", &meet("r7 = 3\n *(u32 *)(r10 -8) = r7", "r7 = 8\n *(u32 *)(r10 -8) = r7", &part));
}

#[test]
fn no_number_on_the_stack_stands_for_a_pointer_there() {
    // A part of a pointer can not be read, whatever was there on the path walked first.
    // The kernel sees no difference then, if it stored a state there.
    let first = "call 5\n *(u64 *)(r10 -8) = 0\n lock *(u32 *)(r10 -8) += r0\n *(u32 *)(r10 -4) = r0";
    xdp_with_value(8)
        .refuses("size of register fill", &meet(first, "*(u64 *)(r10 -8) = r10", "r1 = *(u32 *)(r10 -4)"));
    xdp_with_value(8)
        .refuses("size of register fill", &meet("*(u64 *)(r10 -8) = r10", first, "r1 = *(u32 *)(r10 -4)"));
}

#[test]
fn a_zero_byte_against_any_byte() {
    let after = format!("r7 = *(u8 *)(r10 -3)\n {STORE}");
    xdp_with_value(8).refuses("outside", &meet("*(u8 *)(r10 -3) = 0", "*(u8 *)(r10 -3) = 9", &after));
}

#[test]
fn another_pointer() {
    let after = "*(u64 *)(r7 +0) = 1";
    let load = || xdp_with_value(8).map(MapDef::array(4, 1));
    load().refuses("R7", &meet("r7 = map[idx:0][0]+0", "r7 = map[idx:1][0]+0", after));
    load().refuses("R7", &meet("r7 = r10\n r7 += -8", "r7 = map[idx:1][0]+0", after));
    load().refuses("invalid write to stack R7 off=0", &meet("r7 = r10\n r7 += -8", "r7 = r10", after));
    load().refuses("R7 invalid mem access 'scalar'", &meet("r7 = r10\n r7 += -8", "r7 = 5", after));
}

#[test]
fn numbers_that_are_equal_on_one_path_only() {
    // Walked first with r7 and r5 the same word, then with two words.
    let first = "call 5\n r5 = r0\n r7 = r0";
    let second = "call 5\n r7 = r0\n call 5\n r5 = r0";
    let after = format!("if r5 > 7 goto +2\n {STORE}");
    xdp_with_value(8).accepts(&meet(first, first, &after));
    xdp_with_value(8).refuses("unbounded", &meet(first, second, &after));
    let shifted = "call 5\n r5 = r0\n r7 = r0\n r5 += 1\n r7 += 1";
    let by_one = "call 5\n r5 = r0\n r7 = r0\n r7 += 1";
    xdp_with_value(8).refuses("R9", &meet(shifted, by_one, &after));
}

#[test]
fn the_same_over_a_spill() {
    let first = "call 5\n r7 = r0\n *(u64 *)(r10 -8) = r0";
    let second = "call 5\n *(u64 *)(r10 -8) = r0\n call 5\n r7 = r0";
    let after = format!("r5 = *(u64 *)(r10 -8)\n if r5 > 7 goto +2\n {STORE}");
    xdp_with_value(8).accepts(&meet(first, first, &after));
    xdp_with_value(8).refuses("unbounded", &meet(first, second, &after));
}

/// A lookup in the hash map `map[idx:1]`.
const LOOKUP: &str = "*(u64 *)(r10 -8) = 0\n r1 = map[idx:1]\n r2 = r10\n r2 += -8\n call 1";

#[test]
fn lookups_that_are_null_together_on_one_path_only() {
    let same = format!("{LOOKUP}\n r7 = r0\n r5 = r0");
    let two =
        format!("{LOOKUP}\n r7 = r0\n *(u64 *)(r10 -16) = r7\n {LOOKUP}\n r5 = r0\n r7 = *(u64 *)(r10 -16)");
    let after = "if r5 == 0 goto +1\n r0 = *(u64 *)(r7 +0)";
    let load = || xdp_with_value(8).map(MapDef::hash(4, 8, 4));
    load().accepts(&meet(&same, &same, after));
    load().refuses("R7 invalid mem access 'map_value_or_null'", &meet(&same, &two, after));
}

#[test]
fn a_pointer_that_was_tested_on_one_path_only() {
    let tested = format!("{LOOKUP}\n r7 = r0\n if r7 == 0 goto end");
    let untested = format!("{LOOKUP}\n r7 = r0");
    let program = meet(&tested, &untested, "r0 = *(u64 *)(r7 +0)\n end:");
    xdp_with_value(8)
        .map(MapDef::hash(4, 8, 4))
        .refuses("R7 invalid mem access 'map_value_or_null'", &program);
}

#[test]
fn packet_bytes_that_are_known_on_one_path_only() {
    let pad = pad();
    let program = |first: u32, second: u32| {
        format!(
            "r6 = *(u32 *)(r1 +12)
             r2 = *(u32 *)(r1 +0)
             r3 = *(u32 *)(r1 +4)
             r4 = r2
             r5 = r2
             r4 += {first}
             r5 += {second}
             {pad}
             if r6 == 7 goto other
             if r4 > r3 goto out
             goto meet
             other:
             if r5 > r3 goto out
             meet:
             r4 = 0
             r5 = 0
             r6 = 0
             {pad}
             if r6 == 1 goto +0
             r0 = *(u8 *)(r2 +13)
             out:
             r0 = 0
             exit"
        )
    };
    xdp().accepts(&program(14, 20));
    xdp().refuses("offset is outside of the packet", &program(14, 13));
}

#[test]
fn the_same_subprogram_called_from_two_places() {
    let pad = pad();
    let program = |last: u32| {
        format!(
            "r9 = map[idx:0][0]+0
             r1 = 3
             call sub
             r1 = {last}
             call sub
             r9 += r0
             *(u8 *)(r9 +0) = 1
             r0 = 0
             exit
             sub:
             r6 = 1
             if r6 == 1 goto +0
             {pad}
             r0 = r1
             exit"
        )
    };
    xdp_with_value(8).accepts(&program(7));
    xdp_with_value(8).refuses("outside of the allowed", &program(8));
}

#[test]
fn a_counter_that_a_may_goto_loop_carries() {
    // The rounds are alike only after widening, and then anything is possible.
    let program = |mask: &str| {
        format!(
            "r9 = map[idx:0][0]+0\n r7 = 0\n l: may_goto out\n r7 += 3\n r5 = r7\n {mask}\n r4 = r9\n r4 += r5\n *(u8 *)(r4 +0) = 1\n goto l\n out: r0 = 0\n exit"
        )
    };
    // 6.18 goes over the rounds one by one here, until its budget ends.
    xdp_with_value(8).accepts(&program("r5 &= 7"));
    xdp_with_value(8).refuses("outside of the allowed", &program("if r7 > 100 goto l\n r5 &= 15"));
    xdp_with_value(512).refuses("unbounded", &program("r5 += 0"));
}
