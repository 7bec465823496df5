//! Maps: where programs and the host keep what they share.
//!
//! A [`Map`] is a handle without a lifetime; a program that uses the map holds
//! one too, and the last one frees the memory. What the kernel promises holds:
//! the address of a value stays valid as long as the map, an element's memory
//! is recycled but never freed under a reader, a lookup takes no lock.
//!
//! Values are words that everyone accesses with relaxed atomics, because
//! compiled programs read and write them at any time: a value that is written
//! while it is read may come out half old, half new, as in the kernel, but
//! keys and the structure of the map never do.

mod array;
mod bloom;
mod cells;
pub(crate) mod cpu;
mod create;
mod error;
mod freeze;
mod hash;
mod iter;
mod lru;
mod of_maps;
mod perf;
mod pool;
mod prog_array;
mod queue;
mod ring;
mod ringbuf;
mod storage;
mod targets;
mod trie;
mod value;

#[cfg(test)]
mod tests;

pub use error::MapError;
pub use iter::Iter;
pub(crate) use of_maps::OfMaps;
pub use perf::PerfReader;
pub(crate) use perf::{PerfArray, PerfError};
pub(crate) use prog_array::{Owner, ProgArray, tail_call};
pub(crate) use ring::finish as finish_record;
pub(crate) use ringbuf::Ringbuf;
pub use ringbuf::{Record, RingReader};
pub(crate) use storage::Storage;
pub use targets::Redirect;
pub(crate) use targets::targets;

use brolga_core::link::MapLink;
use brolga_core::{MapDef, MapFlags, MapInfo, MapKind};
use freeze::Freeze;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What an update does about a key that the map has, or has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Update {
    /// Sets the value in either case.
    #[default]
    Any,
    /// Only inserts.
    NoExist,
    /// Only replaces.
    Exist,
}

impl Update {
    /// By the flags of `BPF_MAP_UPDATE_ELEM` and of the helper.
    ///
    /// # Errors
    ///
    /// [`MapError::UpdateFlags`] for flags that there are not, and for
    /// `BPF_F_LOCK`: no map here has a lock in its values.
    pub fn from_flags(flags: u64) -> Result<Self, MapError> {
        match flags {
            0 => Ok(Self::Any),
            1 => Ok(Self::NoExist),
            2 => Ok(Self::Exist),
            _ => Err(MapError::UpdateFlags(flags)),
        }
    }
}

/// A map. Its address is the handle that programs pass to helpers.
pub(crate) struct MapObject {
    id: u32,
    def: MapDef,
    storage: Box<dyn Storage>,
    freeze: Freeze,
}

impl MapObject {
    fn new(def: MapDef, storage: Box<dyn Storage>) -> Self {
        static IDS: AtomicU32 = AtomicU32::new(1);
        Self { id: IDS.fetch_add(1, Ordering::Relaxed), def, storage, freeze: Freeze::default() }
    }

    /// The map's number in this process.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// What the map was created from.
    pub(crate) fn def(&self) -> &MapDef {
        &self.def
    }

    /// Where its elements are.
    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }
}

/// A handle to a map, as cheap to clone as an [`Arc`]; any thread may use it.
///
/// The operations are those of `bpf(2)` on a map's file descriptor. They fail
/// with [`MapError::NotReadable`] or [`MapError::NotWritable`] where the map's
/// flags, or that it is frozen, forbid them to the host.
#[derive(Clone)]
pub struct Map(
    pub(crate) Arc<MapObject>,
    #[expect(dead_code, reason = "what counts is who holds it")] Option<Arc<prog_array::Users>>,
);

impl Map {
    /// Creates a map, all values zero or absent.
    ///
    /// # Errors
    ///
    /// Those of `BPF_MAP_CREATE` for a caller with every capability: sizes,
    /// flags that the kind does not allow, no memory; and
    /// [`MapError::Unsupported`] for a kind that there is not yet.
    pub fn create(def: MapDef) -> Result<Self, MapError> {
        let storage = create::storage(&def)?;
        let users = ProgArray::of(&*storage).map(|array| Arc::new(array.users()));
        Ok(Self(Arc::new(MapObject::new(def, storage)), users))
    }

