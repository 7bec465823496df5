//! `brolga helpers`: which helpers there are.

use crate::args::HelpersArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use brolga::ProgramType;
use brolga::core::helper::{Proto, table};
use serde::Serialize;

#[derive(Serialize)]
struct Row<'a> {
    id: i32,
    name: &'a str,
    gpl_only: bool,
}

/// Lists helpers.
pub(crate) fn run(args: &HelpersArgs) -> Result<Outcome, Failure> {
    let row = |proto: &Proto, output: &mut Output| print(proto, args.json, output);
    let mut output = Output::new();
    match &args.prog_type {
        None => table::all().try_for_each(|proto| row(proto, &mut output))?,
        Some(name) => {
            let unknown = || Failure::Input(format!("no program type `{name}`"));
            let prog_type = ProgramType::by_name(name).ok_or_else(unknown)?;
            let helpers = &prog_type.description().helpers;
            helpers.values().try_for_each(|proto| row(proto, &mut output))?;
        }
    }
    output.flush()?;
    Ok(Outcome::Done)
}

fn print(proto: &Proto, json: bool, output: &mut Output) -> Result<(), Failure> {
    let Proto { id, gpl_only, .. } = *proto;
    let row = Row { id, name: &proto.name, gpl_only };
    if json {
        return output.json(&row);
    }
    output.line(format_args!("{id:>4}  {}{}", row.name, if gpl_only { "  (GPL only)" } else { "" }))
}
