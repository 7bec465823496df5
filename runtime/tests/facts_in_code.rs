//! What is known before a program runs is not computed when it does.

mod common;

use brolga::jit::{Listing, Options, Passes};
use brolga::{Engine, EngineKind, Load, Map, MapDef, MapFlags, Program, ProgramType, Update};
use common::{both, load_as};

/// A program over a map, for both engines, without some of the optimisations.
fn load(engine: &Engine, map: &Map, text: &str, without: Passes) -> Program {
    let jit = Options { listing: Listing::IR, passes: Passes::all() - without, ..Options::default() };
    let load = Load::new().map(map).engine(EngineKind::Both).jit(jit);
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
            assert_eq!(both(&program, &mut []), expected, "{load_insn}");
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
        assert_eq!((both(&program, &mut []), count(&program, "load")), (0, 1));
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
        assert_eq!(both(&program, &mut []), expected, "key {key}");
        if (0..3).contains(&key) {
            let tests = ["select", "brif", "icmp", "call"].map(|name| count(&program, name));
            assert_eq!(tests, [0; 4], "key {key}");
        }
        let program = load(&engine, &map, &text, Passes::FOLD);
        assert_eq!(both(&program, &mut []), expected, "key {key}");
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
    assert_eq!((both(&program, &mut []), count(&program, "brif")), (2, 0));
    let program = load(&engine, &map, text, Passes::FOLD);
    assert_eq!((both(&program, &mut []), count(&program, "brif")), (2, 1));
}
