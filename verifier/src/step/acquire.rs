//! References: what a helper acquires must be released, once, and nothing that
//! it kept alive is used afterwards.
//!
//! | event                             | references held       | pointers          |
//! |-----------------------------------|-----------------------|-------------------|
//! | a helper acquires                 | one more, named `i`   | r0: id `i`, owner `i` |
//! | a helper casts a pointer          | the same              | r0: the argument's owner |
//! | r0 turns out null                 | without `i`           | r0 is 0           |
//! | a helper releases                 | without `i`           | those of owner `i` are numbers |
//! | the run may end                   | there must be none    |                   |

use crate::outcome::Cause;
use crate::reject::{Held, Why};
use crate::state::references::Reference;
use crate::state::value::{Id, Ptr, Value};
use crate::step::arguments::Given;
use crate::walk::Walk;
use brolga_core::helper::{Arg, ArgFlags, ArgKind, Proto, RefKind};
use brolga_core::{MapKind, Reg};

/// The helpers whose result is the argument, as another type.
const CASTS: [i32; 8] = [95, 96, 136, 137, 138, 139, 140, 196];

impl Walk<'_> {
    /// One more reference, acquired by this very call.
    pub(crate) fn acquire(&mut self) -> Id {
        let id = self.new_id();
        self.state.held.references.push(Reference { id, at: self.pc, run: 0, rounds: 0 });
        id
    }

    /// Gives back a reference, and takes away every pointer to what it kept.
    pub(crate) fn release(&mut self, id: Id) -> bool {
        let held = self.state.held.release(id);
        self.state.lose_owned(id);
        held
    }

    /// Notes the reference of an argument, and whether it is to be released.
    pub(crate) fn note_reference(&mut self, reg: Reg, arg: &Arg, given: &mut Given) -> Result<(), Cause> {
        let value = *self.state.reg(reg);
        let owner = value.ptr().map_or(Id::NONE, |p| p.owner);
        let held = self.state.held.has(owner);
        if arg.flags.contains(ArgFlags::RELEASE) {
            if arg.kind == ArgKind::Dynptr {
                self.dynptr_releasable(reg)?;
            } else if !held && value.as_const() != Some(0) {
                return Err(self.held(Held::NotReferenced(reg)));
            }
            given.releases = Some(reg);
        }
        if held && arg.kind != ArgKind::KptrXchgDest {
            if given.reference.is_some() {
                let (first, second) = (given.reference.0, owner.0);
                return Err(self.held(Held::TwoReferences { reg, first, second }));
            }
            given.reference = owner;
        }
        Ok(())
    }

    /// That a pointer to something which is released is to its start.
    pub(crate) fn releases_start(&self, reg: Reg, ptr: &Ptr) -> Result<(), Cause> {
        if ptr.off != 0 {
            return Err(self.held(Held::ReleasesMiddle(reg)));
        }
        self.unmoved(reg, ptr)
    }

    /// What a call releases.
    pub(crate) fn releases(&mut self, proto: &Proto, given: &Given) -> Result<(), Cause> {
        let Some(reg) = given.releases else { return Ok(()) };
        let index = Reg::ARGS.iter().position(|arg| *arg == reg);
        if index.is_some_and(|i| proto.args[i].kind == ArgKind::Dynptr) {
            return self.release_dynptr(reg);
        }
        let is_null = self.state.reg(reg).as_const() == Some(0);
        if (given.reference.is_some() && self.release(given.reference)) || is_null {
            return Ok(());
        }
        Err(self.held(Held::NotAcquired { name: proto.name.to_string(), id: proto.id }))
    }

    /// The result of a call with what it acquired, or lives as long as.
    pub(crate) fn with_owner(&mut self, proto: &Proto, given: &Given, result: Value) -> Value {
        let Value::Pointer(ptr) = result else { return result };
        let of_map = given.map.map(|map| map.def(self.aux).kind);
        let from_map = matches!(of_map, Some(MapKind::Sockmap | MapKind::Sockhash)) && proto.id == 1;
        match proto.acquires {
            Some(RefKind::Socket | RefKind::Ringbuf | RefKind::Kptr) => {}
            Some(RefKind::DynptrRingbuf) | None if from_map => {}
            Some(RefKind::DynptrRingbuf) | None => {
                let owner = if CASTS.contains(&proto.id) { given.reference } else { given.dynptr };
                return Value::Pointer(Ptr { owner, ..ptr });
            }
        }
        let id = self.acquire();
        Value::Pointer(Ptr { id, owner: id, ..ptr })
    }

    /// That nothing is held where the run may end. What a caller holds while a
    /// subprogram ends early is still held by the caller, which is walked on.
    pub(crate) fn nothing_held(&self, place: &'static str) -> Result<(), Cause> {
        if self.state.held.lock.is_some() {
            return Err(self.held(Held::InLock(place)));
        }
        if self.state.frames.len() == 1 && !self.state.held.references.is_empty() {
            let held = self.state.held.references.iter().map(|r| (r.id.0, r.at)).collect();
            return Err(self.held(Held::Leak { place, held }));
        }
        match &self.state.held {
            held if held.rcu => Err(self.held(Held::InRcu(place))),
            held if held.preempt > 0 => Err(self.held(Held::InPreempt(place))),
            _ => Ok(()),
        }
    }

    pub(crate) fn held(&self, why: Held) -> Cause {
        self.reject(Why::Held(why))
    }
}
