//! From sections and relocations to programs that stand for themselves.
//!
//! A program is a function of a section of its own; what it calls is appended
//! to it, each function once, in the order in which the calls are met, as
//! libbpf does. References to maps become indices into the program's own list.

use super::ObjectError;
use super::elf::{Elf, Reloc, RelocKind, Section, SectionKind, Symbol, SymbolKind};
use super::funcs::Funcs;
use super::lines::Lines;
use super::maps::{MapPlace, Maps};
use brolga_core::func::{Func, Linkage};
use brolga_core::program::SourceLine;
use brolga_core::{Code, Pc, Slot};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How many instructions the programs of one object may have in all, functions
/// counted once for each program that calls them.
const MAX_LINKED: usize = 4 * Code::MAX_SLOTS;

/// The second byte's register field of what stands for itself in the kernel's
/// UAPI: `BPF_PSEUDO_CALL`, `BPF_PSEUDO_KFUNC_CALL`, `BPF_PSEUDO_FUNC`, `BPF_PSEUDO_MAP_IDX`,
/// `BPF_PSEUDO_MAP_IDX_VALUE`.
const PSEUDO_CALL: u8 = 1;
const PSEUDO_KFUNC_CALL: u8 = 2;
const PSEUDO_FUNC: u8 = 4;
const PSEUDO_MAP_IDX: u8 = 5;
const PSEUDO_MAP_IDX_VALUE: u8 = 6;

/// `BPF_JMP | BPF_CALL`, and `BPF_LD | BPF_IMM | BPF_DW`.
const CALL: u8 = 0x85;
const LOAD_IMM64: u8 = 0x18;

/// Where a function starts: its section and the offset there, in bytes.
pub(super) type Place = (usize, u64);

/// A function of an object.
#[derive(Debug)]
pub(super) struct Function<'d> {
    /// Shared by the programs that call it.
    pub(super) name: Arc<str>,
    /// Whether other objects do not see it: then libbpf takes it for static,
    /// whatever its type says.
    hidden: bool,
    bytes: &'d [u8],
}

/// What a program is made of once it is linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) slots: Vec<Slot>,
    /// The object's maps that it uses, by index; an instruction refers to one by
    /// its place in here.
    pub(super) maps: Vec<usize>,
    pub(super) lines: BTreeMap<Pc, SourceLine>,
    pub(super) subprogs: BTreeMap<Pc, Arc<str>>,
    pub(super) funcs: BTreeMap<Pc, Func>,
    /// The kernel functions that it calls: the number that stands for each in its
    /// calls.
    pub(super) kfuncs: BTreeMap<i32, Arc<str>>,
}

/// Every function, by its place.
pub(super) fn functions<'d>(elf: &Elf<'d>) -> Result<BTreeMap<Place, Function<'d>>, ObjectError> {
    let mut functions = BTreeMap::new();
    for (index, section) in elf.all(SectionKind::Code) {
        for symbol in elf.symbols_of(index).filter(|s| s.kind == SymbolKind::Text) {
            functions.insert((index, symbol.value), function(section, symbol)?);
        }
    }
    Ok(functions)
}

fn function<'d>(section: &Section<'d>, symbol: &Symbol<'d>) -> Result<Function<'d>, ObjectError> {
    let end = symbol.value.checked_add(symbol.size);
    let range = usize::try_from(symbol.value).ok().zip(end.and_then(|e| usize::try_from(e).ok()));
    let bytes = range.and_then(|(start, end)| section.data.get(start..end));
    let whole = |n: u64| n.is_multiple_of(Slot::BYTES as u64);
    let bytes = bytes.filter(|b| !b.is_empty() && whole(symbol.value) && whole(symbol.size));
    let wrong =
        || ObjectError::Function { function: symbol.name.to_owned(), section: section.name.to_owned() };
    Ok(Function { name: symbol.name.into(), hidden: symbol.hidden, bytes: bytes.ok_or_else(wrong)? })
}

/// What linking looks at.
pub(super) struct Linker<'a, 'd> {
    pub(super) elf: &'a Elf<'d>,
    pub(super) maps: &'a Maps,
    pub(super) functions: &'a BTreeMap<Place, Function<'d>>,
    pub(super) lines: &'a Lines,
    pub(super) funcs: &'a Funcs,
    /// How many instructions were linked.
    linked: usize,
}

impl<'a, 'd> Linker<'a, 'd> {
    pub(super) fn new(
        elf: &'a Elf<'d>,
        maps: &'a Maps,
        functions: &'a BTreeMap<Place, Function<'d>>,
        lines: &'a Lines,
        funcs: &'a Funcs,
    ) -> Self {
        Self { elf, maps, functions, lines, funcs, linked: 0 }
    }

