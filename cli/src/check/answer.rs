//! The form of answers.

use crate::report::Error;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;

/// What is said of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Accept,
    Reject,
    Unsupported,
}

/// The answer to a line.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) id: Value,
    /// The line's number, from 1, where it is no request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
    pub(super) verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) insns_processed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verify_us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compile_us: Option<f64>,
    pub(super) runs: Vec<RunAnswer>,
    /// Why a run has no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<String>,
}

/// What a run gave, by engine; null where it was not asked for or failed.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct RunAnswer {
    pub(super) interp: Option<u64>,
    pub(super) jit: Option<u64>,
    /// Nanoseconds per run of native code.
    pub(super) ns: Option<f64>,
}

impl Answer {
    /// A verdict alone.
    pub(super) fn new(id: Value, verdict: Verdict) -> Self {
        Self {
            id,
            line: None,
            verdict,
            error: None,
            insns_processed: None,
            verify_us: None,
            compile_us: None,
            runs: Vec::new(),
            run_error: None,
            log: None,
        }
    }

    /// To a line that is no request.
    pub(super) fn bad_request(id: Value, line: u64, kind: &str, why: &dyn Display) -> Self {
        let error = error("request", kind, why.to_string());
        Self { line: Some(line), error: Some(error), ..Self::new(id, Verdict::Unsupported) }
    }

    /// To a request about what the verifier has no rule for.
    pub(super) fn unsupported(id: Value, stage: &'static str, kind: &str, what: String) -> Self {
        Self { error: Some(error(stage, kind, what)), ..Self::new(id, Verdict::Unsupported) }
    }

    /// To a request that made us panic. The program is not accepted.
    pub(super) fn panicked(id: Value, stage: &'static str) -> Self {
        let error = error(stage, "Panic", "bug: answering the request panicked".into());
        Self { error: Some(error), ..Self::new(id, Verdict::Reject) }
    }

    pub(super) fn accepted(&self) -> bool {
        self.verdict == Verdict::Accept
    }
}

fn error(stage: &'static str, kind: &str, message: String) -> Error {
    Error { stage, insn: None, kind: kind.to_owned(), message, source: None }
}
