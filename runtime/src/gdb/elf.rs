//! An ELF file about code that is in memory already.

use brolga_jit::{Function, Image};
use object::elf;
use object::write::StringId;
use object::write::elf::{FileHeader, SectionHeader, SectionIndex, Sym, Writer};

/// What a file is made of.
pub(super) struct Elf<'a> {
    image: &'a Image,
    /// By name, what only the file has.
    sections: Vec<(&'static str, Vec<u8>)>,
    symbols: Vec<(String, &'a Function)>,
}

/// A section on its way into a file.
struct Placed<'a> {
    header: SectionHeader,
    contents: &'a [u8],
}

const ALIGN: usize = 8;

impl<'a> Elf<'a> {
    pub(super) fn new(image: &'a Image) -> Self {
        Self { image, sections: Vec::new(), symbols: Vec::new() }
    }

    pub(super) fn section(&mut self, name: &'static str, contents: Vec<u8>) {
        self.sections.push((name, contents));
    }

    pub(super) fn symbol(&mut self, name: String, function: &'a Function) {
        self.symbols.push((name, function));
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(object::Endianness::Little, true, &mut bytes);
        self.write(&mut writer);
        bytes
    }

    /// The order of reserving is the order of writing, as the writer wants it.
    fn write<'w>(&'w self, writer: &mut Writer<'w>) {
        let symbols: Vec<StringId> =
            self.symbols.iter().map(|(name, _)| writer.add_string(name.as_bytes())).collect();
        writer.reserve_file_header();
        let text = writer.reserve_section_index();
        let mut sections = vec![self.text(writer)];
        sections.push(self.frames(writer));
        for (name, contents) in &self.sections {
            sections.push(plain(writer, name, contents));
        }
        for _ in &sections[1..] {
            writer.reserve_section_index();
        }
        writer.reserve_symtab_section_index();
        writer.reserve_strtab_section_index();
        writer.reserve_shstrtab_section_index();
        for _ in &symbols {
            writer.reserve_symbol_index(Some(text));
        }
        writer.reserve_symtab();
        writer.reserve_strtab();
        writer.reserve_shstrtab();
        writer.reserve_section_headers();
        self.write_contents(writer, &sections, &symbols, text);
    }

    fn write_contents(
        &self,
        writer: &mut Writer<'_>,
        sections: &[Placed<'_>],
        symbols: &[StringId],
        text: SectionIndex,
    ) {
        let header = FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_EXEC,
            e_machine: if cfg!(target_arch = "aarch64") { elf::EM_AARCH64 } else { elf::EM_X86_64 },
            e_entry: 0,
            e_flags: 0,
        };
        // It fails for a class of machine that this is not, before it writes.
        if writer.write_file_header(&header).is_err() {
            return;
        }
        for Placed { contents, .. } in sections.iter().filter(|section| !section.contents.is_empty()) {
            writer.write_align(ALIGN);
            writer.write(contents);
        }
        writer.write_null_symbol();
        for (name, (_, function)) in symbols.iter().zip(&self.symbols) {
            writer.write_symbol(&self.symbol_of(*name, function, text));
        }
        writer.write_strtab();
        writer.write_shstrtab();
        writer.write_null_section_header();
        for Placed { header, .. } in sections {
            writer.write_section_header(header);
        }
        writer.write_symtab_section_header(1);
        writer.write_strtab_section_header();
        writer.write_shstrtab_section_header();
    }

    fn symbol_of(&self, name: StringId, function: &Function, text: SectionIndex) -> Sym {
        Sym {
            name: Some(name),
            section: Some(text),
            st_info: elf::STB_GLOBAL << 4 | elf::STT_FUNC,
            st_other: 0,
            st_shndx: 0,
            st_value: self.image.address() as u64 + u64::from(function.offset),
            st_size: function.len.into(),
        }
    }

    /// The code, which is elsewhere.
    fn text<'w>(&'w self, writer: &mut Writer<'w>) -> Placed<'w> {
        let mut placed = plain(writer, ".text", &[]);
        placed.header.sh_type = elf::SHT_NOBITS;
        placed.header.sh_flags = u64::from(elf::SHF_ALLOC | elf::SHF_EXECINSTR);
        placed.header.sh_addr = self.image.address() as u64;
        placed.header.sh_size = self.image.code_len() as u64;
        placed
    }

    /// The description of frames, at the place where the unwinder has it too.
    fn frames<'w>(&'w self, writer: &mut Writer<'w>) -> Placed<'w> {
        let frames = self.image.frames();
        let mut placed = plain(writer, ".eh_frame", frames);
        placed.header.sh_flags = elf::SHF_ALLOC.into();
        placed.header.sh_addr = frames.as_ptr().addr() as u64;
        placed
    }
}

fn plain<'w>(writer: &mut Writer<'w>, name: &'w str, contents: &'w [u8]) -> Placed<'w> {
    let name = writer.add_section_name(name.as_bytes());
    let offset = if contents.is_empty() { 0 } else { writer.reserve(contents.len(), ALIGN) };
    let header = SectionHeader {
        name: Some(name),
        sh_type: elf::SHT_PROGBITS,
        sh_flags: 0,
        sh_addr: 0,
        sh_offset: offset as u64,
        sh_size: contents.len() as u64,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: ALIGN as u64,
        sh_entsize: 0,
    };
    Placed { header, contents }
}
