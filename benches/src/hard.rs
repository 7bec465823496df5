//! Programs that are hard to verify, in assembler text: `map[idx:0]` is an array
//! of one value of 128 bytes, `map[idx:1]` a hash of `u32` to `u64`.

use std::fmt::Write;

/// Makes a program's text.
pub type Text = fn() -> String;

/// Every one, by name.
pub static PROGRAMS: &[(&str, Text)] = &[
    ("bubble-sort", bubble_sort),
    ("insertion-sort", insertion_sort),
    ("deep-branching", deep_branching),
    ("branches-that-matter", branches_that_matter),
    ("nested-loops", nested_loops),
    ("lookups", lookups),
    ("straight", straight),
];

/// Sorts 16 words of a map value on the stack, as clang 19 compiles it.
fn bubble_sort() -> String {
    let mut text = String::from("r9 = map[idx:0][0]+0\n");
    for i in 0..16 {
        line(&mut text, format_args!("r2 = *(u64 *)(r9 +{})", 8 * i));
        line(&mut text, format_args!("*(u64 *)(r10 -{}) = r2", 128 - 8 * i));
    }
    text + "r2 = 15
        outer: r3 = 0
        r4 = r10
        r4 += -120
        r5 = *(u64 *)(r10 -128)
        goto inner
        next: r3 += 1
        r4 += 8
        r5 = r0
        if r3 < r2 goto inner
        r2 += -1
        if r2 > 0 goto outer
        r0 = 2
        exit
        inner: r0 = *(u64 *)(r4 +0)
        if r5 <= r0 goto next
        *(u64 *)(r4 +0) = r5
        *(u64 *)(r4 -8) = r0
        r0 = r5
        goto next"
}

/// Sorts 16 words in a map value.
fn insertion_sort() -> String {
    "r9 = map[idx:0][0]+0
     r6 = 1
     outer: r1 = r6
     r1 <<= 3
     r2 = r9
     r2 += r1
     r3 = *(u64 *)(r2 +0)
     r4 = r6
     inner: if r4 == 0 goto place
     r5 = *(u64 *)(r2 -8)
     if r5 <= r3 goto place
     *(u64 *)(r2 +0) = r5
     r2 += -8
     r4 += -1
     goto inner
     place: *(u64 *)(r2 +0) = r3
     r6 += 1
     if r6 < 16 goto outer
     r0 = 2
     exit"
        .into()
}

/// 200 branches on unknown bytes, each of which changes a sum that does not
/// matter.
fn deep_branching() -> String {
    let mut text = String::from("r9 = map[idx:0][0]+0\nr7 = 0\n");
    for i in 0..200 {
        line(&mut text, format_args!("r2 = *(u8 *)(r9 +{})\nif r2 > 100 goto +1\nr7 += {}", i % 128, i + 1));
        line(&mut text, format_args!("r3 = *(u8 *)(r9 +1)\nr3 <<= 2\nr3 += r2\nr3 ^= 5"));
    }
    text + "r0 = 2\nexit"
}

/// The same with a sum that is an index in the end: 14 branches, 2^14 ways.
fn branches_that_matter() -> String {
    let mut text = String::from("r9 = map[idx:0][0]+0\nr7 = 0\n");
    for i in 0..14 {
        line(&mut text, format_args!("r2 = *(u8 *)(r9 +{i})\nif r2 > 100 goto +1\nr7 += {}", 1 << i));
    }
    text + "r7 *= 3\nr7 &= 127\nr9 += r7\nr0 = *(u8 *)(r9 +0)\nr0 = 2\nexit"
}

/// Three loops of 30 rounds in each other.
fn nested_loops() -> String {
    "r9 = map[idx:0][0]+0
     r1 = 0
     a: r2 = 0
     b: r3 = 0
     c: r4 = r9
     r4 += r3
     r5 = *(u8 *)(r4 +0)
     r3 += 1
     if r3 < 30 goto c
     r2 += 1
     if r2 < 30 goto b
     r1 += 1
     if r1 < 30 goto a
     r0 = 2
     exit"
        .into()
}

/// 2000 lookups, each with its test for null.
fn lookups() -> String {
    let mut text = String::from("r6 = r1\n");
    for i in 0..2000 {
        line(&mut text, format_args!("*(u32 *)(r10 -4) = {i}\nr1 = map[idx:1]\nr2 = r10\nr2 += -4\ncall 1"));
        line(&mut text, format_args!("if r0 == 0 goto +2\nr1 = 1\nlock *(u64 *)(r0 +0) += r1"));
    }
    text + "r0 = 2\nexit"
}

/// 20 000 instructions without a branch.
fn straight() -> String {
    let mut text = String::from("r0 = 2\nr1 = 1\n");
    for i in 0..10_000 {
        line(&mut text, format_args!("r1 += {i}\nr1 ^= r0"));
    }
    text + "r0 = 2\nexit"
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes what is written");
}
