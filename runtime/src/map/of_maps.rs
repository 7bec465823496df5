//! `BPF_MAP_TYPE_ARRAY_OF_MAPS` and `BPF_MAP_TYPE_HASH_OF_MAPS`: maps whose values
//! are maps, all like one template.
//!
//! The values are addresses, each with a holder of the map behind it. A run that
//! looks one up takes no reference: what is taken out is retired ([`rcu`]), and a
//! program that uses such a map runs in a section. No map of maps holds another,
//! so none can hold itself.

#![expect(unsafe_code, reason = "values hold maps by their addresses")]

use super::array::Array;
use super::hash::Hash;
use super::storage::{Entry, Storage};
use super::{Map, MapError, MapObject, Update};
use crate::fd::{Fd, Fds};
use crate::rcu;
use brolga_core::{MapDef, MapFlags, MapKind};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// Law: a value that is not 0 is the address in an `Arc` of a [`MapObject`], of
/// which the value is a holder.
pub(crate) struct OfMaps {
    addresses: Box<dyn Storage>,
    is_array: bool,
    template: MapDef,
    /// Whoever changes values.
    writing: Mutex<()>,
    /// Whose numbers the host's updates mean.
    fds: OnceLock<Weak<Fds>>,
}

impl OfMaps {
    /// No maps.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let is_array = def.kind == MapKind::ArrayOfMaps;
        let template = def.inner.as_deref().filter(|inner| may_be_inner(inner));
        let template = template.ok_or(MapError::Inner(def.kind))?.clone();
        let kind = if is_array { MapKind::Array } else { MapKind::Hash };
        let addresses = MapDef { kind, value_size: 8, inner: None, ..def.clone() };
        let addresses: Box<dyn Storage> =
            if is_array { Box::new(Array::create(&addresses)?) } else { Box::new(Hash::create(&addresses)?) };
        Ok(Self { addresses, is_array, template, writing: Mutex::default(), fds: OnceLock::new() })
    }

    /// A storage that is a map of maps.
    pub(crate) fn of(storage: &dyn Storage) -> Option<&Self> {
        let storage: &dyn std::any::Any = storage;
        storage.downcast_ref()
    }

    /// The host's updates mean the numbers of this table.
    pub(crate) fn bind(&self, fds: &Arc<Fds>) {
        // Bound once, when the map is created.
        _ = self.fds.set(Arc::downgrade(fds));
    }

    /// The address of a key's map, or 0.
    fn address(&self, key: &[u8]) -> u64 {
        let mut address = [0; 8];
        if self.addresses.read(key, &mut address) { u64::from_ne_bytes(address) } else { 0 }
    }

    /// Puts a map under a key.
    fn set(&self, key: &[u8], map: &Map, update: Update) -> Result<(), MapError> {
        if !alike(&self.template, map.def()) {
            return Err(MapError::UnlikeInner);
        }
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.address(key);
        if self.is_array && update != Update::Any {
            return Err(MapError::UpdateFlags(update as u64));
        }
        let new = Arc::into_raw(map.0.clone());
        let bytes = (new.expose_provenance() as u64).to_ne_bytes();
        if let Err(error) = self.addresses.update(key, &bytes, update) {
            // SAFETY: the address comes from `Arc::into_raw`, and no value has it.
            drop(unsafe { Arc::from_raw(new) });
            return Err(error);
        }
        retire(old);
        Ok(())
    }

    fn remove(&self, key: &[u8]) -> Result<(), MapError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.address(key);
        if old == 0 {
            return Err(MapError::NoEntry);
        }
        if self.is_array {
            self.addresses.update(key, &[0; 8], Update::Any)?;
        } else {
            self.addresses.delete(key)?;
        }
        retire(old);
        Ok(())
    }

    fn map_of(&self, fd: Fd) -> Result<Map, MapError> {
        let fds = self.fds.get().and_then(Weak::upgrade);
        fds.ok_or(MapError::NoEngine)?.map(fd).map_err(MapError::Fd)
    }

    /// The id of the map at an address.
    fn id_of(address: u64) -> Option<u32> {
        let map = std::ptr::with_exposed_provenance::<MapObject>(address as usize);
        // SAFETY: an address that is not 0 is that of a map, which was held by a
        // value in the section that the caller is in.
        unsafe { map.as_ref() }.map(MapObject::id)
    }
}

