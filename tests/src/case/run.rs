//! A case on the engines of this project.

use super::{Case, CaseError, Run, claim, live};
use brolga::verifier::{Claims, Options, verify};
use brolga::{EngineKind, Load, LoadError, LoadFlags, Map, Packet, Program, ProgramType};
use brolga_core::prog_type::table;
use brolga_core::program::license_is_gpl_compatible;
use brolga_core::{Aux, MapIdx, MapInfo};

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The verifier alone: the verdict, and the claims.
    Verify,
    /// The interpreter.
    Interp,
    /// Compiled code.
    Jit,
    /// The live kernel.
    Kernel,
}

/// How a trial ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the case says.
    Passed,
    /// It could not be asked: no `bpf(2)`.
    Skipped,
}

/// What a run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) r0: u64,
    pub(super) bytes: Vec<u8>,
}

impl Engine {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Verify, Self::Interp, Self::Jit, Self::Kernel];

    /// Its name in a case file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Interp => "interp",
            Self::Jit => "jit",
            Self::Kernel => "kernel",
        }
    }
}

impl Case {
    /// Asks one engine.
    ///
    /// # Errors
    ///
    /// What is otherwise than the case says.
    pub fn ask(&self, engine: Engine) -> Result<Outcome, CaseError> {
        let done = match engine {
            Engine::Verify => self.verdict(),
            Engine::Interp => self.run_all(EngineKind::Interp),
            Engine::Jit => self.run_all(EngineKind::Jit),
            Engine::Kernel => return live::ask(self),
        };
        done.map(|()| Outcome::Passed)
    }

    /// The verdict, its words and place, and the claims.
    fn verdict(&self) -> Result<(), CaseError> {
        // Recording is dear for a program that is walked a million steps.
        let record = !self.claims.is_empty();
        match (self.verified(record), &self.reject) {
            (Ok(_), None) if !record => Ok(()),
            (Ok(claims), None) => self.claims_hold(claims.as_ref()),
            (Ok(_), Some(_)) => Err(CaseError::Unmet("it was accepted".into())),
            (Err(error), None) => Err(CaseError::Unmet(format!("it was rejected: {}", said(&error)))),
            (Err(error), Some(expected)) => {
                let words = error.kernel_words();
                if !expected.agrees(&words) {
                    return Err(CaseError::Unmet(format!(
                        "rejected with {words:?}, not {:?}",
                        expected.words
                    )));
                }
                let line = error.insn().and_then(|pc| self.assembly.line_of(pc));
                if line.is_some_and(|line| line != expected.line) {
                    let (line, expected) = (line.unwrap_or(0), expected.line);
                    return Err(CaseError::Unmet(format!("rejected at line {line}, not {expected}")));
                }
                Ok(())
            }
        }
    }

    fn claims_hold(&self, claims: Option<&Claims>) -> Result<(), CaseError> {
        let none = || CaseError::Unmet("no claims were recorded".into());
        let wrong = claim::check(self, claims.ok_or_else(none)?);
        if wrong.is_empty() { Ok(()) } else { Err(CaseError::Unmet(wrong.join("\n"))) }
    }

    /// What the verifier says, also of a program that this runtime has not all
    /// the helpers and maps for; the claims, where they are recorded.
    pub(super) fn verified(&self, record: bool) -> Result<Option<Claims>, Box<LoadError>> {
        match self.load(EngineKind::Interp, record) {
            Ok((program, _)) => Ok(program.report().claims.clone()),
            Err(error) if matches!(*error, LoadError::Map { .. } | LoadError::Link(_)) => self.prove(record),
            Err(error) => Err(error),
        }
    }

    /// Asks the verifier alone.
    fn prove(&self, record: bool) -> Result<Option<Claims>, Box<LoadError>> {
        let prog_type = table::by_name(&self.prog_type);
        let prog_type = prog_type.ok_or_else(|| LoadError::NoType(self.prog_type.clone()))?;
        let aux = Aux {
            attach: self.attach,
            gpl_compatible: license_is_gpl_compatible(&self.license),
            flags: LoadFlags::from_bits_retain(self.flags),
            mem_size: self.mem,
            maps: self.maps.iter().cloned().map(MapInfo::new).collect(),
            fd_array: (0..self.maps.len() as u32).map(MapIdx).collect(),
            ..Aux::new(prog_type)
        };
        let program = brolga_core::Program { code: self.assembly.code.clone(), aux };
        let options = Options { record_states: record, ..Options::default() };
        let accepted = verify(program, &options).map_err(LoadError::Verify)?;
        Ok(accepted.report.claims)
    }

