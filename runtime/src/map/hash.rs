//! `BPF_MAP_TYPE_HASH`, `BPF_MAP_TYPE_LRU_HASH` and their per-CPU kinds: buckets
//! of linked elements.
//!
//! Readers take no lock: they follow links and check that no element they read
//! was recycled under them, starting over where one was. Writers lock the bucket.
//! An update puts a new element into the old one's place with a single store, so
//! that a reader finds one of them at any time, and whoever has the old value's
//! address keeps the old value until the element is recycled. Per-CPU values are
//! updated in place, as in the kernel: most of an old one remains.

use super::lru::Lru;
use super::pool::{Element, Freelist, Link, Pool, Shape};
use super::storage::{Entry, Storage};
use super::value::{Side, ValueShape};
use super::{MapError, Update, cells};
use brolga_core::{MapDef, MapFlags, MapKind};
use std::hash::{BuildHasher, RandomState};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many locks the buckets share at most.
const LOCKS: u64 = 64;

/// Law: an element linked from bucket `b` has a key whose hash is `b` modulo
/// the number of buckets, and no two elements linked at one time have the same
/// key.
pub(super) struct Hash {
    /// The first link of each bucket; a power of two.
    buckets: Box<[AtomicU64]>,
    locks: Box<[Lock]>,
    pool: Pool,
    /// Elements for new keys: as many as the map may have.
    free: Freelist,
    /// Elements for new values of old keys, which then take the old element in:
    /// one for each lock, so that no update of a full map fails.
    spare: Freelist,
    /// Of an LRU map, what decides who gives way.
    lru: Option<Lru>,
    count: AtomicU32,
    seed: Seed,
    key_size: u32,
    shape: ValueShape,
}

/// Locks of different buckets in different cache lines.
#[derive(Default)]
#[repr(align(64))]
struct Lock(Mutex<()>);

const fn is_lru(kind: MapKind) -> bool {
    matches!(kind, MapKind::LruHash | MapKind::LruPercpuHash)
}

