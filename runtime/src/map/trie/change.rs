//! Putting values into a trie and taking them out.

use super::{Element, Link, MapError, Node, Prefix, Side, Trie, Update};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Where a search for a prefix ended.
struct Place<'a> {
    /// The word that links to `node`, or to nothing.
    slot: &'a AtomicU64,
    node: Option<Node<'a>>,
    /// How many bits `node` has in common with the prefix.
    common: u32,
    /// The node that `slot` is of, and the word that links to that.
    parent: Option<(Node<'a>, &'a AtomicU64)>,
}

impl Trie {
    /// Walks down, the lock held, to the node with this prefix, or to where it
    /// would be.
    fn place(&self, prefix: Prefix<'_>) -> Place<'_> {
        let (mut slot, mut parent) = (&self.root, None);
        loop {
            let node = self.node(slot);
            let Some(here) = node else { return Place { slot, node, common: 0, parent } };
            let (len, common) = (here.len(), prefix.common(here));
            if len != common || len == prefix.len {
                return Place { slot, node, common, parent };
            }
            parent = Some((here, slot));
            slot = here.child(prefix.bit(len));
        }
    }

    pub(super) fn insert(
        &self,
        key: &[u8],
        prefix: Prefix<'_>,
        value: &[u8],
        update: Update,
    ) -> Result<(), MapError> {
        let mut count = self.count();
        let place = self.place(prefix);
        let old = place.node.filter(|node| node.len() == prefix.len && place.common == prefix.len);
        let has_value = old.is_some_and(|node| !node.is_intermediate());
        match (has_value, update) {
            (true, Update::NoExist) => return Err(MapError::Exists),
            (false, Update::Exist) => return Err(MapError::NoEntry),
            (false, _) if *count == self.max_entries => return Err(MapError::TrieFull),
            _ => {}
        }
        let new = self.new_node(key)?;
        self.shape.init(new.0.value(), value, Side::Program);
        match (old, place.node) {
            (Some(old), _) => self.replace(place.slot, old, new),
            (None, None) => new.0.link.store(place.slot),
            (None, Some(below)) => self.split(&place, below, prefix, new)?,
        }
        *count += u32::from(!has_value);
        Ok(())
    }

    /// A node with this key and no children.
    fn new_node(&self, key: &[u8]) -> Result<Node<'_>, MapError> {
        let no_memory = |error| match error {
            MapError::Full => MapError::NoMemory { bytes: 0 },
            error => error,
        };
        let node = Node(self.pool.take(&self.free, key).map_err(no_memory)?);
        Link::NONE.store(node.child(false));
        Link::NONE.store(node.child(true));
        node.intermediate().store(0, Relaxed);
        Ok(node)
    }

    fn replace(&self, slot: &AtomicU64, old: Node<'_>, new: Node<'_>) {
        for bit in [false, true] {
            Link::load(old.child(bit)).store(new.child(bit));
        }
        new.0.link.store(slot);
        self.pool.give(&self.free, old.0);
    }

    /// Puts a node above `below`, or both under a new one.
    fn split(
        &self,
        place: &Place<'_>,
        below: Node<'_>,
        prefix: Prefix<'_>,
        new: Node<'_>,
    ) -> Result<(), MapError> {
        if place.common == prefix.len {
            below.0.link.store(new.child(below.bit(place.common)));
            new.0.link.store(place.slot);
            return Ok(());
        }
        let mut key = self.key_of(below);
        key[..4].copy_from_slice(&place.common.to_ne_bytes());
        let between = self.new_node(&key).inspect_err(|_| self.give(new.0))?;
        between.intermediate().store(1, Relaxed);
        let bit = prefix.bit(place.common);
        below.0.link.store(between.child(!bit));
        new.0.link.store(between.child(bit));
        between.0.link.store(place.slot);
        Ok(())
    }

    fn give(&self, element: Element<'_>) {
        self.pool.give(&self.free, element);
    }

    pub(super) fn remove(&self, prefix: Prefix<'_>) -> Result<(), MapError> {
        let mut count = self.count();
        let Place { slot, node, common, parent } = self.place(prefix);
        let found =
            node.filter(|node| node.len() == prefix.len && common == prefix.len && !node.is_intermediate());
        let node = found.ok_or(MapError::NoEntry)?;
        *count -= 1;
        let [zero, one] = [false, true].map(|bit| Link::load(node.child(bit)));
        match (zero == Link::NONE, one == Link::NONE, parent) {
            (false, false, _) => node.intermediate().store(1, Relaxed),
            // An intermediate node has two children: it goes with the first of
            // them that goes.
            (true, true, Some((parent, above))) if parent.is_intermediate() => {
                let other = Link::load(parent.child(std::ptr::eq(slot, parent.child(false))));
                other.store(above);
                self.give(parent.0);
                self.give(node.0);
            }
            (without_zero, _, _) => {
                if without_zero { one } else { zero }.store(slot);
                self.give(node.0);
            }
        }
        Ok(())
    }
}
