//! `BPF_MAP_TYPE_PROG_ARRAY`: programs that others go on with.
//!
//! A slot holds its program as long as it is not replaced. A run that makes a
//! tail call takes no reference: what is taken out of a slot is retired
//! ([`rcu`]), and dropped when no run that could be in it is left.
//!
//! All programs of an array are alike in what their caller relies on: see
//! [`Owner`]. As in the kernel an array is emptied when no one but programs
//! refers to it any more ([`Users`]): else an array and a program in it that
//! uses the array would hold each other for good.

#![expect(unsafe_code, reason = "slots hold programs by their addresses")]

use super::storage::{Entry, Storage};
use super::{Map, MapError, MapObject, Update};
use crate::fd::{Fd, Fds};
use crate::prog::{Prog, Program};
use crate::prog_type::ProgramType;
use crate::rcu;
use brolga_core::link::RunState;
use brolga_core::{LoadFlags, MapDef};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// What all programs of an array, and all that tail-call into it, have in
/// common (`struct bpf_map_owner`). The first of them says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    prog_type: ProgramType,
    attach: u32,
    /// Of the load flags those that change what a program may do.
    flags: LoadFlags,
    /// The size of the memory that r1 points to.
    mem_size: u32,
}

impl Owner {
    pub(crate) fn new(prog_type: ProgramType, attach: u32, flags: LoadFlags, mem_size: u32) -> Self {
        let flags = flags & (LoadFlags::XDP_HAS_FRAGS | LoadFlags::SLEEPABLE);
        Self { prog_type, attach, flags, mem_size }
    }
}

/// A slot's program: the address in an `Arc` of which the slot is a holder, or
/// null.
type Slot = AtomicPtr<Prog>;

/// The slots, apart from the map so that its [`Users`] may reach them.
pub(crate) struct Slots {
    slots: Box<[Slot]>,
    owner: Mutex<Option<Owner>>,
    /// Whose numbers the host's updates mean.
    fds: OnceLock<Weak<Fds>>,
}

/// A program array's elements.
pub(crate) struct ProgArray(Arc<Slots>);

/// Whoever holds a handle to a program array, or a program that uses it, holds
/// this; other programs do not.
pub(super) struct Users(Arc<Slots>);

impl Drop for Users {
    fn drop(&mut self) {
        for slot in &self.0.slots {
            self.0.swap(slot, None);
        }
    }
}

impl ProgArray {
    /// All slots empty.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let len = def.max_entries as usize;
        let mut slots = Vec::new();
        let no_memory = |_| MapError::NoMemory { bytes: len as u64 * size_of::<Slot>() as u64 };
        slots.try_reserve_exact(len).map_err(no_memory)?;
        slots.resize_with(len, Slot::default);
        Ok(Self(Arc::new(Slots { slots: slots.into(), owner: Mutex::default(), fds: OnceLock::new() })))
    }

    /// What the map's handles hold besides the map.
    pub(super) fn users(&self) -> Users {
        Users(self.0.clone())
    }

    /// The host's updates mean the numbers of this table.
    pub(crate) fn bind(&self, fds: &Arc<Fds>) {
        // Bound once, when the map is created.
        _ = self.0.fds.set(Arc::downgrade(fds));
    }

    /// Whether programs that are like this may use the array.
    pub(crate) fn admit(&self, owner: &Owner) -> Result<(), MapError> {
        let mut first = self.0.owner.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = first.get_or_insert_with(|| owner.clone()) == owner;
        if fits { Ok(()) } else { Err(MapError::Incompatible) }
    }

    /// Puts a program into a slot, or nothing.
    pub(super) fn set(&self, index: u32, program: Option<&Program>) -> Result<(), MapError> {
        let slots = &self.0.slots;
        let past = MapError::Index { index, max_entries: slots.len() as u32 };
        let slot = slots.get(index as usize).ok_or(past)?;
        program.map_or(Ok(()), |program| self.admit(&program.prog().owner()))?;
        let before = self.0.swap(slot, program.map(|program| program.prog().clone()));
        if program.is_none() && !before { Err(MapError::NoEntry) } else { Ok(()) }
    }
}

impl Slots {
    /// Replaces what is in a slot; whether there was something.
    fn swap(&self, slot: &Slot, program: Option<Arc<Prog>>) -> bool {
        let program = program.map_or(null_mut(), |p| Arc::into_raw(p).cast_mut());
        let before = slot.swap(program, Ordering::AcqRel);
        if before.is_null() {
            return false;
        }
        // SAFETY: what is in a slot came from `Arc::into_raw`, and is taken out
        // of it once.
        rcu::retire(unsafe { Arc::from_raw(before) });
        true
    }

