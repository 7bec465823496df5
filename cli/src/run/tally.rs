//! What came of the runs.

use super::contents::Contents;
use super::packets::{Buffer, Sink};
use crate::args::EngineArg;
use crate::capture::Frame;
use crate::failure::{Failure, Outcome};
use crate::names;
use crate::output::Output;
use brolga::{PacketError, Program, RunError};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often a program gave which verdict.
#[derive(Debug)]
pub(super) struct Tally {
    program: String,
    prog_type: String,
    packets: usize,
    runs: u64,
    verdicts: BTreeMap<String, u64>,
    /// Frames that are no packet for the program, by what is wrong with them.
    skipped: BTreeMap<String, u64>,
    /// Runs that failed, by cause.
    failed: BTreeMap<String, u64>,
    time: Duration,
}

impl Tally {
    /// Runs a program on all frames, `repeat` times. What it let go on the first
    /// time goes to `sink`.
    pub(super) fn of(
        program: &Program,
        frames: &[Frame<'_>],
        repeat: u32,
        sink: &mut Sink,
    ) -> Result<Self, Failure> {
        let mut tally = Self::new(program, frames.len());
        let mut buffer = Buffer::for_program(program);
        // The results have few different values: each is named once.
        let mut results = BTreeMap::<u64, u64>::new();
        for round in 0..repeat {
            for frame in frames {
                let start = Instant::now();
                let result = buffer.run(program, frame.data);
                tally.time += start.elapsed();
                match result {
                    Ok(retval) => {
                        *results.entry(retval).or_default() += 1;
                        if round == 0 && names::goes_on(&names::verdict(&tally.prog_type, retval)) {
                            sink.write(Frame { time: frame.time, data: buffer.bytes() })?;
                        }
                    }
                    Err(error) => tally.error(&error),
                }
            }
        }
        tally.count(results);
        Ok(tally)
    }

    fn new(program: &Program, packets: usize) -> Self {
        Self {
            program: program.name().to_owned(),
            prog_type: program.prog_type().name().to_owned(),
            packets,
            runs: 0,
            verdicts: BTreeMap::new(),
            skipped: BTreeMap::new(),
            failed: BTreeMap::new(),
            time: Duration::ZERO,
        }
    }

    fn error(&mut self, error: &RunError) {
        let (errors, why) = match error {
            RunError::Packet(why) => (&mut self.skipped, of_no_packet(*why)),
            _ => (&mut self.failed, error.to_string()),
        };
        *errors.entry(why).or_default() += 1;
    }

    fn count(&mut self, results: BTreeMap<u64, u64>) {
        for (retval, count) in results {
            self.runs += count;
            *self.verdicts.entry(names::verdict(&self.prog_type, retval).into_owned()).or_default() += count;
        }
    }

    fn ns_per_run(&self) -> f64 {
        self.time.as_nanos() as f64 / self.runs.max(1) as f64
    }

    /// A run that failed is a program that failed; a frame that is no packet is
    /// not.
    pub(super) fn outcome(&self) -> Outcome {
        if self.failed.is_empty() { Outcome::Done } else { Outcome::Failed }
    }

    pub(super) fn print(&self, engine: EngineArg, output: &mut Output) -> Result<(), Failure> {
        let Self { program, prog_type, packets, runs, .. } = self;
        let ns = self.ns_per_run();
        output.line(format_args!(
            "{program} ({prog_type}, {engine:?}): {packets} packets, {runs} runs, {ns:.0} ns each"
        ))?;
        let counts = [("", &self.verdicts), ("skipped: ", &self.skipped), ("failed: ", &self.failed)];
        for (what, counts) in counts {
            counts
                .iter()
                .try_for_each(|(name, count)| output.line(format_args!("{count:>8}  {what}{name}")))?;
        }
        Ok(())
    }

    pub(super) fn report<'a>(&'a self, engine: EngineArg, maps: &'a [Contents]) -> Report<'a> {
        Report {
            program: &self.program,
            prog_type: &self.prog_type,
            engine: if engine == EngineArg::Jit { "jit" } else { "interp" },
            packets: self.packets,
            runs: self.runs,
            ns_per_run: self.ns_per_run(),
            verdicts: &self.verdicts,
            skipped: &self.skipped,
            failed: &self.failed,
            maps,
        }
    }
}

/// Frames of every length are counted together.
fn of_no_packet(why: PacketError) -> String {
    match why {
        PacketError::TooShort(_) => "shorter than an Ethernet header".into(),
        PacketError::TooLong(_) => "longer than a packet may be".into(),
    }
}

/// All of it, for scripts.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    program: &'a str,
    #[serde(rename = "type")]
    prog_type: &'a str,
    engine: &'static str,
    packets: usize,
    runs: u64,
    ns_per_run: f64,
    verdicts: &'a BTreeMap<String, u64>,
    skipped: &'a BTreeMap<String, u64>,
    failed: &'a BTreeMap<String, u64>,
    maps: &'a [Contents],
}
