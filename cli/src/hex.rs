//! Bytes as base16 text, as people and scripts write them.

use std::fmt::Write;
use thiserror::Error;

/// Text that is no base16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum HexError {
    /// A character that is neither a digit nor white space.
    #[error("character {at} is `{found}`, not a base16 digit")]
    Digit {
        /// The character's place, from 1.
        at: usize,
        /// The character.
        found: char,
    },
    /// Half a byte is left over.
    #[error("{0} base16 digits are not a whole number of bytes")]
    Odd(usize),
}

/// The bytes; white space may stand anywhere.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let (mut digits, mut high) = (0, 0);
    for (index, found) in text.chars().enumerate().filter(|(_, c)| !c.is_whitespace()) {
        let digit = found.to_digit(16).ok_or(HexError::Digit { at: index + 1, found })? as u8;
        if digits % 2 == 1 {
            bytes.push(high << 4 | digit);
        }
        high = digit;
        digits += 1;
    }
    if digits % 2 == 0 { Ok(bytes) } else { Err(HexError::Odd(digits)) }
}

/// The bytes as lower-case text.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a `String` can not fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// Up to eight bytes as a little-endian number.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    let fits = (1..=8).contains(&bytes.len());
    fits.then(|| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::{HexError, number, parse, text};

    #[test]
    fn text_is_the_inverse_of_parse() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(parse(&text(&all)), Ok(all));
        assert_eq!(parse(" 0A\n1b\t"), Ok(vec![10, 27]));
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_base16_is_named() {
        assert_eq!(parse("0a1"), Err(HexError::Odd(3)));
        assert_eq!(parse("0x1"), Err(HexError::Digit { at: 2, found: 'x' }));
        assert_eq!(parse("é0"), Err(HexError::Digit { at: 1, found: 'é' }));
    }

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!(number(&[1, 2]), Some(0x201));
        assert_eq!(number(&[0xff; 8]), Some(u64::MAX));
        assert_eq!(number(&[]), None);
        assert_eq!(number(&[0; 9]), None);
    }
}
