//! `.BTF.ext`: which source line each instruction came from.
//!
//! The relocations of CO-RE, which stand in the same section, are not applied:
//! there is no kernel whose types could differ from those that the program was
//! compiled with, and the compiler already filled in what holds for these.

use super::ObjectError;
use super::btf::{Btf, part, word};
use brolga_core::program::SourceLine;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The longest part of a source line that is kept, in bytes.
const MAX_TEXT: usize = 256;

/// The source lines of each section, by the offset of their first instruction,
/// in bytes.
pub(super) type Lines = HashMap<String, BTreeMap<u64, SourceLine>>;

fn bad(what: &'static str) -> ObjectError {
    ObjectError::BtfExt(what)
}

/// Reads the contents of a `.BTF.ext` section.
pub(super) fn read(data: &[u8], btf: &Btf<'_>) -> Result<Lines, ObjectError> {
    let field = |at| word(data, at).ok_or(bad("a header that is cut off"));
    let info = part(data, field(4)?, field(16)?, field(20)?).ok_or(bad("line info outside the section"))?;
    if info.is_empty() {
        return Ok(Lines::new());
    }
    let record = word(info, 0).ok_or(bad("line info without a record size"))? as usize;
    if record < 16 {
        return Err(bad("line records that are too short"));
    }
    let mut reader = Reader { btf, texts: HashMap::new() };
    reader.sections(&info[4..], record)
}

struct Reader<'a, 'd> {
    btf: &'a Btf<'d>,
    /// Strings that were read before, by offset.
    texts: HashMap<u32, Arc<str>>,
}

impl Reader<'_, '_> {
    fn sections(&mut self, mut info: &[u8], record: usize) -> Result<Lines, ObjectError> {
        let mut lines = Lines::new();
        while !info.is_empty() {
            let cut = || bad("line info that is cut off");
            let (name, count) = word(info, 0).zip(word(info, 4)).ok_or_else(cut)?;
            let len = record.checked_mul(count as usize).ok_or_else(cut)?;
            let (records, rest) = info[8..].split_at_checked(len).ok_or_else(cut)?;
            let section = lines.entry(self.btf.string(name)?.to_owned()).or_default();
            for record in records.chunks_exact(record) {
                let (offset, line) = self.line(record)?;
                section.insert(offset.into(), line);
            }
            info = rest;
        }
        Ok(lines)
    }

    fn line(&mut self, record: &[u8]) -> Result<(u32, SourceLine), ObjectError> {
        let [offset, file, text, place] = [0, 4, 8, 12].map(|at| word(record, at).unwrap_or(0));
        let (file, text) = (self.text(file)?, self.text(text)?);
        Ok((offset, SourceLine { file, line: place >> 10, column: place & 0x3ff, text }))
    }

    fn text(&mut self, off: u32) -> Result<Arc<str>, ObjectError> {
        if let Some(text) = self.texts.get(&off) {
            return Ok(text.clone());
        }
        let strings = self.btf.strings();
        let bytes = strings.get(off as usize..).ok_or(bad("a line without a text"))?;
        let bytes = &bytes[..bytes.len().min(MAX_TEXT)];
        let len = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        let text: Arc<str> = String::from_utf8_lossy(&bytes[..len]).into();
        self.texts.insert(off, text.clone());
        Ok(text)
    }
}
