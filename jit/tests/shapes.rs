//! What the optimisations look for, and what is almost that: each program in the
//! interpreter and compiled in every way.

mod common;

use common::{Build, images, interpret, run, variants};

type Memory = [u64; 16];

const MEMORY: Memory = [
    0x0102_0304_0506_0708,
    u64::MAX,
    1 << 63,
    0x8877_6655_4433_2211,
    5,
    0xfeed_beef_dead_cafe,
    0,
    7,
    u32::MAX as u64,
    1 << 32,
    0x0f0f_0f0f_0f0f_0f0f,
    3,
    0xaaaa_5555_aaaa_5555,
    2,
    9,
    0x1234_5678_9abc_def0,
];

/// Runs a program on the memory at r1; what it returns, and leaves there.
fn agree(text: &str) -> (u64, Memory) {
    let linked = Build::asm(text).link();
    let mut want = MEMORY;
    let r0 = interpret(&linked, want.as_mut_ptr() as u64, 0);
    for options in variants() {
        for image in images(&linked, &options) {
            let mut memory = MEMORY;
            assert_eq!(run(&image, memory.as_mut_ptr() as u64, 0), r0, "{options:?}\n{text}");
            assert_eq!(memory, want, "{options:?}\n{text}");
        }
    }
    (r0, want)
}

/// Two words that are copied from 48 bytes on to each place around it.
fn copied_to(to: i32, between: &str) -> (u64, Memory) {
    agree(&format!(
        "r9 = r1
         r2 = *(u64 *)(r1 + 48)
         *(u64 *)(r1 + {to}) = r2
         {between}
         r3 = *(u64 *)(r1 + 56)
         *(u64 *)(r9 + {}) = r3
         r0 = r2
         r0 ^= r3
         r0 += r4
         exit",
        to + 8
    ))
}

#[test]
fn words_copied_over_each_other() {
    for to in 0..104 {
        copied_to(to, "r4 = 0");
    }
    let (r0, memory) = copied_to(56, "r4 = 0");
    assert_eq!((r0, memory[7], memory[8]), (0, MEMORY[6], MEMORY[6]));
    let (r0, memory) = copied_to(0, "r4 = 0");
    assert_eq!((r0, memory[0], memory[1]), (MEMORY[6] ^ MEMORY[7], MEMORY[6], MEMORY[7]));
}

#[test]
fn words_copied_around_other_accesses() {
    for between in [
        "r4 = *(u64 *)(r1 + 8)",
        "r4 = *(u8 *)(r1 + 3)",
        "r4 = 77\n*(u64 *)(r1 + 56) = r4",
        "r4 = 77\n*(u8 *)(r1 + 5) = r4",
        "r4 = 1\nlock *(u64 *)(r1 + 56) += r4",
        "r4 = 1\nr4 = atomic_fetch_add((u64 *)(r1 + 0), r4)",
        "r4 = 1\nif r2 == 0 goto +1\nr4 = 2",
        "r1 += 8\nr1 -= 8\nr4 = 9",
    ] {
        for to in [0, 8, 48, 56, 64] {
            copied_to(to, between);
        }
    }
}

#[test]
fn products_with_constants() {
    for number in (-20..70).chain([100, 127, 128, 129, 255, 640, 1 << 20, (1 << 30) - 1, i32::MIN, i32::MAX])
    {
        agree(&format!(
            "r2 = *(u64 *)(r1 + 8)
             r3 = *(u64 *)(r1 + 40)
             r2 *= {number}
             w4 = w3
             w4 *= {number}
             r3 *= {number}
             r2 ^= r3
             r0 = r2
             r0 += r4
             exit"
        ));
    }
}

#[test]
fn products_that_are_rotated() {
    // The multiplier and the same 15 bits further left; then one that is not.
    for more in [0x16a8_8000_u32, 0x16a8_8001] {
        for (join, right) in [("|=", 17), ("^=", 17), ("+=", 17), ("|=", 16), ("|=", 0)] {
            agree(&format!(
                "r2 = *(u32 *)(r1 + 40)
                 w3 = w2
                 w3 *= {}
                 w2 *= {}
                 w2 >>= {right}
                 w2 {join} w3
                 r0 = r2
                 exit",
                more as i32, 0xcc9e_2d51_u32 as i32
            ));
        }
    }
}

