//! The way of a program into an engine: decode, verify, link, compile.

use crate::context::View;
use crate::engine::Engine;
use crate::fd::Fd;
use crate::helpers::{self, HostEnv};
use crate::map::{self, Map, MapError, Owner};
use crate::object::ObjectError;
use crate::prog::{Calls, EngineKind, Parts, Prog, Program, ProgramStats};
use crate::prog_type::ProgramType;
use crate::run;
use brolga_core::func::Func;
use brolga_core::helper::table::{self, id};
use brolga_core::link::{HelperBody, Hooks, LinkError, Links, MapLink};
use brolga_core::prog_type::Entry;
use brolga_core::program::{SourceLine, license_is_gpl_compatible};
use brolga_core::{
    Aux, Callee, Code, DecodeError, Imm64, Insn, Linked, LoadFlags, MapIdx, MapInfo, Pc, Program as Source,
};
use brolga_jit::{CompileError, Image, PublishError};
use brolga_verifier::{Accepted, Cause, Failure, LogLevel, Report};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;

/// How to load a program.
///
/// ```
/// # use brolga::Load;
/// let load = Load::new().license("GPL").name("firewall");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Load {
    name: String,
    license: String,
    attach: u32,
    flags: LoadFlags,
    mem_size: u32,
    engine: EngineKind,
    verifier: brolga_verifier::Options,
    jit: brolga_jit::Options,
    /// `fd_array`.
    maps: Vec<Map>,
    /// Numbers in the code that are not the engine's.
    fds: BTreeMap<i32, Map>,
    lines: BTreeMap<Pc, SourceLine>,
    functions: BTreeMap<Pc, String>,
    func_info: BTreeMap<Pc, Func>,
    kfuncs: BTreeMap<i32, Arc<str>>,
}

impl Load {
    /// Without a name, a licence or maps; for native code.
    pub fn new() -> Self {
        Self::default()
    }

    /// The program's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The licence, as in a program's `license` section. It decides whether the
    /// program may call helpers that are for GPL-compatible programs only, by
    /// the kernel's list.
    pub fn license(mut self, license: impl Into<String>) -> Self {
        self.license = license.into();
        self
    }

    /// The `expected_attach_type`, by the kernel's number.
    pub fn attach_type(mut self, attach: u32) -> Self {
        self.attach = attach;
        self
    }

    /// The load flags.
    pub fn flags(mut self, flags: LoadFlags) -> Self {
        self.flags = flags;
        self
    }

    /// These load flags too.
    pub fn add_flags(mut self, flags: LoadFlags) -> Self {
        self.flags |= flags;
        self
    }

    /// The size of the memory that `r1` points to, in bytes, for kinds of
    /// program that start with memory, such as `raw`.
    pub fn mem_size(mut self, bytes: u32) -> Self {
        self.mem_size = bytes;
        self
    }

    /// What is to run the program.
    pub fn engine(mut self, kind: EngineKind) -> Self {
        self.engine = kind;
        self
    }

    /// Appends a map to the program's `fd_array`: the first is the one that
    /// instructions refer to by index 0 (`BPF_PSEUDO_MAP_IDX`). The program
    /// holds it, whether it uses it or not.
    pub fn map(mut self, map: &Map) -> Self {
        self.maps.push(map.clone());
        self
    }

    /// Lets this number in the instructions (`BPF_PSEUDO_MAP_FD`) mean this map,
    /// whatever it means to the engine.
    pub fn map_at(mut self, fd: Fd, map: &Map) -> Self {
        self.fds.insert(fd.0, map.clone());
        self
    }

    /// How much the verifier writes down.
    pub fn log(mut self, level: LogLevel) -> Self {
        self.verifier.log = level;
        self
    }

    /// How the program is verified.
    pub fn verifier(mut self, options: brolga_verifier::Options) -> Self {
        self.verifier = options;
        self
    }

    /// How the program is compiled.
    pub fn jit(mut self, options: brolga_jit::Options) -> Self {
        self.jit = options;
        self
    }

    /// Which source line each instruction came from.
    pub fn lines(mut self, lines: BTreeMap<Pc, SourceLine>) -> Self {
        self.lines = lines;
        self
    }

    /// The names of the program's functions, by the place where they start. To
    /// the verifier a function with a name is one whose type is known, as a
    /// kernel knows it by BTF: one that returns a number, and so may make tail
    /// calls.
    pub fn functions(mut self, functions: BTreeMap<Pc, String>) -> Self {
        self.functions = functions;
        self
    }
}

