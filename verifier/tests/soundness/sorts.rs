//! Loops whose bodies branch on data: as much is walked as the loops are long,
//! not as there are paths.

use crate::{Load, xdp_with_value};

/// Loads 16 words from a map value to the stack at `r10 - 128`.
fn fill() -> String {
    let words =
        (0..16).map(|i| format!("r2 = *(u64 *)(r9 +{})\n *(u64 *)(r10 -{}) = r2\n", 8 * i, 128 - 8 * i));
    words.collect::<String>()
}

/// Sorts 16 words on the stack, as clang 19 compiles it, then reads the word at
/// `index` of them.
fn bubble(index: &str) -> String {
    let fill = fill();
    format!(
        "r9 = map[idx:0][0]+0
         {fill}
         r2 = 15
         outer:
         r3 = 0
         r4 = r10
         r4 += -120
         r5 = *(u64 *)(r10 -128)
         goto inner
         next:
         r3 += 1
         r4 += 8
         r5 = r0
         if r3 < r2 goto inner
         r2 += -1
         if r2 > 0 goto outer
         {index}
         r0 = 0
         exit
         inner:
         r0 = *(u64 *)(r4 +0)
         if r5 <= r0 goto next
         *(u64 *)(r4 +0) = r5
         *(u64 *)(r4 -8) = r0
         r0 = r5
         goto next"
    )
}

/// The same by insertion, in the map value itself.
fn insertion(last: u32) -> String {
    format!(
        "r9 = map[idx:0][0]+0
         r6 = 1
         outer:
         r1 = r6
         r1 <<= 3
         r2 = r9
         r2 += r1
         r3 = *(u64 *)(r2 +0)
         r4 = r6
         inner:
         if r4 == 0 goto place
         r5 = *(u64 *)(r2 -8)
         if r5 <= r3 goto place
         *(u64 *)(r2 +0) = r5
         r2 += -8
         r4 += -1
         goto inner
         place:
         *(u64 *)(r2 +0) = r3
         r6 += 1
         if r6 < {last} goto outer
         r0 = 0
         exit"
    )
}

fn load() -> Load {
    xdp_with_value(128)
}

#[test]
fn a_sort_on_the_stack() {
    let walked = load().accepts(&bubble("")).report.insns_processed;
    assert!(walked < 8_000, "{walked} instructions walked");
}

#[test]
fn a_sort_in_a_map_value() {
    let walked = load().accepts(&insertion(16)).report.insns_processed;
    assert!(walked < 8_000, "{walked} instructions walked");
    load().refuses("outside", &insertion(17));
}

#[test]
fn what_was_sorted_is_any_number() {
    let indexed = |mask: u32| {
        bubble(&format!("r1 = *(u64 *)(r10 -64)\n r1 &= {mask}\n r9 += r1\n r0 = *(u8 *)(r9 +0)"))
    };
    load().accepts(&indexed(127));
    load().refuses("outside", &indexed(128));
    // What was stored on one path of one round only.
    let odd = bubble("").replace("r0 = r5\n", "r0 = r5\n r9 += 8\n");
    load().refuses("R9", &odd.replace("r0 = 0\n         exit", "r0 = *(u8 *)(r9 +0)\n r0 = 0\n exit"));
}
