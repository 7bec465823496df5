//! The stored states as a tree of the paths that lead from one to the next, and
//! what was relied on of each.

use super::shape::Shape;
use crate::memory::Meter;
use crate::state::State;
use crate::state::origins::Origins;
use crate::state::stack::Byte;
use crate::state::value::Value;
use brolga_core::Pc;
use std::sync::Arc;

/// A stored state.
struct Node {
    pc: Pc,
    parent: Option<usize>,
    /// The paths below it that are not walked to their end.
    open: u32,
    /// What was relied on of its numbers.
    precise: Origins,
    /// The same without that it was taken for one that another round begins in.
    concluded: Origins,
    /// Whether what was found below depends on every number, here and above.
    exact: bool,
    /// None, where it is no longer compared. It is while paths below it are open:
    /// what they rely on goes through it.
    state: Option<State>,
    /// Of what kinds all bytes of the stack were, where rounds are compared.
    shape: Option<Arc<Shape>>,
}

/// The stored states.
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Whether every number counts as relied on.
    exact: bool,
    /// What the shapes took that were ever kept, in bytes.
    shapes: usize,
}

impl Tree {
    pub(super) const fn new(exact: bool) -> Self {
        Self { nodes: Vec::new(), exact, shapes: 0 }
    }

    pub(super) fn store(
        &mut self,
        pc: Pc,
        parent: Option<usize>,
        state: State,
        shape: Option<Arc<Shape>>,
    ) -> usize {
        let new = shape.as_ref().filter(|shape| Arc::strong_count(shape) == 1);
        self.shapes += new.map_or(0, |shape| shape.bytes());
        let precise = if self.exact { Origins::ALL } else { Origins::NONE };
        let (concluded, state) = (precise, Some(state));
        self.nodes.push(Node { pc, parent, open: 1, precise, concluded, exact: false, state, shape });
        self.nodes.len() - 1
    }

    /// How many bytes all takes but the states, at most.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.len() * size_of::<Node>() + self.shapes
    }

    pub(super) fn is_open(&self, node: usize) -> bool {
        self.nodes[node].open > 0
    }

    pub(super) fn place(&self, node: usize) -> Pc {
        self.nodes[node].pc
    }

    pub(super) fn parent(&self, node: usize) -> Option<usize> {
        self.nodes[node].parent
    }

    pub(super) fn precise(&self, node: usize) -> Origins {
        self.nodes[node].precise
    }

    /// The numbers from which something was concluded, rounds of loops aside.
    pub(super) fn concluded(&self, node: usize) -> Origins {
        self.nodes[node].concluded
    }

    /// Whether only the very same state is as good as this one.
    pub(super) fn is_exact(&self, node: usize) -> bool {
        self.nodes[node].exact
    }

    /// A state that is compared.
    pub(super) fn state(&self, node: usize) -> &State {
        self.nodes[node].state.as_ref().expect("what is compared is kept")
    }

    pub(super) fn shape(&self, node: usize) -> Option<&Arc<Shape>> {
        self.nodes[node].shape.as_ref()
    }

    pub(super) fn states(&self) -> impl Iterator<Item = &State> {
        self.nodes.iter().filter_map(|node| node.state.as_ref())
    }

    /// The state is no longer compared, every path from it was walked.
    pub(super) fn drop_state(&mut self, node: usize, meter: &mut Meter) {
        debug_assert_eq!(self.nodes[node].open, 0, "what paths below rely on goes through it");
        self.nodes[node].shape = None;
        if let Some(state) = self.nodes[node].state.take() {
            meter.release(&state);
        }
    }

    /// One more way below a node.
    pub(super) fn parts(&mut self, parent: Option<usize>) {
        if let Some(node) = parent {
            self.nodes[node].open += 1;
        }
    }

    /// A way below a node was walked to its end; whether it was the last.
    pub(super) fn ends(&mut self, node: usize) -> bool {
        self.nodes[node].open -= 1;
        self.nodes[node].open == 0
    }

    /// Something was concluded from numbers of these origins in a node, which is
    /// open.
    pub(super) fn rely(&mut self, parent: Option<usize>, origins: Origins) {
        self.rely_on_range(parent, origins);
        self.spread(parent, origins, |node| &mut node.concluded);
    }

    /// Only numbers within the range of these are as good as they are.
    pub(super) fn rely_on_range(&mut self, parent: Option<usize>, origins: Origins) {
        self.spread(parent, origins, |node| &mut node.precise);
    }

    /// What is in the set already was followed to the start before.
    fn spread(
        &mut self,
        mut parent: Option<usize>,
        mut origins: Origins,
        set: impl Fn(&mut Node) -> &mut Origins,
    ) {
        while let Some(node) = parent {
            let node = &mut self.nodes[node];
            let set = set(node);
            let new = origins.without(*set);
            if new.is_none() {
                return;
            }
            *set |= new;
            origins = node.state.as_ref().map_or(Origins::ALL, |state| state.origins_of(new));
            parent = node.parent;
        }
    }

    /// Every number matters, from the start to this node, and is to be the same.
    pub(super) fn rely_on_path(&mut self, mut parent: Option<usize>) {
        while let Some(node) = parent.map(|node| &mut self.nodes[node]).filter(|node| !node.exact) {
            (node.exact, node.precise, parent) = (true, Origins::ALL, node.parent);
        }
    }
}

/// What `cur` is relied on for, where it lies within `old`: numbers that are
/// precise there, and those that stand for bytes which are zero there.
pub(super) fn relied_on(old: &State, cur: &State, precise: Origins) -> Origins {
    let mut relied = cur.origins_of(precise);
    for (old, cur) in old.frames.iter().zip(cur.frames.iter()) {
        let pairs = old.stack.slots().zip(cur.stack.slots());
        for (old, cur) in pairs.filter(|(old, cur)| cur.has_spill() && old.bytes.contains(&Byte::Zero)) {
            if let Value::Number(n) = &cur.value {
                relied |= n.origins;
            } else {
                debug_assert!(!old.has_spill(), "a pointer is within no zero");
            }
        }
    }
    relied
}