    fn run_all(&self, kind: EngineKind) -> Result<(), CaseError> {
        if self.reject.is_some() {
            return Ok(());
        }
        // Maps keep what a run left, so they are new for each.
        let mut loaded = None;
        for run in &self.runs {
            if loaded.is_none() || !self.maps.is_empty() {
                let result = self.load(kind, false);
                loaded = Some(result.map_err(|e| CaseError::Unmet(format!("not loaded: {}", said(&e))))?);
            }
            let (program, _) = loaded.as_ref().expect("loaded above");
            self.meets(run, &self.run_once(program, kind, run)?)?;
        }
        Ok(())
    }

    pub(super) fn run_once(&self, program: &Program, kind: EngineKind, run: &Run) -> Result<Left, CaseError> {
        let mut bytes = self.input(run);
        let failed = |error: &dyn std::error::Error| CaseError::Unmet(format!("it did not run: {error}"));
        if self.prog_type == "raw" {
            let r0 = program.run_mem_on(kind, &mut bytes).map_err(|e| failed(&e))?;
            return Ok(Left { r0, bytes });
        }
        let mut packet = Packet::new(&bytes).map_err(|e| failed(&e))?;
        let r0 = program.run_on(kind, &mut packet).map_err(|e| failed(&e))?;
        Ok(Left { r0, bytes: packet.bytes().to_vec() })
    }

    /// The packet or memory of a run.
    pub(super) fn input(&self, run: &Run) -> Vec<u8> {
        let words = run.words.iter().flat_map(|w| w.to_le_bytes());
        let mut bytes = run.packet.clone().unwrap_or_else(|| words.collect());
        if self.prog_type == "raw" {
            bytes.resize(self.mem as usize, 0);
        } else if run.packet.is_none() {
            bytes.resize(bytes.len().max(64).max(8 * run.out.as_ref().map_or(0, Vec::len)), 0);
        }
        bytes
    }

    /// That a run left what it should.
    pub(super) fn meets(&self, run: &Run, left: &Left) -> Result<(), CaseError> {
        let line = run.line;
        let shown = if self.prog_type == "raw" { u64::MAX } else { u64::from(u32::MAX) };
        if let Some(r0) = run.r0.filter(|r0| (r0 ^ left.r0) & shown != 0) {
            return Err(CaseError::Unmet(format!("line {line}: r0 is {:#x}, not {r0:#x}", left.r0)));
        }
        let out = words(&left.bytes, run.out.as_ref().map_or(0, Vec::len));
        match &run.out {
            Some(expected) if *expected != out => {
                Err(CaseError::Unmet(format!("line {line}: left {out:#x?}, not {expected:#x?}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Loads the program, with maps of its own.
    pub(super) fn load(&self, kind: EngineKind, record: bool) -> Result<(Program, Vec<Map>), Box<LoadError>> {
        let engine = brolga::Engine::new();
        let prog_type = ProgramType::by_name(&self.prog_type);
        let prog_type = prog_type.ok_or_else(|| LoadError::NoType(self.prog_type.clone()))?;
        let options = Options { record_states: record, ..Options::default() };
        let flags = LoadFlags::from_bits_retain(self.flags);
        let load = Load::new().license(self.license.as_str()).attach_type(self.attach).flags(flags);
        let mut load = load.mem_size(self.mem).engine(kind).verifier(options).func_info(self.funcs.clone());
        let mut maps = Vec::new();
        for def in &self.maps {
            let name = def.name.clone();
            let map = engine.create_map(def.clone()).map_err(|why| LoadError::Map { name, why })?;
            load = load.map(&map);
            maps.push(map);
        }
        let program = engine.load(&prog_type, &self.assembly.code.encode(), load)?;
        for (map, slot) in &self.own_slots {
            let name = String::new();
            let set = maps[*map].set_program(*slot, Some(&program));
            set.map_err(|why| LoadError::Map { name, why })?;
        }
        Ok((program, maps))
    }
}

/// The first 64-bit words.
pub(super) fn words(bytes: &[u8], count: usize) -> Vec<u64> {
    let word = |chunk: &[u8]| chunk.try_into().map_or(0, u64::from_le_bytes);
    bytes.chunks(8).take(count).map(word).collect()
}

fn said(error: &LoadError) -> String {
    let at = error.insn().map_or(String::new(), |pc| format!("insn {pc}: "));
    format!("{at}{} ({})", error.kernel_words(), error.stage())
}

impl super::Rejection {
    /// Whether these words are those expected.
    pub(super) fn agrees(&self, words: &str) -> bool {
        words.trim() == self.words
    }
}
