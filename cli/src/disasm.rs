//! `brolga disasm`: instructions, or the machine code made of them, or what is
//! between the two.

use crate::args::DisasmArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{input, native, report};
use brolga::core::asm::KernelNames;
use brolga::core::program::SourceLine;
use brolga::core::{Code, Pc, disasm};
use brolga::object::{Object, ObjectError, ObjectProgram, OpenObject};
use brolga::{Engine, Load, LoadError, ObjectLoad, jit};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Rows {
    programs: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    section: String,
    text: String,
}

/// Prints programs as text.
pub(crate) fn run(args: &DisasmArgs) -> Result<Outcome, Failure> {
    let object = input::object(&args.object)?;
    let chosen = input::programs(&object, args.program.as_deref())?;
    let opened = open(&object);
    let mut programs = Vec::new();
    for program in chosen {
        let text = match (args.native, args.ir) {
            (true, _) => machine_code(&opened, program),
            (_, true) => compiled(&opened, program, |image| Ok(image.listings().ir.clone())),
            (false, false) => listing(program),
        }?;
        let (name, section) = (program.name().to_owned(), program.section().to_owned());
        programs.push(Row { name, section, text });
    }
    let mut output = Output::new();
    if args.json {
        output.json(&Rows { programs })?;
    } else {
        for Row { name, section, text } in &programs {
            output.line(format_args!("; program {}, section {}", one_line(name), one_line(section)))?;
            output.line(text)?;
        }
    }
    output.flush()?;
    Ok(Outcome::Done)
}

fn open(object: &Object) -> OpenObject<'_> {
    let options = jit::Options { listing: jit::Listing::LINES | jit::Listing::IR, ..jit::Options::default() };
    Engine::new().open_object(object, ObjectLoad::new().each(Load::new().jit(options)))
}

/// What is made of a program's native code.
fn compiled(
    opened: &OpenObject<'_>,
    program: &ObjectProgram,
    show: impl FnOnce(&jit::Image) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let failed = |error: LoadError| Failure::Rejected(report::rejection(&error));
    let loaded = opened.load(program.name()).map_err(failed)?;
    loaded.image().map(show).transpose().map(Option::unwrap_or_default)
}

/// The machine code with source lines and instructions as comments.
fn machine_code(opened: &OpenObject<'_>, program: &ObjectProgram) -> Result<String, Failure> {
    let Source { code, mut comments } = Source::of(program)?;
    let texts: BTreeMap<Pc, String> =
        lines(&code).into_iter().filter_map(|(pc, line)| Some((pc?, line))).collect();
    let mut origin = |pc: Pc| {
        let insn = texts.get(&pc).map(|text| format!("    ; insn {pc}: {}\n", text.trim()));
        comments.line(pc) + &insn.unwrap_or_default()
    };
    compiled(opened, program, |image| Ok(native::listing(image, &mut origin)))
}

/// The instructions with labels, functions and source lines as comments.
fn listing(program: &ObjectProgram) -> Result<String, Failure> {
    let Source { code, mut comments } = Source::of(program)?;
    let mut text = String::new();
    for (place, line) in lines(&code) {
        text += &place.map(|pc| comments.before(pc)).unwrap_or_default();
        text += &line;
        text.push('\n');
    }
    Ok(text)
}

/// The lines of a listing, and the instructions that they are of.
fn lines(code: &Code) -> Vec<(Option<Pc>, String)> {
    let mut places = code.iter().map(|(pc, _)| pc);
    let listing = disasm::listing(code, &KernelNames).to_string();
    // Labels stand at the margin, instructions do not.
    let placed = |line: &str| (line.starts_with(' ').then(|| places.next()).flatten(), line.to_owned());
    listing.lines().map(placed).collect()
}

/// What an object says of a program.
struct Source<'a> {
    code: Code,
    comments: Comments<'a>,
}

impl<'a> Source<'a> {
    fn of(program: &'a ObjectProgram) -> Result<Self, Failure> {
        let bad = |error: ObjectError| Failure::program(program.name(), error);
        let code = Code::decode(&program.insns().map_err(bad)?);
        let code = code.map_err(|error| Failure::program(program.name(), error))?;
        let (lines, functions) = (program.lines().map_err(bad)?, program.functions().map_err(bad)?);
        Ok(Self { code, comments: Comments { lines, functions, shown: None } })
    }
}

/// What is said before instructions.
struct Comments<'a> {
    lines: &'a BTreeMap<Pc, SourceLine>,
    functions: &'a BTreeMap<Pc, std::sync::Arc<str>>,
    /// The line that was shown last.
    shown: Option<(u32, &'a str)>,
}

impl Comments<'_> {
    /// The function that starts here, and the source line where it is another
    /// than that shown last.
    fn before(&mut self, pc: Pc) -> String {
        let mut text = String::new();
        if let Some(name) = self.functions.get(&pc) {
            text += &format!("; {}\n", one_line(name));
        }
        text + &self.line(pc)
    }

    /// The source line of an instruction, where it is another than that shown
    /// last.
    fn line(&mut self, pc: Pc) -> String {
        let mut text = String::new();
        let source = self
            .lines
            .range(..=pc)
            .next_back()
            .map(|(_, source)| source)
            .filter(|s| self.shown != Some((s.line, &*s.text)));
        if let Some(source) = source {
            self.shown = Some((source.line, &source.text));
            let at = format!("{}:{}", source.file, source.line);
            text += &format!("    ; {}  {}\n", one_line(&at), one_line(source.text.trim()));
        }
        text
    }
}

/// A text of the object's, without what would end a comment or move a cursor.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
