//! What maps hold.

use crate::failure::Failure;
use crate::hex;
use crate::output::Output;
use brolga::object::LoadedObject;
use brolga::{Map, MapKind};
use serde::Serialize;

/// A map and its elements.
#[derive(Debug, Serialize)]
pub(super) struct Contents {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    /// Without those of an array that are all zeros.
    elements: Vec<Element>,
    /// How many of an array's elements are all zeros.
    zeros: usize,
    /// Why the elements are not known, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Element {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_number: Option<u64>,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_number: Option<u64>,
}

/// What the maps of an object hold, by name.
pub(super) fn of(loaded: &LoadedObject) -> Result<Vec<Contents>, Failure> {
    Ok(loaded.maps().iter().map(|(name, map)| Contents::of(name, map)).collect())
}

impl Contents {
    fn of(name: &str, map: &Map) -> Self {
        let def = map.def();
        let mut contents = Self {
            name: name.to_owned(),
            kind: def.kind.name(),
            key_size: def.key_size,
            value_size: def.value_size,
            max_entries: def.max_entries,
            elements: Vec::new(),
            zeros: 0,
            error: None,
        };
        match map.iter() {
            Ok(elements) => contents.take(elements, def.kind),
            Err(error) => contents.error = Some(error.to_string()),
        }
        contents
    }

    fn take(&mut self, elements: impl Iterator<Item = (Vec<u8>, Vec<u8>)>, kind: MapKind) {
        let array = matches!(kind, MapKind::Array | MapKind::PercpuArray);
        let mut elements: Vec<_> = elements.collect();
        elements.sort_unstable();
        if array {
            elements.sort_by_key(|(key, _)| hex::number(key));
        }
        for (key, value) in elements {
            if array && value.iter().all(|byte| *byte == 0) {
                self.zeros += 1;
            } else {
                self.elements.push(Element::of(&key, &value));
            }
        }
    }

    pub(super) fn print(&self, output: &mut Output) -> Result<(), Failure> {
        let Self { name, kind, max_entries, zeros, elements, .. } = self;
        output.line(format_args!(
            "map {name} ({kind}, {} of {max_entries} elements)",
            elements.len() + zeros
        ))?;
        if let Some(error) = &self.error {
            output.line(format_args!("    {error}"))?;
        }
        elements.iter().try_for_each(|element| element.print(output))?;
        if *zeros > 0 { output.line(format_args!("    {zeros} all zeros")) } else { Ok(()) }
    }
}

impl Element {
    fn of(key: &[u8], value: &[u8]) -> Self {
        Self {
            key: hex::text(key),
            key_number: hex::number(key),
            value: hex::text(value),
            value_number: hex::number(value),
        }
    }

    fn print(&self, output: &mut Output) -> Result<(), Failure> {
        let number = |number: Option<u64>| number.map(|n| format!(" ({n})")).unwrap_or_default();
        let (key, value) = (number(self.key_number), number(self.value_number));
        output.line(format_args!("    {}{key}: {}{value}", self.key, shown(&self.value)))
    }
}

/// The most digits of a value that are printed.
const MAX_DIGITS: usize = 256;

fn shown(text: &str) -> String {
    if text.len() <= MAX_DIGITS {
        return text.to_owned();
    }
    format!("{}... ({} bytes)", &text[..MAX_DIGITS], text.len() / 2)
}
