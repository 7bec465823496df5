//! `BPF_MAP_TYPE_DEVMAP`, `BPF_MAP_TYPE_CPUMAP` and `BPF_MAP_TYPE_XSKMAP`: where XDP
//! programs send packets.
//!
//! Nothing is sent here: a slot holds the number that the host put there (of an
//! interface, of a queue's length, of a socket), and a program that redirects to
//! it leaves a [`Redirect`] for whoever ran it.

use super::storage::{Entry, Storage};
use super::{Map, MapError, MapObject, Update, cells};
use brolga_core::{MapDef, MapKind};
use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Law: a slot is 0 where there is nothing; else its low half is the number.
pub(crate) struct Targets {
    slots: Box<[AtomicU64]>,
    kind: MapKind,
    value_size: usize,
}

/// In the high half of a socket's slot: a socket's number may be 0.
const SOCKET: u64 = 1 << 32;

impl Targets {
    /// All slots empty.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let slots = cells::zeroed(def.max_entries.into())?;
        Ok(Self { slots, kind: def.kind, value_size: def.value_size as usize })
    }

    /// A storage that is one of these.
    pub(crate) fn of(storage: &dyn Storage) -> Option<&Self> {
        let storage: &dyn std::any::Any = storage;
        storage.downcast_ref()
    }

    fn slot(&self, key: &[u8]) -> Option<&AtomicU64> {
        self.slots.get(super::array::index(key) as usize)
    }

    /// The number in a slot.
    pub(crate) fn number(&self, index: u64) -> Option<u32> {
        let slot = self.slots.get(usize::try_from(index).ok()?)?.load(Relaxed);
        (slot != 0).then_some(slot as u32)
    }

    /// Whether programs may redirect to all slots at once.
    pub(crate) fn broadcasts(&self) -> bool {
        self.kind == MapKind::Devmap
    }
}

impl Storage for Targets {
    /// The number of a device's interface, and 0 for a program of its own.
    fn lookup(&self, key: &[u8]) -> Option<NonNull<u8>> {
        let slot = self.slot(key).filter(|slot| self.kind == MapKind::Devmap && slot.load(Relaxed) != 0)?;
        Some(cells::address(std::slice::from_ref(slot)))
    }

    fn update(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        let (index, max_entries) = (super::array::index(key), self.slots.len() as u32);
        let slot = self.slot(key).ok_or(MapError::Index { index, max_entries })?;
        if update == Update::NoExist {
            return Err(MapError::Exists);
        }
        let (number, program) = value.split_at(4);
        // A program of the target's own; what is not above 0 is none.
        let program = program.try_into().map_or(0, i32::from_ne_bytes);
        if program > 0 {
            return Err(MapError::Operation);
        }
        let number = number.try_into().map_or(0, u32::from_ne_bytes).into();
        slot.store(if self.kind == MapKind::Xskmap { number | SOCKET } else { number }, Relaxed);
        Ok(())
    }

    /// Of an empty slot it is no error.
    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        let slot = self.slot(key).ok_or(MapError::NotDeletable)?;
        slot.store(0, Relaxed);
        Ok(())
    }

    fn host_value_size(&self) -> usize {
        self.value_size
    }

    fn read(&self, key: &[u8], value: &mut [u8]) -> bool {
        let Some(slot) = self.slot(key).map(|slot| slot.load(Relaxed)).filter(|slot| *slot != 0) else {
            return false;
        };
        value.fill(0);
        value[..4].copy_from_slice(&(slot as u32).to_ne_bytes());
        true
    }

    fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let next = super::array::next_index(key, self.slots.len() as u32)?;
        Some(next.to_ne_bytes().to_vec())
    }

    fn entries(&self, cursor: usize, entries: &mut Vec<Entry>) -> Option<usize> {
        self.slots.get(cursor)?;
        let (key, mut value) = ((cursor as u32).to_ne_bytes(), vec![0; self.value_size]);
        if self.read(&key, &mut value) {
            entries.push((key.to_vec(), value));
        }
        Some(cursor + 1)
    }

    fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.load(Relaxed) != 0).count()
    }

    fn contains(&self, addr: u64, len: u64) -> bool {
        let off = addr.wrapping_sub(self.slots.as_ptr().addr() as u64);
        let end = (off % 8).checked_add(len);
        off < self.slots.len() as u64 * 8 && end.is_some_and(|end| end <= self.value_size as u64)
    }
}

/// Where a program wants its packet sent, besides its result `XDP_REDIRECT` or
/// `TC_ACT_REDIRECT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// To an interface (`bpf_redirect`).
    Interface {
        /// Its number.
        ifindex: u32,
        /// The flags, such as `BPF_F_INGRESS`.
        flags: u64,
    },
    /// To a slot of a device, processor or socket map (`bpf_redirect_map`).
    Slot {
        /// The map's [`id`](Map::id).
        map: u32,
        /// The slot.
        index: u32,
        /// What the host put into it.
        number: u32,
    },
    /// To every device of a map.
    All {
        /// The map's [`id`](Map::id).
        map: u32,
        /// Not to the interface that it came from.
        exclude_ingress: bool,
    },
}

thread_local! {
    static LAST: Cell<Option<Redirect>> = const { Cell::new(None) };
}

impl Redirect {
    /// Takes what the last program that redirected on this thread wanted. It
    /// holds for a run whose result says that the packet is redirected.
    #[must_use]
    pub fn take() -> Option<Self> {
        LAST.take()
    }

    pub(crate) fn leave(self) {
        LAST.set(Some(self));
    }
}

/// The map's id and its slots, where a packet can be redirected to it.
pub(crate) fn targets(map: &MapObject) -> Option<(u32, &Targets)> {
    Some((map.id(), Targets::of(map.storage())?))
}

impl Map {
    /// Whether programs can redirect to it.
    #[must_use]
    pub fn is_redirect_target(&self) -> bool {
        Targets::of(self.0.storage()).is_some()
    }
}