impl Load {
    /// What BTF says of the program's functions, by the place where they start.
    /// A global one is verified once, for every argument of its types; one of
    /// which nothing is said is static, and walked with each call.
    pub fn func_info(mut self, func_info: BTreeMap<Pc, Func>) -> Self {
        self.func_info = func_info;
        self
    }

    /// Which kernel function each BTF id in a call means, by name. Those that
    /// there are: [`Kfunc`](brolga_core::kfunc::Kfunc).
    pub fn kfuncs(mut self, kfuncs: BTreeMap<i32, Arc<str>>) -> Self {
        self.kfuncs = kfuncs;
        self
    }
}

/// Why a program was not loaded, by stage.
#[derive(Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are no instructions.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// There is no such kind of program.
    #[error("there is no program type `{0}`")]
    NoType(String),
    /// The program was rejected, or the verifier has no rule for it.
    #[error("{}", rejection(.0))]
    Verify(Box<Failure>),
    /// A reference of the program can not be resolved.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A map can not be created, filled or used.
    #[error("map `{name}`: {why}")]
    Map {
        /// The map's name.
        name: String,
        /// Why not.
        why: MapError,
    },
    /// The program can not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The compiled program can not be made to run.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The object, or this program of it, is malformed.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A program of an object was not loaded.
    #[error("program `{program}`: {why}")]
    Program {
        /// The program's name.
        program: String,
        /// Why not.
        why: Box<LoadError>,
    },
}

/// As the message: a rejected program as a whole would fill screens.
impl std::fmt::Debug for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoadError {{ stage: {}, {self} }}", self.stage())
    }
}

fn rejection(failure: &Failure) -> String {
    let at = failure_at(failure);
    let line = at.and_then(|at| failure.program.aux.line(at));
    match (at, line) {
        (Some(at), Some(line)) => format!("insn {at} ({}:{}): {}", line.file, line.line, failure.cause),
        (Some(at), None) => format!("insn {at}: {}", failure.cause),
        (None, _) => failure.cause.to_string(),
    }
}

fn failure_at(failure: &Failure) -> Option<Pc> {
    match &failure.cause {
        Cause::Reject(reject) => reject.at,
        Cause::Unsupported(unsupported) => unsupported.at,
        Cause::Bug(bug) => bug.at,
    }
}

impl LoadError {
    /// The error itself, where it is one of a program of an object.
    #[must_use]
    pub fn inner(&self) -> &Self {
        match self {
            Self::Program { why, .. } => why.inner(),
            _ => self,
        }
    }

    /// The stage that failed: `decode`, `load`, `verify`, `link`, `map`,
    /// `compile` or `object`.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        match self.inner() {
            Self::Decode(_) => "decode",
            Self::NoType(_) => "load",
            Self::Verify(_) => "verify",
            Self::Link(_) => "link",
            Self::Map { .. } => "map",
            Self::Compile(_) | Self::Publish(_) => "compile",
            Self::Object(_) | Self::Program { .. } => "object",
        }
    }

    /// The verifier's answer, where it rejected the program.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self.inner() {
            Self::Verify(failure) => Some(failure),
            _ => None,
        }
    }

    /// The instruction that is to blame, where it is one.
    #[must_use]
    pub fn insn(&self) -> Option<Pc> {
        match self.inner() {
            Self::Decode(DecodeError::Slot { at, .. }) => Some(*at),
            Self::Verify(failure) => failure_at(failure),
            Self::Link(
                LinkError::HelperWithoutBody { at, .. }
                | LinkError::UnknownHelper { at, .. }
                | LinkError::Map { at }
                | LinkError::Unsupported { at, .. },
            ) => Some(*at),
            _ => None,
        }
    }

    /// The source line of that instruction, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<&SourceLine> {
        self.failure()?.program.aux.line(self.insn()?)
    }

    /// The cause in the kernel's words.
    #[must_use]
    pub fn kernel_words(&self) -> String {
        match self.inner() {
            Self::Decode(DecodeError::Slot { why, .. }) => why.kernel_words(),
            Self::Verify(failure) => failure.cause.to_string(),
            other => other.to_string(),
        }
    }

    /// Whether it is only that there is no rule or no implementation: the kernel
    /// may accept the program.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        match self.inner() {
            Self::Verify(failure) => matches!(failure.cause, Cause::Unsupported(_)),
            Self::Map { why, .. } => matches!(why, MapError::Unsupported(_)),
            Self::Compile(CompileError::Unsupported { .. }) => true,
            Self::NoType(_) | Self::Link(_) => true,
            _ => false,
        }
    }
}

