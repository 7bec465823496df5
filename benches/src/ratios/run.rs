//! How long programs run.

use super::Plan;
use super::table::Table;
use crate::kernel::{self, InKernel};
use crate::native::Level;
use crate::peers::{ENGINES, helper_runner, runner};
use crate::programs::{BenchProgram, HELPER_PROGRAMS, PROGRAMS};
use crate::timing::{Runs, runs, shortest};

/// The first engine is ours, which the others are compared with.
const OURS: usize = 0;

/// The time of everything that can run a program, in nanoseconds; nothing of
/// what can not.
fn measure(engines: Vec<Option<Runs>>, memory: &[u8], rounds: usize) -> Vec<Option<f64>> {
    let (mut able, places): (Vec<Runs>, Vec<usize>) =
        engines.into_iter().zip(0..).filter_map(|(runs, i)| Some((runs?, i))).unzip();
    let times = shortest(&mut able, memory, rounds);
    let mut row = vec![None; places.last().map_or(0, |last| last + 1)];
    places.into_iter().zip(times).for_each(|(i, time)| row[i] = Some(time));
    row
}

fn native(plan: &Plan, program: &BenchProgram, level: Level) -> Option<Runs> {
    let native = plan.compiler.as_ref()?.compile(program, level)?;
    (native.run(&mut program.input()) == program.expected).then(|| runs(move |memory| native.run(memory)))
}

fn in_kernel(loaded: Option<InKernel>, expected: u32) -> Option<Runs> {
    let loaded = loaded?;
    (loaded.result()? == expected).then(|| loaded.runs())
}

/// What the kernel's loop takes around a run, in nanoseconds.
fn harness(plan: &Plan) -> f64 {
    let empty = plan.kernel.and_then(kernel::empty).map(InKernel::runs);
    empty.map_or(0.0, |empty| shortest(&mut [empty], &[], plan.rounds)[0])
}

/// Our time over that of each engine.
fn ratios(mut times: Vec<Option<f64>>, columns: usize, harness: f64) -> Vec<Option<f64>> {
    times.resize(columns, None);
    let ours = times[OURS];
    if let Some(kernel) = &mut times[columns - 1] {
        *kernel = (*kernel - harness).max(0.1);
    }
    let over = times[1..].iter().map(|time| Some(ours? / (*time)?));
    [ours].into_iter().chain(over).collect()
}

pub(super) fn print(plan: &Plan) {
    let harness = harness(plan);
    println!("\nRunning: our time in ns, and over that of each engine (below 1: we are faster).");
    println!("The kernel's times are without {harness:.0} ns for its loop around each run.");
    let mut columns = vec![("ns", false)];
    columns.extend(ENGINES[1..].iter().map(|name| (name.trim_start_matches("brolga-"), true)));
    columns.extend([("O2", true), ("scalar", true), ("kernel", true)]);
    let mut table = Table::new(&columns);
    for program in PROGRAMS.iter().filter(|program| plan.wants(program.name)) {
        let mut engines: Vec<_> = ENGINES.iter().map(|engine| runner(engine, program)).collect();
        engines.push(native(plan, program, Level::Full));
        engines.push(native(plan, program, Level::Scalar));
        let loaded = plan.kernel.and_then(|kernel| kernel::load(kernel, program));
        engines.push(in_kernel(loaded, program.expected as u32));
        let times = measure(engines, &program.input(), plan.rounds);
        table.row(program.name, ratios(times, columns.len(), harness));
    }
    table.print();
}

pub(super) fn print_helpers(plan: &Plan) {
    println!("Programs that call helpers of the kernel's.");
    let harness = harness(plan);
    let columns = [("ns", false), ("interp", true), ("kernel", true)];
    let mut table = Table::new(&columns);
    for program in HELPER_PROGRAMS.iter().filter(|program| plan.wants(program.name)) {
        let loaded = plan.kernel.and_then(|kernel| kernel::load_helper(kernel, program));
        let engines = vec![
            helper_runner("brolga-jit", program),
            helper_runner("brolga-interp", program),
            in_kernel(loaded, program.expected),
        ];
        let times = measure(engines, &[], plan.rounds);
        table.row(program.name, ratios(times, columns.len(), harness));
    }
    table.print();
}
