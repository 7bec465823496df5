//! `.BTF.ext`: what is said of instructions, section by section, in records.

use super::ObjectError;
use super::btf::{Btf, part, word};

/// A kind of records: where the header says where they are, and the bytes that
/// one has at least.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    header: usize,
    least: usize,
}

/// The functions.
pub(super) const FUNCS: Kind = Kind { header: 8, least: 8 };
/// The source lines.
pub(super) const LINES: Kind = Kind { header: 16, least: 16 };

fn bad(what: &'static str) -> ObjectError {
    ObjectError::BtfExt(what)
}

/// Calls `each` with the section's name and the bytes of every record of a kind.
pub(super) fn records(
    data: &[u8],
    kind: Kind,
    btf: &Btf<'_>,
    mut each: impl FnMut(&str, &[u8]) -> Result<(), ObjectError>,
) -> Result<(), ObjectError> {
    let field = |at| word(data, at).ok_or(bad("a header that is cut off"));
    let (at, len) = (field(kind.header)?, field(kind.header + 4)?);
    let info = part(data, field(4)?, at, len).ok_or(bad("records outside the section"))?;
    if info.is_empty() {
        return Ok(());
    }
    let size = word(info, 0).ok_or(bad("records without a size"))? as usize;
    if size < kind.least {
        return Err(bad("records that are too short"));
    }
    let mut rest = &info[4..];
    while !rest.is_empty() {
        let cut = || bad("records that are cut off");
        let (name, count) = word(rest, 0).zip(word(rest, 4)).ok_or_else(cut)?;
        let len = size.checked_mul(count as usize).ok_or_else(cut)?;
        let (records, after) = rest[8..].split_at_checked(len).ok_or_else(cut)?;
        let section = btf.string(name)?;
        records.chunks_exact(size).try_for_each(|record| each(section, record))?;
        rest = after;
    }
    Ok(())
}
