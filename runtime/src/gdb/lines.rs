//! DWARF of compiled code: its functions, and the source line of each piece.

use crate::profile::symbol;
use brolga_core::Aux;
use brolga_core::program::SourceLine;
use brolga_jit::{Function, Image};
use gimli::constants::{
    DW_AT_comp_dir, DW_AT_decl_line, DW_AT_external, DW_AT_high_pc, DW_AT_language, DW_AT_low_pc, DW_AT_name,
    DW_AT_producer, DW_LANG_C99, DW_TAG_subprogram,
};
use gimli::write::{
    Address, AttributeValue, DwarfUnit, EndianVec, Error, FileId, LineProgram, LineString, Sections,
    UnitEntryId,
};
use gimli::{Encoding, Format, LineEncoding, LittleEndian};
use std::collections::HashMap;
use std::sync::Arc;

const ENCODING: Encoding = Encoding { format: Format::Dwarf32, version: 4, address_size: 8 };

/// The sections by name.
pub(super) fn sections(image: &Image, aux: &Aux) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
    let mut unit = DwarfUnit::new(ENCODING);
    let main = image.functions().first().and_then(|function| line(image, aux, function));
    let name = main.map_or_else(|| aux.name.clone(), |line| line.file.to_string());
    describe(&mut unit, image, &name);
    unit.unit.line_program = lines(image, aux, &name);
    let root = unit.unit.root();
    for function in image.functions() {
        let entry = unit.unit.add(root, DW_TAG_subprogram);
        span(&mut unit, entry, image.address() as u64 + u64::from(function.offset), function.len.into());
        let entry = unit.unit.get_mut(entry);
        entry.set(DW_AT_name, AttributeValue::String(symbol(&aux.name, function).into_bytes()));
        entry.set(DW_AT_external, AttributeValue::Flag(true));
        if let Some(line) = line(image, aux, function) {
            entry.set(DW_AT_decl_line, AttributeValue::Udata(line.line.into()));
        }
    }
    let mut sections = Sections::new(EndianVec::new(LittleEndian));
    unit.write(&mut sections)?;
    let mut named = Vec::new();
    sections.for_each_mut(|id, section| {
        let bytes = section.take();
        if !bytes.is_empty() {
            named.push((id.name(), bytes));
        }
        Ok::<(), Error>(())
    })?;
    Ok(named)
}

fn describe(unit: &mut DwarfUnit, image: &Image, name: &str) {
    let root = unit.unit.root();
    span(unit, root, image.address() as u64, image.code_len() as u64);
    let entry = unit.unit.get_mut(root);
    entry.set(DW_AT_producer, AttributeValue::String(b"brolga".to_vec()));
    entry.set(DW_AT_language, AttributeValue::Language(DW_LANG_C99));
    entry.set(DW_AT_name, AttributeValue::String(text(name)));
    entry.set(DW_AT_comp_dir, AttributeValue::String(b".".to_vec()));
}

fn span(unit: &mut DwarfUnit, entry: UnitEntryId, start: u64, len: u64) {
    let entry = unit.unit.get_mut(entry);
    entry.set(DW_AT_low_pc, AttributeValue::Address(Address::Constant(start)));
    entry.set(DW_AT_high_pc, AttributeValue::Udata(len));
}

/// Which source line each piece of each function came from.
fn lines(image: &Image, aux: &Aux, name: &str) -> LineProgram {
    let (dir, file) = (LineString::String(b".".to_vec()), LineString::String(text(name)));
    let mut program = LineProgram::new(ENCODING, LineEncoding::default(), dir, None, file, None);
    let mut files = HashMap::new();
    for function in image.functions() {
        let end = function.offset + function.len;
        let start = image.address() as u64 + u64::from(function.offset);
        program.begin_sequence(Some(Address::Constant(start)));
        let mut shown = None;
        for piece in
            image.listings().lines.iter().filter(|piece| (function.offset..end).contains(&piece.offset))
        {
            let Some(line) = aux.line(piece.pc).filter(|line| shown != Some(*line)) else { continue };
            // What precedes the first piece, to build a frame, is of its line too.
            let first = shown.replace(line).is_none();
            let row_file = file_of(&mut program, &mut files, line);
            let row = program.row();
            row.address_offset = if first { 0 } else { (piece.offset - function.offset).into() };
            row.file = row_file;
            row.line = line.line.into();
            row.column = line.column.into();
            program.generate_row();
        }
        program.end_sequence(function.len.into());
    }
    program
}

fn file_of(program: &mut LineProgram, files: &mut HashMap<Arc<str>, FileId>, line: &SourceLine) -> FileId {
    if let Some(file) = files.get(&line.file) {
        return *file;
    }
    let dir = program.default_directory();
    let file = program.add_file(LineString::String(text(&line.file)), dir, None);
    files.insert(line.file.clone(), file);
    file
}

/// The line that a function starts with.
fn line<'a>(image: &Image, aux: &'a Aux, function: &Function) -> Option<&'a SourceLine> {
    let end = function.offset + function.len;
    let mut pieces = image.listings().lines.iter();
    pieces.find(|piece| (function.offset..end).contains(&piece.offset)).and_then(|piece| aux.line(piece.pc))
}

/// A text that DWARF can hold: of some length, and without zeros.
fn text(name: &str) -> Vec<u8> {
    let text: Vec<u8> = name.bytes().filter(|byte| *byte != 0).collect();
    if text.is_empty() { b"bpf".to_vec() } else { text }
}
