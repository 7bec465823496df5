//! The engines that are measured beside each other, each loaded with a program
//! of the table and checked to give the expected result.

use crate::programs::{BenchProgram, HelperProgram};
use crate::timing::{Runs, runs};
use brolga::core::prog_type::table;
use brolga::core::{Aux, Code, Program as Source};
use brolga::jit::Tier;
use brolga::{Engine, EngineKind, Load, Object, ObjectLoad, Packet, Program, Update};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The names of the engines, in the order in which they are measured.
pub const ENGINES: [&str; 7] =
    ["brolga-jit", "brolga-quick", "brolga-interp", "rbpf-jit", "rbpf-cl", "rbpf-int", "sbpf-jit"];

/// The slots of a program, its relocations resolved.
///
/// # Panics
///
/// Where the object is not one of clang's.
#[must_use]
pub fn insns(program: &BenchProgram) -> Vec<u8> {
    let object = Object::parse(program.object).expect("an object");
    object.program("entry").and_then(|p| p.insns()).expect("the program")
}

/// A program in our own runtime, where that accepts it.
///
/// # Panics
///
/// Where the object is not one of clang's.
#[must_use]
pub fn brolga(program: &BenchProgram, kind: EngineKind, tier: Tier) -> Option<Program> {
    let object = Object::parse(program.object).expect("an object");
    let jit = brolga::jit::Options { tier, ..Default::default() };
    let load = Load::new().mem_size(program.mem_size as u32).engine(kind).jit(jit);
    let opened = Engine::new();
    let options = ObjectLoad::new().each(load);
    opened.open_object(&object, options).load("entry").ok()
}

/// A program as the verifier takes it; nothing where it needs maps.
#[must_use]
pub fn source(program: &BenchProgram) -> Option<Source> {
    let object = Object::parse(program.object).ok()?;
    let maps = object.program("entry").and_then(|p| p.maps().map(<[usize]>::len)).ok()?;
    let mut aux = Aux::new(table::by_name("raw")?);
    aux.mem_size = program.mem_size as u32;
    let code = Code::decode(&insns(program)).ok()?;
    (maps == 0).then_some(Source { code, aux })
}

/// A program that calls helpers in our own runtime, its map filled; where it
/// gives the expected result.
#[must_use]
pub fn helper_runner(engine: &str, bench: &HelperProgram) -> Option<Runs> {
    let kind = if engine == "brolga-interp" { EngineKind::Interp } else { EngineKind::Jit };
    let object = Object::parse(bench.object).ok()?;
    let opened = Engine::new();
    let opened = opened.open_object(&object, ObjectLoad::new().each(Load::new().engine(kind)));
    let loaded = opened.load_all().ok()?;
    if let Some(fill) = bench.map {
        let map = loaded.map(fill.name).ok()?;
        for (key, value) in (0..fill.entries).map(fill.entry) {
            map.update(&key.to_ne_bytes(), &value.to_ne_bytes(), Update::Any).ok()?;
        }
    }
    let program = loaded.program(bench.name).ok()?.clone();
    let mut packet = Packet::new(&[0; 64]).ok()?;
    let mut runs = runs(move |_| program.run(&mut packet).unwrap_or(u64::MAX));
    (runs(&mut [], 1).0 == bench.expected.into()).then_some(runs)
}

/// A program in an engine, where that engine can run it: that is, where it
/// loads it, does not panic, and gives the expected result.
#[must_use]
pub fn runner(engine: &str, program: &BenchProgram) -> Option<Runs> {
    let mut runs = quietly(|| make(engine, program))??;
    let mut memory = program.input();
    let (result, _) = quietly(|| runs(&mut memory, 1))?;
    (result == program.expected).then_some(runs)
}

/// An engine that can not do a program may panic; that is no news.
fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    std::panic::set_hook(hook);
    done
}

/// A program in an engine, whatever that makes of it.
pub(crate) fn make(engine: &str, program: &BenchProgram) -> Option<Runs> {
    match engine {
        "brolga-jit" => brolga(program, EngineKind::Jit, Tier::Best).map(ours),
        "brolga-quick" => brolga(program, EngineKind::Jit, Tier::Quick).map(ours),
        "brolga-interp" => brolga(program, EngineKind::Interp, Tier::Best).map(ours),
        "rbpf-jit" => rbpf_jit(program),
        "rbpf-cl" => rbpf_cranelift(program),
        #[cfg(target_arch = "x86_64")]
        "sbpf-jit" => crate::sbpf::jit(program),
        "rbpf-int" => {
            let vm = rbpf_vm(program)?;
            Some(runs(move |memory| vm.execute_program(memory).unwrap_or(u64::MAX)))
        }
        _ => None,
    }
}

fn ours(program: Program) -> Runs {
    runs(move |memory| program.run_mem(memory).unwrap_or(u64::MAX))
}

/// rbpf has no maps, so it can do nothing for a program that needs one; it
/// borrows the program for as long as it lives; the benches end with the
/// process, so the bytes are never given back.
fn rbpf_vm(program: &BenchProgram) -> Option<rbpf::EbpfVmRaw<'static>> {
    source(program)?;
    let code: &'static [u8] = Vec::leak(insns(program));
    rbpf::EbpfVmRaw::new(Some(code)).ok()
}

#[expect(unsafe_code, reason = "rbpf's compiled code is run by an unsafe function")]
fn rbpf_jit(program: &BenchProgram) -> Option<Runs> {
    let mut vm = rbpf_vm(program)?;
    vm.jit_compile().ok()?;
    // SAFETY: the program was proven safe by our own verifier for memory of
    // this size, which is what it is given.
    Some(runs(move |memory| unsafe { vm.execute_program_jit(memory).unwrap_or(u64::MAX) }))
}

fn rbpf_cranelift(program: &BenchProgram) -> Option<Runs> {
    let mut vm = rbpf_vm(program)?;
    vm.cranelift_compile().ok()?;
    Some(runs(move |memory| vm.execute_program_cranelift(memory).unwrap_or(u64::MAX)))
}
