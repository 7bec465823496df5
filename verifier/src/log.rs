//! The log of a walk, in the kernel's format.

use crate::outcome::{LogLevel, Options};
use brolga_core::Insn;

/// What was written so far.
pub(crate) struct Log {
    level: LogLevel,
    limit: usize,
    pub(crate) text: String,
}

impl Log {
    pub(crate) fn new(options: &Options) -> Self {
        Self { level: options.log, limit: options.log_limit, text: String::new() }
    }

    /// Before an instruction is walked.
    pub(crate) fn before(&mut self, _insn: &Insn) {}

    /// A pending way is taken up.
    pub(crate) fn resumes(&mut self) {}
}
