//! `bpf_strtol` and `bpf_strtoul`: numbers out of text.

use super::fail;
use super::memory::{copy_in, with_copy};
use rustix::io::Errno;

/// The most bytes of a number's text that are looked at: the kernel copies them
/// to a buffer of 64 and needs a NUL.
const LONGEST: usize = 63;

/// A number's text: how many bytes were taken, whether there was a minus, and
/// the digits' value.
struct Parsed {
    taken: usize,
    negative: bool,
    value: u64,
}

/// The base that flags ask for: 0 where the text says it.
fn base(flags: u64) -> Option<u32> {
    match flags {
        0 | 8 | 10 | 16 => Some(flags as u32),
        _ => None,
    }
}

/// What a prefix says of the base, and what follows it.
fn radix(text: &[u8], base: u32) -> (u32, usize) {
    let hex = matches!(text, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    match (base, text) {
        (0, _) if hex => (16, 2),
        (0, [b'0', ..]) => (8, 0),
        (0, _) => (10, 0),
        (16, [b'0', b'x' | b'X', ..]) => (16, 2),
        _ => (base, 0),
    }
}

fn parse(text: &[u8], flags: u64) -> Result<Parsed, Errno> {
    let base = base(flags).filter(|_| !text.is_empty()).ok_or(Errno::INVAL)?;
    let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0xa0);
    let spaces = text.iter().take_while(|byte| blank(byte)).count();
    let negative = text.get(spaces) == Some(&b'-');
    let start = spaces + usize::from(negative);
    let rest = &text[start..];
    let rest = &rest[..rest.len().min(LONGEST)];
    let (radix, prefix) = radix(rest, base);
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    let digits = || rest[prefix..].iter().map_while(digit);
    let taken = start + prefix + digits().count();
    if taken == start + prefix {
        return Err(Errno::INVAL);
    }
    let add = |value: u64, digit: u32| value.checked_mul(radix.into())?.checked_add(digit.into());
    let value = digits().try_fold(0, add).ok_or(Errno::RANGE)?;
    Ok(Parsed { taken, negative, value })
}

/// Parses the text of an argument, and stores the number; 0 where there is none.
///
/// # Safety
///
/// `len` bytes at `text` are readable, and 8 at `to` writable.
unsafe fn number(
    text: u64,
    len: u64,
    flags: u64,
    to: u64,
    of: impl Fn(&Parsed) -> Result<u64, Errno>,
) -> u64 {
    // SAFETY: as the caller says.
    let parsed = unsafe { with_copy(text, len as usize, |text| parse(text, flags)) };
    let parsed = parsed.unwrap_or(Err(Errno::NOMEM));
    let number = parsed.and_then(|parsed| Ok((of(&parsed)?, parsed.taken)));
    let (value, result) = match number {
        Ok((value, taken)) => (value, taken as u64),
        Err(errno) => (0, fail(errno)),
    };
    // SAFETY: as the caller says.
    unsafe { copy_in(to, &value.to_ne_bytes()) };
    result
}

/// `(text, len, flags, to)` to how many bytes were taken, or an error.
pub(super) unsafe extern "C-unwind" fn strtol(
    text: u64,
    len: u64,
    flags: u64,
    to: u64,
    _: u64,
    _: u64,
) -> u64 {
    let signed = |parsed: &Parsed| {
        let value = i128::from(parsed.value) * if parsed.negative { -1 } else { 1 };
        i64::try_from(value).map(|value| value as u64).map_err(|_| Errno::RANGE)
    };
    // SAFETY: by its prototype the helper gets a readable text and room for a
    // number.
    unsafe { number(text, len, flags, to, signed) }
}

/// `(text, len, flags, to)` to how many bytes were taken, or an error.
pub(super) unsafe extern "C-unwind" fn strtoul(
    text: u64,
    len: u64,
    flags: u64,
    to: u64,
    _: u64,
    _: u64,
) -> u64 {
    let unsigned = |parsed: &Parsed| if parsed.negative { Err(Errno::INVAL) } else { Ok(parsed.value) };
    // SAFETY: by its prototype the helper gets a readable text and room for a
    // number.
    unsafe { number(text, len, flags, to, unsigned) }
}
