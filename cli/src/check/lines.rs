//! Lines of bounded length.

use std::io::{self, BufRead, Read};

/// The longest line that is taken, in bytes: the instructions of the largest
/// program are 16 MB of base16, and there may be maps with contents.
const MAX_LINE: u64 = 64 << 20;

/// What is said of a longer one.
pub(super) const TOO_LONG: &str = "the line is longer than 64 MiB";

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line, without its end.
    Text(&'a [u8]),
    /// A line that is too long. It was skipped.
    TooLong,
    /// Nothing any more.
    End,
}

/// The lines of an input.
pub(super) struct Lines<R> {
    input: R,
    limit: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, limit: MAX_LINE, line: Vec::new() }
    }

    pub(super) fn next(&mut self) -> io::Result<Line<'_>> {
        self.line.clear();
        let read = self.input.by_ref().take(self.limit + 1).read_until(b'\n', &mut self.line)?;
        let ended = self.line.pop_if(|last| *last == b'\n').is_some();
        if read == 0 {
            return Ok(Line::End);
        }
        if self.line.len() as u64 > self.limit {
            if !ended {
                self.input.skip_until(b'\n')?;
            }
            self.line = Vec::new();
            return Ok(Line::TooLong);
        }
        Ok(Line::Text(&self.line))
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines};

    #[test]
    fn long_lines_are_skipped_and_others_are_not() {
        let input = b"1234\n12345\n12345678901234567890\n\nab".as_slice();
        let mut lines = Lines { limit: 4, ..Lines::new(input) };
        assert_eq!(lines.next().unwrap(), Line::Text(b"1234"));
        assert_eq!(lines.next().unwrap(), Line::TooLong);
        assert_eq!(lines.next().unwrap(), Line::TooLong);
        assert_eq!(lines.next().unwrap(), Line::Text(b""));
        assert_eq!(lines.next().unwrap(), Line::Text(b"ab"));
        assert_eq!(lines.next().unwrap(), Line::End);
    }

    #[test]
    fn a_long_line_without_an_end_is_the_last() {
        let mut lines = Lines { limit: 4, ..Lines::new(b"123456".as_slice()) };
        assert_eq!(lines.next().unwrap(), Line::TooLong);
        assert_eq!(lines.next().unwrap(), Line::End);
    }
}