/// A program's maps: what it holds, and what refers to them.
#[derive(Default)]
struct Used {
    maps: Vec<Map>,
    fds: BTreeMap<i32, MapIdx>,
    fd_array: Vec<MapIdx>,
}

impl Used {
    /// A number that means nothing is left to the verifier to reject.
    fn resolve(code: &Code, load: &Load, engine: &Engine) -> Self {
        let mut used = Self::default();
        for map in &load.maps {
            let idx = used.add(map);
            used.fd_array.push(idx);
        }
        for (_, insn) in code.iter() {
            if let Insn::LoadImm64 { imm: Imm64::MapFd(fd) | Imm64::MapValue { fd, .. }, .. } = insn
                && !used.fds.contains_key(fd)
                && let Some(map) = load.fds.get(fd).cloned().or_else(|| engine.map_get(Fd(*fd)).ok())
            {
                let idx = used.add(&map);
                used.fds.insert(*fd, idx);
            }
        }
        used
    }

    fn add(&mut self, map: &Map) -> MapIdx {
        let at = self.maps.iter().position(|m| Arc::ptr_eq(&m.0, &map.0)).unwrap_or_else(|| {
            self.maps.push(map.clone());
            self.maps.len() - 1
        });
        MapIdx(at as u32)
    }

    /// Program arrays take programs that are alike only.
    fn admit(&self, owner: &Owner) -> Result<(), LoadError> {
        for (map, array) in self.maps.iter().filter_map(|map| Some((map, map.prog_array()?))) {
            array.admit(owner).map_err(|why| LoadError::Map { name: map.def().name.clone(), why })?;
        }
        Ok(())
    }
}

/// Loads a program.
pub(crate) fn load(
    engine: &Engine,
    prog_type: &ProgramType,
    code: &[u8],
    load: Load,
) -> Result<Program, LoadError> {
    let code = Code::decode(code)?;
    let used = Used::resolve(&code, &load, engine);
    let slots = code.len();
    let aux = aux(prog_type, &load, &used);
    let gpl_compatible = aux.gpl_compatible;
    let mem_size = aux.mem_size;
    let (accepted, verify) = timed(|| brolga_verifier::verify(Source { code, aux }, &load.verifier));
    let Accepted { verified, report } = accepted.map_err(LoadError::Verify)?;
    let linked = link(verified, prog_type, &used.maps, engine.host())?;
    let owner = Owner::new(prog_type.clone(), load.attach, load.flags, mem_size);
    used.admit(&owner)?;
    let (image, compile) = timed(|| compile(&linked, &load, engine));
    let image = image?;
    let stats = stats(slots, &report, image.as_ref(), verify, compile);
    let calls = calls(&linked, prog_type, &used.maps);
    #[cfg(feature = "gdb")]
    let shown = image.as_ref().and_then(|image| engine.profile().show(image, &linked.exec().aux));
    let parts = Parts {
        #[cfg(feature = "gdb")]
        shown,
        name: load.name,
        prog_type: prog_type.clone(),
        owner,
        gpl_compatible,
        attach: load.attach,
        flags: load.flags,
        mem_size,
        linked: (load.engine != EngineKind::Jit).then_some(linked),
        image,
        calls,
        maps: used.maps.iter().map(|map| map.0.clone()).collect(),
        host: engine.host().clone(),
        counts: engine.counts().clone(),
        stats,
        report,
    };
    Ok(Program::new(Prog::new(parts), used.maps))
}

/// Verifies a program that refers to maps by index, by what is said of them.
pub(crate) fn verify(
    prog_type: &ProgramType,
    code: &[u8],
    load: &Load,
    maps: Vec<MapInfo>,
) -> Result<Accepted, LoadError> {
    let code = Code::decode(code)?;
    let fd_array = (0..maps.len() as u32).map(MapIdx).collect();
    let aux = Aux { maps, fd_array, ..aux(prog_type, load, &Used::default()) };
    brolga_verifier::verify(Source { code, aux }, &load.verifier).map_err(LoadError::Verify)
}

