//! An object's maps and programs, in an engine.

use super::{Object, ObjectError, ObjectMap, ObjectProgram, ObjectSlot};
use crate::engine::{Engine, SectionType};
use crate::load::{Load, LoadError};
use crate::map::{Map, MapError, Update, cpu};
use crate::prog::Program;
use crate::prog_type::ProgramType;
use brolga_core::{LoadFlags, MapKind};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// How to load an object.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ObjectLoad {
    load: Load,
    license: Option<String>,
    pub(super) maps: BTreeMap<String, Map>,
    types: BTreeMap<String, ProgramType>,
}

impl ObjectLoad {
    /// Every map is created, every program is of the type that its section
    /// tells.
    pub fn new() -> Self {
        Self::default()
    }

    /// What else holds for every program. Name, licence, maps and source lines
    /// come from the object, attach type and flags from the section.
    pub fn each(mut self, load: Load) -> Self {
        self.load = load;
        self
    }

    /// Another licence than the object's.
    pub fn license(mut self, license: impl Into<String>) -> Self {
        self.license = Some(license.into());
        self
    }

    /// An existing map, of the same kind and sizes, in the place of the object's
    /// map of this name.
    pub fn map(mut self, name: impl Into<String>, map: &Map) -> Self {
        self.maps.insert(name.into(), map.clone());
        self
    }

    /// The kind of the program of this name, whatever its section tells.
    pub fn program_type(mut self, program: impl Into<String>, prog_type: &ProgramType) -> Self {
        self.types.insert(program.into(), prog_type.clone());
        self
    }
}

/// An object whose programs are being loaded. A map is created when the first
/// program that uses it is loaded.
#[derive(Debug)]
pub struct OpenObject<'a> {
    engine: Engine,
    pub(super) object: &'a Object,
    pub(super) options: ObjectLoad,
    maps: Vec<OnceCell<Map>>,
}

/// What was loaded from an object.
#[derive(Clone, Debug)]
pub struct LoadedObject {
    maps: BTreeMap<String, Map>,
    programs: BTreeMap<String, Program>,
}

impl Engine {
    /// Loads every program of an object, with the maps that they use.
    ///
    /// # Errors
    ///
    /// [`LoadError::Program`] of the first program that can not be loaded.
    pub fn load_object(&self, object: &Object) -> Result<LoadedObject, LoadError> {
        self.open_object(object, ObjectLoad::new()).load_all()
    }

    /// Takes an object to load programs of it one by one.
    #[must_use]
    pub fn open_object<'a>(&self, object: &'a Object, options: ObjectLoad) -> OpenObject<'a> {
        let maps = object.maps().iter().map(|_| OnceCell::new()).collect();
        OpenObject { engine: self.clone(), object, options, maps }
    }
}

