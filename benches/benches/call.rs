//! What does a call of a program cost, and a call of a helper from one?

use brolga::{Engine, EngineKind, Gpl, Load, ProgramType};
use brolga_benches::calls::{CALLS, EMPTY, HELPER, calling, rbpf_run};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

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

fn helper(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("call/helper-x{CALLS}"));
    let code = calling(HELPER);
    let engine = Engine::new();
    let same = ProgramType::builder("same")
        .memory()
        .helper(HELPER, "same", Gpl::Any, |a: u64| a)
        .build()
        .expect("a program type");
    let load = Load::new().mem_size(8).engine(EngineKind::Jit);
    let program = engine.load(&same, &code, load).expect("a program");
    let mut memory = [0_u8; 8];
    assert_eq!(program.run_mem(&mut memory).expect("a run"), 7);
    group.bench_function("brolga-jit", |b| b.iter(|| program.run_mem(black_box(&mut memory))));

    let mut vm = rbpf::EbpfVmRaw::new(Some(&code)).expect("a program");
    vm.register_helper(HELPER as u32, |a, _, _, _, _| a).expect("a helper");
    vm.jit_compile().expect("a program");
    assert_eq!(rbpf_run(&vm, &mut memory), 7);
    group.bench_function("rbpf-jit", |b| b.iter(|| rbpf_run(&vm, black_box(&mut memory))));
    group.finish();
}

criterion_group!(benches, empty, helper);
criterion_main!(benches);
