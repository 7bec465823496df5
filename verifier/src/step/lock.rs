//! Locks, timers and kernel pointers in map values: fields that only their
//! helpers may touch.

use crate::outcome::Cause;
use crate::reject::Held;
use crate::state::references::Lock;
use crate::state::value::{MapRef, Ptr, PtrKind};
use crate::step::arguments::Given;
use crate::step::region::Bytes;
use crate::walk::Walk;
use brolga_core::helper::Proto;
use brolga_core::helper::table::id;
use brolga_core::kfunc::Kfunc;
use brolga_core::map::Special;
use brolga_core::{Callee, Reg};

/// A field of a map value, as a helper wants it.
#[derive(Clone, Copy)]
struct Field {
    /// The kernel's name of the structure.
    name: &'static str,
    /// What the kernel says it is good for.
    used: &'static str,
    at: fn(&Special) -> Option<u32>,
}

const SPIN_LOCK: Field = Field { name: "bpf_spin_lock", used: "bpf_spin_lock", at: |s| s.spin_lock };
const TIMER: Field = Field { name: "bpf_timer", used: "bpf_timer", at: |s| s.timer };

/// The sizes of the fields, in bytes.
const LOCK_SIZE: i64 = 4;
const TIMER_SIZE: i64 = 16;
const KPTR_SIZE: i64 = 8;

impl Walk<'_> {
    /// With a lock held nothing is called but what gives it back.
    pub(crate) fn may_call(&self, callee: Callee) -> Result<(), Cause> {
        let allowed = match callee {
            Callee::Helper(id) => id == id::SPIN_UNLOCK,
            Callee::Subprog(_) => true,
            // What counts does not wait for anything.
            Callee::Kfunc { .. } => matches!(
                self.aux.kfunc(callee),
                Some(Kfunc::IterNumNew | Kfunc::IterNumNext | Kfunc::IterNumDestroy)
            ),
        };
        if allowed || self.state.held.lock.is_none() {
            return Ok(());
        }
        Err(self.held(Held::CallInLock))
    }

    /// That a helper which may sleep is not called where nothing may.
    pub(crate) fn may_sleep_here(&self, proto: &Proto) -> Result<(), Cause> {
        let region = match &self.state.held {
            held if held.rcu => "rcu_read_lock region",
            held if held.preempt > 0 => "non-preemptible region",
            _ => return Ok(()),
        };
        if !proto.may_sleep {
            return Ok(());
        }
        Err(self.held(Held::Sleeps { name: proto.name.to_string(), id: proto.id, region }))
    }

    /// The argument of `bpf_spin_lock` or `bpf_spin_unlock`.
    pub(crate) fn spin_lock(&mut self, reg: Reg, helper: i32) -> Result<(), Cause> {
        let (map, ptr) = self.field(reg, SPIN_LOCK)?;
        let lock = Lock { map, object: ptr.id };
        if helper == id::SPIN_LOCK {
            if self.state.held.lock.is_some() {
                return Err(self.held(Held::TwoLocks));
            }
            self.state.held.lock = Some(lock);
            return Ok(());
        }
        match self.state.held.lock {
            None => Err(self.held(Held::NoLock)),
            Some(held) if held != lock => Err(self.held(Held::OtherLock)),
            Some(_) => {
                self.state.held.lock = None;
                Ok(())
            }
        }
    }

    /// The argument that is a timer; the map that follows must be its own.
    pub(crate) fn timer(&mut self, reg: Reg, given: &mut Given) -> Result<(), Cause> {
        let (map, _) = self.field(reg, TIMER)?;
        if map.inner {
            return Err(self.unsupported("a timer in a value of an inner map"));
        }
        given.timer_of = Some(map);
        Ok(())
    }

    /// Whether it matters which of a map's values a pointer is to: where they
    /// hold a lock.
    pub(crate) fn names_values(&self, map: MapRef) -> bool {
        map.def(self.aux).special.spin_lock.is_some()
    }

    /// That a pointer to a map value is to a field of this kind.
    fn field(&self, reg: Reg, field: Field) -> Result<(MapRef, Ptr), Cause> {
        let value = self.state.reg(reg);
        let ptr = *value.ptr().ok_or_else(|| self.bug("a field is in a map value"))?;
        let PtrKind::MapValue(map) = ptr.kind else { return Err(self.bug("a field is in a map value")) };
        let Some(off) = ptr.fixed_off() else {
            return Err(self.held(Held::FieldVariable { reg, field: field.name }));
        };
        let def = map.def(self.aux);
        let name = || def.name.clone();
        if def.special == Special::default() {
            return Err(self.held(Held::FieldUntyped { map: name(), field: field.used }));
        }
        match (field.at)(&def.special) {
            None => Err(self.held(Held::NoField { map: name(), field: field.used })),
            Some(at) if i64::from(at) != off => {
                Err(self.held(Held::FieldElsewhere { off, field: field.name, at }))
            }
            Some(_) => Ok((map, ptr)),
        }
    }

    /// That an access of a map value touches none of its special fields.
    pub(crate) fn plain_bytes(&self, ptr: &Ptr, special: &Special, bytes: &Bytes) -> Result<(), Cause> {
        let touched = |at: u32, size: i64| {
            let at = i64::from(at);
            let first = ptr.var.smin().saturating_add(bytes.off);
            let end = (ptr.var.umax() as i64).saturating_add(bytes.off).saturating_add(bytes.size.into());
            first < at + size && at < end
        };
        if special.spin_lock.is_some_and(|at| touched(at, LOCK_SIZE)) {
            return Err(self.held(Held::FieldAccess("bpf_spin_lock")));
        }
        if special.timer.is_some_and(|at| touched(at, TIMER_SIZE)) {
            return Err(self.held(Held::FieldAccess("bpf_timer")));
        }
        match special.kptrs.iter().find(|at| touched(**at, KPTR_SIZE)) {
            None => Ok(()),
            Some(at) => self.kptr_access(ptr, *at, bytes),
        }
    }

    fn kptr_access(&self, ptr: &Ptr, at: u32, bytes: &Bytes) -> Result<(), Cause> {
        if bytes.by_helper {
            return Err(self.held(Held::KptrIndirect));
        }
        let Some(var) = ptr.var.as_const() else { return Err(self.held(Held::KptrVariable)) };
        let off = bytes.off.wrapping_add(var as i64);
        if off != i64::from(at) {
            return Err(self.held(Held::KptrMisaligned { expected: at, off }));
        }
        if i64::from(bytes.size) != KPTR_SIZE {
            return Err(self.held(Held::KptrPart));
        }
        Err(self.unsupported("a kernel pointer in a map value"))
    }
}