impl OpenObject<'_> {
    /// Loads the program of this name.
    ///
    /// # Errors
    ///
    /// [`LoadError::Program`] with the cause: there is no such program, its
    /// section tells no type, a map can not be created, or the program is not
    /// accepted.
    pub fn load(&self, name: &str) -> Result<Program, LoadError> {
        let program = self.object.program(name).map_err(LoadError::Object);
        let loaded = program.and_then(|program| self.load_program(program));
        loaded.map_err(|why| LoadError::Program { program: name.to_owned(), why: Box::new(why) })
    }

    /// Loads every program.
    ///
    /// # Errors
    ///
    /// [`LoadError::Program`] of the first that can not be loaded.
    pub fn load_all(&self) -> Result<LoadedObject, LoadError> {
        let load = |p: &ObjectProgram| Ok((p.name().to_owned(), self.load(p.name())?));
        let programs = self.object.programs().iter().map(load).collect::<Result<_, LoadError>>()?;
        self.loaded(programs)
    }

    /// The maps, with these programs: those that a program array's definition
    /// names are put into it. Maps that no program uses are among the maps where
    /// there can be maps of their kind.
    ///
    /// # Errors
    ///
    /// [`LoadError::Map`] where a program can not be put into a slot.
    pub fn loaded(&self, programs: BTreeMap<String, Program>) -> Result<LoadedObject, LoadError> {
        let mut maps = BTreeMap::new();
        for (index, described) in self.object.maps().iter().enumerate() {
            if let Ok(map) = self.map(index) {
                self.fill(&map, described, &programs)?;
                maps.insert(described.name.clone(), map);
            }
        }
        Ok(LoadedObject { maps, programs })
    }

    /// How the program is loaded: by the options, else by its section.
    ///
    /// # Errors
    ///
    /// [`LoadError::NoType`] where neither tells.
    pub fn section_type(&self, program: &ObjectProgram) -> Result<SectionType, LoadError> {
        let by_section = self.engine.section_type(program.section());
        let Some(prog_type) = self.options.types.get(program.name()) else {
            return by_section.ok_or_else(|| LoadError::NoType(program.section().to_owned()));
        };
        let same = by_section.filter(|s| s.prog_type == *prog_type);
        let plain = SectionType { prog_type: prog_type.clone(), attach: 0, flags: LoadFlags::empty() };
        Ok(same.unwrap_or(plain))
    }

    /// The program's kind, and how it is loaded but for its maps.
    pub(super) fn settings(&self, program: &ObjectProgram) -> Result<(ProgramType, Load), LoadError> {
        let SectionType { prog_type, attach, flags } = self.section_type(program)?;
        let license = self.options.license.as_deref().unwrap_or(self.object.license());
        let load = self.options.load.clone().name(program.name()).license(license);
        let load = load.attach_type(attach).add_flags(flags);
        let functions = program.functions()?.iter().map(|(at, name)| (*at, name.to_string())).collect();
        let load = load.lines(program.lines()?.clone()).functions(functions);
        let load = load.func_info(program.func_info()?.clone());
        Ok((prog_type, load.kfuncs(program.kfuncs()?.clone())))
    }

    fn load_program(&self, program: &ObjectProgram) -> Result<Program, LoadError> {
        let (prog_type, mut load) = self.settings(program)?;
        for index in program.maps()? {
            load = load.map(&self.map(*index)?);
        }
        self.engine.load(&prog_type, &program.insns()?, load)
    }

    fn map(&self, index: usize) -> Result<Map, LoadError> {
        if let Some(map) = self.maps[index].get() {
            return Ok(map.clone());
        }
        let described = &self.object.maps()[index];
        let made =
            self.make(described).map_err(|why| LoadError::Map { name: described.name.clone(), why })?;
        Ok(self.maps[index].get_or_init(|| made).clone())
    }

    /// Puts programs into the slots of a program array, and maps into those of a
    /// map of maps.
    fn fill(
        &self,
        map: &Map,
        described: &ObjectMap,
        programs: &BTreeMap<String, Program>,
    ) -> Result<(), LoadError> {
        for (index, slot) in &described.slots {
            let filled = match slot {
                ObjectSlot::Program(name) => {
                    programs.get(name).map_or(Ok(()), |program| map.set_program(*index, Some(program)))
                }
                ObjectSlot::Map(name) => match self.object.maps().iter().position(|map| map.name == *name) {
                    Some(inner) => map.set_map(&index.to_ne_bytes(), Some(&self.map(inner)?)),
                    None => Err(MapError::NoEntry),
                },
            };
            filled.map_err(|why| LoadError::Map { name: described.name.clone(), why })?;
        }
        Ok(())
    }

    fn make(&self, described: &ObjectMap) -> Result<Map, MapError> {
        if let Some(map) = self.options.maps.get(&described.name) {
            return fits(map, described).then(|| map.clone()).ok_or(MapError::Incompatible);
        }
        let mut def = described.def.clone();
        if def.kind == MapKind::PerfEventArray && def.max_entries == 0 {
            // As libbpf does: a slot for each processor.
            def.max_entries = cpu::possible() as u32;
        }
        let map = self.engine.create_map(def)?;
        if let Some(contents) = &described.contents {
            map.update(&0u32.to_ne_bytes(), contents, Update::Any)?;
        }
        if described.frozen {
            map.freeze()?;
        }
        Ok(map)
    }
}

/// Whether a map can stand for the one that an object describes.
fn fits(map: &Map, described: &ObjectMap) -> bool {
    let (given, wanted) = (map.def(), &described.def);
    (given.kind, given.key_size, given.value_size) == (wanted.kind, wanted.key_size, wanted.value_size)
}

impl LoadedObject {
    /// The program of this name.
    ///
    /// # Errors
    ///
    /// [`ObjectError::NoProgram`].
    pub fn program(&self, name: &str) -> Result<&Program, ObjectError> {
        self.programs.get(name).ok_or_else(|| ObjectError::NoProgram(name.to_owned()))
    }

    /// The map of this name.
    ///
    /// # Errors
    ///
    /// [`ObjectError::NoMap`].
    pub fn map(&self, name: &str) -> Result<&Map, ObjectError> {
        self.maps.get(name).ok_or_else(|| ObjectError::NoMap(name.to_owned()))
    }

    /// The programs, by name.
    #[must_use]
    pub const fn programs(&self) -> &BTreeMap<String, Program> {
        &self.programs
    }

    /// The maps, by name.
    #[must_use]
    pub const fn maps(&self) -> &BTreeMap<String, Map> {
        &self.maps
    }
}
