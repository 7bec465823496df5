//! Rewrites the expectations of a case file to what is so.

use super::run::words;
use super::{Case, CaseError, Run, live};
use brolga::EngineKind;
use brolga_core::asm::split_comment;

impl Case {
    /// The file's text with the words of its rejection, and what its runs leave,
    /// as they are: the words of the live kernel where the case asks it and it
    /// may be asked, else the verifier's; the runs by the interpreter.
    ///
    /// # Errors
    ///
    /// Where the program can not be run to see.
    pub fn blessed(&self, text: &str) -> Result<String, CaseError> {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if let Some(expected) = &self.reject {
            if let Some(words) = self.words() {
                let old = &mut lines[expected.line as usize - 1];
                *old = split_comment(old).0.trim_end().to_owned();
                let new = &mut lines[self.blamed().unwrap_or(expected.line) as usize - 1];
                *new = format!("{} ; reject: {words}", split_comment(new).0.trim_end());
            }
        } else {
            for run in &self.runs {
                lines[run.line - 1] = self.seen(run)?;
            }
        }
        Ok(lines.join("\n") + "\n")
    }

    fn words(&self) -> Option<String> {
        let asks = self.tests.iter().any(|t| t == "kernel");
        let kernel = asks.then(|| live::words(self)).flatten();
        kernel.or_else(|| self.verified(false).err().map(|e| e.kernel_words()))
    }

    /// The line of the instruction that the verifier blames.
    fn blamed(&self) -> Option<u32> {
        let pc = self.verified(false).err()?.insn()?;
        self.assembly.line_of(pc)
    }

    /// The run's header line with what it leaves.
    fn seen(&self, run: &Run) -> Result<String, CaseError> {
        let kind = EngineKind::Interp;
        let loaded = self.load(kind, false);
        let (program, _) = loaded.map_err(|e| CaseError::Unmet(format!("not loaded: {e}")))?;
        let left = self.run_once(&program, kind, run)?;
        let list = |words: &[u64]| words.iter().map(|w| format!("{w:#x}")).collect::<Vec<_>>().join(", ");
        let mut line = format!(";! run = [{}]", list(&run.words));
        if let Some(packet) = &run.packet {
            let digits: String = packet.iter().map(|b| format!("{b:02x}")).collect();
            line += &format!(" packet = \"{digits}\"");
        }
        if let Some(out) = &run.out {
            line += &format!(" out = [{}]", list(&words(&left.bytes, out.len())));
        }
        if run.r0.is_some() {
            line += &format!(" r0 = {:#x}", left.r0);
        }
        Ok(line)
    }
}
