//! Runs many generated programs through the verifier, containment and both
//! engines, and asks the live kernel too where that is wanted.
//!
//! `generated COUNT [--from SEED] [--kernel] [--mutate] [--engines PACKETS]
//! [--threads N] [--show N]`; exits with 1 where anything was wrong, with 2 where
//! it can not be run like that.
//!
//! With `--engines` each accepted program runs on so many packets, in the
//! interpreter and compiled with all passes, without each one of them and with
//! none, in both tiers; nothing else is asked of it.

use brolga_tests::examine::{self, Failure, Verdict};
use brolga_tests::kernel::Kernel;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What of a hundred programs must be accepted, unless they are mutated.
const ACCEPTED: u64 = 85;

#[derive(Clone, Copy)]
struct Job {
    count: u64,
    from: u64,
    mutate: bool,
    kernel: Option<Kernel>,
    /// How many packets each program runs on in every engine, where that is
    /// all that is asked.
    engines: Option<usize>,
    threads: usize,
    show: usize,
}

#[derive(Default)]
struct Tally {
    accepted: u64,
    rejected: u64,
    unsupported: u64,
    runs: u64,
    failures: BTreeMap<&'static str, Vec<Failure>>,
}

fn main() -> ExitCode {
    match job(std::env::args().skip(1)) {
        Ok(job) => run(job),
        Err(usage) => {
            eprintln!("{usage}\nusage: generated COUNT [--from SEED] [--kernel] [--mutate]");
            eprintln!("       [--engines PACKETS] [--threads N] [--show N]");
            ExitCode::from(2)
        }
    }
}

fn job(mut args: impl Iterator<Item = String>) -> Result<Job, String> {
    let number = |arg: Option<String>| arg.and_then(|a| a.parse().ok()).ok_or("a number is missing");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let count = number(args.next())?;
    let mut job = Job { count, from: 0, mutate: false, kernel: None, engines: None, threads, show: 3 };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--from" => job.from = number(args.next())?,
            "--show" => job.show = number(args.next())? as usize,
            "--engines" => job.engines = Some(number(args.next())? as usize),
            "--threads" => job.threads = number(args.next())? as usize,
            "--mutate" => job.mutate = true,
            "--kernel" => job.kernel = Some(Kernel::open().ok_or("bpf(2) is not allowed here")?),
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
        let result = match job.engines {
            Some(packets) => examine::engines(job.from + at, packets),
            None => examine::seed(job.from + at, job.mutate, job.kernel),
        };
        let mut tally = tally.lock().expect("no thread panicked");
        match result {
            Ok(Verdict::Accepted(runs)) => {
                tally.accepted += 1;
                tally.runs += runs as u64;
            }
            Ok(Verdict::Rejected(_)) => tally.rejected += 1,
            Ok(Verdict::Unsupported(_)) => tally.unsupported += 1,
            Err(failure) => {
                eprintln!("seed {}: {}", failure.seed, failure.problem);
                tally.failures.entry(failure.problem.kind()).or_default().push(*failure);
            }
        }
    }
}

/// Prints what there is to say; whether anything is wrong.
fn report(job: Job, tally: Tally) -> bool {
    let Tally { accepted, rejected, unsupported, runs, failures } = tally;
    let counts: Vec<String> = failures.iter().map(|(kind, list)| format!("{kind} {}", list.len())).collect();
    for (kind, mut list) in failures {
        list.sort_by_key(|f| f.seed);
        println!("{kind}: seeds {:?}", list.iter().map(|f| f.seed).take(40).collect::<Vec<_>>());
        list.sort_by_key(|f| f.program.code.len());
        for failure in list.into_iter().take(job.show) {
            println!("{}", failure.reduced());
        }
    }
    let judged = accepted + rejected + unsupported;
    let too_few = !job.mutate && accepted * 100 < judged * ACCEPTED;
    let wrong = if counts.is_empty() { "no problems".into() } else { counts.join(", ") };
    println!(
        "{} programs from seed {}: {accepted} accepted, {rejected} rejected, {unsupported} unsupported, {runs} runs; {wrong}",
        job.count, job.from
    );
    if too_few {
        println!("fewer than {ACCEPTED}% were accepted");
    }
    too_few || (unsupported > 0 && !job.mutate) || wrong != "no problems"
}
