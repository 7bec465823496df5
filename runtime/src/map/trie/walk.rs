//! Walking a trie, the lock held: longer prefixes before those that they start
//! with, and 0 before 1.

use super::{Node, Prefix, Trie};

impl Trie {
    /// Calls `f` with every node that has a value.
    pub(super) fn each<'a>(&'a self, mut f: impl FnMut(Node<'a>)) {
        let mut path = Vec::new();
        let mut next = self.leftmost(&mut path, self.node(&self.root));
        while let Some(node) = next {
            f(node);
            next = self.after(&mut path);
        }
    }

    /// The node after the one with this key; the first where there is none.
    pub(super) fn next_node(&self, key: Option<&[u8]>) -> Option<Node<'_>> {
        let mut path = Vec::new();
        let found = key.and_then(|key| self.prefix(key).ok()).is_some_and(|key| self.down(&mut path, key));
        if found {
            return self.after(&mut path);
        }
        path.clear();
        self.leftmost(&mut path, self.node(&self.root))
    }

    /// The way to the node that has this prefix and a value; whether there is
    /// one.
    fn down<'a>(&'a self, path: &mut Vec<Node<'a>>, prefix: Prefix<'_>) -> bool {
        let mut next = self.node(&self.root);
        while let Some(node) = next {
            path.push(node);
            let (len, common) = (node.len(), prefix.common(node));
            if len != common || len == prefix.len {
                return len == common && !node.is_intermediate();
            }
            next = self.node(node.child(prefix.bit(len)));
        }
        false
    }

    /// The first node at or below one, with the way to it.
    fn leftmost<'a>(&'a self, path: &mut Vec<Node<'a>>, from: Option<Node<'a>>) -> Option<Node<'a>> {
        let mut next = from;
        while let Some(node) = next {
            path.push(node);
            next = self.node(node.child(false)).or_else(|| self.node(node.child(true)));
        }
        // A node without children has a value.
        if from.is_some() { path.last().copied() } else { None }
    }

    /// The node with a value after the last of a path, which then ends there.
    fn after<'a>(&'a self, path: &mut Vec<Node<'a>>) -> Option<Node<'a>> {
        while let Some(node) = path.pop() {
            let parent = *path.last()?;
            let was_zero = self.node(parent.child(false)).is_some_and(|zero| zero.0.link == node.0.link);
            let other = if was_zero { self.node(parent.child(true)) } else { None };
            if other.is_some() {
                return self.leftmost(path, other);
            }
            if !parent.is_intermediate() {
                return Some(parent);
            }
        }
        None
    }
}
