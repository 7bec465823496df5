//! Printing by a format, as the kernel's `bstr_printf` does.

use super::number::{hashed, hexadecimal, ip, padded, pointer, signed, unsigned};
use super::peek;
use super::text::Text;
use brolga_core::format::{Conversion, Invalid, Piece, Spec, pieces};
use rustix::io::Errno;

/// The memory for arguments between parsing and printing, in bytes
/// (`MAX_BPRINTF_BIN_ARGS`): what does not fit there is `ENOSPC`.
const ARGUMENTS: usize = 512;

/// The text that a format, up to its NUL, makes of arguments, of which `most`
/// bytes are kept. Unless it `peeks` what stands at an address is not looked at:
/// as if there were nothing.
///
/// # Errors
///
/// `EINVAL` for what is no [format](brolga_core::format), or has more conversions
/// than there are arguments; `ENOSPC` where strings are too long together.
pub(in crate::helpers) fn format(fmt: &[u8], args: &[u64], peeks: bool, most: usize) -> Result<Text, Errno> {
    let invalid = |Invalid| Errno::INVAL;
    let mut printer = Printer { args, peeks, used: 0, text: Text::new(most) };
    for piece in pieces(fmt).map_err(invalid)? {
        match piece.map_err(invalid)? {
            Piece::Plain(bytes) => printer.text.push(bytes),
            Piece::Argument(spec, conversion) => printer.argument(spec, conversion)?,
        }
    }
    Ok(printer.text)
}

struct Printer<'a> {
    args: &'a [u64],
    peeks: bool,
    /// How much of [`ARGUMENTS`] is taken.
    used: usize,
    text: Text,
}

impl Printer<'_> {
    /// Takes room for an argument.
    fn reserve(&mut self, size: usize) -> Result<(), Errno> {
        let align = if size == 1 { 1 } else { 4 };
        let end = self.used.next_multiple_of(align) + size;
        if end > ARGUMENTS {
            return Err(Errno::NOSPC);
        }
        self.used = end;
        Ok(())
    }

    fn argument(&mut self, spec: Spec, conversion: Conversion) -> Result<(), Errno> {
        let (arg, args) = self.args.split_first().ok_or(Errno::INVAL)?;
        self.args = args;
        let arg = *arg;
        let wide = |bytes| if bytes == 8 { arg } else { u64::from(arg as u32) };
        // There are no symbols here: this is how the kernel prints an address
        // that has none.
        let symbol = || std::format!("{arg:#x}");
        let text = &mut self.text;
        let taken = match conversion {
            Conversion::Text => return self.string(spec, arg),
            Conversion::Char => {
                padded(text, spec, &[arg as u8]);
                1
            }
            Conversion::Signed(bytes) => {
                signed(text, spec, if bytes == 8 { arg as i64 } else { i64::from(arg as i32) });
                bytes
            }
            Conversion::Unsigned(bytes) => {
                unsigned(text, spec, wide(bytes));
                bytes
            }
            Conversion::Hexadecimal { bytes, upper } => {
                hexadecimal(text, spec, wide(bytes), upper);
                bytes
            }
            Conversion::Hashed => {
                pointer(text, spec, hashed(arg));
                8
            }
            Conversion::Address => {
                pointer(text, spec, arg);
                8
            }
            Conversion::Symbol { padded: false } => {
                text.push(symbol().as_bytes());
                8
            }
            Conversion::Symbol { padded: true } => {
                padded(text, spec, symbol().as_bytes());
                8
            }
            Conversion::Internet { bytes, common } => {
                self.internet(arg, bytes, common);
                8
            }
        };
        self.reserve(taken)
    }

    fn internet(&mut self, arg: u64, bytes: usize, common: bool) {
        let mut address = [0; 16];
        let address = &mut address[..bytes];
        if !self.peeks || !peek::bytes(arg, address) {
            address.fill(0);
        }
        self.text.push(ip(address, common).as_bytes());
    }

    fn string(&mut self, spec: Spec, arg: u64) -> Result<(), Errno> {
        let mut buffer = [0; ARGUMENTS];
        let room = &mut buffer[self.used..];
        if room.is_empty() {
            return Err(Errno::NOSPC);
        }
        let len = if self.peeks { peek::string(arg, room) } else { 0 };
        self.used += len + 1;
        padded(&mut self.text, spec, &buffer[self.used - len - 1..self.used - 1]);
        Ok(())
    }
}
