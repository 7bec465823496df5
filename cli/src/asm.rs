//! `brolga asm`: from text to instructions.

use crate::args::AsmArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{hex, input, report};
use brolga::core::asm;
use std::fs;

/// Assembles a file.
pub(crate) fn run(args: &AsmArgs) -> Result<Outcome, Failure> {
    let text = input::text(&args.file)?;
    let name = args.file.display().to_string();
    let code =
        asm::assemble(&text).map_err(|error| Failure::Rejected(report::asm_error(&name, &text, &error)))?;
    let bytes = code.encode();
    let mut output = Output::new();
    match &args.out {
        Some(path) if path.as_os_str() != "-" => {
            fs::write(path, &bytes).map_err(|error| Failure::input(path.display(), error))?;
        }
        Some(_) => output.bytes(&bytes)?,
        None => bytes.chunks(8).try_for_each(|slot| output.line(hex::text(slot)))?,
    }
    output.flush()?;
    Ok(Outcome::Done)
}
