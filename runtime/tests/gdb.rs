//! What a debugger is shown of native code.

#![cfg(feature = "gdb")]

mod common;

use brolga::core::Pc;
use brolga::core::program::SourceLine;
use brolga::{Engine, Load, Program, ProgramType};
use common::load_as;
use gimli::{EndianSlice, LittleEndian, SectionId};
use object::{Object, ObjectSection, ObjectSymbol};
use std::process::Command;

const TEXT: &str = "r1 = 5\n call part\n r0 += 1\n exit\n part:\n *(u64 *)(r10 - 8) = r1\n r0 = r1\n exit";

fn shown(engine: &Engine, name: &str) -> Program {
    let line = |line| SourceLine { file: "src/shown.c".into(), line, column: 3, text: "x".into() };
    let lines = [(Pc(0), line(10)), (Pc(2), line(12)), (Pc(4), line(20)), (Pc(5), line(21))].into();
    let jit = brolga::jit::Options { passes: brolga::jit::Passes::empty(), ..Default::default() };
    let functions = [(Pc(0), name.to_owned()), (Pc(4), "part".to_owned())].into();
    let load = Load::new().name(name).lines(lines).functions(functions).jit(jit);
    load_as(engine, &ProgramType::raw(), TEXT, load)
}

/// The objects that a debugger would find, by its own way to them.
fn objects() -> Vec<&'static [u8]> {
    #[repr(C)]
    struct Entry {
        next: *const Entry,
        prev: *const Entry,
        object: *const u8,
        len: u64,
    }
    #[repr(C)]
    struct Descriptor {
        version: u32,
        action: u32,
        relevant: *const Entry,
        first: *const Entry,
    }
    #[allow(unsafe_code, reason = "what a debugger does")]
    // SAFETY: nobody loads or unloads meanwhile: this is the only thread that does.
    unsafe {
        unsafe extern "C" {
            static __jit_debug_descriptor: Descriptor;
        }
        let mut found = Vec::new();
        let (mut at, mut before) = (__jit_debug_descriptor.first, std::ptr::null());
        while let Some(entry) = at.as_ref() {
            assert_eq!(entry.prev, before);
            found.push(std::slice::from_raw_parts(entry.object, entry.len as usize));
            (before, at) = (at, entry.next);
        }
        found
    }
}

/// Everything in one test: what is shown is one list in the process.
#[test]
fn objects_come_and_go() {
    let engine = Engine::new();
    let unseen = shown(&engine, "unseen");
    engine.tell_gdb();
    let [a, b, c] = ["a", "b", "c"].map(|name| shown(&engine, name));
    let names = || -> Vec<String> {
        let name = |bytes| {
            let file = object::File::parse(bytes).unwrap();
            file.symbols().next().unwrap().name().unwrap().to_owned()
        };
        objects().into_iter().map(name).collect()
    };
    assert_eq!(names(), ["bpf_prog_c", "bpf_prog_b", "bpf_prog_a"]);
    drop(b);
    assert_eq!(names(), ["bpf_prog_c", "bpf_prog_a"]);
    drop(c);
    assert_eq!(names(), ["bpf_prog_a"]);
    describes(objects()[0], &a);
    drop((a, unseen));
    assert!(objects().is_empty());
    stops_at_a_line();
}

fn describes(bytes: &[u8], program: &Program) {
    let (file, image) = (object::File::parse(bytes).unwrap(), program.image().unwrap());
    let symbols: Vec<_> =
        file.symbols().map(|s| (s.name().unwrap().to_owned(), s.address(), s.size())).collect();
    let [main, part] = image.functions() else { panic!("two functions") };
    let at = |offset: u32| image.address() as u64 + u64::from(offset);
    assert_eq!(symbols[0], ("bpf_prog_a".into(), at(main.offset), main.len.into()));
    assert_eq!(symbols[1], ("bpf_prog_a::part".into(), at(part.offset), part.len.into()));
    let text = file.section_by_name(".text").unwrap();
    assert_eq!((text.address(), text.size()), (at(0), image.code_len() as u64));
    let frames = file.section_by_name(".eh_frame").unwrap();
    assert_eq!((frames.address(), frames.data().unwrap()), (image.frames().as_ptr() as u64, image.frames()));
    let rows = rows(&file);
    let starts = [(at(main.offset), 10), (at(part.offset), 20)];
    assert!(starts.iter().all(|start| rows.contains(start)), "{rows:x?}");
    let lines: Vec<u64> = rows.iter().map(|row| row.1).collect();
    assert_eq!(lines, [10, 12, 20, 21]);
}

/// Addresses and lines of the first unit.
fn rows(file: &object::File<'_>) -> Vec<(u64, u64)> {
    let section = |id: SectionId| -> Result<_, gimli::Error> {
        let data = file.section_by_name(id.name()).map(|s| s.data().unwrap()).unwrap_or_default();
        Ok(EndianSlice::new(data, LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(section).unwrap();
    let header = dwarf.units().next().unwrap().unwrap();
    let unit = dwarf.unit(header).unwrap();
    let mut rows = unit.line_program.clone().unwrap().rows();
    let mut found = Vec::new();
    while let Some((_, row)) = rows.next_row().unwrap() {
        if !row.end_sequence() {
            found.push((row.address(), row.line().unwrap().get()));
        }
    }
    found
}

/// Stops a run of [`debugged`] in the subprogram, where there is a debugger that
/// may look at processes.
fn stops_at_a_line() {
    let this = std::env::current_exe().unwrap();
    let mut gdb = Command::new("gdb");
    gdb.args(["--batch", "-nx", "-ex", "set breakpoint pending on", "-ex", "break shown.c:21"]);
    gdb.args(["-ex", "run", "-ex", "backtrace", "-ex", "continue", "--args"]);
    gdb.arg(this).args(["--exact", "debugged", "--nocapture", "--test-threads=1"]);
    let Ok(output) = gdb.env("BROLGA_DEBUGGED", "1").output() else {
        println!("skipped: no gdb");
        return;
    };
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if said.contains("ptrace") || cfg!(not(target_arch = "x86_64")) {
        println!("skipped: gdb may not run programs here");
        return;
    }
    let place = |line: &str| {
        said.lines().position(|l| l.contains(line)).unwrap_or_else(|| panic!("{line} in {said}"))
    };
    assert!(said.contains("shown.c:21"), "{said}");
    let (part, main) = (place("bpf_prog_debugged::part"), place("bpf_prog_debugged ()"));
    assert!(part < main && main < place("gdb::debugged"), "{said}");
}

/// What the debugger runs.
#[test]
fn debugged() {
    if std::env::var_os("BROLGA_DEBUGGED").is_none() {
        return;
    }
    let engine = Engine::new();
    engine.tell_gdb();
    assert_eq!(shown(&engine, "debugged").run_mem(&mut []).unwrap(), 6);
}
