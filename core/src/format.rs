//! The format language of `bpf_trace_printk` and its like: what the kernel's
//! `bpf_bprintf_prepare` lets through.
//!
//! ```text
//! %[0+- ]*[width]conversion
//! conversion: d i u x X, each after none, one or two l; c; s; p;
//!             px pK ps pS pB pi4 pI4 pi6 pI6 (letters and digits that follow
//!             these say nothing); pks pus
//! ```
//!
//! The verifier reads a format that is known at load time, helper bodies print by
//! it; both go over its [`pieces`].

use thiserror::Error;

/// The widest field (`FIELD_WIDTH_MAX`).
const WIDEST: u32 = (1 << 23) - 1;

/// A format that no helper prints by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Invalid format string")]
pub struct Invalid;

/// How a conversion is to be padded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// The least length of the text, in bytes.
    pub width: usize,
    /// Spaces come after it (`-`).
    pub left: bool,
    /// A number that is not negative has a `+`.
    pub plus: bool,
    /// A number that is not negative has a space before it.
    pub space: bool,
    /// Zeros fill a number (`0`).
    pub zero: bool,
}

/// What a conversion makes of its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// A character.
    Char,
    /// The string at an address.
    Text,
    /// A number of 4 or 8 bytes, in decimal with its sign.
    Signed(usize),
    /// The same without a sign.
    Unsigned(usize),
    /// The same in hexadecimal.
    Hexadecimal {
        /// How many bytes it has.
        bytes: usize,
        /// In capital letters.
        upper: bool,
    },
    /// An address, as a number that says nothing of it.
    Hashed,
    /// An address as it is.
    Address,
    /// An address by the symbol that it is of, where padding is `padded`.
    Symbol {
        /// Whether it is padded.
        padded: bool,
    },
    /// The Internet address at an address.
    Internet {
        /// How many bytes it has.
        bytes: usize,
        /// As people write it, with separators.
        common: bool,
    },
}

/// A part of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes that are printed as they are.
    Plain(&'a [u8]),
    /// An argument, the next one.
    Argument(Spec, Conversion),
}

/// The parts of a format, up to its NUL.
///
/// # Errors
///
/// Where there is no NUL; and each part where it has a control character or
/// another conversion than those above.
pub fn pieces(fmt: &[u8]) -> Result<impl Iterator<Item = Result<Piece<'_>, Invalid>>, Invalid> {
    let end = fmt.iter().position(|byte| *byte == 0).ok_or(Invalid)?;
    let mut reader = Reader { rest: &fmt[..end] };
    Ok(std::iter::from_fn(move || reader.piece()))
}

/// That a format is one, for so many arguments at most.
///
/// # Errors
///
/// Where it is none, or has more conversions.
pub fn check(fmt: &[u8], arguments: usize) -> Result<(), Invalid> {
    let mut left = arguments;
    for piece in pieces(fmt)? {
        if let Piece::Argument(..) = piece? {
            left = left.checked_sub(1).ok_or(Invalid)?;
        }
    }
    Ok(())
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | 0x80..) || is_space(byte)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        self.rest = &self.rest[usize::from(found)..];
        found
    }

    /// Takes the bytes up to the first that is not wanted.
    fn take_while(&mut self, wanted: impl Fn(&u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !wanted(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Whether a conversion that nothing may follow ends here.
    fn at_end(&self) -> bool {
        self.rest.first().is_none_or(|byte| is_space(*byte) || byte.is_ascii_punctuation())
    }

    fn piece(&mut self) -> Option<Result<Piece<'a>, Invalid>> {
        let plain = self.take_while(|byte| *byte != b'%' && is_plain(*byte));
        if !plain.is_empty() {
            return Some(Ok(Piece::Plain(plain)));
        }
        match self.next()? {
            b'%' if self.accept(b'%') => Some(Ok(Piece::Plain(b"%"))),
            b'%' => Some(self.argument()),
            _ => Some(Err(Invalid)),
        }
    }

    /// What follows a `%`.
    fn argument(&mut self) -> Result<Piece<'a>, Invalid> {
        let spec = self.spec();
        let conversion = match self.next() {
            Some(b'p') => return self.pointer(spec),
            Some(b's') => self.text()?,
            Some(b'c') => Conversion::Char,
            Some(b'l') => {
                let _long_long = self.accept(b'l');
                let letter = self.next();
                Self::number(letter, 8)?
            }
            letter => Self::number(letter, 4)?,
        };
        Ok(Piece::Argument(spec, conversion))
    }

    fn spec(&mut self) -> Spec {
        let mut spec = Spec::default();
        for flag in self.take_while(|byte| b"0+- ".contains(byte)) {
            match flag {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                _ => spec.zero = true,
            }
        }
        let add = |width: u32, digit: &u8| (width * 10 + u32::from(digit - b'0')).min(WIDEST);
        spec.width = self.take_while(u8::is_ascii_digit).iter().fold(0, add) as usize;
        spec
    }

    const fn number(letter: Option<u8>, bytes: usize) -> Result<Conversion, Invalid> {
        match letter {
            Some(b'd' | b'i') => Ok(Conversion::Signed(bytes)),
            Some(b'u') => Ok(Conversion::Unsigned(bytes)),
            Some(b'x') => Ok(Conversion::Hexadecimal { bytes, upper: false }),
            Some(b'X') => Ok(Conversion::Hexadecimal { bytes, upper: true }),
            _ => Err(Invalid),
        }
    }

    fn text(&self) -> Result<Conversion, Invalid> {
        if self.at_end() { Ok(Conversion::Text) } else { Err(Invalid) }
    }

    /// What follows `%p`.
    fn pointer(&mut self, spec: Spec) -> Result<Piece<'a>, Invalid> {
        if self.at_end() {
            return Ok(Piece::Argument(spec, Conversion::Hashed));
        }
        let conversion = match self.next() {
            Some(b'k' | b'u') if self.accept(b's') => {
                return Ok(Piece::Argument(Spec::default(), self.text()?));
            }
            Some(b'K') => Conversion::Hashed,
            Some(b'x') => Conversion::Address,
            Some(b's' | b'S') => Conversion::Symbol { padded: true },
            Some(b'B') => Conversion::Symbol { padded: false },
            Some(kind @ (b'i' | b'I')) => self.internet(kind == b'I')?,
            _ => return Err(Invalid),
        };
        self.take_while(u8::is_ascii_alphanumeric);
        Ok(Piece::Argument(spec, conversion))
    }

    fn internet(&mut self, common: bool) -> Result<Conversion, Invalid> {
        match self.next() {
            Some(b'4') => Ok(Conversion::Internet { bytes: 4, common }),
            Some(b'6') => Ok(Conversion::Internet { bytes: 16, common }),
            _ => Err(Invalid),
        }
    }
}
