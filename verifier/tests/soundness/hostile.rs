//! Input that wants time, memory or a panic.

use crate::{load, xdp, xdp_with_value};
use brolga_core::helper::{Arg, Proto};
use brolga_core::{Insn, MapDef, Program, asm};
use brolga_verifier::{Options, verify};
use std::fmt::Write;
use std::sync::Arc;

/// `n` tests of unknown bits, each with two ways to go on in different states.
fn diamonds(n: usize) -> String {
    let mut text = String::from("r6 = r1\n r7 = 0\n");
    for i in 0..n {
        writeln!(text, "r2 = *(u32 *)(r6 +12)\n if r2 == {i} goto +1\n r7 += {}", 1u32 << (i % 30)).unwrap();
    }
    // What became of r7 matters, or the paths would meet.
    text + "r7 &= 7\n r1 = r10\n r1 += r7\n r0 = *(u8 *)(r1 -8)\n exit"
}

#[test]
fn paths_without_number_end_at_the_budget() {
    xdp().refuses("BPF program is too large", &diamonds(40));
}

#[test]
fn states_that_all_differ_end_at_the_memory_allowed() {
    let code = asm::assemble(&diamonds(40)).unwrap();
    let options = Options { memory: 1 << 16, ..Options::default() };
    let failure = verify(Program { code, aux: xdp().aux }, &options).unwrap_err();
    assert!(failure.to_string().contains("BPF program is too complex"), "{failure}");
}

#[test]
fn branches_that_wait_are_limited() {
    let mut text = String::from("r2 = *(u32 *)(r1 +12)\n");
    for i in 0..9000 {
        writeln!(text, "if r2 == {i} goto out").unwrap();
    }
    xdp().refuses("The sequence of 8193 jumps is too complex", &(text + "out: r0 = 0\n exit"));
}

#[test]
fn long_programs() {
    let straight = "r0 = 0\n".repeat(40_000) + "exit";
    xdp().accepts(&straight);
    let dead =
        format!("r0 = 0\n if r0 == 0 goto +1\n goto +{}\n exit\n {} exit", 10_000, "r0 = 1\n".repeat(20_000));
    xdp().refuses("unreachable insn", &dead);
    let nested: String = (0..20_000).map(|_| "if r0 == 5 goto out\n").collect();
    xdp().accepts(&format!("r0 = 0\n {nested} out: exit"));
}

#[test]
fn offsets_at_the_ends_of_their_types() {
    for number in ["0x7fffffff", "0x80000000", "-1", "0x1fffffff", "0xe0000001", "0xe0000000"] {
        for op in ["+=", "-="] {
            for pointer in ["r10", "r1", "r3"] {
                for off in ["+32767", "-32768", "+0"] {
                    let text = format!(
                        "r3 = map[idx:0][0]+0\n r2 = {pointer}\n r2 {op} {number}\n r2 {op} {number}\n r0 = *(u64 *)(r2 {off})\n exit"
                    );
                    assert!(xdp_with_value(8).verify(&text).is_err());
                }
            }
        }
    }
}

#[test]
fn unknown_offsets_at_the_ends_of_their_types() {
    for bound in ["0x1fffffff", "0x3fffffff", "0x7fffffff", "-1"] {
        for test in
            ["if r2 > {} goto out", "if r2 s> {} goto out", "if r2 s< {} goto out", "if w2 > {} goto out"]
        {
            for pointer in ["r10", "map[idx:0][0]+0"] {
                let test = test.replace("{}", bound);
                let text = format!(
                    "call 5\n r2 = r0\n r3 = {pointer}\n {test}\n r3 += r2\n r3 += r2\n r0 = *(u8 *)(r3 -32768)\n out: r0 = 0\n exit"
                );
                assert!(xdp_with_value(u32::MAX).verify(&text).is_err());
            }
        }
    }
}

