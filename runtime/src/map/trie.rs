//! `BPF_MAP_TYPE_LPM_TRIE`: values under prefixes; a lookup finds the longest
//! prefix of what is looked for.
//!
//! A key is a `u32` length in bits and then the bytes that it counts from. Nodes
//! are elements of a [`Pool`]: readers take no lock, check that no node they read
//! was recycled under them, and start over where one was; writers take the
//! trie's lock. An update puts a new node in the old one's place, so that whoever
//! has the old value's address keeps the old value until the node is recycled.

mod change;
mod walk;

use super::pool::{Element, Freelist, Link, Pool, Shape};
use super::storage::{Entry, Storage};
use super::value::{Side, ValueShape};
use super::{MapError, Update, cells};
use brolga_core::MapDef;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Law: a node's prefix is a proper prefix of its children's, child `b` is the
/// one that goes on with bit `b`; a node without a value of its own has both.
pub(super) struct Trie {
    root: AtomicU64,
    pool: Pool,
    free: Freelist,
    /// How many values there are; writers only.
    count: Mutex<u32>,
    key_size: usize,
    max_entries: u32,
    shape: ValueShape,
}

/// A node: an element whose `next` is child 0, and whose key is followed by
/// child 1 and by whether it is an intermediate node.
#[derive(Clone, Copy)]
struct Node<'a>(Element<'a>);

impl<'a> Node<'a> {
    fn child(self, bit: bool) -> &'a AtomicU64 {
        if bit { &self.0.key()[self.0.key().len() - 2] } else { self.0.next() }
    }

    fn intermediate(self) -> &'a AtomicU64 {
        &self.0.key()[self.0.key().len() - 1]
    }

    fn is_intermediate(self) -> bool {
        self.intermediate().load(Relaxed) != 0
    }

    /// The prefix's length, in bits.
    fn len(self) -> u32 {
        let mut len = [0; 4];
        cells::read(self.0.key(), &mut len);
        u32::from_ne_bytes(len)
    }

    /// Byte `at` of the prefix.
    fn byte(self, at: usize) -> u8 {
        let at = at + 4;
        self.0.key().get(at / 8).map_or(0, |word| word.load(Relaxed).to_ne_bytes()[at % 8])
    }

    fn bit(self, at: u32) -> bool {
        bit_of(self.byte(at as usize / 8), at)
    }
}

const fn bit_of(byte: u8, at: u32) -> bool {
    byte & (0x80 >> (at % 8)) != 0
}

/// What is looked for: a prefix.
#[derive(Clone, Copy)]
struct Prefix<'a> {
    len: u32,
    data: &'a [u8],
}

impl Prefix<'_> {
    fn bit(self, at: u32) -> bool {
        self.data.get(at as usize / 8).is_some_and(|byte| bit_of(*byte, at))
    }

    /// How many bits this and a node's prefix have in common.
    fn common(self, node: Node<'_>) -> u32 {
        let limit = self.len.min(node.len());
        for (at, byte) in self.data.iter().enumerate().take(limit.div_ceil(8) as usize) {
            let differs = byte ^ node.byte(at);
            if differs != 0 {
                return limit.min(at as u32 * 8 + differs.leading_zeros());
            }
        }
        limit
    }
}

impl Trie {
    /// No values.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let shape = ValueShape::new(def)?;
        // Each value may need a node between it and another, and one more is
        // there while a value is replaced.
        let capacity = def.max_entries.saturating_mul(2).saturating_add(2).min(u32::MAX - 1);
        let elements = Shape {
            capacity,
            key_words: cells::words(def.key_size) + 2,
            value_words: shape.words(),
            reserve: false,
        };
        Ok(Self {
            root: AtomicU64::default(),
            pool: Pool::new(&elements)?,
            free: Freelist::new(0..capacity),
            count: Mutex::default(),
            key_size: def.key_size as usize,
            max_entries: def.max_entries,
            shape,
        })
    }

    fn count(&self) -> MutexGuard<'_, u32> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The longest prefix that there may be, in bits.
    const fn longest(&self) -> u32 {
        (self.key_size as u32 - 4) * 8
    }

    fn prefix<'a>(&self, key: &'a [u8]) -> Result<Prefix<'a>, MapError> {
        let (len, data) = key.split_first_chunk().ok_or(MapError::NoEntry)?;
        let (given, longest) = (u32::from_ne_bytes(*len), self.longest());
        if given > longest {
            return Err(MapError::Prefix { given, longest });
        }
        Ok(Prefix { len: given, data })
    }

    fn node(&self, word: &AtomicU64) -> Option<Node<'_>> {
        self.pool.element(Link::load(word)).map(Node)
    }

    /// The node with the longest prefix of a key, without a lock.
    fn find(&self, key: &[u8]) -> Option<Element<'_>> {
        let prefix = self.prefix(key).ok()?;
        'again: loop {
            let (mut found, mut link) = (None::<Node<'_>>, Link::load(&self.root));
            while let Some(node) = self.pool.element(link).map(Node) {
                let (len, common) = (node.len(), prefix.common(node));
                let intermediate = node.is_intermediate();
                link = Link::load(node.child(prefix.bit(len)));
                if !node.0.still() {
                    continue 'again;
                }
                if common < len {
                    break;
                }
                if !intermediate {
                    found = Some(node);
                }
                if common == self.longest() {
                    break;
                }
            }
            match found {
                Some(node) if !node.0.still() => {}
                found => return found.map(|node| node.0),
            }
        }
    }

    fn key_of(&self, node: Node<'_>) -> Vec<u8> {
        let mut key = vec![0; self.key_size];
        cells::read(node.0.key(), &mut key);
        key
    }
}

impl Storage for Trie {
    fn lookup(&self, key: &[u8]) -> Option<NonNull<u8>> {
        self.find(key).map(|element| cells::address(element.value()))
    }

    fn update(&self, key: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        let prefix = self.prefix(key)?;
        self.insert(key, prefix, value, update)
    }

    fn delete(&self, key: &[u8]) -> Result<(), MapError> {
        let prefix = self.prefix(key)?;
        self.remove(prefix)
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
        let _locked = self.count();
        self.next_node(key).map(|node| self.key_of(node))
    }

    /// All at once.
    fn entries(&self, cursor: usize, entries: &mut Vec<Entry>) -> Option<usize> {
        if cursor != 0 {
            return None;
        }
        let _locked = self.count();
        self.each(|node| entries.push((self.key_of(node), self.shape.bytes(node.0.value()))));
        Some(1)
    }

    fn len(&self) -> usize {
        *self.count() as usize
    }

    fn contains(&self, addr: u64, len: u64) -> bool {
        self.pool.value_contains(addr, len, &self.shape)
    }
}
