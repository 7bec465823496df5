//! Case files: a program, what must become of it, and on which engines.
//!
//! ```text
//! ;! type = "xdp" test = ["verify", "interp", "jit", "kernel"]
//! ;! license = "GPL" attach = 0 flags = 0        (the default: GPL, 0, 0)
//! ;! mem = 16                                    (raw: the size of the memory)
//! ;! map = "array key=4 value=8 entries=4"       (as often as needed; map[idx:0] ...)
//! ;! map = "prog_array key=4 value=4 entries=2 self=1"   (slot 1 is the program itself)
//! ;! func = "f global: scalar, key 8 nonnull"    (what BTF says of the function at that label)
//! ;! run = [0x1, 0x2] out = [0x3] r0 = 2
//! ;! run = [] packet = "00ff" r0 = 1
//! r1 = *(u32 *)(r1 + 0)      ; r1=scalar(0..=0xffffffff)
//! r0 = *(u8 *)(r10 - 520)    ; reject: invalid read from stack R10 off=-520 size=1
//! ```
//!
//! `run` puts 64-bit words, little-endian, at the start of the packet or memory,
//! zeros after them up to 64 bytes of packet, or what `out` needs; `packet` gives the bytes in hex
//! instead. Afterwards the words there must be those of `out`, and the result
//! `r0`: 32 bits of it for the kernel's types of program, else 64.
//!
//! `; reject: WORDS` stands on the line of the instruction that is to blame and
//! gives the last line of the kernel's log. `; rN=VALUE` claims what a register
//! holds once the instruction is done, in every state that the verifier walked
//! it in: `scalar`, `scalar(LO..=HI)` (signed, or unsigned where it is not
//! negative), a number, the kernel's name of a pointer's type (`fp`,
//! `map_value_or_null`), or `pkt(r=N)`. The register must still be needed there.
//!
//! With `BLESS=1` expectations are rewritten to what is so: the words to those
//! of the live kernel where it is asked and may be, else to the verifier's.

mod bless;
mod claim;
mod header;
mod live;
mod run;

pub use run::{Engine, Outcome};

use brolga_core::asm::{self, Assembly, KernelNames, split_comment};
use brolga_core::func::{Func, Linkage, Param, ParamTags, Pointee};
use brolga_core::{MapDef, MapFlags, MapKind, Pc};
use claim::Claim;
use header::Entry;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a file is no case, or what came out otherwise than it says.
#[derive(Debug, Error)]
pub enum CaseError {
    /// A header line.
    #[error("line {line}: {what}")]
    Header {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The program.
    #[error(transparent)]
    Asm(#[from] asm::AsmError),
    /// The expectation that does not hold.
    #[error("{0}")]
    Unmet(String),
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// The header line, from 1.
    line: usize,
    words: Vec<u64>,
    packet: Option<Vec<u8>>,
    out: Option<Vec<u64>>,
    r0: Option<u64>,
}

/// A rejection that must come.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rejection {
    /// The line, from 1.
    line: u32,
    words: String,
}

/// A case file, read.
#[derive(Debug)]
pub struct Case {
    prog_type: String,
    tests: Vec<String>,
    license: String,
    attach: u32,
    flags: u32,
    mem: u32,
    maps: Vec<MapDef>,
    /// Slots of program arrays that hold the program itself, by map.
    own_slots: Vec<(usize, u32)>,
    /// What BTF says of functions, by place.
    funcs: BTreeMap<Pc, Func>,
    runs: Vec<Run>,
    assembly: Assembly,
    reject: Option<Rejection>,
    claims: Vec<Claim>,
}

impl Case {
    /// Reads a case file.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self, CaseError> {
        let mut case = Self::empty(asm::assemble_with(&without_headers(text), &KernelNames)?);
        for (line, content) in (1..).zip(text.lines()) {
            match content.trim_start().strip_prefix(";!") {
                Some(rest) => {
                    header::entries(line, rest)?.iter().try_for_each(|entry| case.header(entry))?;
                }
                None => case.comment(line, split_comment(content).1.unwrap_or_default())?,
            }
        }
        Ok(case)
    }

    /// The engines that it is for.
    pub fn engines(&self) -> impl Iterator<Item = Engine> {
        Engine::ALL.into_iter().filter(|e| self.tests.iter().any(|name| name == e.name()))
    }

    fn empty(assembly: Assembly) -> Self {
        Self {
            prog_type: "xdp".into(),
            tests: ["verify", "interp", "jit"].map(String::from).into(),
            license: "GPL".into(),
            attach: 0,
            flags: 0,
            mem: 0,
            maps: Vec::new(),
            own_slots: Vec::new(),
            funcs: BTreeMap::new(),
            runs: Vec::new(),
            assembly,
            reject: None,
            claims: Vec::new(),
        }
    }