    /// Links the function at `entry` with all that it calls.
    pub(super) fn link(&mut self, entry: Place) -> Result<Body, ObjectError> {
        let mut linking =
            Linking { linker: self, body: Body::default(), placed: HashMap::new(), open: vec![] };
        linking.place(entry)?;
        while let Some(part) = linking.open.last_mut() {
            match part.next() {
                Some(step) => linking.step(step)?,
                None => _ = linking.open.pop(),
            }
        }
        Ok(linking.body)
    }

    fn spend(&mut self, slots: usize, body: &Body) -> Result<(), ObjectError> {
        self.linked += slots;
        if self.linked > MAX_LINKED || body.slots.len() + slots > Code::MAX_SLOTS {
            return Err(ObjectError::TooLarge("linked programs"));
        }
        Ok(())
    }
}

/// A function that is being gone through.
struct Part {
    section: usize,
    /// What is left: the offset in the section, the place in the program.
    offset: u64,
    at: usize,
    end: usize,
}

/// An instruction to look at: its section, its offset there, its place in the
/// program.
#[derive(Clone, Copy)]
struct Step {
    section: usize,
    offset: u64,
    at: usize,
}

impl Part {
    fn next(&mut self) -> Option<Step> {
        let step = Step { section: self.section, offset: self.offset, at: self.at };
        self.at += 1;
        self.offset += Slot::BYTES as u64;
        (step.at < self.end).then_some(step)
    }

    fn skip(&mut self) {
        _ = self.next();
    }
}

struct Linking<'l, 'a, 'd> {
    linker: &'l mut Linker<'a, 'd>,
    body: Body,
    placed: HashMap<Place, usize>,
    open: Vec<Part>,
}

