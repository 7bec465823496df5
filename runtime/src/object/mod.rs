//! ELF objects: what clang, aya or another compiler for eBPF wrote.
//!
//! [`Object::parse`] reads one; nothing in it is trusted, and nothing is loaded.
//! Its programs are linked with the functions that they call, and refer to
//! the object's maps by index.
//!
//! Map definitions by BTF (`.maps`) and by structure (`maps`) are read, and the
//! sections `.rodata`, `.data` and `.bss` (and those named like them, with a
//! dot and more) become arrays of one value. What there is no runtime for here
//! is left to the program that refers to it: kernel functions and variables,
//! `.kconfig`, arenas; loading that program then fails. CO-RE relocations are
//! not applied, which amounts to a kernel whose types are those that the program
//! was compiled with.

mod btf;
mod elf;
mod error;
mod ext;
mod funcs;
mod lines;
mod link;
mod load;
mod maps;
mod types;
mod verify;

pub use error::ObjectError;
pub use load::{LoadedObject, ObjectLoad, OpenObject};
pub use maps::{ObjectMap, ObjectSlot};
pub(crate) use types::Types;

use brolga_core::func::Func;
use brolga_core::program::SourceLine;
use brolga_core::{Pc, Slot};
use btf::Btf;
use elf::{Elf, SectionKind, SymbolKind};
use funcs::Funcs;
use lines::Lines;
use link::{Body, Linker};
use maps::{Global, Maps};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An eBPF object: its programs, its maps, its licence.
#[derive(Clone, Debug)]
pub struct Object {
    license: String,
    programs: Vec<ObjectProgram>,
    maps: Vec<ObjectMap>,
    globals: BTreeMap<String, Global>,
}

/// A program of an object, linked with what it calls.
#[derive(Clone, Debug)]
pub struct ObjectProgram {
    name: String,
    section: String,
    body: Result<Body, ObjectError>,
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    ///
    /// Where the bytes are no little-endian ELF object for eBPF, or where a
    /// map's definition, a function or the type information is malformed. A
    /// reference that can not be resolved is an error of its program alone:
    /// see [`ObjectProgram::insns`].
    pub fn parse(data: &[u8]) -> Result<Self, ObjectError> {
        let elf = Elf::parse(data)?;
        let btf = elf.first(SectionKind::Btf).map(|s| Btf::parse(s.data)).transpose()?;
        let lines = match (elf.first(SectionKind::BtfExt), &btf) {
            (Some(section), Some(btf)) => lines::read(section.data, btf)?,
            _ => Lines::new(),
        };
        let funcs = match (elf.first(SectionKind::BtfExt), &btf) {
            (Some(section), Some(btf)) => funcs::read(section.data, btf)?,
            _ => Funcs::new(),
        };
        let maps = Maps::read(&elf, btf.as_ref())?;
        let programs = programs(&elf, &maps, &lines, &funcs)?;
        let Maps { list, globals, .. } = maps;
        Ok(Self { license: license(&elf), programs, maps: list, globals })
    }

    /// The licence; empty where the object names none.
    #[must_use]
    pub fn license(&self) -> &str {
        &self.license
    }

    /// The programs, in the order of their places in the file.
    #[must_use]
    pub fn programs(&self) -> &[ObjectProgram] {
        &self.programs
    }

    /// The program of this name.
    ///
    /// # Errors
    ///
    /// [`ObjectError::NoProgram`].
    pub fn program(&self, name: &str) -> Result<&ObjectProgram, ObjectError> {
        let found = self.programs.iter().find(|p| p.name == name);
        found.ok_or_else(|| ObjectError::NoProgram(name.to_owned()))
    }

    /// The maps.
    #[must_use]
    pub fn maps(&self) -> &[ObjectMap] {
        &self.maps
    }

    /// The map of this name.
    ///
    /// # Errors
    ///
    /// [`ObjectError::NoMap`].
    pub fn map(&self, name: &str) -> Result<&ObjectMap, ObjectError> {
        self.map_index(name).map(|index| &self.maps[index])
    }

    fn map_index(&self, name: &str) -> Result<usize, ObjectError> {
        let found = self.maps.iter().position(|m| m.name == name);
        found.ok_or_else(|| ObjectError::NoMap(name.to_owned()))
    }

    /// Changes what the map of this name is created from, for instance its
    /// size. A data section's contents stay as they are.
    ///
    /// # Errors
    ///
    /// [`ObjectError::NoMap`].
    pub fn map_mut(&mut self, name: &str) -> Result<&mut ObjectMap, ObjectError> {
        self.map_index(name).map(|index| &mut self.maps[index])
    }

