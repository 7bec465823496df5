//! What may be wrong about a program, and how that is shown.

use super::{Questions, examine};
use crate::differ::{BuildError, Difference};
use crate::generate::Generated;
use crate::kernel::Kernel;
use crate::reduce::reduce;
use crate::world::{self, Outcome};
use brolga_core::asm::KernelNames;
use brolga_core::interp::Fault;
use brolga_core::{LinkError, Pc, disasm};
use brolga_verifier::{Bug, LogLevel, Options, verify};
use std::fmt;
use thiserror::Error;

/// What is wrong.
#[derive(Debug, Error)]
pub enum Problem {
    /// The verifier broke a rule of its own.
    #[error(transparent)]
    Bug(#[from] Bug),
    /// The states were not recorded.
    #[error("no claims were recorded")]
    NoClaims,
    /// It is rejected when its states are recorded, and else accepted.
    #[error("with its states recorded it is rejected: {words}")]
    Recorded {
        /// With these words.
        words: String,
    },
    /// What was proven of it is not proven when its states are recorded.
    #[error("other facts of insn {at} with its states recorded")]
    Facts {
        /// Of this instruction.
        at: Pc,
    },
    /// More was proven of it than where each round of its loops is walked.
    #[error("facts of insn {at} that do not hold in every round")]
    Unfounded {
        /// Of this instruction.
        at: Pc,
    },
    /// An accepted program left its claims, or its memory.
    #[error("escape on packet {packet:02x?}: {fault}")]
    Escapes {
        /// How.
        fault: Fault,
        /// On what.
        packet: Vec<u8>,
    },
    /// An accepted program could not be compiled.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An accepted program could not be resolved.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The engines do not agree.
    #[error("difference on packet {packet:02x?}: {difference}")]
    Differs {
        /// In what.
        difference: Box<Difference>,
        /// On what.
        packet: Vec<u8>,
    },
    /// The kernel could not be asked.
    #[error("the kernel could not be asked: {0}")]
    Kernel(#[from] std::io::Error),
    /// The kernel rejects what was accepted here.
    #[error("unsafe accept: the kernel says {words:?}")]
    UnsafeAccept {
        /// Its words.
        words: String,
    },
    /// The kernel accepts what was rejected here.
    #[error("false reject: here {words:?}")]
    FalseReject {
        /// Our words.
        words: String,
    },
    /// The kernel's run gave something else.
    #[error("the kernel gives {retval:#x} and {packet:02x?}, we {ours:x?}")]
    KernelDiffers {
        /// What the kernel's run returned.
        retval: u32,
        /// The packet after it.
        packet: Vec<u8>,
        /// What ours left.
        ours: Box<Outcome>,
    },
}

impl Problem {
    /// One word for the kind of problem.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bug(_) => "bug",
            Self::NoClaims => "no-claims",
            Self::Recorded { .. } => "recorded",
            Self::Facts { .. } => "facts",
            Self::Unfounded { .. } => "unfounded",
            Self::Escapes { .. } => "escape",
            Self::Build(_) => "build",
            Self::Link(_) => "link",
            Self::Differs { .. } => "difference",
            Self::Kernel(_) => "kernel",
            Self::UnsafeAccept { .. } => "unsafe-accept",
            Self::FalseReject { .. } => "false-reject",
            Self::KernelDiffers { .. } => "kernel-difference",
        }
    }
}

/// A problem with the program that has it.
#[derive(Debug, Error)]
pub struct Failure {
    /// The program.
    pub program: Generated,
    /// The problem.
    #[source]
    pub problem: Problem,
    /// What was asked.
    pub questions: Questions,
    /// The seed that it all comes from.
    pub seed: u64,
}

impl Failure {
    /// The same with a smaller program that has the same kind of problem.
    #[must_use]
    pub fn reduced(self) -> Self {
        let (kind, mut packets) = (self.problem.kind(), super::packets(self.seed));
        if let Problem::Differs { packet, .. } | Problem::Escapes { packet, .. } = &self.problem {
            packets.insert(0, packet.clone());
        }
        let problem = |program: &Generated| {
            examine(program, &packets, self.questions).err().filter(|p| p.kind() == kind)
        };
        let program = reduce(&self.program, &|candidate| problem(candidate).is_some());
        match problem(&program) {
            Some(problem) => Self { program, problem, ..self },
            None => self,
        }
    }
}

impl Failure {
    /// What both verifiers say of each instruction that they walk: ours, and then
    /// the kernel's, where it was asked.
    #[must_use]
    pub fn logs(&self) -> String {
        let options = Options { log: LogLevel::Full, log_limit: 1 << 20, ..Options::default() };
        let ours = match verify(world::program(&self.program), &options) {
            Ok(accepted) => accepted.report.log,
            Err(failure) => failure.report.log,
        };
        let load = |kernel: Kernel| {
            let program = super::for_kernel(kernel, &self.program);
            kernel.load_with(&super::request(&program, 2), &program.funcs)
        };
        let theirs = self.questions.kernel.and_then(|kernel| load(kernel).ok()).map(|said| said.log);
        format!("ours:\n{ours}\nthe kernel's:\n{}", theirs.unwrap_or_default())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.problem)?;
        for (pc, insn) in self.program.code.iter() {
            writeln!(f, "  {}", disasm::log_line(pc, insn, &KernelNames))?;
        }
        Ok(())
    }
}
