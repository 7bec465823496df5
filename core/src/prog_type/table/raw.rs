//! Brolga's own kind: a program over a region of memory.

use super::sets::{BASE, helpers};
use crate::prog_type::{Entry, ProgramType};

/// r1 points to memory, r2 is its size; no context, any result.
pub(super) fn raw() -> ProgramType {
    ProgramType { entry: Entry::Mem, helpers: helpers(&[BASE]), ..ProgramType::new("raw") }
}
