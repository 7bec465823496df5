//! How long does it take to verify a program, beside the live kernel in the same
//! run? The largest real programs of the examples, sorts, and programs made to be
//! hard. The kernel's time is the one that it reports (`BPF_LOG_STATS`): for
//! verification alone. Where `bpf(2)` is not allowed, or the kernel has not the
//! program's type, it is left out.

use brolga::core::prog_type::table;
use brolga::core::{Aux, MapDef, MapIdx, MapInfo, Program, asm};
use brolga::{Engine, Object, ObjectLoad, verifier};
use brolga_benches::hard;
use brolga_benches::programs::PROGRAMS;
use brolga_tests::kernel::{Kernel, Request};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::time::Duration;

/// The kernel's log level for statistics alone.
const BPF_LOG_STATS: u32 = 4;

/// The examples' objects.
const EXAMPLES: [(&str, &[u8]); 4] = [
    ("firewall", include_bytes!("../../examples/bpf/firewall.o")),
    ("flows", include_bytes!("../../examples/bpf/flows.o")),
    ("rewrite", include_bytes!("../../examples/bpf/rewrite.o")),
    ("filter", include_bytes!("../../examples/bpf/filter.o")),
];

fn verify(c: &mut Criterion) {
    let kernel = Kernel::open();
    if kernel.is_none() {
        println!("verify: no bpf(2), so no kernel");
    }
    for (name, program) in examples().into_iter().chain(raw()).chain(made()) {
        if let Err(failure) = verifier::verify(copy(&program), &options()) {
            println!("verify/{name}: {failure}");
            continue;
        }
        let mut group = c.benchmark_group(format!("verify/{name}"));
        group.warm_up_time(Duration::from_millis(100));
        group.measurement_time(Duration::from_millis(300)).sample_size(10);
        group.bench_function("brolga", |b| {
            let verify = |program| verifier::verify(program, &options()).is_ok();
            b.iter_batched(|| copy(&program), verify, BatchSize::SmallInput);
        });
        match kernel.and_then(|kernel| kernel_time(kernel, &program).map(|_| kernel)) {
            None => println!("verify/{name}/kernel: does not load it"),
            Some(kernel) => {
                group.bench_function("kernel", |b| {
                    b.iter_custom(|rounds| (0..rounds).filter_map(|_| kernel_time(kernel, &program)).sum());
                });
            }
        }
        group.finish();
    }
}

fn options() -> verifier::Options {
    verifier::Options::default()
}

fn copy(program: &Program) -> Program {
    Program { code: program.code.clone(), aux: program.aux.clone() }
}

/// What the kernel says its verification took; nothing, where it does not load
/// the program.
fn kernel_time(kernel: Kernel, program: &Program) -> Option<Duration> {
    let maps: Vec<MapDef> = program.aux.maps.iter().map(|map| map.def.clone()).collect();
    let request = Request {
        prog_type: program.aux.prog_type.number?,
        code: &program.code,
        license: "GPL",
        attach: 0,
        flags: 0,
        maps: &maps,
        log: BPF_LOG_STATS,
    };
    let verdict = kernel.load(&request).ok().filter(|verdict| verdict.loaded.is_some())?;
    let (_, time) = verdict.log.split_once("verification time ")?;
    time.split(' ').next()?.parse().ok().map(Duration::from_micros)
}

/// The programs of the examples' objects.
fn examples() -> Vec<(String, Program)> {
    let engine = Engine::new();
    let mut programs = Vec::new();
    for (file, bytes) in EXAMPLES {
        let object = Object::parse(bytes).expect("an object");
        for program in object.programs() {
            let name = program.name();
            let accepted = engine.open_object(&object, ObjectLoad::new()).verify(name).expect("an example");
            programs.push((format!("{file}-{name}"), copy(accepted.verified.program())));
        }
    }
    programs
}

/// The C programs of the benches, which are of a type that the kernel has not.
fn raw() -> Vec<(String, Program)> {
    let engine = Engine::new();
    let raw = |bench: &brolga_benches::programs::BenchProgram| {
        let object = Object::parse(bench.object).ok()?;
        let each = brolga::Load::new().mem_size(bench.mem_size as u32);
        let accepted = engine.open_object(&object, ObjectLoad::new().each(each)).verify("entry").ok()?;
        Some((format!("raw-{}", bench.name), copy(accepted.verified.program())))
    };
    PROGRAMS.iter().filter_map(raw).collect()
}

/// Programs made to be hard, as XDP programs with the map that they want.
fn made() -> Vec<(String, Program)> {
    let maps = [MapDef::array(128, 1), MapDef::hash(4, 8, 64)];
    let program = |text: &str| {
        let mut aux = Aux::new(table::by_name("xdp").expect("a built-in type"));
        aux.gpl_compatible = true;
        for def in &maps {
            aux.fd_array.push(MapIdx(aux.maps.len() as u32));
            aux.maps.push(MapInfo::new(def.clone()));
        }
        Program { code: asm::assemble(text).expect("assembler text"), aux }
    };
    hard::PROGRAMS.iter().map(|(name, text)| ((*name).to_owned(), program(&text()))).collect()
}

criterion_group!(benches, verify);
criterion_main!(benches);