/// The sum of all words, left in the middle of a round or at its end.
#[test]
fn sums_of_loads_with_ways_out() {
    for (size, register) in [("u64", "r"), ("u32", "w"), ("u8", "w"), ("u16", "r")] {
        for stop in [0, 1, 5, 7, 9, 0xff] {
            agree(&format!(
                "r0 = 3
                 r2 = 0
                 again: r3 = r1
                 r3 += r2
                 r4 = *({size} *)(r3 + 0)
                 {register}0 += {register}4
                 if r4 == {stop} goto out
                 r2 += 8
                 if r2 != 128 goto again
                 r0 += r2
                 exit
                 out: r0 ^= r2
                 r0 += r3
                 r0 -= r1
                 exit"
            ));
        }
    }
}

/// A loop whose first block decides where to go on, and that goes on from several
/// places.
#[test]
fn loops_with_many_ways_to_the_next_round() {
    for (first, second) in [(0, 1), (5, 7), (1000, 0)] {
        agree(&format!(
            "r0 = 0
             r2 = 0
             r5 = r1
             again: r4 = *(u64 *)(r5 + 0)
             if r4 > {first} goto next
             r0 += 1
             if r4 == {second} goto next
             r0 *= 10
             r6 = *(u32 *)(r5 + 4)
             if w6 & 1 goto next
             r0 += r4
             next: r5 += 8
             r2 += 1
             if r2 != 16 goto again
             r5 -= r1
             r0 ^= r5
             exit"
        ));
    }
}

/// Counters and pointers that are moved on in pieces and looked at in between.
#[test]
fn sums_that_wait() {
    agree(
        "r2 = r1
         r2 += 8
         r3 = r2
         r3 += 16
         r4 = *(u64 *)(r3 - 8)
         r2 += r4
         r2 -= r4
         r5 = *(u64 *)(r2 + 0)
         r6 = 0x7fffffff
         r5 += r6
         r5 += r6
         r5 += 0x7fffffff
         r5 -= -0x80000000
         w7 = w5
         r7 += 5
         r8 = r7
         w8 += 3
         r0 = r5
         r0 ^= r7
         r0 += r8
         r3 -= r1
         r0 += r3
         exit",
    );
}

/// Loops one after the other, so many that what they change is put into values of
/// its own behind some: `head` goes before each and `round` is its rounds.
fn in_a_row(head: &str, round: &str) -> u64 {
    let one = |i: usize| format!("{head}\nr3 = r7\nr3 &= 3\nl{i}: {round}\nr3 += 1\nif r3 < 8 goto l{i}\n");
    let straight_on = |i: usize| format!("l{i}: {round}\nr3 += 1\nr3 &= 7\nif r3 != 0 goto l{i}\n");
    let run = |count: usize, row: &dyn Fn(usize) -> String| {
        let loops: String = (0..count).map(row).collect();
        let start = "r0 = 1\nr2 = r1\nr3 = 0\nr6 = 0\nr7 = 0\nr8 = r1\nr9 = 7\n";
        agree(&format!("{start}{loops}r0 ^= r6\nr8 -= r1\nr0 += r8\nexit")).0
    };
    // Either makes more blocks than it takes.
    run(80, &one) ^ run(150, &straight_on).rotate_left(1)
}

#[test]
fn loops_in_a_row() {
    let number = "r4 = *(u64 *)(r1 + 24)\nr6 *= 3\nr6 += r4\nr0 += r6";
    let mut results = vec![in_a_row("r2 = r1", number)];
    // What leaves the loop is zero, or becomes so in between.
    results.push(in_a_row("r7 += 1", &format!("{number}\nr0 = *(u64 *)(r1 + 48)")));
    results.push(in_a_row("r7 = r6", &format!("r6 += 5\nr5 = r6\nr0 = r6\nr0 >>= 63\nr7 ^= r5\n{number}")));
    // An address, and what is only looked at narrowly.
    results.push(in_a_row("r8 = r1", &format!("{number}\nr8 += 8\nw7 += w6\nw0 ^= w7")));
    results.push(in_a_row("r8 += 8", &format!("r8 ^= 16\n{number}\nr9 = r6\nr6 = r0\nr0 = r9")));
    results.push(in_a_row("r6 += r9", &format!("r6 += r9\n{number}\nr9 = *(u64 *)(r1 + 48)")));
    results.sort_unstable();
    results.dedup();
    assert_eq!(results.len(), 6);
}
