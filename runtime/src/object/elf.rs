//! The parts of an ELF file that an eBPF object is made of.
//!
//! What is read is borrowed from the file. A hostile file may describe the same
//! bytes many times over; [`Budget`] bounds what that costs.

use super::ObjectError;
use object::read::elf::ElfFile64;
use object::{
    Architecture, LittleEndian, Object as _, ObjectKind, ObjectSection as _, ObjectSymbol as _,
    RelocationFlags, RelocationTarget, SymbolScope,
};
use std::collections::BTreeMap;

pub(super) use object::SymbolKind;

/// What a section is to a loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    /// Instructions.
    Code,
    /// Variables.
    Data,
    /// Constants.
    Rodata,
    /// Variables that start as zeros, without contents in the file.
    Bss,
    /// Map definitions as structures.
    LegacyMaps,
    /// Map definitions by their BTF types.
    BtfMaps,
    /// The licence string.
    License,
    /// Type information.
    Btf,
    /// Line information.
    BtfExt,
    /// Nothing that concerns a loader.
    Other,
}

/// How a relocation changes the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelocKind {
    /// A 64-bit immediate load (`R_BPF_64_64`).
    Imm64,
    /// A call (`R_BPF_64_32`).
    Call,
    /// An address in data (`R_BPF_64_ABS64`).
    Address,
    /// Something else, by its number.
    Other(u32),
}

/// A place that refers to a symbol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reloc {
    pub(super) kind: RelocKind,
    pub(super) symbol: usize,
}

#[derive(Debug)]
pub(super) struct Section<'d> {
    pub(super) name: &'d str,
    pub(super) kind: SectionKind,
    /// Empty for [`SectionKind::Bss`].
    pub(super) data: &'d [u8],
    pub(super) size: u64,
    /// By offset in the section; of code and of map definitions only.
    pub(super) relocs: BTreeMap<u64, Reloc>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol<'d> {
    pub(super) name: &'d str,
    pub(super) kind: SymbolKind,
    /// Its section's index, where it is defined in one.
    pub(super) section: Option<usize>,
    pub(super) value: u64,
    pub(super) size: u64,
    pub(super) global: bool,
    /// Whether it is global in its own object only.
    pub(super) hidden: bool,
}

/// The sections and symbols, by their indices in the file.
#[derive(Debug)]
pub(super) struct Elf<'d> {
    pub(super) sections: BTreeMap<usize, Section<'d>>,
    pub(super) symbols: BTreeMap<usize, Symbol<'d>>,
    by_section: BTreeMap<usize, Vec<Symbol<'d>>>,
}

/// What may still be read. An honest file describes each of its bytes once, or
/// a few times where strings share their ends.
pub(super) struct Budget(usize);

impl Budget {
    fn of(data: &[u8]) -> Self {
        Self(data.len().saturating_mul(8).saturating_add(1 << 16))
    }

    fn spend(&mut self, amount: usize, what: &'static str) -> Result<(), ObjectError> {
        self.0 = self.0.checked_sub(amount).ok_or(ObjectError::TooLarge(what))?;
        Ok(())
    }
}

type File<'d> = ElfFile64<'d, LittleEndian>;

fn unreadable(error: object::Error) -> ObjectError {
    ObjectError::Elf(error.to_string())
}

impl<'d> Elf<'d> {
    /// Reads a little-endian 64-bit object for BPF.
    pub(super) fn parse(data: &'d [u8]) -> Result<Self, ObjectError> {
        check_kind(data)?;
        let file = File::parse(data).map_err(unreadable)?;
        let mut budget = Budget::of(data);
        let (sections, symbols) = (read_sections(&file, &mut budget)?, read_symbols(&file, &mut budget)?);
        let mut by_section: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        for symbol in symbols.values() {
            if let Some(section) = symbol.section {
                by_section.entry(section).or_default().push(*symbol);
            }
        }
        Ok(Self { sections, symbols, by_section })
    }

    /// The first section of this kind.
    pub(super) fn first(&self, kind: SectionKind) -> Option<&Section<'d>> {
        self.all(kind).next().map(|(_, section)| section)
    }

    /// Every section of this kind, with its index.
    pub(super) fn all(&self, kind: SectionKind) -> impl Iterator<Item = (usize, &Section<'d>)> {
        self.sections.iter().filter(move |(_, s)| s.kind == kind).map(|(index, section)| (*index, section))
    }

    /// Every symbol of this section.
    pub(super) fn symbols_of(&self, section: usize) -> impl Iterator<Item = &Symbol<'d>> {
        self.by_section.get(&section).into_iter().flatten()
    }
}

