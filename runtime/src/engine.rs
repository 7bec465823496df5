//! The engine: what programs are loaded into.

use crate::fd::{Fd, FdError, Fds};
use crate::helpers::HostEnv;
use crate::load::{self, Load, LoadError};
use crate::map::{Map, MapError, MapObject, OfMaps};
use crate::object::Types;
use crate::profile::Profile;
use crate::prog::{Counts, Program};
use crate::prog_type::{ProgramType, TypeError};
use brolga_core::prog_type::table;
use brolga_core::{LoadFlags, MapDef};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

/// Loads programs and keeps what they share: kinds of programs, file
/// descriptors, the host's side of helpers.
///
/// Cheap to clone; clones are the same engine, and any thread may use it. When
/// the last one is gone its file descriptors are closed. Programs and maps that
/// someone still has a handle to live on.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

#[derive(Default)]
struct Inner {
    types: RwLock<Vec<ProgramType>>,
    fds: Arc<Fds>,
    host: Arc<HostEnv>,
    counts: Arc<Counts>,
    profile: Profile,
    /// The maps that were created by this engine.
    maps: Mutex<Vec<Weak<MapObject>>>,
}

/// What is live in an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Programs that someone holds.
    pub programs: usize,
    /// The machine code of those programs, in bytes.
    pub code_len: usize,
    /// Maps of this engine's that someone holds.
    pub maps: usize,
    /// Open file descriptors.
    pub fds: usize,
}

