//! `brolga conformance`: the plugin protocol of the public bpf_conformance
//! suite.

use crate::args::ConformanceArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{hex, input, report};
use brolga::{Engine, EngineKind, Load, LoadError, ProgramType};
use std::path::Path;

/// The longest program text that is read, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// Runs the program on standard input.
pub(crate) fn run(args: &ConformanceArgs) -> Result<Outcome, Failure> {
    let bad = |why: &dyn std::fmt::Display| Failure::input("program", why);
    let text = input::bytes(Path::new("-"), MAX_TEXT)?;
    let text = String::from_utf8(text).map_err(|error| bad(&error))?;
    let code = hex::parse(&text).map_err(|error| bad(&error))?;
    let mut memory = args.memory.0.clone();
    let kind = if args.interp { EngineKind::Interp } else { EngineKind::Jit };
    let load = Load::new().license("GPL").mem_size(memory.len() as u32).engine(kind);
    let failed = |error: LoadError| Failure::Rejected(report::rejection(&error));
    let program = Engine::new().load(&ProgramType::raw(), &code, load).map_err(failed)?;
    let r0 = program.run_mem(&mut memory).map_err(|error| Failure::Program(error.to_string()))?;
    let mut output = Output::new();
    output.line(format_args!("{r0:x}"))?;
    output.flush()?;
    Ok(Outcome::Done)
}
