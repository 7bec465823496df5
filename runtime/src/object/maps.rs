//! The maps that an object defines, and where its symbols point into them.

use super::ObjectError;
use super::btf::{Btf, Member};
use super::elf::{Elf, RelocKind, Section, SectionKind, Symbol, SymbolKind};
use brolga_core::map::Special;
use brolga_core::{MapDef, MapFlags, MapKind};
use std::collections::{BTreeMap, HashMap};

/// The longest name that a slot may refer to, in bytes: many slots may refer to
/// one.
const MAX_NAME: usize = 256;

/// A map that an object defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMap {
    /// Its name: of the variable that defines it, or of the data section that
    /// it holds.
    pub name: String,
    /// The section that defines it.
    pub section: String,
    /// What it is created from. The kernel's rules for names are narrower than
    /// C's: the name in here may be cut.
    pub def: MapDef,
    /// What its only value holds at first, for a data section with contents.
    pub contents: Option<Vec<u8>>,
    /// Whether it is frozen once it has its contents, as constants are.
    pub frozen: bool,
    /// What its definition puts into its slots, by index (`.values`).
    pub slots: BTreeMap<u32, ObjectSlot>,
}

/// What a definition puts into a slot of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectSlot {
    /// The program of this name, into a program array.
    Program(String),
    /// The map of this name, into a map of maps.
    Map(String),
}

/// A variable in a data section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Global {
    pub(super) map: usize,
    pub(super) off: u32,
    pub(super) size: u32,
}

/// What an address in a section means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapPlace {
    /// This map.
    Map(usize),
    /// A byte of this map's only value.
    Value(usize),
}

/// The maps, and how to find them.
#[derive(Debug, Default)]
pub(super) struct Maps {
    pub(super) list: Vec<ObjectMap>,
    pub(super) globals: BTreeMap<String, Global>,
    /// Definitions, by section and offset.
    defined: HashMap<(usize, u64), usize>,
    /// Data sections.
    data: HashMap<usize, usize>,
}

impl Maps {
    /// Reads every definition and every data section.
    pub(super) fn read(elf: &Elf<'_>, btf: Option<&Btf<'_>>) -> Result<Self, ObjectError> {
        let mut maps = Self::default();
        for (index, section) in &elf.sections {
            match section.kind {
                SectionKind::LegacyMaps => maps.add_legacy(elf, *index, section)?,
                SectionKind::BtfMaps => maps.add_btf(elf, *index, section, btf)?,
                SectionKind::Data | SectionKind::Rodata | SectionKind::Bss => {
                    maps.add_data(elf, *index, section)?;
                }
                SectionKind::Code
                | SectionKind::License
                | SectionKind::Btf
                | SectionKind::BtfExt
                | SectionKind::Other => {}
            }
        }
        Ok(maps)
    }

    /// What this offset of this section means to an instruction.
    pub(super) fn at(&self, section: usize, off: u64) -> Option<MapPlace> {
        let value = || self.data.get(&section).copied().map(MapPlace::Value);
        self.defined.get(&(section, off)).copied().map(MapPlace::Map).or_else(value)
    }

    fn push(&mut self, map: ObjectMap) -> usize {
        self.list.push(map);
        self.list.len() - 1
    }

    /// Structures in section `maps`, one at each symbol.
    fn add_legacy(&mut self, elf: &Elf<'_>, index: usize, section: &Section<'_>) -> Result<(), ObjectError> {
        for symbol in elf.symbols_of(index).filter(|s| is_variable(s)) {
            let def = legacy_def(section, symbol)?;
            let map = self.push(defined(symbol.name, section, def));
            self.defined.insert((index, symbol.value), map);
        }
        Ok(())
    }

