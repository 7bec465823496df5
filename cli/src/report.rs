//! Rejections for people to read: the cause, the source line, the instruction.

use crate::names;
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};
use brolga::LoadError;
use brolga::core::asm::AsmError;
use brolga::core::disasm::log_line;
use brolga::core::program::SourceLine;
use brolga::core::{Pc, Program};
use serde::Serialize;

/// What is wrong with a program, for scripts.
#[derive(Debug, Serialize)]
pub(crate) struct Error {
    /// What failed: `request`, `decode`, `load`, `verify`, `link`, `map`,
    /// `compile` or `object`.
    pub(crate) stage: &'static str,
    /// The instruction.
    pub(crate) insn: Option<u32>,
    /// The name of the cause.
    pub(crate) kind: String,
    /// The cause in the kernel's words.
    pub(crate) message: String,
    /// Where it is in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Source>,
}

/// A place in a source file.
#[derive(Debug, Serialize)]
pub(crate) struct Source {
    file: String,
    line: u32,
    column: u32,
    text: String,
}

impl Error {
    /// Of a program that was not loaded.
    pub(crate) fn of(error: &LoadError) -> Self {
        Self {
            stage: error.stage(),
            insn: error.insn().map(|pc| pc.0),
            kind: names::kind(error),
            message: error.kernel_words(),
            source: error.line().map(Source::of),
        }
    }
}

impl Source {
    fn of(line: &SourceLine) -> Self {
        let SourceLine { file, line, column, text } = line;
        Self { file: file.to_string(), line: *line, column: *column, text: text.to_string() }
    }
}

/// The verdict on a program that was not loaded, in several lines.
pub(crate) fn rejection(error: &LoadError) -> String {
    let title = normalize_untrusted_str(&error.kernel_words());
    let title = Level::ERROR.primary_title(title).id(error.stage());
    let insn = error.failure().zip(error.insn()).and_then(|(f, at)| insn(&f.program, at));
    let mut group = Group::with_title(title);
    let line = error.line().filter(|line| !line.text.trim().is_empty());
    let place = error.insn().map(|at| format!("insn {at}"));
    let insn = insn.as_ref().map(|(blamed, text)| code(*blamed, text));
    match (line, insn) {
        (Some(line), insn) => {
            group = group.element(source(line)).elements(insn.map(|insn| insn.path(place)));
        }
        (None, Some(insn)) => group = group.element(insn),
        (None, None) => group = group.elements(place.map(Origin::path)),
    }
    Renderer::plain().render(&[group])
}

fn source(line: &SourceLine) -> Snippet<'_, Annotation<'_>> {
    let span = from_column(&line.text, line.column);
    Snippet::source(line.text.as_ref())
        .line_start(line.line as usize)
        .path(line.file.as_ref())
        .annotation(AnnotationKind::Primary.span(span))
}

/// The bytes of a line from a column (from 1) to the end of its text.
fn from_column(text: &str, column: u32) -> std::ops::Range<usize> {
    let start = text.len() - text.trim_start().len();
    let column = (column as usize).saturating_sub(1);
    let end = text.trim_end().len();
    let fits = column > start && column < end && text.is_char_boundary(column);
    if fits { column..end } else { start..end }
}

/// How many instructions are shown before the one that is to blame.
const BEFORE: usize = 3;

/// The instruction with those before it, as the verifier's log writes them, and
/// where the last of them starts.
fn insn(program: &Program, at: Pc) -> Option<(usize, String)> {
    let last = program.code.at(at)?;
    let before: Vec<_> = program.code.iter().take_while(|(pc, _)| *pc < at).collect();
    let before = &before[before.len().saturating_sub(BEFORE)..];
    let names = names::Maps::of(&program.aux);
    let lines = before.iter().map(|(pc, insn)| log_line(*pc, insn, &names).to_string() + "\n");
    let text: String = lines.collect();
    Some((text.len(), text + &log_line(at, last, &names).to_string()))
}

fn code(blamed: usize, text: &str) -> Snippet<'_, Annotation<'_>> {
    let annotation = AnnotationKind::Primary.span(blamed..text.len());
    Snippet::source(text).line_numbering(false).fold(false).annotation(annotation)
}

/// What is wrong with a text, in several lines.
pub(crate) fn asm_error(name: &str, text: &str, error: &AsmError) -> String {
    let line = text.lines().nth(error.line as usize - 1).unwrap_or_default();
    let column = error.column.saturating_sub(1) as usize;
    let start = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let word = line[start..].find(char::is_whitespace).filter(|len| *len > 0);
    let end = word.map_or(line.len(), |len| start + len);
    let snippet = Snippet::source(line)
        .line_start(error.line as usize)
        .path(name)
        .annotation(AnnotationKind::Primary.span(start..end));
    let title = normalize_untrusted_str(&error.cause.to_string());
    Renderer::plain().render(&[Level::ERROR.primary_title(title).element(snippet)])
}

#[cfg(test)]
mod tests {
    use super::{asm_error, from_column};
    use brolga::core::asm::assemble;

    #[test]
    fn the_text_of_a_line_is_marked_from_its_column() {
        assert_eq!(from_column("  a = b;", 3), 2..8);
        assert_eq!(from_column("  a = b;", 7), 6..8);
        assert_eq!(from_column("  a = b;", 0), 2..8);
        assert_eq!(from_column("  a = b;", 99), 2..8);
        assert_eq!(from_column("", 1), 0..0);
        assert_eq!(from_column("é = b", 2), 0..6);
    }

    #[test]
    fn every_cut_of_a_bad_text_is_reported() {
        let text = "r0 = 0\nif r0 ==  é goto nowhere\nexit";
        for (at, _) in text.char_indices() {
            if let Err(error) = assemble(&text[..at]) {
                assert!(asm_error("a.s", &text[..at], &error).contains("a.s:"), "{at}");
            }
        }
    }
}