/// How programs of an ELF section are loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionType {
    /// Their kind.
    pub prog_type: ProgramType,
    /// Their `expected_attach_type`.
    pub attach: u32,
    /// Their load flags.
    pub flags: LoadFlags,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine that knows the kernel's kinds of program.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Makes a kind of program known by its name and its ELF sections.
    ///
    /// # Errors
    ///
    /// [`TypeError::Name`] where there is one of this name, or with one of these
    /// sections, already.
    pub fn register(&self, prog_type: &ProgramType) -> Result<(), TypeError> {
        let mut types = self.0.types.write().unwrap_or_else(PoisonError::into_inner);
        let name = prog_type.name();
        let named = ProgramType::by_name(name).is_some() || types.iter().any(|t| t.name() == name);
        let taken = named.then_some(name).or_else(|| {
            let sections = prog_type.description().sections.iter();
            sections.map(AsRef::as_ref).find(|section| {
                table::section_of(section).is_some()
                    || types.iter().any(|t| t.description().matches_section(section))
            })
        });
        if let Some(taken) = taken {
            return Err(TypeError::Name(taken.to_owned()));
        }
        types.push(prog_type.clone());
        Ok(())
    }

    /// The kind of program of this name: one that was registered, or a built-in.
    #[must_use]
    pub fn program_type(&self, name: &str) -> Option<ProgramType> {
        let types = self.0.types.read().unwrap_or_else(PoisonError::into_inner);
        types.iter().find(|t| t.name() == name).cloned().or_else(|| ProgramType::by_name(name))
    }

    /// How programs in an ELF section of this name are loaded.
    #[must_use]
    pub fn section_type(&self, section: &str) -> Option<SectionType> {
        let types = self.0.types.read().unwrap_or_else(PoisonError::into_inner);
        let own = types.iter().find(|t| t.description().matches_section(section));
        if let Some(prog_type) = own.cloned() {
            return Some(SectionType { prog_type, attach: 0, flags: LoadFlags::empty() });
        }
        let row = table::section_of(section)?;
        let prog_type = ProgramType::by_name(&row.prog_type.name)?;
        Some(SectionType { prog_type, attach: row.attach, flags: row.flags })
    }

    /// Takes what programs print (`bpf_trace_printk`), a line at a time.
    pub fn on_trace(&self, sink: impl Fn(&str) + Send + Sync + 'static) {
        self.0.host.set_trace(Arc::new(sink));
    }

    /// From now on no program of this engine prints what stands at an address.
    ///
    /// What is loaded here may what the kernel allows root: `bpf_trace_printk`
    /// reads a string (`%s`, `%pks`) or an address (`%pI4`) wherever in this
    /// process a program says. For programs that may not see the process's memory
    /// this makes it as if nothing were there.
    pub fn forbid_peeking(&self) {
        self.0.host.forbid_peeking();
    }

    /// Loads a program: decodes, verifies, links and compiles it.
    ///
    /// Numbers of maps in the instructions are file descriptors of this engine,
    /// unless [`Load`] says otherwise.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub fn load(&self, prog_type: &ProgramType, code: &[u8], load: Load) -> Result<Program, LoadError> {
        load::load(self, prog_type, code, load)
    }

    /// Creates a map.
    ///
    /// # Errors
    ///
    /// Those of [`Map::create`].
    pub fn create_map(&self, def: MapDef) -> Result<Map, MapError> {
        let map = Map::create(def)?;
        if let Some(array) = map.prog_array() {
            array.bind(&self.0.fds);
        }
        if let Some(maps) = OfMaps::of(map.0.storage()) {
            maps.bind(&self.0.fds);
        }
        let mut maps = self.maps();
        if maps.len() == maps.capacity() {
            maps.retain(|map| map.strong_count() > 0);
        }
        maps.push(Arc::downgrade(&map.0));
        Ok(map)
    }

    fn maps(&self) -> std::sync::MutexGuard<'_, Vec<Weak<MapObject>>> {
        self.0.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads a program and gives it a number, the kernel's way.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn prog_load(&self, prog_type: &ProgramType, insns: &[u8], license: &str) -> Result<Fd, LoadError> {
        let program = self.load(prog_type, insns, Load::new().license(license))?;
        Ok(self.program_fd(&program))
    }

    /// Creates a map and gives it a number.
    ///
    /// # Errors
    ///
    /// Those of [`create_map`](Self::create_map).
    pub fn map_create(&self, def: MapDef) -> Result<Fd, MapError> {
        Ok(self.map_fd(&self.create_map(def)?))
    }

    /// Gives a program a number, the lowest that is free. The program is held
    /// until the number is closed.
    #[must_use]
    pub fn program_fd(&self, program: &Program) -> Fd {
        self.0.fds.open_program(program.clone())
    }

    /// Gives a map a number, the lowest that is free. The map is held until the
    /// number is closed.
    #[must_use]
    pub fn map_fd(&self, map: &Map) -> Fd {
        self.0.fds.open_map(map.clone())
    }

    /// The program under this number.
    ///
    /// # Errors
    ///
    /// Where nothing is open under it, or a map.
    pub fn prog_get(&self, fd: Fd) -> Result<Program, FdError> {
        self.0.fds.program(fd)
    }

    /// The map under this number.
    ///
    /// # Errors
    ///
    /// Where nothing is open under it, or a program.
    pub fn map_get(&self, fd: Fd) -> Result<Map, FdError> {
        self.0.fds.map(fd)
    }

    pub(crate) fn types_fd(&self, types: Types) -> Fd {
        self.0.fds.open_types(types)
    }

    pub(crate) fn types_get(&self, fd: Fd) -> Result<Types, FdError> {
        self.0.fds.types(fd)
    }

    /// Frees the number, and what is under it where this was its last holder.
    ///
    /// # Errors
    ///
    /// [`FdError::NotOpen`].
    pub fn close(&self, fd: Fd) -> Result<(), FdError> {
        self.0.fds.close(fd)
    }

    /// What is live.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        EngineStats {
            programs: self.0.counts.programs.load(Ordering::Relaxed),
            code_len: self.0.counts.code_len.load(Ordering::Relaxed),
            maps: self.maps().iter().filter(|map| map.strong_count() > 0).count(),
            fds: self.0.fds.len(),
        }
    }

    pub(crate) fn host(&self) -> &Arc<HostEnv> {
        &self.0.host
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.0.profile
    }

    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.0.counts
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
