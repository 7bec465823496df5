//! `.BTF.ext`: which source line each instruction came from.
//!
//! The relocations of CO-RE, which stand in the same section, are not applied:
//! there is no kernel whose types could differ from those that the program was
//! compiled with, and the compiler already filled in what holds for these.

use super::ObjectError;
use super::btf::{Btf, word};
use super::ext;
use brolga_core::program::SourceLine;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The longest part of a source line that is kept, in bytes.
const MAX_TEXT: usize = 256;

/// The source lines of each section, by the offset of their first instruction,
/// in bytes.
pub(super) type Lines = HashMap<String, BTreeMap<u64, SourceLine>>;

/// Reads the contents of a `.BTF.ext` section.
pub(super) fn read(data: &[u8], btf: &Btf<'_>) -> Result<Lines, ObjectError> {
    let mut reader = Reader::new(btf);
    let mut lines = Lines::new();
    ext::records(data, ext::LINES, btf, |section, record| {
        let (offset, line) = reader.line(record)?;
        lines.entry(section.to_owned()).or_default().insert(offset.into(), line);
        Ok(())
    })?;
    Ok(lines)
}

pub(super) struct Reader<'a, 'd> {
    btf: &'a Btf<'d>,
    /// Strings that were read before, by offset.
    texts: HashMap<u32, Arc<str>>,
}

impl<'a, 'd> Reader<'a, 'd> {
    pub(super) fn new(btf: &'a Btf<'d>) -> Self {
        Self { btf, texts: HashMap::new() }
    }

    /// The place and the line of a record.
    pub(super) fn line(&mut self, record: &[u8]) -> Result<(u32, SourceLine), ObjectError> {
        let [offset, file, text, place] = [0, 4, 8, 12].map(|at| word(record, at).unwrap_or(0));
        let (file, text) = (self.text(file)?, self.text(text)?);
        Ok((offset, SourceLine { file, line: place >> 10, column: place & 0x3ff, text }))
    }

    fn text(&mut self, off: u32) -> Result<Arc<str>, ObjectError> {
        if let Some(text) = self.texts.get(&off) {
            return Ok(text.clone());
        }
        let strings = self.btf.strings();
        let bytes = strings.get(off as usize..).ok_or(ObjectError::BtfExt("a line without a text"))?;
        let bytes = &bytes[..bytes.len().min(MAX_TEXT)];
        let len = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        let text: Arc<str> = String::from_utf8_lossy(&bytes[..len]).into();
        self.texts.insert(off, text.clone());
        Ok(text)
    }
}
