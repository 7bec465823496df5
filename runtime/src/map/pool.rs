//! The elements of a hash table: `pcpu_freelist` and the elements it links.
//!
//! An element is made of words: a link to the next in its bucket, a generation,
//! the key, the value. Its memory lives as long as the pool; freed elements are
//! handed out again, the last one freed first, as the kernel's preallocated
//! elements are.
//!
//! Law: a [`Link`] names an element together with its generation, and freeing
//! an element raises its generation before anything else of it changes but the
//! value. So whoever followed a link, read the element, and then
//! [finds the generation unchanged](Element::still) has read the element that
//! the link meant.

use super::value::ValueShape;
use super::{MapError, cells};
use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
    fence,
};

/// An element by its index, and the generation it had; or none.
///
/// In a word: the index plus 1 in the low half, 0 for none; the generation in
/// the high half. A generation comes round after 2^32 frees of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(u64);

impl Link {
    pub(super) const NONE: Self = Self(0);

    fn new(index: u32, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | u64::from(index + 1))
    }

    pub(super) fn index(self) -> Option<u32> {
        (self.0 as u32).checked_sub(1)
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// What a word says. Whoever follows the link sees the element as it was
    /// when the link was [stored](Self::store).
    pub(super) fn load(word: &AtomicU64) -> Self {
        Self(word.load(Acquire))
    }

    /// Publishes the link, and its element with it.
    pub(super) fn store(self, word: &AtomicU64) {
        word.store(self.0, Release);
    }
}

/// How many words precede the key.
const KEY: usize = 2;

/// An element that a link led to.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    /// The link that led here.
    pub(super) link: Link,
    next: &'a AtomicU64,
    generation: &'a AtomicU64,
    /// The key's words, then the value's.
    words: &'a [AtomicU64],
    key_words: usize,
}

impl<'a> Element<'a> {
    /// Where the link to the next element of the bucket is.
    pub(super) const fn next(self) -> &'a AtomicU64 {
        self.next
    }

    pub(super) fn key(self) -> &'a [AtomicU64] {
        &self.words[..self.key_words]
    }

    /// The first word of the key.
    pub(super) fn key_start(self) -> &'a AtomicU64 {
        &self.words[0]
    }

    pub(super) fn value(self) -> &'a [AtomicU64] {
        &self.words[self.key_words..]
    }

    /// Whether all that was read of the element before this call is of the
    /// element that the link meant.
    pub(super) fn still(self) -> bool {
        fence(Acquire);
        self.generation.load(Relaxed) as u32 == self.link.generation()
    }
}

/// Elements that are handed out and taken back.
pub(super) struct Pool {
    /// Allocated when the first element of one is handed out.
    chunks: Box<[OnceLock<Box<[AtomicU64]>>]>,
    /// A chunk holds `1 << shift` elements.
    shift: u32,
    /// How many elements there may be.
    capacity: u32,
    /// The words of an element.
    stride: usize,
    key_words: usize,
}

/// The sizes of a pool.
pub(super) struct Shape {
    /// How many elements there may be.
    pub(super) capacity: u32,
    /// The words of a key.
    pub(super) key_words: usize,
    /// The words of a value.
    pub(super) value_words: usize,
    /// Whether memory for every element is reserved at once.
    pub(super) reserve: bool,
}

/// How many chunks a pool that grows has at most.
const CHUNKS: u32 = 1024;

impl Pool {
    pub(super) fn new(shape: &Shape) -> Result<Self, MapError> {
        let Shape { capacity, key_words, value_words, reserve } = *shape;
        let (shift, chunks) = if reserve { (32, 1) } else { chunking(capacity) };
        let chunks = (0..chunks).map(|_| OnceLock::new()).collect();
        let pool = Self { chunks, shift, capacity, stride: KEY + key_words + value_words, key_words };
        if reserve {
            pool.ensure(0)?;
        }
        Ok(pool)
    }

