//! The format language of `bpf_trace_printk`: what `bpf_bprintf_prepare` lets
//! through, printed as the kernel's `bstr_printf` does.
//!
//! ```text
//! %[0+- ]*[width]conversion
//! conversion: d i u x X, each after none, one or two l; c; s; p;
//!             px pK ps pS pB pi4 pI4 pi6 pI6 (letters and digits that follow
//!             these are not printed); pks pus
//! ```

use super::number::{Spec, hashed, hexadecimal, ip, padded, pointer, signed, unsigned};
use super::peek;
use super::text::Text;
use rustix::io::Errno;

/// The memory for arguments between parsing and printing, in bytes
/// (`MAX_BPRINTF_BIN_ARGS`): what does not fit there is `ENOSPC`.
const ARGUMENTS: usize = 512;
/// The widest field (`FIELD_WIDTH_MAX`).
const WIDEST: u32 = (1 << 23) - 1;

/// The text that a format, up to its NUL, makes of arguments. Unless it `peeks`
/// what stands at an address is not looked at: as if there were nothing.
///
/// # Errors
///
/// `EINVAL` for a format without a NUL, with control characters, more
/// conversions than arguments or other conversions than those above; `ENOSPC`
/// where strings are too long together.
pub(in crate::helpers) fn format(fmt: &[u8], args: [u64; 3], peeks: bool) -> Result<Text, Errno> {
    let end = fmt.iter().position(|byte| *byte == 0).ok_or(Errno::INVAL)?;
    let mut printer = Printer { rest: &fmt[..end], args: &args, peeks, used: 0, text: Text::default() };
    while let Some(byte) = printer.next() {
        match byte {
            b'%' if printer.accept(b'%') => printer.text.push(b"%"),
            b'%' => printer.conversion()?,
            b' '..=b'~' | 0x80.. => printer.text.push(&[byte]),
            _ if is_space(byte) => printer.text.push(&[byte]),
            _ => return Err(Errno::INVAL),
        }
    }
    Ok(printer.text)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}

struct Printer<'a> {
    rest: &'a [u8],
    args: &'a [u64],
    peeks: bool,
    /// How much of [`ARGUMENTS`] is taken.
    used: usize,
    text: Text,
}

impl Printer<'_> {
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
    fn take_while(&mut self, wanted: impl Fn(&u8) -> bool) -> &[u8] {
        let end = self.rest.iter().position(|byte| !wanted(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Whether a conversion that nothing may follow ends here.
    fn at_end(&self) -> bool {
        self.rest.first().is_none_or(|byte| is_space(*byte) || byte.is_ascii_punctuation())
    }

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

    /// What follows a `%`.
    fn conversion(&mut self) -> Result<(), Errno> {
        let (arg, args) = self.args.split_first().ok_or(Errno::INVAL)?;
        self.args = args;
        let spec = self.spec();
        match self.next() {
            Some(b'p') => self.pointer(spec, *arg),
            Some(b's') => self.string(spec, *arg),
            Some(b'c') => {
                self.reserve(1)?;
                padded(&mut self.text, spec, &[*arg as u8]);
                Ok(())
            }
            Some(b'l') => {
                let _long_long = self.accept(b'l');
                let conversion = self.next();
                self.number(spec, conversion, *arg, *arg as i64, 8)
            }
            conversion => self.number(spec, conversion, u64::from(*arg as u32), i64::from(*arg as i32), 4),
        }
    }

    fn spec(&mut self) -> Spec {
        let mut spec = Spec::default();
        for flag in self.take_while(|byte| b"0+- ".contains(byte)) {
            spec.flag(*flag);
        }
        let add = |width: u32, digit: &u8| (width * 10 + u32::from(digit - b'0')).min(WIDEST);
        spec.width = self.take_while(u8::is_ascii_digit).iter().fold(0, add) as usize;
        spec
    }

    fn number(
        &mut self,
        spec: Spec,
        conversion: Option<u8>,
        arg: u64,
        as_signed: i64,
        size: usize,
    ) -> Result<(), Errno> {
        let text = &mut self.text;
        match conversion {
            Some(b'd' | b'i') => signed(text, spec, as_signed),
            Some(b'u') => unsigned(text, spec, arg),
            Some(b'x') => hexadecimal(text, spec, arg, false),
            Some(b'X') => hexadecimal(text, spec, arg, true),
            _ => return Err(Errno::INVAL),
        }
        self.reserve(size)
    }

    /// What follows `%p`.
    fn pointer(&mut self, spec: Spec, arg: u64) -> Result<(), Errno> {
        if self.at_end() {
            pointer(&mut self.text, spec, hashed(arg));
            return self.reserve(8);
        }
        // There are no symbols here: this is how the kernel prints an address
        // that has none.
        let symbol = std::format!("{arg:#x}");
        match self.next() {
            Some(b'k' | b'u') if self.accept(b's') => return self.string(Spec::default(), arg),
            Some(b'K') => pointer(&mut self.text, spec, hashed(arg)),
            Some(b'x') => pointer(&mut self.text, spec, arg),
            Some(b's' | b'S') => padded(&mut self.text, spec, symbol.as_bytes()),
            Some(b'B') => self.text.push(symbol.as_bytes()),
            Some(kind @ (b'i' | b'I')) => self.ip(arg, kind == b'I')?,
            _ => return Err(Errno::INVAL),
        }
        self.take_while(u8::is_ascii_alphanumeric);
        self.reserve(8)
    }

    fn ip(&mut self, arg: u64, common: bool) -> Result<(), Errno> {
        let mut address = [0; 16];
        let address = match self.next() {
            Some(b'4') => &mut address[..4],
            Some(b'6') => &mut address[..],
            _ => return Err(Errno::INVAL),
        };
        if !self.peeks || !peek::bytes(arg, address) {
            address.fill(0);
        }
        self.text.push(ip(address, common).as_bytes());
        Ok(())
    }

    fn string(&mut self, spec: Spec, arg: u64) -> Result<(), Errno> {
        if !self.at_end() {
            return Err(Errno::INVAL);
        }
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
