//! Maps for generated programs: as simple as they can be, deterministic, and
//! nothing to do with the runtime's.
//!
//! Values are words that programs and helper bodies access by address, so they
//! are atomics; what a map knows of its keys is behind a lock that no program
//! sees.

use super::ring::Ring;
use brolga_core::helper::ArgKind;
use brolga_core::link::{ArrayValues, MapLink};
use brolga_core::{MapDef, MapKind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What helpers return for errors, as the kernel numbers them.
const NO_ENTRY: i64 = -2;
const TOO_BIG: i64 = -7;
const EXISTS: i64 = -17;
const INVALID: i64 = -22;

/// The processor that every program runs on.
pub(super) const PROCESSOR: usize = 1;

/// How many processors there are, and copies of a value in a per-CPU map: as many
/// as the kernel here has, whose verifier knows it, but [`PROCESSOR`] is one of them.
pub(super) fn processors() -> u32 {
    brolga::processors().max(PROCESSOR as u32 + 1)
}

/// An array, of one value or one for each processor, or a hash table with keys of 4 bytes, or a ring buffer.
#[derive(Debug)]
pub(crate) struct TestMap {
    def: MapDef,
    /// How many copies of each value there are.
    copies: usize,
    values: Box<[AtomicU64]>,
    /// What is there when a run starts.
    start: Start,
    /// Of a hash table, the key in each place.
    keys: Mutex<Vec<Option<u32>>>,
    /// Of a ring buffer, what is in it; of the others one without room.
    ring: Ring,
}

/// What is in a map when a run starts.
#[derive(Debug)]
struct Start {
    values: Box<[u64]>,
    keys: Vec<Option<u32>>,
}

impl TestMap {
    /// A map in which this lies, or zeros.
    pub(crate) fn new(def: &MapDef, frozen: Option<&[u64]>) -> Self {
        let copies = if def.kind == MapKind::PercpuArray { processors() as usize } else { 1 };
        let words = def.value_stride() / 8 * u64::from(def.max_entries) * copies as u64;
        let is_ring = def.kind == MapKind::Ringbuf;
        let zeros = || vec![0; words as usize].into();
        let start = Start {
            values: frozen.map_or_else(zeros, Into::into),
            keys: vec![None; if def.kind == MapKind::Hash { def.max_entries as usize } else { 0 }],
        };
        Self {
            ring: Ring::new(if is_ring { def.max_entries } else { 0 }),
            def: def.clone(),
            copies,
            values: start.values.iter().copied().map(AtomicU64::new).collect(),
            keys: Mutex::new(start.keys.clone()),
            start,
        }
    }

    /// As it is when a run starts.
    pub(crate) fn reset(&self) {
        self.values.iter().zip(&self.start.values).for_each(|(word, start)| word.store(*start, Relaxed));
        self.keys().copy_from_slice(&self.start.keys);
        self.ring.reset();
    }

    /// Has every run from now on start with other values; and with other keys where
    /// programs make them. Of what only helpers may touch nothing is there.
    pub(crate) fn fill(&mut self, word: &mut dyn FnMut() -> u64) {
        let (plain, stride) = (self.plain_size() as usize / 8, self.def.value_stride() as usize / 8);
        for (i, value) in self.start.values.iter_mut().enumerate() {
            *value = if i % stride < plain { word() } else { 0 };
        }
        // Programs mostly use small keys, and no key is there twice.
        let choice = word();
        for (at, key) in (0_u32..64).zip(&mut self.start.keys) {
            *key = (choice >> at & 1 == 1).then_some(at);
        }
    }

    /// All that is there and all that was left, as words: where they are the same,
    /// so are [`TestMap::contents`].
    pub(crate) fn write_words(&self, out: &mut Vec<u64>) {
        out.extend(self.values.iter().map(|word| word.load(Relaxed)));
        out.extend(self.keys().iter().map(|key| key.map_or(u64::MAX, u64::from)));
        self.ring.write_words(out);
    }

    pub(crate) const fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Every key with its value, in the order of the places; or every record.
    pub(crate) fn contents(&self) -> Vec<(u32, Vec<u64>)> {
        if self.def.kind == MapKind::Ringbuf {
            return self.ring.contents();
        }
        let keys = self.keys().clone();
        let is_array = self.is_array();
        let key = |i: usize| if is_array { Some(i as u32) } else { keys[i] };
        let all = (0..self.def.max_entries as usize).filter_map(|i| Some((key(i)?, self.words(i))));
        all.collect()
    }

    pub(crate) fn handle(&self) -> u64 {
        std::ptr::from_ref(self).expose_provenance() as u64
    }

    pub(crate) fn link(&self) -> MapLink {
        let start = self.values.as_ptr().expose_provenance() as u64;
        let copy = (self.copies > 1).then_some(self.def.value_stride());
        let values = ArrayValues { start, stride: self.stride(), count: self.def.max_entries, copy };
        MapLink { handle: self.handle(), value: self.only_value(), values: self.is_array().then_some(values) }
    }

    pub(crate) fn sizes(&self) -> (u32, u32) {
        (self.def.key_size, self.def.value_size)
    }

    /// The distance from one value to the next, in bytes.
    fn stride(&self) -> u64 {
        self.def.value_stride() * self.copies as u64
    }

    /// Where each value lies that a program sees.
    pub(crate) fn places(&self) -> impl Iterator<Item = u64> {
        let count = if self.def.kind == MapKind::Ringbuf { 0 } else { self.def.max_entries };
        let start = self.values.as_ptr().expose_provenance() as u64;
        let own = if self.copies > 1 { PROCESSOR as u64 * self.def.value_stride() } else { 0 };
        (0..u64::from(count)).map(move |i| start + i * self.stride() + own)
    }

    /// Where the value of an array of one lies.
    fn only_value(&self) -> Option<u64> {
        (self.def.kind == MapKind::Array && self.def.max_entries == 1).then(|| self.places().next())?
    }

    /// Whether all of the bytes are of one value, but for what only helpers may
    /// touch, which lies at its end; or of a record that is held.
    pub(crate) fn holds(&self, addr: u64, len: u64) -> bool {
        let size = u64::from(self.plain_size());
        self.places().any(|at| addr >= at && addr - at <= size && len <= size - (addr - at))
            || self.ring.holds(addr, len)
    }

    /// How many bytes of a value are not for helpers alone, which those at its end
    /// may be.
    fn plain_size(&self) -> u32 {
        let special = &self.def.special;
        special.spin_lock.or(special.timer).unwrap_or(self.def.value_size)
    }

    /// Whether there is what an argument of this kind wants.
    pub(crate) fn lends(&self, kind: ArgKind, addr: u64) -> bool {
        let field =
            |off: Option<u32>| off.is_some_and(|off| self.places().any(|at| at + u64::from(off) == addr));
        match kind {
            ArgKind::SpinLock => field(self.def.special.spin_lock),
            ArgKind::Timer => field(self.def.special.timer),
            ArgKind::RingbufMem => self.ring.is_record(addr),
            _ => false,
        }
    }

    /// The first element from a place on: its place, key, and value's address.
    pub(crate) fn element_from(&self, position: u64) -> Option<(u64, u32, u64)> {
        let keys = self.keys();
        let is_array = self.is_array();
        let key = |at: usize| if is_array { Some(at as u32) } else { keys[at] };
        let places = self.places().enumerate().skip(position as usize);
        let mut elements = places.filter_map(|(at, value)| Some((at as u64, key(at)?, value)));
        elements.next()
    }

    pub(crate) fn lookup(&self, key: u32) -> u64 {
        self.place(key).and_then(|i| self.places().nth(i)).unwrap_or(0)
    }

    pub(crate) fn update(&self, key: u32, value: &[u64], flags: u64) -> i64 {
        let at = match (self.place(key), flags) {
            (_, 3..) => return INVALID,
            (None, _) if self.is_array() => return TOO_BIG,
            (Some(_), 1) => return EXISTS,
            (None, 2) => return NO_ENTRY,
            (Some(at), _) => at,
            (None, _) => match self.claim(key) {
                Some(at) => at,
                None => return TOO_BIG,
            },
        };
        let words = value.len();
        let own = if self.copies > 1 { PROCESSOR } else { 0 };
        for (word, new) in self.values[(at * self.copies + own) * words..].iter().zip(value) {
            word.store(*new, Relaxed);
        }
        0
    }

    pub(crate) fn delete(&self, key: u32) -> i64 {
        if self.is_array() {
            return INVALID;
        }
        match self.place(key) {
            Some(at) => {
                self.keys()[at] = None;
                0
            }
            None => NO_ENTRY,
        }
    }

    fn is_array(&self) -> bool {
        matches!(self.def.kind, MapKind::Array | MapKind::PercpuArray)
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, Vec<Option<u32>>> {
        self.keys.lock().expect("no one panics with the keys")
    }

    fn place(&self, key: u32) -> Option<usize> {
        if self.is_array() {
            return (key < self.def.max_entries).then_some(key as usize);
        }
        self.keys().iter().position(|k| *k == Some(key))
    }

    fn claim(&self, key: u32) -> Option<usize> {
        let mut keys = self.keys();
        let at = keys.iter().position(Option::is_none)?;
        keys[at] = Some(key);
        Some(at)
    }

    fn words(&self, at: usize) -> Vec<u64> {
        let words = self.stride() as usize / 8;
        self.values[at * words..][..words].iter().map(|word| word.load(Relaxed)).collect()
    }
}
