//! What commands read.

use crate::failure::Failure;
use brolga::object::{Object, ObjectProgram};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest object or text that is read, in bytes.
const MAX_OBJECT: u64 = 64 << 20;

/// A file of at most `limit` bytes; `-` is standard input.
pub(crate) fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::input(path.display(), error);
    let source: Box<dyn Read> = match path.as_os_str().to_str() {
        Some("-") => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(path).map_err(failed)?),
    };
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Failure::input(path.display(), format_args!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// A text.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let bytes = bytes(path, MAX_OBJECT)?;
    String::from_utf8(bytes).map_err(|error| Failure::input(path.display(), error))
}

/// An object.
pub(crate) fn object(path: &Path) -> Result<Object, Failure> {
    Object::parse(&bytes(path, MAX_OBJECT)?).map_err(|error| Failure::input(path.display(), error))
}

/// The program of this name; every program where there is no name.
pub(crate) fn programs<'a>(
    object: &'a Object,
    name: Option<&str>,
) -> Result<Vec<&'a ObjectProgram>, Failure> {
    let chosen = match name {
        Some(name) => vec![object.program(name).map_err(|error| Failure::Input(error.to_string()))?],
        None => object.programs().iter().collect(),
    };
    if chosen.is_empty() { Err(Failure::Input("the object has no program".into())) } else { Ok(chosen) }
}
