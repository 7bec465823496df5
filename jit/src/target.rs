//! The machines that code is made for.
//!
//! Building a Cranelift ISA takes longer than compiling a small program, so each
//! is built once per process.

use crate::error::CompileError;
use crate::options::{Options, Tier};
use crate::unwind;
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable, SetError};
use gimli::write::CommonInformationEntry;
use std::fmt;
use std::sync::OnceLock;
use target_lexicon::{Aarch64Architecture, Architecture, BinaryFormat, Environment, OperatingSystem, Triple};

/// A machine that code can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// x86-64, the baseline every such machine has.
    X86_64,
    /// aarch64.
    Aarch64 {
        /// Whether it has the atomic instructions of ARMv8.1 (LSE). Without
        /// them, atomics are loops of exclusive loads and stores.
        lse: bool,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86-64",
            Self::Aarch64 { lse: false } => "aarch64",
            Self::Aarch64 { lse: true } => "aarch64 with LSE",
        })
    }
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 3] = [Self::X86_64, Self::Aarch64 { lse: false }, Self::Aarch64 { lse: true }];

    /// Whether code for this target may run in this process, as far as its
    /// architecture goes.
    #[must_use]
    pub const fn is_host(self) -> bool {
        match self {
            Self::X86_64 => cfg!(target_arch = "x86_64"),
            Self::Aarch64 { .. } => cfg!(target_arch = "aarch64"),
        }
    }

    fn triple(self) -> Triple {
        let architecture = match self {
            Self::X86_64 => Architecture::X86_64,
            Self::Aarch64 { .. } => Architecture::Aarch64(Aarch64Architecture::Aarch64),
        };
        Triple {
            architecture,
            operating_system: OperatingSystem::Linux,
            environment: Environment::Gnu,
            binary_format: BinaryFormat::Elf,
            ..Triple::unknown()
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::X86_64 => 0,
            Self::Aarch64 { lse: false } => 1,
            Self::Aarch64 { lse: true } => 2,
        }
    }
}

/// What the code may use: this machine, whatever it has, or a named one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    Host,
    Named(Target),
}

/// The target that this machine is; nothing on other architectures.
pub(crate) const fn host() -> Option<Target> {
    if cfg!(target_arch = "x86_64") {
        Some(Target::X86_64)
    } else if cfg!(target_arch = "aarch64") {
        Some(Target::Aarch64 { lse: true })
    } else {
        None
    }
}

const MACHINES: usize = 1 + Target::ALL.len();
const TIERS: usize = 2;

type Cell = OnceLock<Result<Backend, CompileError>>;

static BACKENDS: [Cell; MACHINES * TIERS * 2] = [const { OnceLock::new() }; MACHINES * TIERS * 2];

/// What makes code for a machine.
pub(crate) struct Backend {
    isa: OwnedTargetIsa,
    /// What the frames of all code have in common.
    pub(crate) frame: CommonInformationEntry,
}

/// The ISA for a machine and these options.
pub(crate) fn isa(machine: Machine, options: &Options) -> Result<&'static dyn TargetIsa, CompileError> {
    backend(machine, options).map(|backend| &*backend.isa)
}

/// What makes code for a machine with these options.
pub(crate) fn backend(machine: Machine, options: &Options) -> Result<&'static Backend, CompileError> {
    let machine_index = match machine {
        Machine::Host => 0,
        Machine::Named(target) => 1 + target.index(),
    };
    let tier_index = match options.tier {
        Tier::Quick => 0,
        Tier::Best => 1,
    };
    let index = (machine_index * TIERS + tier_index) * 2 + usize::from(options.check_ir);
    let built = BACKENDS[index].get_or_init(|| build(machine, options));
    built.as_ref().map_err(Clone::clone)
}

fn build(machine: Machine, options: &Options) -> Result<Backend, CompileError> {
    let failed = |what: &dyn fmt::Display| CompileError::Target(what.to_string());
    let flags = settings::Flags::new(flags(options).map_err(|e| failed(&e))?);
    let builder = match machine {
        Machine::Host => cranelift_native::builder().map_err(|e| failed(&e))?,
        Machine::Named(target) => named(target).map_err(|e| failed(&e))?,
    };
    let isa = builder.finish(flags).map_err(|e| failed(&e))?;
    let frame = unwind::common(&*isa)?;
    Ok(Backend { isa, frame })
}

fn named(target: Target) -> Result<isa::Builder, String> {
    let mut builder = isa::lookup(target.triple()).map_err(|e| e.to_string())?;
    if target == (Target::Aarch64 { lse: true }) {
        builder.enable("has_lse").map_err(|e| e.to_string())?;
    }
    Ok(builder)
}

fn flags(options: &Options) -> Result<settings::Builder, SetError> {
    let mut flags = settings::builder();
    let allocator = match options.tier {
        Tier::Quick => "single_pass",
        Tier::Best => "backtracking",
    };
    flags.set("regalloc_algorithm", allocator)?;
    // Its optimiser makes tight loops slower, and compiling half as long again.
    flags.set("opt_level", "none")?;
    flags.set("enable_verifier", if options.check_ir { "true" } else { "false" })?;
    flags.set("unwind_info", "true")?;
    // Where blocks are in the machine code, to align loops by.
    flags.set("machine_code_cfg_info", "true")?;
    Ok(flags)
}
