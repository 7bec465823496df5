//! Programs of any size, to see that what loading takes grows with the size and
//! not faster: type `raw`, `r1` points to [`MEM_SIZE`] bytes.

use std::fmt::Write;

/// How many bytes of memory the programs look at.
pub const MEM_SIZE: usize = 128;

/// Makes the text of a program of so many instructions, or a few less.
pub type Text = fn(insns: usize) -> String;

/// Every one, by name.
pub static PROGRAMS: &[(&str, Text)] = &[("straight", straight), ("branchy", branchy), ("loops", loops)];

/// A hash of the memory without a branch.
fn straight(insns: usize) -> String {
    repeat(insns, 8, "r0 = 1\n", |i| {
        format!(
            "r2 = *(u32 *)(r1 +{})\nr2 *= {}\nr3 = r2\nr3 >>= 13\nr2 ^= r3\nr0 += r2\nw0 ^= {i}\nr0 <<= 1\n",
            4 * (i % 32),
            i | 1,
        )
    })
}

/// Decisions on bytes of the memory, each of which changes a sum.
fn branchy(insns: usize) -> String {
    repeat(insns, 5, "r0 = 0\n", |i| {
        format!(
            "r2 = *(u8 *)(r1 +{})\nif r2 > {} goto +2\nr0 += r2\nr0 ^= {i}\nr0 += 1\n",
            i % MEM_SIZE,
            i % 251,
        )
    })
}

/// Loops of eight rounds, one after the other.
fn loops(insns: usize) -> String {
    repeat(insns, 8, "r0 = 0\n", |i| {
        format!(
            "r2 = r1\nr3 = 0\nl{i}: r4 = *(u64 *)(r2 +0)\nr0 += r4\nr0 ^= r3\nr2 += 8\nr3 += 1\nif r3 < 8 goto l{i}\n",
        )
    })
}

/// A program that starts with `head` and repeats parts of `part` instructions.
fn repeat(insns: usize, part: usize, head: &str, text: impl Fn(usize) -> String) -> String {
    let mut all = String::from(head);
    for i in 0..insns.saturating_sub(2) / part {
        all += &text(i);
    }
    writeln!(all, "exit").expect("a string takes what is written");
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use brolga::core::asm::assemble;
    use brolga::{Engine, Load};

    #[test]
    fn programs_are_as_large_as_asked_and_are_accepted() {
        let engine = Engine::new();
        let raw = engine.program_type("raw").unwrap();
        for (name, text) in PROGRAMS {
            let code = assemble(&text(1000)).unwrap();
            assert!((990..=1000).contains(&code.len()), "{name}: {}", code.len());
            let load = Load::new().mem_size(MEM_SIZE as u32);
            let program = engine.load(&raw, &code.encode(), load).unwrap();
            assert!(program.run_mem(&mut [3; MEM_SIZE]).unwrap() != 0, "{name}");
        }
    }
}