/// Lets go of the map at an address that no value has any more.
fn retire(address: u64) {
    if address != 0 {
        let map = std::ptr::with_exposed_provenance::<MapObject>(address as usize);
        // SAFETY: the address came from `Arc::into_raw`, and is taken out of its
        // value once.
        rcu::retire(unsafe { Arc::from_raw(map) });
    }
}

/// Whether maps like this may be in a map.
const fn may_be_inner(def: &MapDef) -> bool {
    !def.kind.is_map_in_map() && !matches!(def.kind, MapKind::ProgArray | MapKind::PerfEventArray)
}

/// `map_meta_equal`: programs are verified by the template.
fn alike(template: &MapDef, def: &MapDef) -> bool {
    let sized = template.kind != MapKind::Array || template.flags.contains(MapFlags::INNER_MAP);
    template.kind == def.kind
        && template.key_size == def.key_size
        && template.value_size == def.value_size
        && template.flags == def.flags
        && template.special == def.special
        && (sized || template.max_entries == def.max_entries)
}

impl Drop for OfMaps {
    fn drop(&mut self) {
        let (mut cursor, mut entries) = (Some(0), Vec::new());
        while let Some(at) = cursor {
            cursor = self.addresses.entries(at, &mut entries);
            for (_, address) in entries.drain(..) {
                retire(address.try_into().map_or(0, u64::from_ne_bytes));
            }
        }
    }
}

impl Storage for OfMaps {
    /// The map itself, in place of a value.
    fn lookup(&self, key: &[u8]) -> Option<NonNull<u8>> {
        NonNull::new(std::ptr::with_exposed_provenance_mut(self.address(key) as usize))
    }

    fn update(&self, _: &[u8], _: &[u8], _: Update) -> Result<(), MapError> {
        Err(MapError::NotWritable)
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        self.remove(key)
    }

    fn host_value_size(&self) -> usize {
        4
    }

    /// The host sees the map's id.
    fn read(&self, key: &[u8], value: &mut [u8]) -> bool {
        let _section = rcu::enter();
        let Some(id) = Self::id_of(self.address(key)) else { return false };
        value.copy_from_slice(&id.to_ne_bytes());
        true
    }

    /// The host writes a map's file descriptor.
    fn write(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        let fd = Fd(value.try_into().map_or(-1, i32::from_ne_bytes));
        self.set(key, &self.map_of(fd)?, update)
    }

    fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        self.addresses.next_key(key)
    }

    fn entries(&self, cursor: usize, entries: &mut Vec<Entry>) -> Option<usize> {
        let _section = rcu::enter();
        let mut addresses = Vec::new();
        let next = self.addresses.entries(cursor, &mut addresses)?;
        let id = |address: Vec<u8>| Self::id_of(address.try_into().map_or(0, u64::from_ne_bytes));
        let with_id = |(key, address): Entry| Some((key, id(address)?.to_ne_bytes().to_vec()));
        entries.extend(addresses.into_iter().filter_map(with_id));
        Some(next)
    }

    fn len(&self) -> usize {
        if !self.is_array {
            return self.addresses.len();
        }
        let mut entries = Vec::new();
        let mut cursor = Some(0);
        while let Some(at) = cursor {
            cursor = self.entries(at, &mut entries);
        }
        entries.len()
    }

    fn contains(&self, _: u64, _: u64) -> bool {
        false
    }
}

impl Map {
    /// Puts a map under a key of a map of maps, or takes it out. Runs under way
    /// may still use the one that was there.
    ///
    /// # Errors
    ///
    /// Where this is no map of maps, the host may not write, the key has the
    /// wrong size or is not there, the map is full, or the other map is not like
    /// those that this one is for.
    pub fn set_map(&self, key: &[u8], map: Option<&Self>) -> Result<(), MapError> {
        let maps = OfMaps::of(self.0.storage()).ok_or(MapError::Operation)?;
        self.check_key(key)?;
        let _writing = self.writable()?;
        match map {
            Some(map) => maps.set(key, map, Update::Any),
            None => maps.remove(key),
        }
    }
}
