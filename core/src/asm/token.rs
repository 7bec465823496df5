//! A line as words, numbers and operators.

use super::AsmCause;
use crate::text::{continues_word, starts_word};

/// One piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or keyword.
    Word(&'a str),
    /// What starts with a digit, up to what cannot be in a number or a word.
    Number(&'a str),
    /// An operator or mark.
    Mark(&'static str),
    /// A character that belongs to nothing.
    Stray(char),
    /// The end of the line.
    End,
}

/// Every operator and mark, such that none comes after a prefix of itself.
const MARKS: [&str; 35] = [
    "s>>=", "<<=", ">>=", "s/=", "s%=", "s>=", "s<=", "+=", "-=", "*=", "/=", "|=", "&=", "^=", "%=", "==",
    "!=", "<=", ">=", "s>", "s<", "=", "<", ">", "&", "+", "-", "*", "(", ")", "[", "]", ",", ":", "#",
];

impl Token<'_> {
    /// The token for a message.
    pub(super) fn quoted(self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) => format!("`{}`", excerpt(text)),
            Self::Mark(text) => format!("`{text}`"),
            Self::Stray(c) => format!("{c:?}"),
            Self::End => "the end of the line".into(),
        }
    }
}

/// The text, cut where it is long: a message shall not be as long as its input.
pub(super) fn excerpt(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into(),
    }
}

/// A place in a line that is read from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    line: &'a str,
    /// Where the next token starts, in bytes.
    at: usize,
    /// The next token.
    token: Token<'a>,
    /// How many bytes it takes.
    len: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        let mut cursor = Self { line, at: 0, token: Token::End, len: 0 };
        cursor.pass(0);
        cursor
    }

    /// Where the next token starts, in bytes.
    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    /// The next token.
    pub(super) const fn peek(&self) -> Token<'a> {
        self.token
    }

    /// The next token, which is passed.
    pub(super) fn next(&mut self) -> Token<'a> {
        let token = self.token;
        self.pass(self.len);
        token
    }

    /// Passes the next token where it is this mark.
    pub(super) fn accept(&mut self, mark: &str) -> bool {
        let found = matches!(self.token, Token::Mark(m) if m == mark);
        if found {
            self.next();
        }
        found
    }

    /// Passes a symbol in angle brackets, which `llvm-objdump` writes after a
    /// jump's distance.
    pub(super) fn skip_symbol(&mut self) {
        let rest = &self.line[self.at..];
        if let Some(end) = rest.find('>').filter(|_| rest.starts_with('<')) {
            self.pass(end + 1);
        }
    }

    /// Goes on by so many bytes and over the blanks after them.
    fn pass(&mut self, bytes: usize) {
        let rest = &self.line[self.at + bytes..];
        let text = rest.trim_start();
        self.at += bytes + rest.len() - text.len();
        (self.token, self.len) = first_token(text);
    }
}

/// The token that a text starts with, and how many bytes it takes.
fn first_token(text: &str) -> (Token<'_>, usize) {
    let Some(first) = text.chars().next() else { return (Token::End, 0) };
    let run = || &text[..text.bytes().position(|c| !continues_word(c.into())).unwrap_or(text.len())];
    let second = || text[1..].starts_with(['<', '>', '/', '%']);
    let is_next = |mark: &&&str| mark.as_bytes()[0] == text.as_bytes()[0] && text.starts_with(**mark);
    if first.is_ascii_digit() {
        (Token::Number(run()), run().len())
    } else if starts_word(first) && !(first == 's' && second()) {
        (Token::Word(run()), run().len())
    } else if let Some(mark) = MARKS.iter().find(is_next) {
        (Token::Mark(mark), mark.len())
    } else {
        (Token::Stray(first), first.len_utf8())
    }
}

/// The value of a number token, decimal or hexadecimal.
pub(super) fn magnitude(text: &str) -> Result<u64, AsmCause> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    value.map_err(|_| AsmCause::Number(excerpt(text)))
}

/// A line's code, and its comment without the mark that starts it: `;`, `//`,
/// or a `#` that no word touches on its left.
#[must_use]
pub fn split_comment(line: &str) -> (&str, Option<&str>) {
    let apart = |at: usize| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    let start = line.char_indices().find_map(|(at, c)| match c {
        ';' => Some((at, 1)),
        '/' if line[at..].starts_with("//") => Some((at, 2)),
        '#' if apart(at) => Some((at, 1)),
        _ => None,
    });
    match start {
        Some((at, mark)) => (&line[..at], Some(&line[at + mark..])),
        None => (line, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::{AluOp, AtomicOp, Cond};
    use crate::text::Spelled;

    fn tokens(line: &str) -> Vec<Token<'_>> {
        let mut cursor = Cursor::new(line);
        std::iter::from_fn(|| Some(cursor.next()).filter(|t| *t != Token::End)).collect()
    }

    fn one_token<T: Spelled>() {
        for x in T::EVERY {
            assert_eq!(tokens(x.spelling()).len(), 1, "{}", x.spelling());
        }
    }

    #[test]
    fn no_mark_hides_a_longer_one() {
        for (i, early) in MARKS.iter().enumerate() {
            assert!(MARKS[i + 1..].iter().all(|late| !late.starts_with(early)), "{early}");
        }
    }

    #[test]
    fn each_operator_is_one_token() {
        one_token::<AluOp>();
        one_token::<Cond>();
        one_token::<AtomicOp>();
    }

    #[test]
    fn pieces_of_a_line() {
        use Token::{Mark, Number, Stray, Word};
        let expected = [Word("r0"), Mark("="), Mark("*"), Mark("("), Word("u8"), Mark("*"), Mark(")")];
        assert_eq!(tokens("r0 = *(u8 *)"), expected);
        assert_eq!(tokens("r1s>=-0x8"), [Word("r1s"), Mark(">="), Mark("-"), Number("0x8")]);
        assert_eq!(tokens(" 10ll é"), [Number("10ll"), Stray('é')]);
        assert_eq!(tokens("\t \u{a0}"), []);
    }

    #[test]
    fn numbers() {
        assert_eq!(magnitude("0"), Ok(0));
        assert_eq!(magnitude("0xFf"), Ok(255));
        assert_eq!(magnitude("18446744073709551615"), Ok(u64::MAX));
        for bad in ["0x", "1_000", "12x", "18446744073709551616", "0x10000000000000000", "0b1"] {
            assert_eq!(magnitude(bad), Err(AsmCause::Number(bad.into())));
        }
    }

    #[test]
    fn comments() {
        assert_eq!(split_comment("r0 = 1 ; x"), ("r0 = 1 ", Some(" x")));
        assert_eq!(split_comment("r0 = 1 // x"), ("r0 = 1 ", Some(" x")));
        assert_eq!(split_comment("r0 /= 1 # x"), ("r0 /= 1 ", Some(" x")));
        assert_eq!(split_comment("call unknown#7"), ("call unknown#7", None));
        assert_eq!(split_comment("#"), ("", Some("")));
        assert_eq!(split_comment(";! a; b"), ("", Some("! a; b")));
    }
}
