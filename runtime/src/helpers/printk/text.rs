//! The text that is printed into.

/// A text of which only the start is kept, as in the kernel's buffer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::helpers) struct Text {
    /// What is kept.
    pub(in crate::helpers) shown: Vec<u8>,
    /// The length of it all, in bytes.
    pub(in crate::helpers) len: usize,
    most: usize,
}

impl Text {
    /// Nothing yet, of which `most` bytes are kept.
    pub(super) const fn new(most: usize) -> Self {
        Self { shown: Vec::new(), len: 0, most }
    }

    /// Appends bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.most - self.shown.len();
        self.shown.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.len += bytes.len();
    }

    /// Appends a byte `count` times.
    pub(super) fn fill(&mut self, byte: u8, count: usize) {
        let room = self.most - self.shown.len();
        self.shown.extend(std::iter::repeat_n(byte, count.min(room)));
        self.len += count;
    }
}
