//! BTF that comes by itself, and records that refer to it: what `bpf(2)` is given
//! in place of an object.

use super::ObjectError;
use super::btf::{Btf, word};
use super::{lines, maps};
use brolga_core::Pc;
use brolga_core::func::Func;
use brolga_core::map::Special;
use brolga_core::program::SourceLine;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A BTF blob that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Types(Arc<[u8]>);

fn bad(what: &'static str) -> ObjectError {
    ObjectError::BtfExt(what)
}

impl Types {
    /// # Errors
    ///
    /// Where the bytes are no BTF.
    pub(crate) fn new(data: Vec<u8>) -> Result<Self, ObjectError> {
        Btf::parse(&data)?;
        Ok(Self(data.into()))
    }

    fn btf(&self) -> Result<Btf<'_>, ObjectError> {
        Btf::parse(&self.0)
    }

    /// What the kernel manages in a map's value of this type, and the value's
    /// size in bytes.
    pub(crate) fn value(&self, id: u32) -> Result<(Special, u32), ObjectError> {
        let btf = self.btf()?;
        Ok((maps::special(&btf, id)?, btf.size(id)?))
    }

    /// The types of functions: `struct bpf_func_info`s of `size` bytes each, by
    /// place, the main program's first.
    pub(crate) fn funcs(&self, records: &[u8], size: usize) -> Result<BTreeMap<Pc, Func>, ObjectError> {
        let btf = self.btf()?;
        let tags = btf.param_tags()?;
        let mut funcs = BTreeMap::new();
        for (at, record) in placed(records, size, 8)? {
            let id = word(record, 4).unwrap_or(0);
            funcs.insert(at, btf.func(id, &tags)?);
        }
        Ok(funcs)
    }

    /// Source lines: `struct bpf_line_info`s of `size` bytes each, by place.
    pub(crate) fn lines(&self, records: &[u8], size: usize) -> Result<BTreeMap<Pc, SourceLine>, ObjectError> {
        let btf = self.btf()?;
        let mut reader = lines::Reader::new(&btf);
        let placed = placed(records, size, 16)?;
        placed.into_iter().map(|(at, record)| Ok((at, reader.line(record)?.1))).collect()
    }
}

/// The records and the instructions that they are of, which ascend from the
/// first.
fn placed(records: &[u8], size: usize, least: usize) -> Result<Vec<(Pc, &[u8])>, ObjectError> {
    if size < least {
        return Err(bad("records that are too short"));
    }
    let places = records.chunks_exact(size).map(|record| (Pc(word(record, 0).unwrap_or(0)), record));
    let places: Vec<(Pc, &[u8])> = places.collect();
    let first = places.first().is_none_or(|(at, _)| *at == Pc::START);
    if !first || !places.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err(bad("records that do not ascend from the first instruction"));
    }
    Ok(places)
}
