//! File descriptors: small numbers for programs, maps and types, as the kernel gives
//! them out.

use crate::map::Map;
use crate::object::Types;
use crate::prog::Program;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// The number of a program, a map or types in its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub i32);

impl fmt::Display for Fd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is wrong with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FdError {
    /// Nothing is open under it.
    #[error("file descriptor {0} is not open")]
    NotOpen(Fd),
    /// What is open under it is no program.
    #[error("file descriptor {0} is not a program")]
    NotProgram(Fd),
    /// What is open under it is no map.
    #[error("file descriptor {0} is not a map")]
    NotMap(Fd),
    /// What is open under it is no BTF.
    #[error("file descriptor {0} is not BTF")]
    NotTypes(Fd),
}

/// What a number stands for.
#[derive(Clone, Debug)]
enum Open {
    Program(Program),
    Map(Map),
    Types(Types),
}

/// The numbers of an engine.
#[derive(Debug, Default)]
pub(crate) struct Fds(Mutex<Vec<Option<Open>>>);

impl Fds {
    /// The lowest number: those below belong to a process's standard streams,
    /// and a 0 that was forgotten in an instruction names no map.
    const FIRST: usize = 3;

    fn table(&self) -> MutexGuard<'_, Vec<Option<Open>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, what: Open) -> Fd {
        let mut table = self.table();
        let index = table.iter().position(Option::is_none).unwrap_or(table.len());
        match table.get_mut(index) {
            Some(free) => *free = Some(what),
            None => table.push(Some(what)),
        }
        Fd((index + Self::FIRST) as i32)
    }

    fn index(fd: Fd) -> Option<usize> {
        usize::try_from(fd.0).ok()?.checked_sub(Self::FIRST)
    }

    fn at(&self, fd: Fd) -> Result<Open, FdError> {
        let open = Self::index(fd).and_then(|index| self.table().get(index)?.clone());
        open.ok_or(FdError::NotOpen(fd))
    }

    pub(crate) fn open_program(&self, program: Program) -> Fd {
        self.open(Open::Program(program))
    }

    pub(crate) fn open_map(&self, map: Map) -> Fd {
        self.open(Open::Map(map))
    }

    pub(crate) fn open_types(&self, types: Types) -> Fd {
        self.open(Open::Types(types))
    }

    pub(crate) fn program(&self, fd: Fd) -> Result<Program, FdError> {
        match self.at(fd)? {
            Open::Program(program) => Ok(program),
            Open::Map(_) | Open::Types(_) => Err(FdError::NotProgram(fd)),
        }
    }

    pub(crate) fn map(&self, fd: Fd) -> Result<Map, FdError> {
        match self.at(fd)? {
            Open::Map(map) => Ok(map),
            Open::Program(_) | Open::Types(_) => Err(FdError::NotMap(fd)),
        }
    }

    pub(crate) fn types(&self, fd: Fd) -> Result<Types, FdError> {
        match self.at(fd)? {
            Open::Types(types) => Ok(types),
            Open::Program(_) | Open::Map(_) => Err(FdError::NotTypes(fd)),
        }
    }

    /// What stood under the number is dropped, where this was its last holder,
    /// once the table is no longer locked.
    pub(crate) fn close(&self, fd: Fd) -> Result<(), FdError> {
        let open = Self::index(fd).and_then(|index| self.table().get_mut(index)?.take());
        open.map(drop).ok_or(FdError::NotOpen(fd))
    }

    pub(crate) fn len(&self) -> usize {
        self.table().iter().flatten().count()
    }
}
