//! How long it takes to verify, to compile and to load.

use super::Plan;
use super::table::Table;
use crate::kernel;
use crate::large;
use crate::peers;
use crate::programs::{BenchProgram, PROGRAMS};
use crate::timing::{geomean, shortest_of};
use brolga::core::{Linked, Program, asm};
use brolga::jit::{self, Tier};
use brolga::{Engine, EngineKind, Load, verifier};
use std::hint::black_box;

/// The most instructions of what counts as a small program.
const SMALL: usize = 150;

/// How often the kernel is asked to load a program; it may take a second.
const KERNEL_ROUNDS: usize = 3;

/// How often all programs are gone through: rounds that follow each other may all fall
/// into one slow moment of the machine.
const PASSES: usize = 5;

/// The sizes of the programs that are made to be large.
const SIZES: [usize; 3] = [1000, 4000, 16_000];

struct Cost {
    insns: usize,
    verify: f64,
    compile: f64,
    quick: f64,
    /// All that loading is: what is above, and to decode, link and publish.
    load: f64,
    kernel: Option<f64>,
}

impl Cost {
    /// The least of both, each for itself.
    fn least(self, other: Self) -> Self {
        Self {
            insns: self.insns,
            verify: self.verify.min(other.verify),
            compile: self.compile.min(other.compile),
            quick: self.quick.min(other.quick),
            load: self.load.min(other.load),
            kernel: self.kernel.zip(other.kernel).map(|(one, other)| one.min(other)),
        }
    }
}

fn micros(rounds: usize, work: impl FnMut()) -> f64 {
    shortest_of(rounds, work).as_secs_f64() * 1e6
}

fn compile(linked: &Linked, tier: Tier, rounds: usize) -> f64 {
    let options = jit::Options { tier, ..jit::Options::default() };
    micros(rounds, || drop(black_box(jit::compile(linked, &options))))
}

/// Loads a program of type `raw` from its bytes, and lets go of it.
fn whole(code: &[u8], mem_size: usize, rounds: usize) -> f64 {
    let engine = Engine::new();
    let raw = engine.program_type("raw").expect("a built-in type");
    let load = || Load::new().mem_size(mem_size as u32).engine(EngineKind::Jit);
    micros(rounds, || drop(black_box(engine.load(&raw, code, load()).expect("a program"))))
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
        load: whole(&peers::insns(bench), bench.mem_size, plan.rounds),
        kernel: loads.min().map(|time| time.as_secs_f64() * 1e6),
    })
}

/// What each program takes, that can be loaded from its bytes.
fn costs(plan: &Plan) -> impl Iterator<Item = (&'static BenchProgram, Cost)> {
    let programs: Vec<_> = PROGRAMS.iter().filter(|bench| plan.wants(bench.name)).collect();
    let mut costs: Vec<Option<Cost>> = programs.iter().map(|bench| cost(plan, bench)).collect();
    for _ in 1..PASSES {
        for (bench, least) in programs.iter().zip(&mut costs) {
            *least = least.take().zip(cost(plan, bench)).map(|(least, cost)| least.least(cost));
        }
    }
    programs.into_iter().zip(costs).filter_map(|(bench, cost)| Some((bench, cost?)))
}

pub(super) fn print(plan: &Plan) {
    println!("Loading, in us; the last column is ours over the kernel's.");
    let columns = [
        ("insns", false),
        ("verify", true),
        ("compile", true),
        ("quick", true),
        ("load", true),
        ("kernel", true),
        ("ratio", true),
    ];
    let mut table = Table::new(&columns);
    let mut small = Vec::new();
    for (bench, cost) in costs(plan) {
        let Cost { insns, verify, compile, quick, load, kernel } = cost;
        if insns < SMALL {
            small.push(compile);
        }
        let ratio = kernel.map(|kernel| load / kernel);
        let ours = [insns as f64, verify, compile, quick, load].map(Some);
        table.row(bench.name, [&ours[..], &[kernel, ratio]].concat());
    }
    table.print();
    if let Some(mean) = geomean(&small) {
        println!("compiling the {} programs under {SMALL} instructions: {mean:.1} us", small.len());
    }
}

/// What compiling takes for each instruction, by the size of the program.
pub(super) fn print_large(plan: &Plan) {
    println!("Loading large programs, in us; the last columns are us for each instruction.");
    let columns = [
        ("insns", false),
        ("verify", false),
        ("compile", false),
        ("quick", false),
        ("each", true),
        ("quick", true),
    ];
    let mut table = Table::new(&columns);
    for (name, text) in large::PROGRAMS.iter().filter(|(name, _)| plan.wants(name)) {
        for size in SIZES {
            let Some([insns, verify, compile, quick]) = large(&text(size), plan.rounds / 4) else { continue };
            let row = [insns, verify, compile, quick, compile / insns, quick / insns];
            table.row(name, row.map(Some).to_vec());
        }
    }
    table.print();
}

fn large(text: &str, rounds: usize) -> Option<[f64; 4]> {
    let code = asm::assemble(text).ok()?;
    let engine = Engine::new();
    let load = Load::new().mem_size(large::MEM_SIZE as u32).engine(EngineKind::Both);
    let loaded = engine.load(&engine.program_type("raw")?, &code.encode(), load).ok()?;
    let linked = loaded.linked()?;
    let verify = loaded.stats().verify.as_secs_f64() * 1e6;
    let [compile, quick] = [Tier::Best, Tier::Quick].map(|tier| compile(linked, tier, rounds.max(1)));
    Some([code.len() as f64, verify, compile, quick])
}
