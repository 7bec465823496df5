//! `brolga verify`: the verdict on an object's programs.

use crate::args::VerifyArgs;
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::output::Output;
use crate::report::{self, Error};
use brolga::object::{ObjectProgram, OpenObject};
use brolga::verifier::{Accepted, LogLevel, Report};
use brolga::{Engine, Load, LoadError, ObjectLoad};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Verifies programs and prints each one's verdict.
pub(crate) fn run(args: &VerifyArgs) -> Result<Outcome, Failure> {
    let object = input::object(&args.object)?;
    let chosen = input::programs(&object, args.program.as_deref())?;
    let load = Load::new().log(log_level(args.log)).mem_size(args.mem_size);
    let opened = Engine::new().open_object(&object, ObjectLoad::new().each(load));
    let verdicts: Vec<_> = chosen.into_iter().map(|program| Verdict::of(&opened, program)).collect();
    let mut output = Output::new();
    if args.json {
        let programs = verdicts.iter().map(Verdict::row).collect();
        output.json(&Rows { programs })?;
    } else {
        verdicts.iter().try_for_each(|verdict| verdict.print(&mut output))?;
    }
    output.flush()?;
    let accepted = verdicts.iter().all(|verdict| verdict.result.is_ok());
    Ok(if accepted { Outcome::Done } else { Outcome::Failed })
}

/// The verifier's levels by the kernel's numbers.
pub(crate) const fn log_level(level: u8) -> LogLevel {
    match level {
        0 => LogLevel::Off,
        1 => LogLevel::Brief,
        2.. => LogLevel::Full,
    }
}

/// What came of a program.
struct Verdict<'a> {
    program: &'a ObjectProgram,
    prog_type: Option<String>,
    result: Result<Accepted, LoadError>,
    time: Duration,
}

impl<'a> Verdict<'a> {
    fn of(opened: &OpenObject<'_>, program: &'a ObjectProgram) -> Self {
        let start = Instant::now();
        let result = opened.verify(program.name());
        let time = start.elapsed();
        let prog_type = opened.section_type(program).ok().map(|s| s.prog_type.name().to_owned());
        Self { program, prog_type, result, time }
    }

    fn report(&self) -> Option<&Report> {
        match &self.result {
            Ok(accepted) => Some(&accepted.report),
            Err(error) => error.failure().map(|failure| &failure.report),
        }
    }

    fn word(&self) -> &'static str {
        match &self.result {
            Ok(_) => "accept",
            Err(error) if error.is_unsupported() => "unsupported",
            Err(_) => "reject",
        }
    }

    fn print(&self, output: &mut Output) -> Result<(), Failure> {
        let prog_type = self.prog_type.as_deref().unwrap_or(self.program.section());
        let Self { program, time, .. } = self;
        output.text(format_args!("{} ({prog_type}): {}", program.name(), self.word()))?;
        if let Some(report) = self.report() {
            let (insns, states) = (report.insns_processed, report.total_states);
            output.text(format_args!(", {insns} insns processed, {states} states"))?;
        }
        output.line(format_args!(", {} us", time.as_micros()))?;
        if let Some(log) = self.report().map(|report| report.log.trim_end()).filter(|log| !log.is_empty()) {
            output.line(log)?;
        }
        match &self.result {
            Ok(_) => Ok(()),
            Err(error) => output.line(report::rejection(error)),
        }
    }

    fn row(&self) -> Row<'_> {
        let report = self.report();
        Row {
            name: self.program.name(),
            section: self.program.section(),
            prog_type: self.prog_type.as_deref(),
            verdict: self.word(),
            error: self.result.as_ref().err().map(Error::of),
            insns_processed: report.map(|r| r.insns_processed),
            total_states: report.map(|r| r.total_states),
            verify_us: self.time.as_secs_f64() * 1e6,
            log: report.map(|r| r.log.as_str()).filter(|log| !log.is_empty()),
        }
    }
}

#[derive(Serialize)]
struct Rows<'a> {
    programs: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    section: &'a str,
    #[serde(rename = "type")]
    prog_type: Option<&'a str>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
    insns_processed: Option<u32>,
    total_states: Option<u32>,
    verify_us: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
}
