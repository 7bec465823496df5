//! `.BTF.ext`: the types of functions.

use super::ObjectError;
use super::btf::{Btf, word};
use super::ext;
use brolga_core::func::{Func, ParamTags};
use std::collections::{BTreeMap, HashMap};

/// The functions of each section, by the offset of their first instruction, in
/// bytes. One whose types say nothing that is understood is none.
pub(super) type Funcs = HashMap<String, BTreeMap<u64, Func>>;

/// What tags say of parameters, by the function's type and the parameter's place.
pub(super) type Tags = HashMap<(u32, u32), ParamTags>;

/// Reads the contents of a `.BTF.ext` section.
pub(super) fn read(data: &[u8], btf: &Btf<'_>) -> Result<Funcs, ObjectError> {
    let tags = btf.param_tags()?;
    let mut funcs = Funcs::new();
    ext::records(data, ext::FUNCS, btf, |section, record| {
        let [offset, id] = [0, 4].map(|at| word(record, at).unwrap_or(0));
        if let Ok(func) = btf.func(id, &tags) {
            funcs.entry(section.to_owned()).or_default().insert(offset.into(), func);
        }
        Ok(())
    })?;
    Ok(funcs)
}
