//! Runs many generated programs through the verifier, containment and both
//! engines, and asks the live kernel too where that is wanted.
//!
//! `generated COUNT [--from SEED] [--kernel] [--verdicts] [--most INSNS] [--contained]
//! [--mutate] [--engines INPUTS] [--threads N] [--show N] [--logs]`; exits with 1 where anything was wrong, with 2 where
//! it can not be run like that.
//!
//! With `--verdicts` our verdict and the kernel's are compared, and nothing else is
//! asked: unsafe accepts (the kernel rejects) and false rejects (it accepts) are
//! counted apart, and so is where the kernel gives up. `--logs` prints what both
//! say of each disagreement. Counted apart, too, are programs that it rejects where it
//! makes numbers wider in the rounds of a loop by `may_goto`, an iterator or a callback,
//! and that are accepted here without that; and those that it rejects on a way that no run
//! goes, and that are here too where such ways are walked as often. With `--most` the kernel is not asked of programs that
//! are walked for more instructions, nor of those whose `may_goto` loops are long: it
//! spends nearly all of its time on them.
//!
//! With `--contained` only containment is asked, which is faster.
//!
//! With `--engines` each accepted program runs on so many inputs (a packet, and what
//! is in the maps), in the interpreter and compiled with all passes, without each one
//! of them and with none, in both tiers; nothing else is asked of it. The programs of
//! odd seeds are others than else: they have what the passes look for. Inputs that
//! were compared are counted; ways that make the same code are run once.

use brolga_tests::examine::{self, Compared, Failure, Verdict};
use brolga_tests::kernel::Kernel;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What of a hundred programs must be accepted, unless they are mutated; of few
/// as many fewer as chance may have it, about three standard deviations.
const ACCEPTED: u64 = 85;

#[derive(Clone, Copy)]
struct Job {
    count: u64,
    from: u64,
    mutate: bool,
    kernel: Option<Kernel>,
    /// Whether the verdicts alone are compared.
    verdicts: bool,
    /// Whether containment is all that is asked.
    contained: bool,
    /// Of how many walked instructions a program may be then.
    most: Option<u32>,
    /// Whether the logs are shown.
    logs: bool,
    /// How many inputs each program runs on in every engine, where that is
    /// all that is asked.
    engines: Option<u64>,
    threads: usize,
    show: usize,
}

#[derive(Default)]
struct Tally {
    accepted: u64,
    rejected: u64,
    unsupported: u64,
    gave_up: u64,
    not_asked: u64,
    widened: u64,
    impossible: u64,
    runs: u64,
    compared: Compared,
    failures: BTreeMap<&'static str, Vec<Failure>>,
}

fn main() -> ExitCode {
    match job(std::env::args().skip(1)) {
        Ok(job) => run(job),
        Err(usage) => {
            eprintln!(
                "{usage}\nusage: generated COUNT [--from SEED] [--kernel] [--verdicts] [--most INSNS] [--contained] [--mutate]"
            );
            eprintln!("       [--engines INPUTS] [--threads N] [--show N] [--logs]");
            ExitCode::from(2)
        }
    }
}

fn job(mut args: impl Iterator<Item = String>) -> Result<Job, String> {
    let number = |arg: Option<String>| arg.and_then(|a| a.parse().ok()).ok_or("a number is missing");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let count = number(args.next())?;
    let mut job = Job {
        count,
        from: 0,
        mutate: false,
        kernel: None,
        verdicts: false,
        contained: false,
        most: None,
        logs: false,
        engines: None,
        threads,
        show: 3,
    };
    let kernel = || Kernel::open().ok_or("bpf(2) is not allowed here");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--from" => job.from = number(args.next())?,
            "--show" => job.show = number(args.next())? as usize,
            "--most" => job.most = Some(number(args.next())?.try_into().unwrap_or(u32::MAX)),
            "--engines" => job.engines = Some(number(args.next())?),
            "--threads" => job.threads = number(args.next())? as usize,
            "--mutate" => job.mutate = true,
            "--contained" => job.contained = true,
            "--logs" => job.logs = true,
            "--kernel" => job.kernel = Some(kernel()?),
            "--verdicts" => (job.verdicts, job.kernel) = (true, Some(kernel()?)),
            other => return Err(format!("what is {other}?")),
        }
    }
    Ok(job)
}

fn run(job: Job) -> ExitCode {
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..job.threads {
            scope.spawn(|| work(job, &next, &tally));
        }
    });
    let tally = tally.into_inner().expect("no thread panicked");
    let wrong = report(job, tally);
    ExitCode::from(u8::from(wrong))
}