#[test]
fn maps_of_odd_sizes() {
    let call =
        "*(u64 *)(r10 -8) = 0\n r1 = map[idx:0]\n r2 = r10\n r2 += -8\n r3 = r10\n r3 += -8\n r4 = 0\n call";
    for key in [0, 1, 3, 4, 512, 513, u32::MAX] {
        for value in [0, 1, 8, 9, 512, u32::MAX] {
            for helper in [1, 2, 3, 87, 195] {
                let text = format!("{call} {helper}\n r0 = 0\n exit");
                let inner = MapDef::array(value, u32::MAX);
                let mut outer = MapDef::new(brolga_core::MapKind::ArrayOfMaps, key, 4, 0);
                // With or without a template, any verdict will do but a panic.
                let _ = xdp().map(outer.clone()).verify(&text);
                outer.inner = Some(Box::new(inner));
                let _ = xdp().map(outer).verify(&text);
                let _ = xdp().map(MapDef::hash(key, value, 0)).verify(&text);
                let _ =
                    xdp().map(MapDef::new(brolga_core::MapKind::Array, key, value, u32::MAX)).verify(&text);
            }
        }
    }
}

#[test]
fn maps_that_there_are_not() {
    xdp().refuses("fd 7 is not pointing to valid bpf_map", "r1 = map[fd:7]\n r0 = 0\n exit");
    xdp().refuses("is not pointing to valid bpf_map", "r1 = map[idx:0]\n r0 = 0\n exit");
    xdp().refuses("is not pointing to valid bpf_map", "r1 = map[idx:-1][0]+0\n r0 = 0\n exit");
    xdp_with_value(8).refuses("direct value offset", "r1 = map[idx:0][0]+4294967295\n r0 = 0\n exit");
}

#[test]
fn memory_of_any_size() {
    for (size, last) in [(0, None), (1, Some(0)), (u32::MAX, Some(0x7ff8))] {
        let mut raw = load("raw");
        raw.aux.mem_size = size;
        let text = format!("r0 = *(u8 *)(r1 +{})\n exit", last.unwrap_or(0));
        assert_eq!(raw.verify(&text).is_ok(), last.is_some(), "{size}");
    }
}

/// A program that calls helper 6000, which an embedder declared so.
fn with_helper(args: &[Arg], text: &str) -> String {
    let mut load = load("raw");
    let mut prog_type = (*load.aux.prog_type).clone();
    prog_type.helpers.insert(6000, Arc::new(Proto::new(6000, "odd").takes(args)));
    load.aux.prog_type = Arc::new(prog_type);
    load.verify(text).map_or_else(|failure| failure.to_string(), |_| "accepted".into())
}

#[test]
fn prototypes_that_make_no_sense() {
    let call = "r1 = 1\n r2 = 1\n r3 = r10\n call 6000\n r0 = 0\n exit";
    let refused = |args: &[Arg]| assert!(with_helper(args, call).contains("odd, which takes"));
    refused(&[Arg::SIZE]);
    refused(&[Arg::MEM]);
    refused(&[Arg::ANYTHING, Arg::ANYTHING, Arg::MEM]);
    refused(&[Arg::ANYTHING, Arg::ANYTHING, Arg::UNINIT_MEM, Arg::ANYTHING]);
    refused(&[Arg::ANYTHING, Arg::SIZE]);
    refused(&[Arg::ANYTHING, Arg::ANYTHING, Arg::MAP_KEY]);
    refused(&[Arg::ANYTHING, Arg::ANYTHING, Arg::MAP_VALUE]);
}

#[test]
fn liveness_in_long_loops_is_found_in_little_time() {
    let mut text = String::from("r6 = 0\n l:\n");
    for i in 0..5000 {
        writeln!(text, "if r6 == {i} goto n{i}\n *(u64 *)(r10 -{}) = r6\n n{i}:", 8 * (i % 64 + 1)).unwrap();
    }
    text += "r6 += 1\n if r6 < 2 goto l\n r0 = 0\n exit";
    let code = asm::assemble(&text).unwrap();
    assert!(code.iter().any(|(_, insn)| matches!(insn, Insn::JumpIf { .. })));
    verify(Program { code, aux: xdp().aux }, &Options::default()).expect("two rounds");
}

#[test]
fn flags_that_no_one_knows_are_refused() {
    let mut load = xdp();
    load.aux.flags = brolga_core::LoadFlags::from_bits_retain(1 << 20);
    load.refuses("there are unknown load flags", "r0 = 0\n exit");
}
