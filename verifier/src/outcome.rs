//! What a verification is asked, and what it answers.

use crate::claims::Claims;
use crate::reject::Reject;
use brolga_core::{Pc, Program, Verified};
use std::fmt;
use thiserror::Error;

/// How much of its work the verifier writes down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing but the reason of a rejection.
    #[default]
    Off,
    /// The instructions walked, and the state where paths part and meet.
    Brief,
    /// The state after every instruction.
    Full,
}

/// What to verify with.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much to log.
    pub log: LogLevel,
    /// The most bytes of log that are kept; what is over is dropped at the
    /// front, so that the end of the walk stays.
    pub log_limit: usize,
    /// Whether to record what was claimed at each instruction
    /// ([`Report::claims`]). Pruning then compares exactly, so it is slower.
    pub record_states: bool,
    /// Whether loops may be summarised: their rounds walked once for all. With a
    /// log they are not, for it is the kernel's.
    pub summaries: bool,
    /// Whether ways of a jump are walked, as the kernel does, that no run goes: on which
    /// a number would be two at once. Without, more is accepted than by the kernel.
    pub impossible_ways: bool,
    /// How many instructions may be walked, over all paths: the kernel's
    /// 1 million.
    pub budget: u32,
    /// How many bytes of states may be kept.
    pub memory: usize,
}

impl Options {
    /// The kernel's limit of walked instructions.
    pub const BUDGET: u32 = 1_000_000;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log: LogLevel::Off,
            log_limit: 16 << 20,
            record_states: false,
            summaries: true,
            impossible_ways: true,
            budget: Self::BUDGET,
            memory: 1 << 30,
        }
    }
}

/// What a verification did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many instructions were walked, over all paths; inside a loop whose
    /// rounds are walked once for all, each as often as there may be rounds.
    pub insns_processed: u32,
    /// How many instructions the walk that decided went over.
    pub insns_walked: u32,
    /// How many states were stored.
    pub total_states: u32,
    /// How many states were stored at once, at most.
    pub peak_states: u32,
    /// The log, as the kernel would write it; ends with the words of the
    /// rejection, where there is one.
    pub log: String,
    /// What was claimed at each instruction, where that was asked for.
    pub claims: Option<Claims>,
}

/// A program that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The program with what was proven of it.
    pub verified: Verified,
    /// How that went.
    pub report: Report,
}

/// A program that was not accepted.
#[derive(Debug)]
pub struct Failure {
    /// Why not.
    pub cause: Cause,
    /// How the verification went.
    pub report: Report,
    /// The program, unchanged.
    pub program: Program,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// Why a program was not accepted.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Cause {
    /// It breaks a rule.
    #[error(transparent)]
    Reject(#[from] Reject),
    /// There is no rule for what it does.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The verifier is wrong.
    #[error(transparent)]
    Bug(#[from] Bug),
}

/// Something that the verifier has no rule for. The kernel may accept it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not supported by this verifier: {what}")]
pub struct Unsupported {
    /// The instruction, where it is one.
    pub at: Option<Pc>,
    /// What it is.
    pub what: String,
}

/// A breach of an invariant of the verifier itself. Please report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("verifier bug: {what}")]
pub struct Bug {
    /// The instruction, where it is one.
    pub at: Option<Pc>,
    /// The invariant that does not hold.
    pub what: &'static str,
}