fn work(job: Job, next: &AtomicU64, tally: &Mutex<Tally>) {
    loop {
        let at = next.fetch_add(1, Relaxed);
        if at >= job.count {
            return;
        }
        let seed = job.from + at;
        let result = match (job.engines, job.kernel) {
            _ if job.contained => examine::contained(seed),
            (Some(inputs), _) => examine::engines(seed, inputs),
            (None, Some(kernel)) if job.verdicts => examine::verdicts(seed, job.mutate, kernel, job.most),
            (None, kernel) => examine::seed(seed, job.mutate, kernel),
        };
        let mut tally = tally.lock().expect("no thread panicked");
        match result {
            Ok(Verdict::Accepted(runs)) => {
                tally.accepted += 1;
                tally.runs += runs as u64;
            }
            Ok(Verdict::Compared(compared)) => {
                tally.accepted += 1;
                tally.compared += compared;
            }
            Ok(Verdict::Rejected(_)) => tally.rejected += 1,
            Ok(Verdict::Unsupported(_)) => tally.unsupported += 1,
            Ok(Verdict::KernelGaveUp(_)) => tally.gave_up += 1,
            Ok(Verdict::NotAsked) => tally.not_asked += 1,
            Ok(Verdict::KernelWidens(words)) => {
                eprintln!("seed {seed}: the kernel widens, and says {words:?}");
                tally.widened += 1;
            }
            Ok(Verdict::Impossible(words)) => {
                eprintln!("seed {seed}: the kernel goes a way that no run goes, and says {words:?}");
                tally.impossible += 1;
            }
            Err(failure) => {
                eprintln!("seed {}: {}", failure.seed, failure.problem);
                tally.failures.entry(failure.problem.kind()).or_default().push(*failure);
            }
        }
    }
}

fn report_compared(compared: &Compared) {
    let Compared { inputs, ways, runs, compiled, codes, long, left_out, shown } = compared;
    println!(
        "{inputs} program-inputs, the interpreter against every way to compile: {ways} comparisons, in {runs} runs of compiled code ({compiled} compilations, {codes} different)"
    );
    println!(
        "{long} of them are long runs; left out: {left_out} more long runs, {shown} that show where their stack lies"
    );
}

/// Prints what there is to say; whether anything is wrong.
fn report(job: Job, tally: Tally) -> bool {
    let Tally {
        accepted,
        rejected,
        unsupported,
        gave_up,
        not_asked,
        widened,
        impossible,
        runs,
        compared,
        failures,
    } = tally;
    let counts: Vec<String> = failures.iter().map(|(kind, list)| format!("{kind} {}", list.len())).collect();
    for (kind, mut list) in failures {
        list.sort_by_key(|f| f.seed);
        println!("{kind}: seeds {:?}", list.iter().map(|f| f.seed).take(40).collect::<Vec<_>>());
        list.sort_by_key(|f| f.program.code.len());
        for failure in list.into_iter().take(job.show) {
            let failure = failure.reduced();
            println!("{failure}");
            if job.logs {
                println!("{}", failure.logs());
            }
        }
    }
    let judged = accepted + gave_up + rejected + unsupported;
    let too_few = !job.mutate && (accepted + gave_up + judged.isqrt()) * 100 < judged * ACCEPTED;
    let wrong = if counts.is_empty() { "no problems".into() } else { counts.join(", ") };
    println!(
        "{} programs from seed {}: {accepted} accepted, {rejected} rejected, {unsupported} unsupported, {runs} runs; {wrong}",
        job.count, job.from
    );
    if job.engines.is_some() {
        report_compared(&compared);
    }
    if job.kernel.is_some() {
        println!(
            "of {gave_up} more, accepted here, the kernel has no verdict: too large for it, or a bug of its own"
        );
    }
    if widened > 0 {
        println!(
            "{widened} more the kernel rejects where it makes numbers wider; accepted here with none made wider in the first rounds"
        );
    }
    if impossible > 0 {
        println!(
            "{impossible} more the kernel rejects on a way that no run goes; walked as exactly, they are here too, and without such ways accepted"
        );
    }
    if job.most.is_some() {
        println!("of {not_asked} more the kernel was not asked: they are walked for too long");
    }
    if too_few {
        println!("fewer than {ACCEPTED}% were accepted");
    }
    too_few || (unsupported > 0 && !job.mutate) || wrong != "no problems"
}