    /// Variables in section `.maps`, defined by their types.
    fn add_btf(
        &mut self,
        elf: &Elf<'_>,
        index: usize,
        section: &Section<'_>,
        btf: Option<&Btf<'_>>,
    ) -> Result<(), ObjectError> {
        let what = "the object has no BTF to define it".to_owned();
        let btf = btf.ok_or(ObjectError::Map { map: section.name.to_owned(), what })?;
        let symbols: HashMap<&str, u64> = elf.symbols_of(index).map(|s| (s.name, s.value)).collect();
        let mut values = BTreeMap::new();
        for var in btf.section(section.name)? {
            let fields = fields(btf, var.type_id, true)?;
            let off = symbols.get(var.name).copied().unwrap_or(var.off.into());
            let at = fields.values;
            let wrong = |what| ObjectError::Map { map: var.name.to_owned(), what };
            let map = self.push(defined(var.name, section, fields.def().map_err(wrong)?));
            self.defined.insert((index, off), map);
            values.extend(at.map(|at| (off.saturating_add(at.into()), map)));
        }
        self.add_slots(elf, index, section, &values)
    }

    /// What definitions put into slots: addresses behind `values`, which is the
    /// last member of a definition.
    fn add_slots(
        &mut self,
        elf: &Elf<'_>,
        index: usize,
        section: &Section<'_>,
        values: &BTreeMap<u64, usize>,
    ) -> Result<(), ObjectError> {
        for (at, reloc) in &section.relocs {
            let wrong = |what: &str| {
                let section = section.name.to_owned();
                ObjectError::Relocation { section, offset: *at, what: what.to_owned() }
            };
            let array = values.range(..=at).next_back().filter(|_| reloc.kind == RelocKind::Address);
            let (start, map) = array.ok_or_else(|| wrong("this is no slot of a map"))?;
            let slot = u32::try_from((at - start) / 8).map_err(|_| wrong("there is no such slot"))?;
            let symbol = elf.symbols.get(&reloc.symbol).ok_or_else(|| wrong("there is no such symbol"))?;
            let name =
                Some(symbol.name).filter(|n| n.len() <= MAX_NAME).ok_or_else(|| wrong("too long a name"))?;
            let name = name.to_owned();
            let is_map = symbol.section == Some(index);
            let value = if is_map { ObjectSlot::Map(name) } else { ObjectSlot::Program(name) };
            self.list[*map].slots.insert(slot, value);
        }
        Ok(())
    }

    /// A section of variables or constants: an array with one value.
    fn add_data(&mut self, elf: &Elf<'_>, index: usize, section: &Section<'_>) -> Result<(), ObjectError> {
        if section.size == 0 {
            return Ok(());
        }
        let wrong = |what: &str| ObjectError::Map { map: section.name.to_owned(), what: what.to_owned() };
        let size = u32::try_from(section.size).map_err(|_| wrong("the section is too large for a value"))?;
        let frozen = section.kind == SectionKind::Rodata;
        let mut def = MapDef::array(size, 1).name(kernel_name(section.name));
        def.flags.set(MapFlags::RDONLY_PROG, frozen);
        let contents = (section.kind != SectionKind::Bss).then(|| section.data.to_vec());
        if contents.as_ref().is_some_and(|c| c.len() != size as usize) {
            return Err(wrong("the section's contents are not of the section's size"));
        }
        let name = section.name.to_owned();
        let map = self.push(ObjectMap {
            section: name.clone(),
            name,
            def,
            contents,
            frozen,
            slots: BTreeMap::new(),
        });
        self.data.insert(index, map);
        self.add_globals(elf, index, map, size);
        Ok(())
    }

    fn add_globals(&mut self, elf: &Elf<'_>, index: usize, map: usize, len: u32) {
        for symbol in elf.symbols_of(index).filter(|s| is_variable(s)) {
            let inside = symbol.value.checked_add(symbol.size).is_some_and(|end| end <= len.into());
            if inside {
                let (off, size) = (symbol.value as u32, symbol.size as u32);
                self.globals.insert(symbol.name.to_owned(), Global { map, off, size });
            }
        }
    }
}

fn is_variable(symbol: &Symbol<'_>) -> bool {
    let named = matches!(symbol.kind, SymbolKind::Data | SymbolKind::Unknown);
    named && !symbol.name.is_empty() && symbol.size > 0
}

fn defined(name: &str, section: &Section<'_>, def: MapDef) -> ObjectMap {
    ObjectMap {
        name: name.to_owned(),
        section: section.name.to_owned(),
        def: def.name(kernel_name(name)),
        contents: None,
        frozen: false,
        slots: BTreeMap::new(),
    }
}

