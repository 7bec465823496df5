//! What a path holds and must give back: references that helpers acquired, and
//! a lock.
//!
//! **Meaning.** A run that is in the state holds exactly these: as many
//! references, each acquired by the call at its `at`, and the lock where there
//! is one. A pointer whose `owner` is a reference's name is to what that
//! reference keeps alive; once it is released no such pointer is left.

use super::value::{Id, MapRef};
use brolga_core::Pc;

/// A reference that the program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its name.
    pub id: Id,
    /// The call that acquired it.
    pub at: Pc,
    /// Of an iterator, the number of its loop, and how many elements it gave.
    pub run: u32,
    /// See there; 0 of other references.
    pub rounds: u32,
}

/// A `struct bpf_spin_lock` that the program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The map in whose value it lies.
    pub map: MapRef,
    /// Which of the map's values that is.
    pub object: Id,
}

/// All that a path holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The references, the oldest first.
    pub references: Vec<Reference>,
    /// The lock; there is never more than one.
    pub lock: Option<Lock>,
    /// Whether it is in a section that reads what RCU keeps.
    pub rcu: bool,
    /// How often preemption was disabled.
    pub preempt: u32,
}

impl Held {
    /// Whether a reference of this name is held.
    #[must_use]
    pub fn has(&self, id: Id) -> bool {
        self.references.iter().any(|r| r.id == id)
    }

    /// The reference of this name.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&Reference> {
        self.references.iter().find(|r| r.id == id)
    }

    /// How many bytes it takes beside its own structure.
    pub(crate) const fn bytes(&self) -> usize {
        self.references.capacity() * size_of::<Reference>()
    }

    /// Gives back the reference of this name; false where none is held.
    pub fn release(&mut self, id: Id) -> bool {
        let found = self.references.iter().position(|r| r.id == id);
        found.map(|index| self.references.remove(index)).is_some()
    }
}
