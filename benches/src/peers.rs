//! The engines that are measured beside each other, each loaded with a program
//! of the table and checked to give the expected result.

use crate::programs::BenchProgram;
use brolga::{Engine, EngineKind, Load, Object, ObjectLoad, Program};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A way to run a program: over its memory, to its result.
pub type Runner = Box<dyn FnMut(&mut [u8]) -> u64>;

/// The names of the engines, in the order in which they are measured.
pub const ENGINES: [&str; 5] = ["brolga-jit", "brolga-interp", "rbpf-jit", "rbpf-cranelift", "rbpf-interp"];

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

/// A program in our own runtime, both ways to run it prepared.
///
/// # Panics
///
/// Where it does not load.
#[must_use]
pub fn brolga(program: &BenchProgram, kind: EngineKind) -> Program {
    let object = Object::parse(program.object).expect("an object");
    let load = Load::new().mem_size(program.mem_size as u32).engine(kind);
    let opened = Engine::new();
    let options = ObjectLoad::new().each(load);
    opened.open_object(&object, options).load("entry").expect("a program that loads")
}

/// A program in an engine, where that engine can run it: that is, where it
/// loads it, does not panic, and gives the expected result.
#[must_use]
pub fn runner(engine: &str, program: &BenchProgram) -> Option<Runner> {
    let made = catch_unwind(AssertUnwindSafe(|| make(engine, program))).ok()??;
    let mut runner = made;
    let mut memory = program.input();
    let result = catch_unwind(AssertUnwindSafe(|| runner(&mut memory))).ok()?;
    (result == program.expected).then_some(runner)
}

fn make(engine: &str, program: &BenchProgram) -> Option<Runner> {
    match engine {
        "brolga-jit" => Some(ours(brolga(program, EngineKind::Jit), EngineKind::Jit)),
        "brolga-interp" => Some(ours(brolga(program, EngineKind::Interp), EngineKind::Interp)),
        "rbpf-jit" => rbpf_jit(program),
        "rbpf-cranelift" => rbpf_cranelift(program),
        "rbpf-interp" => {
            let vm = rbpf_vm(program)?;
            Some(Box::new(move |memory| vm.execute_program(memory).unwrap_or(u64::MAX)))
        }
        _ => None,
    }
}

fn ours(program: Program, kind: EngineKind) -> Runner {
    Box::new(move |memory| program.run_mem_on(kind, memory).expect("a run"))
}

/// rbpf borrows the program for as long as it lives; the benches end with the
/// process, so the bytes are never given back.
fn rbpf_vm(program: &BenchProgram) -> Option<rbpf::EbpfVmRaw<'static>> {
    let code: &'static [u8] = Vec::leak(insns(program));
    rbpf::EbpfVmRaw::new(Some(code)).ok()
}

#[expect(unsafe_code, reason = "rbpf's compiled code is run by an unsafe function")]
fn rbpf_jit(program: &BenchProgram) -> Option<Runner> {
    let mut vm = rbpf_vm(program)?;
    vm.jit_compile().ok()?;
    // SAFETY: the program was proven safe by our own verifier for memory of
    // this size, which is what it is given.
    Some(Box::new(move |memory| unsafe { vm.execute_program_jit(memory).unwrap_or(u64::MAX) }))
}

fn rbpf_cranelift(program: &BenchProgram) -> Option<Runner> {
    let mut vm = rbpf_vm(program)?;
    vm.cranelift_compile().ok()?;
    Some(Box::new(move |memory| vm.execute_program_cranelift(memory).unwrap_or(u64::MAX)))
}