/// The name as the kernel allows one: at most 15 bytes, of few characters.
fn kernel_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    name.chars().map(|c| if allowed(c) { c } else { '_' }).take(15).collect()
}

/// `struct bpf_map_def`: five words, then what only some loaders know.
fn legacy_def(section: &Section<'_>, symbol: &Symbol<'_>) -> Result<MapDef, ObjectError> {
    let wrong = |what: &str| ObjectError::Map { map: symbol.name.to_owned(), what: what.to_owned() };
    let start = usize::try_from(symbol.value).ok();
    let def = start.and_then(|at| section.data.get(at..)?.first_chunk::<20>());
    let def = def.filter(|_| symbol.size >= 20).ok_or_else(|| wrong("its definition is cut off"))?;
    let words = def.as_chunks().0;
    let [kind, key, value, entries, flags] = [0, 1, 2, 3, 4].map(|i| u32::from_le_bytes(words[i]));
    let fields = Fields { kind, key, value, entries, flags, ..Fields::default() };
    fields.def().map_err(|what| wrong(&what))
}

/// What a definition says.
#[derive(Debug, Default)]
struct Fields {
    kind: u32,
    key: u32,
    value: u32,
    entries: u32,
    flags: u32,
    inner: Option<Box<MapDef>>,
    special: Special,
    /// Where the slots start, in bytes from the definition's start.
    values: Option<u32>,
}

impl Fields {
    fn def(self) -> Result<MapDef, String> {
        let Self { kind, key, value, entries, flags, inner, special, values: _ } = self;
        let kind = MapKind::from_number(kind).ok_or_else(|| format!("there is no map type {kind}"))?;
        let flags = MapFlags::from_bits(flags).ok_or_else(|| format!("there are no map flags {flags:#x}"))?;
        Ok(MapDef { inner, special, ..MapDef::new(kind, key, value, entries).flags(flags) })
    }
}

/// The fields of a definition: a number travels as the length of an array that
/// the member points to, a type as the member's target. Only an outer one may
/// have an inner one, so this goes two deep.
fn fields(btf: &Btf<'_>, type_id: u32, outer: bool) -> Result<Fields, ObjectError> {
    let mut fields = Fields::default();
    for Member { name, type_id, off } in btf.members(type_id)? {
        let number = || Ok(btf.array(btf.pointee(type_id)?)?.1);
        match name {
            "type" => fields.kind = number()?,
            "key_size" => fields.key = number()?,
            "value_size" => fields.value = number()?,
            "max_entries" => fields.entries = number()?,
            "map_flags" => fields.flags = number()?,
            "key" => fields.key = btf.size(btf.pointee(type_id)?)?,
            "value" => {
                let value = btf.pointee(type_id)?;
                (fields.value, fields.special) = (btf.size(value)?, special(btf, value)?);
            }
            "values" if outer => {
                add_values(btf, type_id, &mut fields)?;
                fields.values = Some(off);
            }
            // `pinning`, `map_extra`, and what loaders of other systems put there.
            _ => {}
        }
    }
    Ok(fields)
}

/// `values` of a map-in-map points to what the inner maps look like; of a
/// program array, to functions.
fn add_values(btf: &Btf<'_>, type_id: u32, fields: &mut Fields) -> Result<(), ObjectError> {
    let (element, _) = btf.array(type_id)?;
    let target = btf.pointee(element)?;
    fields.value = 4;
    if btf.is_any_struct(target) {
        let inner = self::fields(btf, target, false)?.def();
        let map = "values".to_owned();
        fields.inner = Some(Box::new(inner.map_err(|what| ObjectError::Map { map, what })?));
    }
    Ok(())
}

/// The parts of a value that the kernel manages, by their types.
pub(super) fn special(btf: &Btf<'_>, value: u32) -> Result<Special, ObjectError> {
    let mut special = Special::default();
    if !btf.is_any_struct(value) {
        return Ok(special);
    }
    for Member { type_id, off, .. } in btf.members(value)? {
        if btf.is_struct(type_id, "bpf_spin_lock") {
            special.spin_lock = Some(off);
        } else if btf.is_struct(type_id, "bpf_timer") {
            special.timer = Some(off);
        } else if btf.is_kptr(type_id) {
            special.kptrs.push(off);
        }
    }
    Ok(special)
}
