//! The verifier's verdict on an object's programs, without loading them.

use super::{ObjectMap, ObjectProgram, OpenObject};
use crate::load::{self, LoadError};
use brolga_core::{MapFlags, MapInfo};
use brolga_verifier::Accepted;

impl OpenObject<'_> {
    /// Verifies the program of this name. Nothing is created or compiled: what
    /// the verdict rests on is what the object says of its maps and what is
    /// known of the helpers, not whether there are such maps and helpers here.
    ///
    /// # Errors
    ///
    /// [`LoadError::Program`] with the cause: there is no such program, its
    /// section tells no type, or the program is not accepted.
    pub fn verify(&self, name: &str) -> Result<Accepted, LoadError> {
        let program = self.object.program(name).map_err(LoadError::Object);
        let verified = program.and_then(|program| self.verify_program(program));
        verified.map_err(|why| LoadError::Program { program: name.to_owned(), why: Box::new(why) })
    }

    fn verify_program(&self, program: &ObjectProgram) -> Result<Accepted, LoadError> {
        let (prog_type, load) = self.settings(program)?;
        let maps = program.maps()?.iter().map(|index| self.info(&self.object.maps()[*index]));
        load::verify(&prog_type, &program.insns()?, &load, maps.collect())
    }

    /// What the verifier may believe of a map once it is created.
    fn info(&self, described: &ObjectMap) -> MapInfo {
        if let Some(map) = self.options.maps.get(&described.name) {
            return map.info();
        }
        let def = described.def.clone();
        let constant = described.frozen && def.flags.contains(MapFlags::RDONLY_PROG);
        let contents = || described.contents.clone().unwrap_or_else(|| vec![0; def.value_size as usize]);
        MapInfo { frozen: constant.then(|| contents().into()), def }
    }
}
