//! The frames of a state, the main program's first.
//!
//! Copies share what neither has changed since: a state is copied wherever paths
//! part, and most of it stays as it is.

use super::Frame;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// The frames of a state; there is always one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames(Vec<Arc<Frame>>);

impl Frames {
    /// One frame alone.
    #[must_use]
    pub fn new(main: Frame) -> Self {
        Self(vec![Arc::new(main)])
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always a frame")]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// A frame, where there is one of this number.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Frame> {
        self.0.get(index).map(AsRef::as_ref)
    }

    /// Each frame.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Frame> + ExactSizeIterator {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The frame that runs.
    #[must_use]
    pub fn top(&self) -> &Frame {
        &self.0[self.0.len() - 1]
    }

    /// The frame that runs, to be changed.
    pub fn top_mut(&mut self) -> &mut Frame {
        let top = self.0.len() - 1;
        Arc::make_mut(&mut self.0[top])
    }

    /// A call.
    pub fn push(&mut self, frame: Frame) {
        self.0.push(Arc::new(frame));
    }

    /// The end of a call.
    pub fn pop(&mut self) {
        debug_assert!(self.0.len() > 1, "the main program's frame stays");
        self.0.pop();
    }

    /// The pieces that copies share: where each lies, and its size in bytes.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (usize, usize)> {
        let own = |frame: &Arc<Frame>| (Arc::as_ptr(frame).addr(), size_of::<Frame>());
        self.0.iter().flat_map(move |frame| frame.stack.pieces().chain([own(frame)]))
    }
}

impl Index<usize> for Frames {
    type Output = Frame;

    fn index(&self, index: usize) -> &Frame {
        &self.0[index]
    }
}

impl IndexMut<usize> for Frames {
    fn index_mut(&mut self, index: usize) -> &mut Frame {
        Arc::make_mut(&mut self.0[index])
    }
}