    /// A handle for as long as a program lends the map to a helper.
    pub(crate) fn borrowed(object: Arc<MapObject>) -> Self {
        Self(object, None)
    }

    /// The programs in it, where it is a program array.
    pub(crate) fn prog_array(&self) -> Option<&ProgArray> {
        ProgArray::of(self.0.storage())
    }

    /// What the map was created from.
    #[must_use]
    pub fn def(&self) -> &MapDef {
        self.0.def()
    }

    /// Its number in this process: what the host reads from a map of maps.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The value of a key: of a per-CPU map the values of all CPUs, each padded
    /// to 8 bytes.
    ///
    /// # Errors
    ///
    /// Where the key has the wrong size, or the host may not read.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MapError> {
        let mut value = vec![0; self.0.storage.host_value_size()];
        Ok(self.lookup_into(key, &mut value)?.then_some(value))
    }

    /// Copies the value of a key to `value`; whether the map has the key.
    ///
    /// # Errors
    ///
    /// Where the key or `value` has the wrong size, or the host may not read.
    pub fn lookup_into(&self, key: &[u8], value: &mut [u8]) -> Result<bool, MapError> {
        self.readable()?;
        has(self.0.storage.is_readable())?;
        self.check_key(key)?;
        self.check_value(value)?;
        Ok(self.0.storage.read(key, value))
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// Where the key or the value has the wrong size, the host may not write,
    /// the map is full, or `update` forbids it.
    pub fn update(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        self.check_key(key)?;
        self.check_value(value)?;
        let _writing = self.writable()?;
        self.0.storage.write(key, value, update)
    }

    /// Removes a key.
    ///
    /// # Errors
    ///
    /// Where the key has the wrong size, the host may not write, the map does
    /// not have the key, or its elements can not be deleted.
    pub fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        has(self.0.storage.has_keys())?;
        self.check_key(key)?;
        let _writing = self.writable()?;
        self.0.storage.delete(key)
    }

    /// The key after this one, in the map's own order; the first where there is
    /// no key given, or the map does not have it. `None` after the last.
    ///
    /// Walking a map by this may start over when another thread deletes keys;
    /// [`iter`](Self::iter) does not.
    ///
    /// # Errors
    ///
    /// Where the key has the wrong size, or the host may not read.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, MapError> {
        self.readable()?;
        has(self.0.storage.has_keys())?;
        key.map_or(Ok(()), |key| self.check_key(key))?;
        Ok(self.0.storage.next_key(key))
    }

    /// Every key with its value, as copies. A key that is in the map all the
    /// while comes exactly once, whatever other threads do.
    ///
    /// # Errors
    ///
    /// Where the host may not read.
    pub fn iter(&self) -> Result<Iter, MapError> {
        self.readable()?;
        has(self.0.storage.has_keys() && self.0.storage.is_readable())?;
        Ok(Iter::new(self.clone()))
    }

    /// Every key, as copies, as [`iter`](Self::iter) gives them.
    ///
    /// # Errors
    ///
    /// Where the host may not read.
    pub fn keys(&self) -> Result<impl Iterator<Item = Vec<u8>>, MapError> {
        Ok(self.iter()?.map(|(key, _)| key))
    }

    /// Adds a value to a queue, a stack or a bloom filter; with
    /// [`Update::Exist`] a full queue or stack loses its oldest value.
    ///
    /// # Errors
    ///
    /// Where the value has the wrong size, the host may not write, the map is
    /// full or has keys.
    pub fn push(&self, value: &[u8], update: Update) -> Result<(), MapError> {
        self.check_value(value)?;
        let _writing = self.writable()?;
        self.0.storage.push(value, update)
    }

    /// Takes the next value out of a queue or a stack
    /// (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`).
    ///
    /// # Errors
    ///
    /// Where the host may not read and write, or the map is of another kind.
    pub fn pop(&self) -> Result<Option<Vec<u8>>, MapError> {
        self.readable()?;
        let _writing = self.writable()?;
        self.next_value(|value| self.0.storage.pop(value))
    }

    /// The next value of a queue or a stack.
    ///
    /// # Errors
    ///
    /// Where the host may not read, or the map is of another kind.
    pub fn peek(&self) -> Result<Option<Vec<u8>>, MapError> {
        self.readable()?;
        self.next_value(|value| self.0.storage.peek(value))
    }

    /// Whether a bloom filter may have a value: never false of one that was
    /// pushed.
    ///
    /// # Errors
    ///
    /// Where the value has the wrong size, the host may not read, or the map is
    /// of another kind.
    pub fn may_have(&self, value: &[u8]) -> Result<bool, MapError> {
        self.readable()?;
        self.check_value(value)?;
        has(self.def().kind == MapKind::BloomFilter)?;
        Ok(self.0.storage.may_have(value))
    }

    fn next_value(
        &self,
        next: impl FnOnce(&mut [u8]) -> Result<(), MapError>,
    ) -> Result<Option<Vec<u8>>, MapError> {
        has(self.def().kind != MapKind::BloomFilter)?;
        let mut value = vec![0; self.0.storage.host_value_size()];
        match next(&mut value) {
            Ok(()) => Ok(Some(value)),
            Err(MapError::NoEntry) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many elements there are: of an array always all, of a ring buffer how
    /// many bytes there are to be read; of a bloom filter nobody knows (0).
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.storage.len()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forbids the host every later write; programs may still write, unless the
    /// map has [`MapFlags::RDONLY_PROG`]. Waits for writes under way.
    ///
    /// # Errors
    ///
    /// [`MapError::AlreadyFrozen`].
    pub fn freeze(&self) -> Result<(), MapError> {
        self.0.freeze.freeze()
    }

    /// Whether [`freeze`](Self::freeze) was called.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.0.freeze.is_frozen()
    }

    /// What the verifier may believe: the contents too, where no one can change
    /// them any more.
    #[must_use]
    pub fn info(&self) -> MapInfo {
        let constant = self.0.freeze.is_settled() && self.def().flags.contains(MapFlags::RDONLY_PROG);
        let frozen = if constant { self.only_value() } else { None };
        let mut def = self.def().clone();
        if def.kind == MapKind::Devmap {
            // As the kernel has it: programs look at targets and change none.
            def.flags |= MapFlags::RDONLY_PROG;
        }
        MapInfo { def, frozen }
    }

    /// The addresses that a program refers to the map by; they hold as long as
    /// any handle to the map.
    #[must_use]
    pub fn link(&self) -> MapLink {
        let value = self.0.storage.value_address().map(|value| value.expose_provenance().get() as u64);
        let handle = Arc::as_ptr(&self.0).expose_provenance() as u64;
        MapLink { handle, value, values: self.0.storage.values() }
    }

    /// Whether the `len` bytes at `addr` lie within one value of this map (of a
    /// per-CPU map, one processor's copy), present or not: what a program that
    /// has the value's address may touch.
    #[must_use]
    pub fn contains(&self, addr: u64, len: u64) -> bool {
        self.0.storage.contains(addr, len)
    }

    fn only_value(&self) -> Option<Arc<[u8]>> {
        self.0.storage.value_address()?;
        let mut value = vec![0; self.0.storage.host_value_size()];
        self.0.storage.read(&0u32.to_ne_bytes(), &mut value).then(|| value.into())
    }

    fn readable(&self) -> Result<(), MapError> {
        if self.def().flags.contains(MapFlags::WRONLY) { Err(MapError::NotReadable) } else { Ok(()) }
    }

    fn writable(&self) -> Result<freeze::Writing<'_>, MapError> {
        if self.def().flags.contains(MapFlags::RDONLY) {
            return Err(MapError::NotWritable);
        }
        self.0.freeze.write()
    }

    fn check_key(&self, key: &[u8]) -> Result<(), MapError> {
        let needed = self.def().key_size;
        let fits = key.len() == needed as usize;
        if fits { Ok(()) } else { Err(MapError::KeyLength { given: key.len(), needed }) }
    }

    fn check_value(&self, value: &[u8]) -> Result<(), MapError> {
        let needed = self.0.storage.host_value_size();
        let fits = value.len() == needed;
        if fits { Ok(()) } else { Err(MapError::ValueLength { given: value.len(), needed }) }
    }
}

/// Whether the map's kind has an operation.
fn has(operation: bool) -> Result<(), MapError> {
    if operation { Ok(()) } else { Err(MapError::Operation) }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Map").field("def", self.def()).field("len", &self.len()).finish_non_exhaustive()
    }
}