fn check_kind(data: &[u8]) -> Result<(), ObjectError> {
    let file = object::File::parse(data).map_err(unreadable)?;
    let fits = file.architecture() == Architecture::Bpf && file.is_64();
    if !fits {
        return Err(ObjectError::NotBpf(format!("it is for {:?}", file.architecture())));
    }
    if !file.is_little_endian() {
        return Err(ObjectError::NotBpf("it is big-endian".into()));
    }
    if file.kind() != ObjectKind::Relocatable {
        return Err(ObjectError::NotBpf(format!("its kind is {:?}, not a relocatable object", file.kind())));
    }
    Ok(())
}

fn read_sections<'d>(
    file: &File<'d>,
    budget: &mut Budget,
) -> Result<BTreeMap<usize, Section<'d>>, ObjectError> {
    let mut sections = BTreeMap::new();
    for section in file.sections() {
        let name = section.name().map_err(unreadable)?;
        budget.spend(name.len() + 1, "section names")?;
        let kind = kind_of(name, section.kind());
        let mut read = Section { name, kind, data: &[], size: section.size(), relocs: BTreeMap::new() };
        if kind != SectionKind::Other {
            read.data = section.data().map_err(unreadable)?;
            budget.spend(read.data.len(), "section contents")?;
        }
        if matches!(kind, SectionKind::Code | SectionKind::BtfMaps) {
            read.relocs = read_relocs(section.relocations(), budget)?;
        }
        sections.insert(section.index().0, read);
    }
    Ok(sections)
}

/// By name, as libbpf and aya know them.
fn kind_of(name: &str, kind: object::SectionKind) -> SectionKind {
    let is = |prefix: &str, joint: char| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(joint))
    };
    match name {
        "license" => SectionKind::License,
        ".BTF" => SectionKind::Btf,
        ".BTF.ext" => SectionKind::BtfExt,
        ".maps" => SectionKind::BtfMaps,
        _ if is("maps", '/') => SectionKind::LegacyMaps,
        _ if is(".rodata", '.') => SectionKind::Rodata,
        _ if is(".data", '.') => SectionKind::Data,
        _ if is(".bss", '.') => SectionKind::Bss,
        _ if kind == object::SectionKind::Text => SectionKind::Code,
        _ => SectionKind::Other,
    }
}

fn read_relocs(
    relocations: impl Iterator<Item = (u64, object::Relocation)>,
    budget: &mut Budget,
) -> Result<BTreeMap<u64, Reloc>, ObjectError> {
    let mut relocs = BTreeMap::new();
    for (offset, relocation) in relocations {
        budget.spend(size_of::<Reloc>(), "relocations")?;
        if let RelocationTarget::Symbol(symbol) = relocation.target() {
            relocs.insert(offset, Reloc { kind: reloc_kind(relocation.flags()), symbol: symbol.0 });
        }
    }
    Ok(relocs)
}

/// What the crate has no name for.
const R_BPF_64_ABS64: u32 = 2;

fn reloc_kind(flags: RelocationFlags) -> RelocKind {
    match flags {
        RelocationFlags::Elf { r_type: object::elf::R_BPF_64_64 } => RelocKind::Imm64,
        RelocationFlags::Elf { r_type: object::elf::R_BPF_64_32 } => RelocKind::Call,
        RelocationFlags::Elf { r_type: R_BPF_64_ABS64 } => RelocKind::Address,
        RelocationFlags::Elf { r_type } => RelocKind::Other(r_type),
        _ => RelocKind::Other(0),
    }
}

fn read_symbols<'d>(
    file: &File<'d>,
    budget: &mut Budget,
) -> Result<BTreeMap<usize, Symbol<'d>>, ObjectError> {
    let mut symbols = BTreeMap::new();
    for symbol in file.symbols() {
        let name = symbol.name().map_err(unreadable)?;
        budget.spend(name.len() + 1, "symbol names")?;
        let read = Symbol {
            name,
            kind: symbol.kind(),
            section: symbol.section_index().map(|i| i.0),
            value: symbol.address(),
            size: symbol.size(),
            global: symbol.is_global(),
            hidden: symbol.scope() == SymbolScope::Linkage,
        };
        symbols.insert(symbol.index().0, read);
    }
    Ok(symbols)
}