    /// The element that a link names, unless it names none.
    pub(super) fn element(&self, link: Link) -> Option<Element<'_>> {
        self.at(link, link.index()?)
    }

    /// Hands out an element of `list`, for a key. Its value is what it was.
    pub(super) fn take(&self, list: &Freelist, key: &[u8]) -> Result<Element<'_>, MapError> {
        let index = list.pop(self)?;
        // The generation was raised when the element was freed: whoever sees
        // the new key also sees that.
        fence(Release);
        let element = self.at(Link::NONE, index).ok_or(MapError::Full)?;
        let link = Link::new(index, element.generation.load(Relaxed) as u32);
        cells::write(element.key(), key);
        Ok(Element { link, ..element })
    }

    /// Takes back an element that no bucket links to any more.
    pub(super) fn give(&self, list: &Freelist, element: Element<'_>) {
        let Some(index) = element.link.index() else { return };
        let next = element.link.generation().wrapping_add(1);
        element.generation.store(next.into(), Relaxed);
        fence(Release);
        list.push(self, index);
    }

    /// The element with an index as it is now, in a bucket or not, where it was
    /// handed out once.
    pub(super) fn current(&self, index: u32) -> Option<Element<'_>> {
        let element = self.at(Link::NONE, index)?;
        Some(Element { link: Link::new(index, element.generation.load(Acquire) as u32), ..element })
    }

    /// Whether the `len` bytes at `addr` lie within one copy of one element's
    /// value.
    pub(super) fn value_contains(&self, addr: u64, len: u64, shape: &ValueShape) -> bool {
        let stride = self.stride as u64 * 8;
        let value = (KEY + self.key_words) as u64 * 8;
        self.chunks.iter().filter_map(OnceLock::get).any(|chunk| {
            let off = addr.wrapping_sub(chunk.as_ptr().addr() as u64);
            let within = (off % stride).checked_sub(value).map(|within| within % (shape.stride() as u64 * 8));
            let end = within.and_then(|within| within.checked_add(len));
            off < chunk.len() as u64 * 8 && end.is_some_and(|end| end <= shape.size().into())
        })
    }

    /// The element with an index that was handed out once.
    fn at(&self, link: Link, index: u32) -> Option<Element<'_>> {
        let chunk = self.chunks.get((u64::from(index) >> self.shift) as usize)?.get()?;
        let at = (u64::from(index) & ((1 << self.shift) - 1)) as usize * self.stride;
        match chunk.get(at..at + self.stride)? {
            [next, generation, words @ ..] => {
                Some(Element { link, next, generation, words, key_words: self.key_words })
            }
            _ => None,
        }
    }

    /// Where a free element has the index, plus 1, of the next one: in its key,
    /// which nobody takes for one, as its generation was raised.
    fn free_link(&self, index: u32) -> Option<&AtomicU64> {
        self.at(Link::NONE, index).map(Element::key_start)
    }

    /// Allocates the chunk that holds an element, where it is not yet.
    fn ensure(&self, index: u32) -> Result<(), MapError> {
        let at = u64::from(index) >> self.shift;
        let slot = &self.chunks[at as usize];
        if slot.get().is_none() {
            let elements = (u64::from(self.capacity) - (at << self.shift)).min(1 << self.shift);
            let chunk = cells::zeroed(elements * self.stride as u64)?;
            // Another thread may have been faster: then its chunk is the one.
            let _ = slot.set(chunk);
        }
        Ok(())
    }
}

/// The size of chunks, as a shift, and their number.
fn chunking(capacity: u32) -> (u32, u32) {
    let size = capacity.div_ceil(CHUNKS).next_power_of_two().max(64);
    (size.ilog2(), capacity.div_ceil(size))
}

/// Free elements: those given back, in a stack, and those never handed out.
pub(super) struct Freelist {
    /// The index, plus 1, of the element on top; above it a count that changes
    /// with every change, so that a stale top is never taken for the present.
    top: AtomicU64,
    /// The first element never handed out.
    fresh: AtomicU32,
    /// The end of those.
    end: u32,
}

impl Freelist {
    pub(super) const fn new(elements: std::ops::Range<u32>) -> Self {
        Self { top: AtomicU64::new(0), fresh: AtomicU32::new(elements.start), end: elements.end }
    }

    fn pop(&self, pool: &Pool) -> Result<u32, MapError> {
        loop {
            let empty = match self.pop_top(pool) {
                Ok(index) => return Ok(index),
                Err(empty) => empty,
            };
            match self.pop_fresh(pool) {
                // Something may have been given back after the first look: only
                // an unchanged top says that there was nothing at one moment.
                Err(MapError::Full) if self.top.load(Acquire) != empty => {}
                popped => return popped,
            }
        }
    }

    /// The element on top, or the top that says there is none.
    fn pop_top(&self, pool: &Pool) -> Result<u32, u64> {
        let mut top = self.top.load(Acquire);
        while let Some(index) = (top as u32).checked_sub(1) {
            let next = pool.free_link(index).map_or(0, |word| word.load(Relaxed));
            match self.top.compare_exchange_weak(top, after(top, next as u32), AcqRel, Acquire) {
                Ok(_) => return Ok(index),
                Err(now) => top = now,
            }
        }
        Err(top)
    }

    fn pop_fresh(&self, pool: &Pool) -> Result<u32, MapError> {
        let mut fresh = self.fresh.load(Acquire);
        while fresh < self.end {
            pool.ensure(fresh)?;
            match self.fresh.compare_exchange_weak(fresh, fresh + 1, AcqRel, Acquire) {
                Ok(_) => return Ok(fresh),
                Err(now) => fresh = now,
            }
        }
        Err(MapError::Full)
    }

    fn push(&self, pool: &Pool, index: u32) {
        let Some(link) = pool.free_link(index) else { return };
        let mut top = self.top.load(Acquire);
        loop {
            link.store(u64::from(top as u32), Relaxed);
            match self.top.compare_exchange_weak(top, after(top, index + 1), AcqRel, Acquire) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }
}

/// The top after this one, with `index_plus_1` on it.
fn after(top: u64, index_plus_1: u32) -> u64 {
    ((top >> 32).wrapping_add(1) << 32) | u64::from(index_plus_1)
}
