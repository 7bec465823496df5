//! The text that is printed into.

/// A text of which only the start is kept, as in the kernel's buffer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::helpers) struct Text {
    /// What is kept.
    pub(in crate::helpers) shown: Vec<u8>,
    /// The length of it all, in bytes.
    pub(in crate::helpers) len: usize,
}

/// How much is kept, in bytes: the kernel's buffer of 1024 less a NUL.
const SHOWN: usize = 1023;

impl Text {
    /// Appends bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = SHOWN - self.shown.len();
        self.shown.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.len += bytes.len();
    }

    /// Appends a byte `count` times.
    pub(super) fn fill(&mut self, byte: u8, count: usize) {
        let room = SHOWN - self.shown.len();
        self.shown.extend(std::iter::repeat_n(byte, count.min(room)));
        self.len += count;
    }
}
