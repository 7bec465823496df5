//! How a command ends.

use std::io;
use std::process::ExitCode;
use thiserror::Error;

/// How a command that went to its end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was asked for was done: exit code 0.
    Done,
    /// A program was rejected, or failed, and the report says so: exit code 1.
    Failed,
}

/// Why a command could not go to its end.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// Bad usage, or input that can not be read: exit code 2.
    #[error("{0}")]
    Input(String),
    /// The program was rejected or failed: exit code 1.
    #[error("{0}")]
    Program(String),
    /// A rejection that says where: exit code 1. It is text of several lines.
    #[error("{0}")]
    Rejected(String),
    /// The output can not be written: exit code 1, or 0 where nobody reads it
    /// any more.
    #[error("can not write: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Bad usage or unreadable input, of which `what` is to blame.
    pub(crate) fn input(what: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::Input(format!("{what}: {why}"))
    }

    /// The program failed, of which `what` is to blame.
    pub(crate) fn program(what: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::Program(format!("{what}: {why}"))
    }

    /// Tells on standard error, as far as there is something to tell.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Self::Rejected(text) => complain(text),
            Self::Input(_) | Self::Program(_) | Self::Output(_) => complain(&format!("error: {self}")),
        }
        match self {
            Self::Input(_) => ExitCode::from(2),
            Self::Program(_) | Self::Rejected(_) | Self::Output(_) => ExitCode::from(1),
        }
    }
}

/// A line on standard error; where nobody reads that, there is no one to tell.
pub(crate) fn complain(text: &str) {
    use io::Write;
    _ = writeln!(io::stderr().lock(), "{text}");
}
