//! Conformance vectors: a program, its memory, its result.
//!
//! A file holds vectors one after the other, each in three parts that begin with
//! a line `-- asm`, `-- mem` (hexadecimal bytes) and `-- result` (r0). As in the
//! public suite r1 is the memory and r2 its length.

use brolga::{EngineKind, Load, ProgramType};
use thiserror::Error;

/// One vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// The program's text.
    pub asm: String,
    /// The memory.
    pub memory: Vec<u8>,
    /// What r0 must be.
    pub result: u64,
}

/// What is wrong with a vector, or with a run of it.
#[derive(Debug, Error)]
pub enum VectorError {
    /// The file is none of vectors.
    #[error("line {0} is out of place")]
    Line(usize),
    /// The program does not assemble.
    #[error(transparent)]
    Asm(#[from] brolga_core::asm::AsmError),
    /// The program was not loaded.
    #[error(transparent)]
    Load(#[from] brolga::LoadError),
    /// The program did not run.
    #[error(transparent)]
    Run(#[from] brolga::RunError),
    /// The result is another.
    #[error("{engine:?} gives {is:#x}, not {expected:#x}, for\n{asm}")]
    Result {
        /// Who ran it.
        engine: EngineKind,
        /// The result.
        is: u64,
        /// What it should be.
        expected: u64,
        /// The program.
        asm: String,
    },
}

/// The vectors of a file.
///
/// # Errors
///
/// Where a line has no place.
pub fn parse(text: &str) -> Result<Vec<Vector>, VectorError> {
    let mut vectors: Vec<Vector> = Vec::new();
    let mut part = "";
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = || VectorError::Line(number);
        if let Some(name) = line.strip_prefix("-- ") {
            part = name;
            if part == "asm" {
                vectors.push(Vector::default());
            }
        } else if !line.trim().is_empty() {
            let vector = vectors.last_mut().ok_or_else(wrong)?;
            match part {
                "asm" => vector.asm += &format!("{line}\n"),
                "mem" => vector.memory.extend(bytes(line).ok_or_else(wrong)?),
                "result" => vector.result = result(line).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            }
        }
    }
    Ok(vectors)
}

fn bytes(line: &str) -> Option<Vec<u8>> {
    line.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

fn result(line: &str) -> Option<u64> {
    u64::from_str_radix(line.trim().strip_prefix("0x")?, 16).ok()
}

impl Vector {
    /// Runs it on both engines.
    ///
    /// # Errors
    ///
    /// Where it does not load and run, or gives another result.
    pub fn check(&self) -> Result<(), VectorError> {
        let code = brolga_core::asm::assemble(&self.asm)?.encode();
        let load = Load::new().license("GPL").engine(EngineKind::Both).mem_size(self.memory.len() as u32);
        let program = brolga::Engine::new().load(&ProgramType::raw(), &code, load)?;
        for engine in [EngineKind::Interp, EngineKind::Jit] {
            let is = program.run_mem_on(engine, &mut self.memory.clone())?;
            if is != self.result {
                let (expected, asm) = (self.result, self.asm.clone());
                return Err(VectorError::Result { engine, is, expected, asm });
            }
        }
        Ok(())
    }
}
