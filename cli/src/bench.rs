//! `brolga bench`: how long an object's programs take to load and to run, in
//! each engine, and in the live kernel where that may be asked.

mod kernel;

use crate::args::BenchArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{input, report};
use brolga::core::prog_type::Entry;
use brolga::jit::{self, Tier};
use brolga::object::{Object, ObjectProgram};
use brolga::{Engine, EngineKind, Load, ObjectLoad, Packet, Program, RunError};
use brolga_kernel::Kernel;
use serde::Serialize;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often each is measured; the shortest time counts.
const ROUNDS: usize = 50;

/// How long the runs between two looks at the clock take.
const BATCH: Duration = Duration::from_micros(200);

/// The packet, or the memory, where none is given.
const ZEROS: [u8; 64] = [0; 64];

/// The engines by name, the first being what the others are compared with.
const ENGINES: [(&str, EngineKind, Tier); 3] = [
    ("jit", EngineKind::Jit, Tier::Best),
    ("quick", EngineKind::Jit, Tier::Quick),
    ("interp", EngineKind::Interp, Tier::Best),
];

/// What one engine takes.
#[derive(Debug, Serialize)]
struct Times {
    engine: &'static str,
    /// To verify, in microseconds; in the kernel, to load it as a whole.
    verify_us: f64,
    /// To compile, in microseconds; nothing where it is not known.
    compile_us: Option<f64>,
    /// The machine code, in bytes; nothing where it is not known.
    code_bytes: Option<usize>,
    /// One run, in nanoseconds; nothing where the program's kind can not be run
    /// on a packet.
    run_ns: Option<f64>,
}

/// What one program takes.
#[derive(Debug, Serialize)]
struct Measured<'a> {
    program: &'a str,
    slots: usize,
    engines: Vec<Times>,
    /// Why the kernel is not among the engines.
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel_skipped: Option<&'static str>,
}

/// Measures, and reports.
pub(crate) fn run(args: &BenchArgs) -> Result<Outcome, Failure> {
    let object = input::object(&args.object)?;
    let data = args.packet.as_ref().map_or(&ZEROS[..], |packet| &packet.0);
    let kernel = Kernel::open();
    let mut output = Output::new();
    if !args.json {
        output.line(format_args!(
            "{:24} {:8} {:>10} {:>10} {:>8} {:>10}",
            "program", "engine", "verify us", "compile us", "bytes", "run ns"
        ))?;
    }
    for program in input::programs(&object, args.program.as_deref())? {
        let measured = measure(&object, program, data, kernel)?;
        if args.json { output.json(&measured)? } else { print(&measured, &mut output)? }
    }
    output.flush()?;
    Ok(Outcome::Done)
}

fn print(measured: &Measured<'_>, output: &mut Output) -> Result<(), Failure> {
    for Times { engine, verify_us, compile_us, code_bytes, run_ns } in &measured.engines {
        let time = |time: &Option<f64>| time.map_or("-".into(), |time| format!("{time:.1}"));
        let (compile, run) = (time(compile_us), time(run_ns));
        let bytes = code_bytes.map_or("-".into(), |bytes| bytes.to_string());
        output.line(format_args!(
            "{:24} {engine:8} {verify_us:10.1} {compile:>10} {bytes:>8} {run:>10}",
            measured.program
        ))?;
    }
    if let Some(why) = measured.kernel_skipped {
        output.line(format_args!("{:24} {:8} skipped: {why}", measured.program, "kernel"))?;
    }
    Ok(())
}

fn measure<'a>(
    object: &Object,
    program: &'a ObjectProgram,
    data: &[u8],
    kernel: Option<Kernel>,
) -> Result<Measured<'a>, Failure> {
    let mut engines = Vec::new();
    let (mut slots, mut result) = (0, None);
    for (engine, kind, tier) in ENGINES {
        let loaded = load(object, program, kind, tier, data)?;
        let (mut verify, mut compile) = (loaded.stats().verify, loaded.stats().compile);
        for _ in 1..ROUNDS.min(10) {
            let stats = load(object, program, kind, tier, data)?.stats();
            (verify, compile) = (verify.min(stats.verify), compile.min(stats.compile));
        }
        slots = loaded.stats().slots;
        result = result.or(loaded.test_run(data, 1).ok().map(|ran| ran.retval));
        engines.push(Times {
            engine,
            verify_us: verify.as_secs_f64() * 1e6,
            compile_us: Some(compile.as_secs_f64() * 1e6),
            code_bytes: Some(loaded.stats().code_len),
            run_ns: run_time(&loaded, data)?,
        });
    }
    let in_kernel =
        kernel.ok_or("no bpf(2)").and_then(|kernel| kernel::times(kernel, object, program, data, result));
    let kernel_skipped = in_kernel.map(|times| engines.push(times)).err();
    Ok(Measured { program: program.name(), slots, engines, kernel_skipped })
}

/// Loads the program with maps of its own.
fn load(
    object: &Object,
    program: &ObjectProgram,
    kind: EngineKind,
    tier: Tier,
    data: &[u8],
) -> Result<Program, Failure> {
    let engine = Engine::new();
    let jit = jit::Options { tier, ..jit::Options::default() };
    let memory = engine.section_type(program.section());
    let memory = memory.is_some_and(|s| s.prog_type.description().entry == Entry::Mem);
    let size = if memory { data.len() as u32 } else { 0 };
    let options = ObjectLoad::new().each(Load::new().engine(kind).jit(jit).mem_size(size));
    let loaded = engine.open_object(object, options).load(program.name());
    loaded.map_err(|error| Failure::Rejected(report::rejection(&error)))
}

/// The shortest time of one run on average, in nanoseconds.
fn run_time(program: &Program, data: &[u8]) -> Result<Option<f64>, Failure> {
    let failed = |error: RunError| Failure::program(program.name(), error);
    if program.prog_type().description().entry == Entry::Mem {
        let mut memory = data.to_vec();
        return shortest(|| program.run_mem(&mut memory)).map(Some).map_err(failed);
    }
    let mut packet = Packet::new(data).map_err(|error| Failure::input("the packet", error))?;
    match shortest(|| program.run(&mut packet)) {
        Ok(time) => Ok(Some(time)),
        Err(RunError::Context(_)) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn shortest(mut run: impl FnMut() -> Result<u64, RunError>) -> Result<f64, RunError> {
    let mut batch = |times: u32| -> Result<Duration, RunError> {
        let start = Instant::now();
        for _ in 0..times {
            black_box(run()?);
        }
        Ok(start.elapsed())
    };
    let once = batch(2)? / 2;
    let times = (BATCH.as_nanos() / once.as_nanos().max(1)).clamp(1, 1 << 20) as u32;
    let mut shortest = f64::MAX;
    for _ in 0..ROUNDS {
        shortest = shortest.min(batch(times)?.as_secs_f64() * 1e9 / f64::from(times));
    }
    Ok(shortest)
}
