//! What is known before a program runs is not computed when it does.

mod common;

use brolga::jit::{Listing, Options, Passes};
use brolga::{Engine, EngineKind, Load, Map, MapDef, MapFlags, MapKind, Program, ProgramType, Update};
use common::{both, load_as};

/// A program over a map, for both engines, without some of the optimisations.
fn load(engine: &Engine, map: &Map, text: &str, without: Passes) -> Program {
    let jit = Options { listing: Listing::IR, passes: Passes::all() - without, ..Options::default() };
    let load = Load::new().map(map).mem_size(8).engine(EngineKind::Both).jit(jit);
    load_as(engine, &ProgramType::raw(), text, load)
}

/// How many instructions of Cranelift's with this name there are.
fn count(program: &Program, name: &str) -> usize {
    let ir = &program.image().expect("native code").listings().ir;
    ir.lines().filter(|line| line.split([' ', '.']).any(|word| word == name)).count()
}

#[test]
fn loads_from_frozen_maps_are_numbers() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::array(16, 1).flags(MapFlags::RDONLY_PROG)).unwrap();
    let value: Vec<u8> = (0..16).map(|i| 0xf0 + i).collect();
    map.update(&[0; 4], &value, Update::Any).unwrap();
    map.freeze().unwrap();
    for (load_insn, expected) in [
        ("*(u8 *)(r3 +1)", 0xf1),
        ("*(u16 *)(r3 +2)", 0xf3f2),
        ("*(u32 *)(r3 +3)", 0xf6f5_f4f3),
        ("*(u64 *)(r3 +8)", 0xfffe_fdfc_fbfa_f9f8),
        ("*(s8 *)(r3 +1)", 0xf1_u8 as i8 as u64),
        ("*(s16 *)(r3 +2)", 0xf3f2_u16 as i16 as u64),
        ("*(s32 *)(r3 +12)", 0xffff_ffff_fffe_fdfc),
    ] {
        let text = format!("r3 = map[idx:0][0]+0\n r0 = {load_insn}\n exit");
        for without in [Passes::empty(), Passes::FROZEN] {
            let program = load(&engine, &map, &text, without);
            assert_eq!(both(&program, &mut [0; 8]), expected, "{load_insn}");
            let loads = ["load", "uload8", "uload16", "uload32", "sload8", "sload16", "sload32"];
            let loads: usize = loads.iter().map(|name| count(&program, name)).sum();
            assert_eq!(loads, usize::from(!without.is_empty()), "{load_insn}");
        }
    }
}

/// What is in the map may change unless it is frozen, and programs may change
/// what is not for them to read only.
#[test]
fn loads_from_other_maps_are_loads() {
    let engine = Engine::new();
    let text = "r3 = map[idx:0][0]+0\n r0 = *(u64 *)(r3 +0)\n exit";
    for (flags, freeze) in [(MapFlags::RDONLY_PROG, false), (MapFlags::empty(), true)] {
        let map = engine.create_map(MapDef::array(8, 1).flags(flags)).unwrap();
        if freeze {
            map.freeze().unwrap();
        }
        let program = load(&engine, &map, text, Passes::empty());
        assert_eq!((both(&program, &mut [0; 8]), count(&program, "load")), (0, 1));
    }
}

#[test]
fn a_lookup_of_a_known_key_is_an_address() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::array(8, 3)).unwrap();
    for key in 0..3u32 {
        map.update(&key.to_ne_bytes(), &u64::from(key + 7).to_ne_bytes(), Update::Any).unwrap();
    }
    for (key, expected) in [(0, 7), (1, 8), (2, 9), (3, 1), (-1, 1)] {
        let text = format!(
            "*(u32 *)(r10 -4) = {key}\n r1 = map[idx:0]\n r2 = r10\n r2 += -4\n call 1
             if r0 == 0 goto none\n r0 = *(u64 *)(r0 +0)\n exit\n none: r0 = 1\n exit"
        );
        let program = load(&engine, &map, &text, Passes::empty());
        assert_eq!(both(&program, &mut [0; 8]), expected, "key {key}");
        if (0..3).contains(&key) {
            let tests = ["select", "brif", "icmp", "call"].map(|name| count(&program, name));
            assert_eq!(tests, [0; 4], "key {key}");
        }
        let program = load(&engine, &map, &text, Passes::FOLD);
        assert_eq!(both(&program, &mut [0; 8]), expected, "key {key}");
        assert_eq!(count(&program, "select"), 1, "key {key}");
    }
}

