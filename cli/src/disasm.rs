//! `brolga disasm`: instructions, or the machine code made of them, or what is
//! between the two.

use crate::args::DisasmArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{input, report};
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
            (true, _) => compiled(&opened, program, |listings| &listings.native),
            (_, true) => compiled(&opened, program, |listings| &listings.ir),
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
    let options =
        jit::Options { listing: jit::Listing::NATIVE | jit::Listing::IR, ..jit::Options::default() };
    Engine::new().open_object(object, ObjectLoad::new().each(Load::new().jit(options)))
}

/// A listing that was made when the program was compiled.
fn compiled(
    opened: &OpenObject<'_>,
    program: &ObjectProgram,
    which: impl Fn(&jit::Listings) -> &String,
) -> Result<String, Failure> {
    let failed = |error: LoadError| Failure::Rejected(report::rejection(&error));
    let loaded = opened.load(program.name()).map_err(failed)?;
    Ok(loaded.image().map(|image| which(image.listings()).clone()).unwrap_or_default())
}

/// The instructions with labels, functions and source lines as comments.
fn listing(program: &ObjectProgram) -> Result<String, Failure> {
    let bad = |error: ObjectError| Failure::program(program.name(), error);
    let code = Code::decode(&program.insns().map_err(bad)?);
    let code = code.map_err(|error| Failure::program(program.name(), error))?;
    let mut comments = Comments {
        lines: program.lines().map_err(bad)?,
        functions: program.functions().map_err(bad)?,
        shown: None,
    };
    let mut places = code.iter().map(|(pc, _)| pc);
    let mut text = String::new();
    for line in disasm::listing(&code, &KernelNames).to_string().lines() {
        // Labels stand at the margin, instructions do not.
        let place = line.starts_with(' ').then(|| places.next()).flatten();
        text += &place.map(|pc| comments.before(pc)).unwrap_or_default();
        text += line;
        text.push('\n');
    }
    Ok(text)
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
        let source = self.lines.get(&pc).filter(|s| self.shown != Some((s.line, &*s.text)));
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
