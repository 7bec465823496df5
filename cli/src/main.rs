//! `brolga`: eBPF programs verified, looked at and run from the command line.

mod args;
mod asm;
mod bench;
mod capture;
mod check;
mod conformance;
mod disasm;
mod failure;
mod helpers;
mod hex;
mod input;
mod names;
mod native;
mod output;
mod report;
mod run;
mod verify;

use args::{Args, Command};
use clap::Parser;
use failure::{Failure, Outcome};
use std::process::ExitCode;

fn main() -> ExitCode {
    match dispatch(&Args::parse().command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(failure) => failure.report(),
    }
}

fn dispatch(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Disasm(args) => disasm::run(args),
        Command::Asm(args) => asm::run(args),
        Command::Check => check::run(),
        Command::Conformance(args) => conformance::run(args),
        Command::Helpers(args) => helpers::run(args),
        Command::Bench(args) => bench::run(args),
    }
}