#[test]
fn jumps_over_known_numbers_are_decided() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::array(8, 1)).unwrap();
    // The verifier does not follow a division, so that it takes both ways.
    let text = "r0 = 100\n r0 /= 7\n if r0 > 13 goto large\n r0 = 1\n exit\n large: r0 = 2\n exit";
    let program = load(&engine, &map, text, Passes::empty());
    assert_eq!((both(&program, &mut [0; 8]), count(&program, "brif")), (2, 0));
    let program = load(&engine, &map, text, Passes::FOLD);
    assert_eq!((both(&program, &mut [0; 8]), count(&program, "brif")), (2, 1));
}

/// A lookup in a map with a value for each processor, of a key that is in memory.
fn own_copies(key: &str) -> String {
    format!(
        "r6 = r1\n {key}\n r1 = map[idx:0]\n r2 = r10\n r2 += -4\n call 1
         if r0 == 0 goto none\n r0 = *(u64 *)(r0 +0)\n exit\n none: r0 = 1\n exit"
    )
}

#[test]
fn lookups_of_a_processors_values_are_in_place() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::new(MapKind::PercpuArray, 4, 12, 3)).unwrap();
    let cpus = map.lookup(&[0; 4]).unwrap().unwrap().len() / 16;
    for key in 0..3u32 {
        let value: Vec<u8> = [u64::from(key + 7).to_ne_bytes(), [0xff; 8]].concat();
        map.update(&key.to_ne_bytes(), &value.repeat(cpus), Update::Any).unwrap();
    }
    for (key, expected) in [(0u32, 7), (1, 8), (2, 9), (3, 1), (u32::MAX, 1)] {
        let known = own_copies(&format!("*(u32 *)(r10 -4) = {}", key.cast_signed()));
        let unknown = own_copies("r3 = *(u32 *)(r6 +0)\n *(u32 *)(r10 -4) = r3");
        for (text, is_known) in [(known, true), (unknown, false)] {
            for without in [Passes::empty(), Passes::PERCPU, Passes::PROCESSOR, Passes::LOOKUP] {
                let program = load(&engine, &map, &text, without);
                assert_eq!(both(&program, &mut u64::from(key).to_ne_bytes()), expected, "{key} {without:?}");
                // The call that is left asks for the processor.
                let in_place = !without.intersects(Passes::LOOKUP | Passes::PERCPU);
                let selects = usize::from(in_place && !(is_known && key < 3));
                assert_eq!([count(&program, "select"), count(&program, "call")], [selects, 1], "{without:?}");
            }
        }
    }
}

/// Without the interpreter beside it, which may run on another processor.
fn in_native_code(program: &Program, memory: &mut [u8]) -> u64 {
    program.run_mem_on(EngineKind::Jit, memory).expect("a run")
}

#[test]
fn the_processor_is_asked_once() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::new(MapKind::PercpuArray, 4, 8, 1)).unwrap();
    let straight = "call 8\n r6 = r0\n call 8\n r0 -= r6\n exit";
    // One way asks before the third question, and one does not.
    let joining = "r7 = *(u8 *)(r1 +0)\n r6 = 0\n if r7 == 0 goto on\n call 8\n r6 = r0\n on: call 8
                   if r7 != 0 goto known\n r6 = r0\n known: r0 -= r6\n exit";
    let looping = "r6 = 0\n r7 = 5\n on: call 8\n r8 = r0\n call 8\n r0 -= r8\n r6 += r0\n r7 += -1
                   if r7 != 0 goto on\n r0 = r6\n exit";
    for (text, asks) in [(straight, 1), (joining, 2)] {
        for first in 0..2 {
            let program = load(&engine, &map, text, Passes::empty());
            assert_eq!(in_native_code(&program, &mut [first; 8]), 0, "{text}");
            assert_eq!(count(&program, "call"), asks, "{text}");
        }
        let program = load(&engine, &map, text, Passes::PROCESSOR);
        assert_eq!(count(&program, "call"), 2, "{text}");
    }
    let program = load(&engine, &map, looping, Passes::UNROLL);
    assert_eq!((in_native_code(&program, &mut [0; 8]), count(&program, "call")), (0, 1));
}

/// What shifts by a number, or is compared with one, has room for it: the number is
/// made once, and where several jumps return, no block is made to return in.
#[test]
fn nothing_is_made_twice_for_immediates_and_returns() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::array(16, 1)).unwrap();
    let text = "r0 = *(u64 *)(r1 +0)
        if r0 > 9 goto out
        r0 <<= 9
        if r0 > 9 goto out
        r0 <<= 9
        out: exit";
    for (input, expected) in [(10_u64, 10), (3, 3 << 9), (0, 0)] {
        let program = load(&engine, &map, text, Passes::empty());
        assert_eq!(both(&program, &mut input.to_le_bytes()), expected);
        assert_eq!((count(&program, "iconst"), count(&program, "return")), (1, 3));
    }
}
