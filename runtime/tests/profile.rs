//! What profilers are told of native code.

mod common;

use brolga::core::Pc;
use brolga::core::program::SourceLine;
use brolga::{Engine, Load, ProgramType};
use common::load_as;

/// The subprogram has a frame, so that its code is not put into the main program.
const TEXT: &str = "call pc+1
    exit
    r1 = r10
    *(u64 *)(r1 -8) = 7
    r0 = *(u64 *)(r1 -8)
    exit";

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[test]
fn the_perf_map_has_a_line_for_each_function() {
    let engine = Engine::new();
    let path = engine.write_perf_map().unwrap();
    let program = load_as(&engine, &ProgramType::raw(), TEXT, Load::new().name("two parts"));
    let map = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let image = program.image().unwrap();
    assert_eq!(image.functions().len(), 2);
    for (function, name) in image.functions().iter().zip(["bpf_prog_two_parts", "bpf_prog_two_parts::"]) {
        let start = image.address() + function.offset as usize;
        let line = format!("{start:x} {:x} {name}", function.len);
        assert!(map.lines().any(|l| l.starts_with(&line)), "{line} in\n{map}");
    }
}

#[test]
fn the_dump_has_code_and_lines() {
    let dir = std::env::temp_dir().join(format!("brolga-dump-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let engine = Engine::new();
    let path = engine.write_jitdump(&dir).unwrap();
    let line = |line| SourceLine { file: "a.c".into(), line, column: 1, text: "x".into() };
    let lines = [(Pc(0), line(10)), (Pc(2), line(20))].into();
    let program = load_as(&engine, &ProgramType::raw(), TEXT, Load::new().name("dumped").lines(lines));
    let dump = std::fs::read(&path).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!((word(&dump, 0), word(&dump, 4), word(&dump, 8)), (0x4a69_5444, 1, 40));
    let (mut at, mut code, mut seen) = (40, Vec::new(), Vec::new());
    while at < dump.len() {
        match word(&dump, at) {
            0 => code.push((long(&dump, at + 32), long(&dump, at + 40))),
            2 => seen.push(word(&dump, at + 40)),
            other => panic!("record {other}"),
        }
        at += word(&dump, at + 4) as usize;
    }
    let image = program.image().unwrap();
    let place = |f: &brolga::jit::Function| ((image.address() + f.offset as usize) as u64, u64::from(f.len));
    assert_eq!(code, image.functions().iter().map(place).collect::<Vec<_>>());
    assert_eq!(seen, [10, 20]);
}