fn aux(prog_type: &ProgramType, load: &Load, used: &Used) -> Aux {
    let description = prog_type.description();
    let mem = description.entry == Entry::Mem;
    Aux {
        name: load.name.clone(),
        attach: load.attach,
        gpl_compatible: license_is_gpl_compatible(&load.license),
        flags: load.flags,
        mem_size: if mem { load.mem_size } else { 0 },
        maps: used.maps.iter().map(Map::info).collect(),
        map_fds: used.fds.clone(),
        fd_array: used.fd_array.clone(),
        lines: load.lines.clone(),
        subprog_names: load.functions.clone(),
        func_info: load.func_info.clone(),
        kfuncs: load.kfuncs.clone(),
        processors: Some(map::cpu::count()),
        ..Aux::new(description.clone())
    }
}

fn link(
    verified: brolga_core::Verified,
    prog_type: &ProgramType,
    maps: &[Map],
    host: &HostEnv,
) -> Result<Linked, LinkError> {
    let maps: Vec<MapLink> = maps.iter().map(Map::link).collect();
    let fragile = is_fragile(&verified.program().code, prog_type);
    let helper = |number: i32| -> Option<HelperBody> {
        if number == id::TAIL_CALL {
            return Some(TAIL_CALL);
        }
        prog_type.helper(number).map(|h| h.body).or_else(|| kernel_body(prog_type, number, fragile, host))
    };
    let hooks = Hooks {
        load_packet: helpers::load_packet,
        tail_call: map::tail_call,
        tail_run: run::tail_run,
        next_elem: helpers::next_elem,
        processor: helpers::processor,
        processors: map::cpu::count(),
    };
    verified.link(&Links { helper: &helper, maps: &maps, hooks })
}

/// The body of a helper of the kernel's: it is for the prototype of the table,
/// and not for those that some kinds of program have in its place.
fn kernel_body(prog_type: &ProgramType, number: i32, fragile: bool, host: &HostEnv) -> Option<HelperBody> {
    let same = prog_type.description().helper(number) == table::shared(number);
    let view = View::of(prog_type.description());
    same.then(|| helpers::body_for(number, view, fragile, host)).flatten()
}

/// A tail call is made through the hooks; as a helper it would have nothing to
/// do.
const TAIL_CALL: HelperBody = HelperBody { func: no_tail_call, env: None };

#[expect(unsafe_code, reason = "the signature of a helper's body")]
unsafe extern "C-unwind" fn no_tail_call(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

fn compile(linked: &Linked, load: &Load, engine: &Engine) -> Result<Option<Image>, LoadError> {
    if load.engine == EngineKind::Interp {
        return Ok(None);
    }
    let mut options = load.jit;
    if engine.profile().wants_lines() {
        options.listing |= brolga_jit::Listing::LINES;
    }
    let image = brolga_jit::compile(linked, &options)?.publish()?;
    engine.profile().announce(&image, &linked.exec().aux);
    Ok(Some(image))
}

/// Whether the program may end by a panic.
fn is_fragile(code: &Code, prog_type: &ProgramType) -> bool {
    let mut insns = code.iter().map(|(_, insn)| insn);
    insns.any(|insn| matches!(insn, Insn::Call(Callee::Helper(number)) if may_panic(*number, prog_type)))
}

/// The closures of an embedder may panic, and so may what takes a program's
/// prints.
fn may_panic(number: i32, prog_type: &ProgramType) -> bool {
    number == id::TRACE_PRINTK || prog_type.helper(number).is_some()
}

fn calls(linked: &Linked, prog_type: &ProgramType, maps: &[Map]) -> Calls {
    let numbers = || linked.exec().calls.values().map(|call| call.proto.id);
    Calls {
        tail: numbers().any(|number| number == id::TAIL_CALL),
        section: maps.iter().any(|map| map.def().kind.is_map_in_map()),
        may_panic: numbers().any(|number| may_panic(number, prog_type)),
    }
}

fn stats(
    slots: usize,
    report: &Report,
    image: Option<&Image>,
    verify: Duration,
    compile: Duration,
) -> ProgramStats {
    ProgramStats {
        slots,
        insns_processed: report.insns_processed,
        total_states: report.total_states,
        verify,
        compile,
        code_len: image.map_or(0, Image::code_len),
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}