    /// Sets a global variable before anything is loaded: also a constant, as
    /// long as the compiler did not fold it (`const volatile`).
    ///
    /// # Errors
    ///
    /// [`ObjectError::NoGlobal`] where there is none of this name and size.
    pub fn set_global(&mut self, name: &str, value: &[u8]) -> Result<(), ObjectError> {
        let none = || ObjectError::NoGlobal { name: name.to_owned(), size: value.len() };
        let global = self.globals.get(name).filter(|g| g.size as usize == value.len()).ok_or_else(none)?;
        let map = &mut self.maps[global.map];
        let zeros = || vec![0; map.def.value_size as usize];
        let start = global.off as usize;
        map.contents.get_or_insert_with(zeros)[start..start + value.len()].copy_from_slice(value);
        Ok(())
    }

    /// The global variables that [`set_global`](Self::set_global) may set, with
    /// their sizes in bytes.
    pub fn globals(&self) -> impl Iterator<Item = (&str, u32)> {
        self.globals.iter().map(|(name, global)| (name.as_str(), global.size))
    }
}

impl ObjectProgram {
    /// The name of its function.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The section that it stands in, which tells its type.
    #[must_use]
    pub fn section(&self) -> &str {
        &self.section
    }

    /// The instructions, with all that is called. A map is referred to by its
    /// index in [`maps`](Self::maps) (`BPF_PSEUDO_MAP_IDX`).
    ///
    /// # Errors
    ///
    /// Where the program refers to what the object does not define.
    pub fn insns(&self) -> Result<Vec<u8>, ObjectError> {
        self.body().map(|body| body.slots.iter().flat_map(|s| s.to_bytes()).collect())
    }

    /// The maps that it uses, by their index in [`Object::maps`].
    ///
    /// # Errors
    ///
    /// As [`insns`](Self::insns).
    pub fn maps(&self) -> Result<&[usize], ObjectError> {
        self.body().map(|body| body.maps.as_slice())
    }

    /// The source lines, each from its instruction on.
    ///
    /// # Errors
    ///
    /// As [`insns`](Self::insns).
    pub fn lines(&self) -> Result<&BTreeMap<Pc, SourceLine>, ObjectError> {
        self.body().map(|body| &body.lines)
    }

    /// The names of the functions, by the place where they start.
    ///
    /// # Errors
    ///
    /// As [`insns`](Self::insns).
    pub fn functions(&self) -> Result<&BTreeMap<Pc, Arc<str>>, ObjectError> {
        self.body().map(|body| &body.subprogs)
    }

    /// What the object's types say of the functions, by the place where they
    /// start.
    ///
    /// # Errors
    ///
    /// As [`insns`](Self::insns).
    pub fn func_info(&self) -> Result<&BTreeMap<Pc, Func>, ObjectError> {
        self.body().map(|body| &body.funcs)
    }

    /// The kernel functions that it calls, by the number that stands for each in
    /// its calls.
    ///
    /// # Errors
    ///
    /// As [`insns`](Self::insns).
    pub fn kfuncs(&self) -> Result<&BTreeMap<i32, Arc<str>>, ObjectError> {
        self.body().map(|body| &body.kfuncs)
    }

    /// How many slots the instructions take.
    ///
    /// # Errors
    ///
    /// As [`insns`](Self::insns).
    pub fn slots(&self) -> Result<&[Slot], ObjectError> {
        self.body().map(|body| body.slots.as_slice())
    }

    fn body(&self) -> Result<&Body, ObjectError> {
        self.body.as_ref().map_err(Clone::clone)
    }
}

fn license(elf: &Elf<'_>) -> String {
    let bytes = elf.first(SectionKind::License).map_or(&[][..], |s| s.data);
    let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// The section of functions that others call; of programs only where there is
/// no other code.
const SHARED: &str = ".text";

/// Every global function of a section of its own is a program.
fn programs(
    elf: &Elf<'_>,
    maps: &Maps,
    lines: &Lines,
    funcs: &Funcs,
) -> Result<Vec<ObjectProgram>, ObjectError> {
    let functions = link::functions(elf)?;
    let mut linker = Linker::new(elf, maps, &functions, lines, funcs);
    let is_program = |place: &(usize, u64)| elf.sections[&place.0].name != SHARED;
    let only_shared = !functions.keys().any(is_program);
    let mut programs = Vec::new();
    for (index, section) in elf.all(SectionKind::Code).filter(|(_, s)| only_shared || s.name != SHARED) {
        let global = elf.symbols_of(index).filter(|s| s.kind == SymbolKind::Text && s.global);
        for symbol in global {
            let body = linker.link((index, symbol.value));
            let (name, section) = (symbol.name.to_owned(), section.name.to_owned());
            programs.push(ObjectProgram { name, section, body });
        }
    }
    Ok(programs)
}