impl Hash {
    /// No elements.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let buckets = u64::from(def.max_entries).next_power_of_two();
        let locks = buckets.min(LOCKS) as u32;
        let shape = ValueShape::new(def)?;
        let elements = Shape {
            capacity: def.max_entries + locks,
            key_words: cells::words(def.key_size),
            value_words: shape.words(),
            reserve: !def.flags.contains(MapFlags::NO_PREALLOC),
        };
        Ok(Self {
            buckets: cells::zeroed(buckets)?,
            locks: (0..locks).map(|_| Lock::default()).collect(),
            pool: Pool::new(&elements)?,
            free: Freelist::new(0..def.max_entries),
            spare: Freelist::new(def.max_entries..elements.capacity),
            lru: is_lru(def.kind).then(|| Lru::new(elements.capacity)).transpose()?,
            count: AtomicU32::new(0),
            seed: Seed::new(def.flags.contains(MapFlags::ZERO_SEED)),
            key_size: def.key_size,
            shape,
        })
    }

    fn bucket_of(&self, key: &[u8]) -> usize {
        self.seed.hash(key) as usize & (self.buckets.len() - 1)
    }

    fn lock(&self, bucket: usize) -> MutexGuard<'_, ()> {
        self.locks[bucket & (self.locks.len() - 1)].0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The element with a key, without a lock.
    fn find(&self, key: &[u8]) -> Option<Element<'_>> {
        if key.len() <= 8 {
            // Most keys are one word, and to know that saves all the loops.
            let word = cells::word_of(key);
            let bucket = self.seed.mix(self.seed.start, word) as usize & (self.buckets.len() - 1);
            return self.find_in(bucket, |element| element.key_start().load(Relaxed) == word);
        }
        self.find_in(self.bucket_of(key), |element| cells::equal(element.key(), key))
    }

    fn find_in(&self, bucket: usize, is_it: impl Fn(Element<'_>) -> bool) -> Option<Element<'_>> {
        let first = self.buckets.get(bucket)?;
        'again: loop {
            let mut link = Link::load(first);
            while let Some(element) = self.pool.element(link) {
                let found = is_it(element);
                let next = Link::load(element.next());
                if !element.still() {
                    continue 'again;
                }
                if found {
                    return Some(element);
                }
                link = next;
            }
            return None;
        }
    }

    /// The elements of a bucket, whose lock the caller holds, each with the word
    /// that links to it.
    fn chain(&self, bucket: usize) -> impl Iterator<Item = (&AtomicU64, Element<'_>)> {
        let mut word = &self.buckets[bucket];
        std::iter::from_fn(move || {
            let element = self.pool.element(Link::load(word))?;
            Some((std::mem::replace(&mut word, element.next()), element))
        })
    }

    fn find_locked(&self, bucket: usize, key: &[u8]) -> Option<(&AtomicU64, Element<'_>)> {
        self.chain(bucket).find(|(_, element)| cells::equal(element.key(), key))
    }

    /// Links a new element into a bucket, whose lock the caller holds.
    fn insert(&self, bucket: usize, key: &[u8], value: &[u8], side: Side) -> Result<(), MapError> {
        let new = self.pool.take(&self.free, key)?;
        if let (Some(lru), Some(index)) = (&self.lru, new.link.index()) {
            lru.reset(index);
        }
        self.shape.init(new.value(), value, side);
        Link::load(&self.buckets[bucket]).store(new.next());
        new.link.store(&self.buckets[bucket]);
        self.count.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Puts a new element in the place of `old`, which `word` links to. Its value
    /// has one copy.
    fn replace(&self, word: &AtomicU64, old: Element<'_>, key: &[u8], value: &[u8]) -> Result<(), MapError> {
        let new = self.pool.take(&self.spare, key)?;
        self.shape.init(new.value(), value, Side::Program);
        Link::load(old.next()).store(new.next());
        new.link.store(word);
        self.touch(new);
        self.pool.give(&self.spare, old);
        Ok(())
    }

    fn set(&self, key: &[u8], value: &[u8], update: Update, side: Side) -> Result<(), MapError> {
        loop {
            match (self.try_set(key, value, update, side), &self.lru) {
                // Another thread may take what is made room for: then once more.
                (Err(MapError::Full), Some(lru)) if lru.evict(|index| self.evict(index)) => {}
                (done, _) => return done,
            }
        }
    }

    /// Removes the element with an index, if it is in the map.
    fn evict(&self, index: u32) -> bool {
        let Some(candidate) = self.pool.current(index) else { return false };
        let key = self.key_of(candidate);
        let bucket = self.bucket_of(&key);
        let _locked = self.lock(bucket);
        match self.find_locked(bucket, &key) {
            Some((word, element)) if element.link == candidate.link => {
                self.unlink(word, element);
                true
            }
            _ => false,
        }
    }

    /// Removes an element whose bucket's lock the caller holds.
    fn unlink(&self, word: &AtomicU64, element: Element<'_>) {
        Link::load(element.next()).store(word);
        self.count.fetch_sub(1, Relaxed);
        self.pool.give(&self.free, element);
    }

    fn touch(&self, element: Element<'_>) {
        if let (Some(lru), Some(index)) = (&self.lru, element.link.index()) {
            lru.touch(index);
        }
    }

    fn try_set(&self, key: &[u8], value: &[u8], update: Update, side: Side) -> Result<(), MapError> {
        let bucket = self.bucket_of(key);
        let _locked = self.lock(bucket);
        match (self.find_locked(bucket, key), update) {
            (Some(_), Update::NoExist) => Err(MapError::Exists),
            (None, Update::Exist) => Err(MapError::NoEntry),
            (Some((_, old)), Update::Any | Update::Exist) if self.shape.is_percpu() => {
                self.shape.set(old.value(), value, side);
                self.touch(old);
                Ok(())
            }
            (Some((word, old)), Update::Any | Update::Exist) => self.replace(word, old, key, value),
            (None, Update::Any | Update::NoExist) => self.insert(bucket, key, value, side),
        }
    }

    fn key_of(&self, element: Element<'_>) -> Vec<u8> {
        let mut key = vec![0; self.key_size as usize];
        cells::read(element.key(), &mut key);
        key
    }

    /// The first bucket from here on that has an element.
    fn occupied(&self, from: usize) -> Option<usize> {
        let rest = self.buckets.get(from..)?;
        rest.iter().position(|first| Link::load(first) != Link::NONE).map(|at| from + at)
    }

    /// The key of the first element in the buckets from here on.
    fn first_key(&self, mut from: usize) -> Option<Vec<u8>> {
        loop {
            let bucket = self.occupied(from)?;
            let _locked = self.lock(bucket);
            if let Some((_, element)) = self.chain(bucket).next() {
                return Some(self.key_of(element));
            }
            from = bucket + 1;
        }
    }
}

impl Storage for Hash {
    fn lookup(&self, key: &[u8]) -> Option<NonNull<u8>> {
        let element = self.find(key)?;
        self.touch(element);
        Some(cells::address(self.shape.own(element.value())))
    }

    fn lookup_percpu(&self, key: &[u8], cpu: usize) -> Option<NonNull<u8>> {
        let element = self.find(key)?;
        self.touch(element);
        self.shape.copy_of(element.value(), cpu).map(cells::address)
    }

    fn update(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        self.set(key, value, update, Side::Program)
    }

    fn write(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        self.set(key, value, update, Side::Host)
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        let bucket = self.bucket_of(key);
        let _locked = self.lock(bucket);
        let (word, element) = self.find_locked(bucket, key).ok_or(MapError::NoEntry)?;
        self.unlink(word, element);
        Ok(())
    }

    fn host_value_size(&self) -> usize {
        self.shape.host_size()
    }

    fn read(&self, key: &[u8], value: &mut [u8]) -> bool {
        while let Some(element) = self.find(key) {
            self.shape.get(element.value(), value);
            if element.still() {
                return true;
            }
        }
        false
    }

    fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        let Some(key) = key else { return self.first_key(0) };
        let bucket = self.bucket_of(key);
        let locked = self.lock(bucket);
        let Some((_, element)) = self.find_locked(bucket, key) else {
            drop(locked);
            return self.first_key(0);
        };
        if let Some(next) = self.pool.element(Link::load(element.next())) {
            return Some(self.key_of(next));
        }
        drop(locked);
        self.first_key(bucket + 1)
    }

    fn entries(&self, cursor: usize, entries: &mut Vec<Entry>) -> Option<usize> {
        let bucket = self.occupied(cursor)?;
        let _locked = self.lock(bucket);
        let copy = |element: Element<'_>| (self.key_of(element), self.shape.bytes(element.value()));
        entries.extend(self.chain(bucket).map(|(_, element)| copy(element)));
        Some(bucket + 1)
    }

    /// The position is how many buckets were entered, in the high half, and how
    /// many elements of the last one are left, counted from the chain's end: so
    /// that an element that was met may be removed, and new ones come before
    /// it.
    fn next_element(&self, position: &mut u64, key: &mut [u8]) -> Option<NonNull<u8>> {
        let (mut entered, mut left) = ((*position >> 32) as usize, *position as u32 as usize);
        loop {
            if left == 0 {
                entered = self.occupied(entered)? + 1;
            }
            let bucket = entered - 1;
            let _locked = self.lock(bucket);
            let count = self.chain(bucket).count();
            let wanted = if left == 0 { count } else { left.min(count) };
            left = wanted.saturating_sub(1);
            let element = count.checked_sub(wanted).and_then(|skip| self.chain(bucket).nth(skip));
            if let Some((_, element)) = element {
                *position = (entered as u64) << 32 | left as u64;
                cells::read(element.key(), key);
                return Some(cells::address(self.shape.own(element.value())));
            }
        }
    }

    fn len(&self) -> usize {
        self.count.load(Relaxed) as usize
    }

    fn contains(&self, addr: u64, len: u64) -> bool {
        self.pool.value_contains(addr, len, &self.shape)
    }
}

/// What makes the hashes of one map unlike those of another, so that nobody can
/// choose keys that collide.
pub(super) struct Seed {
    start: u64,
    factor: u64,
}

impl Seed {
    pub(super) fn new(zero: bool) -> Self {
        let random = || if zero { 0 } else { RandomState::new().hash_one(0) };
        // The golden ratio's bits, so that keys are spread without a seed too; odd,
        // so that the low half of the product loses nothing.
        Self { start: random(), factor: (random() ^ 0x9e37_79b9_7f4a_7c15) | 1 }
    }

    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        let (whole, rest) = key.as_chunks::<8>();
        let state = whole.iter().fold(self.start, |state, word| self.mix(state, u64::from_ne_bytes(*word)));
        if rest.is_empty() { state } else { self.mix(state, cells::word_of(rest)) }
    }

    /// The two halves of the 128-bit product of state and word, folded.
    fn mix(&self, state: u64, word: u64) -> u64 {
        let product = u128::from(state ^ word) * u128::from(self.factor);
        product as u64 ^ (product >> 64) as u64
    }
}
