//! How long does it take to verify and compile a program, and to do both and
//! all that loading is besides?

use brolga::core::{Aux, Code, Program};
use brolga::{Engine, EngineKind, Load, verifier};
use brolga_benches::peers::insns;
use brolga_benches::programs::{BenchProgram, PROGRAMS};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::time::Duration;

fn program(bench: &BenchProgram, code: &Code) -> Program {
    let raw = brolga::core::prog_type::table::by_name("raw").expect("a built-in type");
    let mut aux = Aux::new(raw);
    aux.mem_size = bench.mem_size as u32;
    Program { code: code.clone(), aux }
}

fn load(c: &mut Criterion) {
    for bench in PROGRAMS {
        let bytes = insns(bench);
        let code = Code::decode(&bytes).expect("a program");
        let engine = Engine::new();
        let raw = engine.program_type("raw").expect("a built-in type");
        let load = || Load::new().mem_size(bench.mem_size as u32).engine(EngineKind::Jit);
        if engine.load(&raw, &bytes, load()).is_err() {
            // It has tables of its own: a whole object is needed to load it.
            continue;
        }
        let mut group = c.benchmark_group(format!("load/{}", bench.name));
        group.warm_up_time(Duration::from_millis(100));
        group.measurement_time(Duration::from_millis(300)).sample_size(10);
        let options = verifier::Options::default();
        group.bench_function("verify", |b| {
            let verify = |p| verifier::verify(p, &options).is_ok();
            b.iter_batched(|| program(bench, &code), verify, BatchSize::SmallInput);
        });
        group.bench_function("brolga-load", |b| b.iter(|| engine.load(&raw, &bytes, load()).is_ok()));
        if bytes.len() < 1000 * 8 {
            group.bench_function("rbpf-jit-load", |b| b.iter(|| rbpf_load(&bytes)));
        }
        group.finish();
    }
}

fn rbpf_load(code: &[u8]) -> bool {
    rbpf::EbpfVmRaw::new(Some(code)).is_ok_and(|mut vm| vm.jit_compile().is_ok())
}

criterion_group!(benches, load);
criterion_main!(benches);