    fn program(&self, fd: Fd) -> Result<Program, MapError> {
        let fds = self.fds.get().and_then(Weak::upgrade);
        fds.ok_or(MapError::NoEngine)?.program(fd).map_err(MapError::Fd)
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        for slot in &self.slots {
            self.swap(slot, None);
        }
    }
}

fn index(key: &[u8]) -> u32 {
    key.try_into().map_or(u32::MAX, u32::from_ne_bytes)
}

impl Storage for ProgArray {
    /// A program can not look into it.
    fn lookup(&self, _: &[u8]) -> Option<NonNull<u8>> {
        None
    }

    fn update(&self, _: &[u8], _: &[u8], _: Update) -> Result<(), MapError> {
        Err(MapError::NotWritable)
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        self.set(index(key), None)
    }

    fn host_value_size(&self) -> usize {
        4
    }

    /// The host sees the program's id.
    fn read(&self, key: &[u8], value: &mut [u8]) -> bool {
        // The slot's program may be replaced and dropped meanwhile.
        let _section = rcu::enter();
        let program = self.target(index(key));
        // SAFETY: it was in the slot during this section.
        let Some(program) = (unsafe { program.as_ref() }) else { return false };
        value.copy_from_slice(&program.id().to_ne_bytes());
        true
    }

    /// The host writes a program's file descriptor.
    fn write(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        if update != Update::Any {
            return Err(MapError::UpdateFlags(update as u64));
        }
        let fd = Fd(value.try_into().map_or(-1, i32::from_ne_bytes));
        self.set(index(key), Some(&self.0.program(fd)?))
    }

    fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let next = super::array::next_index(key, self.0.slots.len() as u32)?;
        Some(next.to_ne_bytes().to_vec())
    }

    fn entries(&self, cursor: usize, entries: &mut Vec<Entry>) -> Option<usize> {
        self.0.slots.get(cursor)?;
        let (key, mut value) = ((cursor as u32).to_ne_bytes(), vec![0; 4]);
        if self.read(&key, &mut value) {
            entries.push((key.to_vec(), value));
        }
        Some(cursor + 1)
    }

    fn len(&self) -> usize {
        self.0.slots.iter().filter(|slot| !slot.load(Ordering::Relaxed).is_null()).count()
    }

    fn contains(&self, _: u64, _: u64) -> bool {
        false
    }

    fn target(&self, index: u32) -> *const Prog {
        self.0.slots.get(index as usize).map_or(null_mut(), |slot| slot.load(Ordering::Acquire))
    }
}

impl ProgArray {
    /// A storage that is a program array.
    pub(crate) fn of(storage: &dyn Storage) -> Option<&Self> {
        let storage: &dyn std::any::Any = storage;
        storage.downcast_ref()
    }
}

impl Map {
    /// Puts a program into a slot of a program array, or empties the slot.
    ///
    /// # Errors
    ///
    /// Where the map is no program array, the host may not write, the index is
    /// past its end, the slot is empty already, or the program is not like
    /// those that the array is for.
    pub fn set_program(&self, index: u32, program: Option<&Program>) -> Result<(), MapError> {
        let array = self.prog_array().ok_or(MapError::NotProgArray(self.def().kind))?;
        let _writing = self.writable()?;
        array.set(index, program)
    }
}

/// [`Hooks::tail_call`](brolga_core::link::Hooks::tail_call): a target is the
/// address of a [`Prog`].
///
/// # Safety
///
/// `run` is null or that of a live run that is a section of [`rcu`], `map` a live
/// program array's handle.
pub(crate) unsafe extern "C-unwind" fn tail_call(run: *mut RunState, map: u64, index: u64) -> u64 {
    // SAFETY: as the caller says; a handle is the address of a `MapObject`.
    let (run, map) =
        unsafe { (run.as_mut(), &*std::ptr::with_exposed_provenance::<MapObject>(map as usize)) };
    let Some(run) = run.filter(|run| run.tail_calls < RunState::MAX_TAIL_CALLS) else { return 0 };
    let target = map.storage().target(index as u32);
    if !target.is_null() {
        run.tail_calls += 1;
    }
    target.expose_provenance() as u64
}
