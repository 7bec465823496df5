//! How long it takes to verify, to compile and to load.

use super::Plan;
use super::table::Table;
use crate::kernel;
use crate::peers;
use crate::programs::{BenchProgram, PROGRAMS};
use crate::timing::{geomean, shortest_of};
use brolga::core::{Linked, Program};
use brolga::jit::{self, Tier};
use brolga::{EngineKind, verifier};
use std::hint::black_box;

/// The most instructions of what counts as a small program.
const SMALL: usize = 150;

/// How often the kernel is asked to load a program; it may take a second.
const KERNEL_ROUNDS: usize = 3;

struct Cost {
    insns: usize,
    verify: f64,
    compile: f64,
    quick: f64,
    kernel: Option<f64>,
}

fn micros(rounds: usize, work: impl FnMut()) -> f64 {
    shortest_of(rounds, work).as_secs_f64() * 1e6
}

fn compile(linked: &Linked, tier: Tier, rounds: usize) -> f64 {
    let options = jit::Options { tier, ..jit::Options::default() };
    micros(rounds, || drop(black_box(jit::compile(linked, &options))))
}

fn cost(plan: &Plan, bench: &BenchProgram) -> Option<Cost> {
    let loaded = peers::brolga(bench, EngineKind::Both, Tier::Best)?;
    let linked = loaded.linked()?;
    let source: Program = peers::source(bench)?;
    let options = verifier::Options::default();
    let loads = (0..KERNEL_ROUNDS).filter_map(|_| Some(kernel::load(plan.kernel?, bench)?.load));
    Some(Cost {
        insns: linked.exec().code.iter().count(),
        verify: micros(plan.rounds, || drop(black_box(verifier::verify(source.clone(), &options)))),
        compile: compile(linked, Tier::Best, plan.rounds),
        quick: compile(linked, Tier::Quick, plan.rounds),
        kernel: loads.min().map(|time| time.as_secs_f64() * 1e6),
    })
}

pub(super) fn print(plan: &Plan) {
    println!("Loading, in us; the last column is ours over the kernel's.");
    let columns = [
        ("insns", false),
        ("verify", true),
        ("compile", true),
        ("quick", true),
        ("kernel", true),
        ("ratio", true),
    ];
    let mut table = Table::new(&columns);
    let mut small = Vec::new();
    for bench in PROGRAMS.iter().filter(|bench| plan.wants(bench.name)) {
        let Some(cost) = cost(plan, bench) else { continue };
        let Cost { insns, verify, compile, quick, kernel } = cost;
        if insns < SMALL {
            small.push(compile);
        }
        let ratio = kernel.map(|kernel| (verify + compile) / kernel);
        table.row(
            bench.name,
            vec![Some(insns as f64), Some(verify), Some(compile), Some(quick), kernel, ratio],
        );
    }
    table.print();
    if let Some(mean) = geomean(&small) {
        println!("compiling the {} programs under {SMALL} instructions: {mean:.1} us", small.len());
    }
}
