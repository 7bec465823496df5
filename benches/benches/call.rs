//! What does a call of a program cost, and a call of a helper from one?

use brolga::{Engine, EngineKind, Gpl, Load, ProgramType};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

/// `r0 = 0; exit`.
const EMPTY: [u8; 16] = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

/// How many helper calls one run makes.
const CALLS: usize = 32;

fn empty(c: &mut Criterion) {
    let mut group = c.benchmark_group("call/empty");
    let engine = Engine::new();
    let raw = engine.program_type("raw").expect("a built-in type");
    let program = engine.load(&raw, &EMPTY, Load::new().mem_size(8)).expect("a program");
    let mut memory = [0_u8; 8];
    group.bench_function("brolga-jit", |b| b.iter(|| program.run_mem(black_box(&mut memory))));
    let mut vm = rbpf::EbpfVmRaw::new(Some(&EMPTY)).expect("a program");
    vm.jit_compile().expect("a program");
    group.bench_function("rbpf-jit", |b| b.iter(|| rbpf_run(&vm, black_box(&mut memory))));
    group.finish();
}

#[expect(unsafe_code, reason = "rbpf's compiled code is run by an unsafe function")]
fn rbpf_run(vm: &rbpf::EbpfVmRaw<'_>, memory: &mut [u8]) -> u64 {
    // SAFETY: the programs here access no memory.
    unsafe { vm.execute_program_jit(memory).unwrap_or(0) }
}

/// A helper that returns its first argument, called over and over.
fn calling(helper: i32) -> Vec<u8> {
    let mut code = vec![0xb7, 1, 0, 0, 7, 0, 0, 0];
    for _ in 0..CALLS {
        code.extend([0x85, 0, 0, 0]);
        code.extend(helper.to_le_bytes());
        // r1 = r0, and what a helper leaves of r2 to r5 is not read.
        code.extend([0xbf, 0x01, 0, 0, 0, 0, 0, 0]);
    }
    code.extend([0x95, 0, 0, 0, 0, 0, 0, 0]);
    code
}

fn helper(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("call/helper-x{CALLS}"));
    let code = calling(6001);
    let engine = Engine::new();
    let same = ProgramType::builder("same")
        .memory()
        .helper(6001, "same", Gpl::Any, |a: u64| a)
        .build()
        .expect("a program type");
    let load = Load::new().mem_size(8).engine(EngineKind::Jit);
    let program = engine.load(&same, &code, load).expect("a program");
    let mut memory = [0_u8; 8];
    assert_eq!(program.run_mem(&mut memory).expect("a run"), 7);
    group.bench_function("brolga-jit", |b| b.iter(|| program.run_mem(black_box(&mut memory))));

    let mut vm = rbpf::EbpfVmRaw::new(Some(&code)).expect("a program");
    vm.register_helper(6001, |a, _, _, _, _| a).expect("a helper");
    vm.jit_compile().expect("a program");
    assert_eq!(rbpf_run(&vm, &mut memory), 7);
    group.bench_function("rbpf-jit", |b| b.iter(|| rbpf_run(&vm, black_box(&mut memory))));
    group.finish();
}

criterion_group!(benches, empty, helper);
criterion_main!(benches);