    fn header(&mut self, entry: &Entry) -> Result<(), CaseError> {
        match entry.key.as_str() {
            "type" => self.prog_type = entry.text()?.to_owned(),
            "test" => self.tests = entry.texts()?,
            "license" => self.license = entry.text()?.to_owned(),
            "attach" => self.attach = entry.number()? as u32,
            "flags" => self.flags = entry.number()? as u32,
            "mem" => self.mem = entry.number()? as u32,
            "map" => self.map(entry)?,
            "func" => self.func(entry)?,
            "run" => {
                let words = entry.numbers()?;
                self.runs.push(Run { line: entry.line, words, ..Run::default() });
            }
            "packet" => self.last_run(entry)?.packet = Some(hex(entry)?),
            "out" => self.last_run(entry)?.out = Some(entry.numbers()?),
            "r0" => self.last_run(entry)?.r0 = Some(entry.number()?),
            _ => return Err(entry.wrong("there is no such key")),
        }
        Ok(())
    }

    /// `KIND key=N value=N entries=N [flags=N] [lock=OFF] [timer=OFF] [self=SLOT]`.
    fn map(&mut self, entry: &Entry) -> Result<(), CaseError> {
        let mut words = entry.text()?.split_whitespace();
        let kind = words.next().and_then(MapKind::from_name);
        let mut def = MapDef::new(kind.ok_or_else(|| entry.wrong("no such kind of map"))?, 4, 4, 1);
        for word in words {
            let number = word.split_once('=').and_then(|(key, n)| Some((key, header::number(n)? as u32)));
            match number.ok_or_else(|| entry.wrong("KEY=NUMBER is needed"))? {
                ("key", bytes) => def.key_size = bytes,
                ("value", bytes) => def.value_size = bytes,
                ("entries", count) => def.max_entries = count,
                ("flags", bits) => def.flags = MapFlags::from_bits_retain(bits),
                ("lock", off) => def.special.spin_lock = Some(off),
                ("timer", off) => def.special.timer = Some(off),
                ("self", slot) => self.own_slots.push((self.maps.len(), slot)),
                _ => return Err(entry.wrong("maps have key, value, entries, flags, lock, timer and self")),
            }
        }
        self.maps.push(def);
        Ok(())
    }

    /// `LABEL (static | global | void) [scalar | float | ctx | TYPE [nonnull] [tag_ctx] [SIZE]] ..`:
    /// the parameters with a comma between them.
    fn func(&mut self, entry: &Entry) -> Result<(), CaseError> {
        let (head, params) = entry.text()?.split_once(':').unwrap_or((entry.text()?, ""));
        let mut words = head.split_whitespace();
        let name = words.next().ok_or_else(|| entry.wrong("a label is needed"))?;
        let at = if name == "main" { Some(Pc::START) } else { self.assembly.labels.get(name).copied() };
        let at = at.ok_or_else(|| entry.wrong("there is no such label"))?;
        let mut func = Func::of_program(name);
        for word in words {
            match word {
                "static" => {}
                "global" => func.linkage = Linkage::Global,
                "void" => func.returns_scalar = false,
                _ => return Err(entry.wrong("a function is static or global, and void or not")),
            }
        }
        func.params = params.split(',').filter(|p| !p.trim().is_empty()).map(param).collect();
        self.funcs.insert(at, func);
        Ok(())
    }

    fn last_run(&mut self, entry: &Entry) -> Result<&mut Run, CaseError> {
        self.runs.last_mut().ok_or_else(|| entry.wrong("a run is needed before"))
    }

    fn comment(&mut self, line: usize, comment: &str) -> Result<(), CaseError> {
        let comment = comment.trim_start_matches([';', '#', '/']).trim();
        if let Some(words) = comment.strip_prefix("reject:") {
            self.reject = Some(Rejection { line: line as u32, words: words.trim().to_owned() });
        } else if let Some(claim) = Claim::parse(line as u32, comment)? {
            self.claims.push(claim);
        }
        Ok(())
    }
}

/// The same lines with nothing on those of the header, which may hold anything.
fn without_headers(text: &str) -> String {
    let blank = |line: &str| if line.trim_start().starts_with(";!") { "" } else { line }.to_owned() + "\n";
    text.lines().map(blank).collect()
}

/// A parameter: `scalar`, `float`, or a structure's name with its size and tags.
fn param(text: &str) -> Param {
    let mut words = text.split_whitespace();
    let (mut tags, mut size) = (ParamTags::default(), None);
    let name = match words.next().unwrap_or_default() {
        "scalar" => return Param::Scalar,
        "float" => return Param::Other("FLOAT"),
        name => name,
    };
    for word in words {
        match word {
            "nonnull" => tags.nonnull = true,
            "tag_ctx" => tags.ctx = true,
            bytes => size = bytes.parse().ok(),
        }
    }
    let kind = if size.is_some() { "STRUCT" } else { "FWD" };
    Param::Pointer { to: Pointee { kind, name: name.into(), size }, tags }
}

fn hex(entry: &Entry) -> Result<Vec<u8>, CaseError> {
    let digits: Vec<char> = entry.text()?.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes
        .filter(|_| digits.len().is_multiple_of(2))
        .ok_or_else(|| entry.wrong("hexadecimal bytes are needed"))
}