impl Linking<'_, '_, '_> {
    /// Where the function starts in the program; appends it where it is not
    /// there yet.
    fn place(&mut self, place: Place) -> Result<Option<usize>, ObjectError> {
        if let Some(start) = self.placed.get(&place) {
            return Ok(Some(*start));
        }
        let linker = &mut *self.linker;
        let Some(function) = linker.functions.get(&place) else { return Ok(None) };
        linker.spend(function.bytes.len() / Slot::BYTES, &self.body)?;
        let start = self.body.slots.len();
        self.body.slots.extend(Slot::parse(function.bytes).unwrap_or_default());
        self.body.subprogs.insert(Pc(start as u32), function.name.clone());
        let hidden = function.hidden;
        self.add_lines(place, start);
        self.add_type(place, start, hidden);
        self.placed.insert(place, start);
        let (section, offset) = place;
        self.open.push(Part { section, offset, at: start, end: self.body.slots.len() });
        Ok(Some(start))
    }

    fn add_lines(&mut self, (section, offset): Place, start: usize) {
        let slots = self.body.slots.len() - start;
        let section = self.linker.elf.sections.get(&section).and_then(|s| self.linker.lines.get(s.name));
        let end = offset + (slots * Slot::BYTES) as u64;
        for (at, line) in section.into_iter().flat_map(|lines| lines.range(offset..end)) {
            let pc = Pc(start as u32 + ((at - offset) / Slot::BYTES as u64) as u32);
            self.body.lines.insert(pc, line.clone());
        }
    }

    fn add_type(&mut self, (section, offset): Place, start: usize, hidden: bool) {
        let section = self.linker.elf.sections.get(&section).and_then(|s| self.linker.funcs.get(s.name));
        let Some(mut func) = section.and_then(|funcs| funcs.get(&offset)).cloned() else { return };
        if hidden {
            func.linkage = Linkage::Static;
        }
        self.body.funcs.insert(Pc(start as u32), func);
    }

    fn step(&mut self, step: Step) -> Result<(), ObjectError> {
        let slot = self.body.slots[step.at];
        let reloc = self.linker.elf.sections[&step.section].relocs.get(&step.offset).copied();
        if slot.code == LOAD_IMM64
            && let Some(part) = self.open.last_mut()
        {
            part.skip();
        }
        match reloc {
            Some(Reloc { kind: RelocKind::Imm64, symbol }) if slot.code == LOAD_IMM64 => {
                self.load(step, slot, symbol)
            }
            Some(Reloc { kind: RelocKind::Call, symbol }) if slot.code == CALL => {
                self.call(step, slot, Some(symbol))
            }
            None if slot.code == CALL && slot.src == PSEUDO_CALL => self.call(step, slot, None),
            None => Ok(()),
            Some(Reloc { kind, .. }) => {
                Err(self.wrong(step, format!("a relocation {kind:?} of opcode {:#04x}", slot.code)))
            }
        }
    }

    /// A call of a function, by a symbol or by the distance. One that the object
    /// only declares is the kernel's.
    fn call(&mut self, step: Step, slot: Slot, symbol: Option<usize>) -> Result<(), ObjectError> {
        let symbols = &self.linker.elf.symbols;
        let declared = symbol.and_then(|symbol| symbols.get(&symbol)).filter(|s| s.section.is_none());
        if let Some(name) = declared.map(|s| s.name).filter(|name| !name.is_empty()) {
            let imm = self.kfunc(name);
            self.body.slots[step.at] = Slot { src: PSEUDO_KFUNC_CALL, off: 0, imm, ..slot };
            return Ok(());
        }
        let (section, base) = match symbol {
            Some(symbol) => self.defined(step, symbol)?,
            None => (step.section, step.offset),
        };
        let target = base.wrapping_add_signed((i64::from(slot.imm) + 1) * Slot::BYTES as i64);
        let imm = self.distance(step, (section, target))?;
        self.body.slots[step.at] = Slot { src: PSEUDO_CALL, imm, ..slot };
        Ok(())
    }

    /// The address of a map, of a variable or of a function.
    fn load(&mut self, step: Step, slot: Slot, symbol: usize) -> Result<(), ObjectError> {
        let (section, base) = self.defined(step, symbol)?;
        let target = base.wrapping_add_signed(slot.imm.into());
        let linked = if self.linker.elf.sections.get(&section).is_some_and(|s| s.kind == SectionKind::Code) {
            Slot { src: PSEUDO_FUNC, imm: self.distance(step, (section, target))?, ..slot }
        } else {
            match self.linker.maps.at(section, target) {
                Some(MapPlace::Map(map)) => Slot { src: PSEUDO_MAP_IDX, imm: self.map(map), ..slot },
                Some(MapPlace::Value(map)) => {
                    self.set_offset(step, target)?;
                    Slot { src: PSEUDO_MAP_IDX_VALUE, imm: self.map(map), ..slot }
                }
                None => return Err(self.wrong(step, "there is no map or variable here".into())),
            }
        };
        self.body.slots[step.at] = linked;
        Ok(())
    }

    /// Puts the offset into a value into the second slot of a load.
    fn set_offset(&mut self, step: Step, off: u64) -> Result<(), ObjectError> {
        let off =
            u32::try_from(off).map_err(|_| self.wrong(step, "an offset of more than 32 bits".into()))?;
        match self.body.slots.get_mut(step.at + 1) {
            Some(second) => second.imm = off as i32,
            None => return Err(self.wrong(step, "a 64-bit load without its second slot".into())),
        }
        Ok(())
    }

    /// The number that stands for a kernel function.
    fn kfunc(&mut self, name: &str) -> i32 {
        let kfuncs = &mut self.body.kfuncs;
        let known = kfuncs.iter().find(|(_, known)| ***known == *name).map(|(id, _)| *id);
        known.unwrap_or_else(|| {
            let id = kfuncs.len() as i32 + 1;
            kfuncs.insert(id, name.into());
            id
        })
    }

    /// The place of a map in the program's list.
    fn map(&mut self, map: usize) -> i32 {
        let maps = &mut self.body.maps;
        let idx = maps.iter().position(|m| *m == map).unwrap_or_else(|| {
            maps.push(map);
            maps.len() - 1
        });
        idx as i32
    }

    /// What a call or a callback's address at `step` holds.
    fn distance(&mut self, step: Step, target: Place) -> Result<i32, ObjectError> {
        match self.place(target)? {
            Some(start) => Ok(start as i32 - (step.at as i32 + 1)),
            None => Err(self.wrong(step, format!("no function starts at offset {:#x}", target.1))),
        }
    }

    /// The section and the value of a symbol that the object defines.
    fn defined(&self, step: Step, symbol: usize) -> Result<(usize, u64), ObjectError> {
        let Some(symbol) = self.linker.elf.symbols.get(&symbol) else {
            return Err(self.wrong(step, format!("there is no symbol {symbol}")));
        };
        let undefined = || self.wrong(step, format!("`{}` is not defined in this object", symbol.name));
        Ok((symbol.section.ok_or_else(undefined)?, symbol.value))
    }

    fn wrong(&self, step: Step, what: String) -> ObjectError {
        let section = self.linker.elf.sections[&step.section].name.to_owned();
        ObjectError::Relocation { section, offset: step.offset, what }
    }
}
