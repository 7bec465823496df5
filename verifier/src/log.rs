//! The log of a walk, in the kernel's format: one line an instruction, where
//! paths part and meet, and, at the full level, what every instruction changed.

use crate::outcome::{LogLevel, Options, Report};
use crate::state::{State, display};
use brolga_core::asm::KernelNames;
use brolga_core::disasm::log_line;
use brolga_core::{Aux, Insn, Pc};
use std::fmt::Write;

/// What was written so far.
pub(crate) struct Log {
    level: LogLevel,
    limit: usize,
    pub(crate) text: String,
    /// The state before the instruction that is walked.
    before: Option<State>,
}

impl Log {
    pub(crate) fn new(options: &Options) -> Self {
        Self { level: options.log, limit: options.log_limit, text: String::new(), before: None }
    }

    /// Where a path begins or goes on after another one ended.
    pub(crate) fn starts(&mut self, from: Option<Pc>, pc: Pc, state: &State, aux: &Aux) {
        if self.level == LogLevel::Off {
            return;
        }
        let held = display::frame(state, None, aux);
        match from {
            Some(from) => self.line(format_args!("\nfrom {from} to {pc}:{held}\n")),
            None => self.line(format_args!("{pc}:{held}\n")),
        }
    }

    /// Before an instruction is walked.
    pub(crate) fn before(&mut self, pc: Pc, insn: &Insn, state: &State) {
        if self.level == LogLevel::Off {
            return;
        }
        let text = log_line(pc, insn, &KernelNames).to_string();
        if self.level == LogLevel::Full {
            self.before = Some(state.clone());
            self.line(format_args!("{text:<38}"));
        } else {
            self.line(format_args!("{text}\n"));
        }
    }

    /// After it was walked.
    pub(crate) fn after(&mut self, state: &State, aux: &Aux) {
        let Some(before) = self.before.take() else { return };
        let changed = display::frame(state, Some(&before), aux);
        let mark = if changed.is_empty() { "" } else { ";" };
        self.line(format_args!("{mark}{changed}\n"));
    }

    /// A path that needs no more walking.
    pub(crate) fn pruned(&mut self, pc: Pc) {
        if self.level != LogLevel::Off {
            self.line(format_args!("{pc}: safe\n"));
        }
    }

    /// The last lines: why the program was rejected, and what the walk took.
    pub(crate) fn ends(&mut self, why: Option<&str>, report: &Report, budget: u32) {
        if self.level == LogLevel::Off {
            return;
        }
        if self.before.take().is_some() {
            self.line(format_args!("\n"));
        }
        if let Some(why) = why {
            self.line(format_args!("{why}\n"));
        }
        let Report { insns_processed, total_states, peak_states, .. } = report;
        self.line(format_args!(
            "processed {insns_processed} insns (limit {budget}) total_states {total_states} peak_states {peak_states}\n"
        ));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(line);
        if self.text.len() > self.limit.saturating_mul(2) {
            self.drop_front();
        }
    }

    /// Keeps the end of a log that grew too long, from a whole line on.
    pub(crate) fn drop_front(&mut self) {
        let over = self.text.len().saturating_sub(self.limit);
        let cut = self.text[self.text.ceil_char_boundary(over)..].find('\n');
        if let (true, Some(end)) = (over > 0, cut) {
            let from = self.text.ceil_char_boundary(over) + end + 1;
            self.text.drain(..from);
        }
    }
}
