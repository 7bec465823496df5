//! One line: the place it claims, its labels, its instruction.

use super::error::{AsmCause, AsmError};
use super::parser::{Fault, Parser};
use super::token::{Cursor, Token, split_comment};
use crate::code::{self, encode_slot};
use crate::insn::{Insn, Pc};
use crate::text::Names;
use std::collections::HashMap;

/// The labels of a text: place, and line from 1.
pub(super) type Labels<'a> = HashMap<&'a str, (Pc, u32)>;

/// What names in a line are read by.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    /// Helpers and maps.
    pub(super) names: &'s dyn Names,
    /// Every label of the text; nothing while they are still being collected,
    /// when every word may be one.
    pub(super) labels: Option<&'s Labels<'a>>,
}

/// What a line holds.
pub(super) struct Line<'a> {
    pub(super) labels: Vec<&'a str>,
    pub(super) insn: Option<Insn>,
}

/// Reads a line that stands at the place `at`; `number` is the line's, from 1.
pub(super) fn read<'a>(
    text: &'a str,
    number: u32,
    at: Pc,
    scope: Scope<'_, 'a>,
) -> Result<Line<'a>, AsmError> {
    let (code, _) = split_comment(text);
    statement(Cursor::new(code), at, scope).map_err(|fault| fault.at_line(code, number))
}

impl Fault {
    fn at_line(self, text: &str, line: u32) -> AsmError {
        let column = text[..self.offset].chars().count() as u32 + 1;
        AsmError { line, column, cause: *self.cause }
    }
}

fn statement<'a>(mut cursor: Cursor<'a>, at: Pc, scope: Scope<'_, 'a>) -> Result<Line<'a>, Fault> {
    place(&mut cursor, at)?;
    let opcode = opcode(&mut cursor)?;
    let labels = labels(&mut cursor);
    if cursor.peek() == Token::End {
        return Ok(Line { labels, insn: None });
    }
    let start = cursor.offset();
    let mut parser = Parser { cursor, at, scope, opcode };
    let insn = parser.insn()?;
    parser.end()?;
    admit(&insn, opcode).map_err(|cause| Fault::new(start, cause))?;
    Ok(Line { labels, insn: Some(insn) })
}

/// `12:` before anything else, as in the verifier log and in `llvm-objdump`.
fn place(cursor: &mut Cursor<'_>, at: Pc) -> Result<(), Fault> {
    let Token::Number(digits) = cursor.peek() else { return Ok(()) };
    let start = cursor.offset();
    let mut ahead = *cursor;
    ahead.next();
    if !ahead.accept(":") {
        return Ok(());
    }
    *cursor = ahead;
    match digits.parse() {
        Ok(said) if said == i128::from(at.0) => Ok(()),
        Ok(said) => Err(Fault::new(start, AsmCause::Place { said, is: at })),
        Err(_) => Err(Fault::new(start, AsmCause::Number(super::token::excerpt(digits)))),
    }
}

/// `(b7)` before the instruction, as in the verifier log.
fn opcode(cursor: &mut Cursor<'_>) -> Result<Option<u8>, Fault> {
    if !cursor.accept("(") {
        return Ok(None);
    }
    let (start, token) = (cursor.offset(), cursor.next());
    let byte = match token {
        Token::Word(digits) | Token::Number(digits) => u8::from_str_radix(digits, 16).ok(),
        Token::Mark(_) | Token::Stray(_) | Token::End => None,
    };
    match byte {
        Some(byte) if cursor.accept(")") => Ok(Some(byte)),
        _ => Err(Fault::expected(start, "an opcode of two hexadecimal digits and `)`", token)),
    }
}

/// `name:`, as often as it comes.
fn labels<'a>(cursor: &mut Cursor<'a>) -> Vec<&'a str> {
    let mut labels = Vec::new();
    while let Token::Word(name) = cursor.peek() {
        let mut ahead = *cursor;
        ahead.next();
        if !ahead.accept(":") {
            break;
        }
        labels.push(name);
        *cursor = ahead;
    }
    labels
}

/// That the decoder knows the instruction, and that it has the opcode that the
/// line says.
fn admit(insn: &Insn, opcode: Option<u8>) -> Result<(), AsmCause> {
    code::check(insn).map_err(AsmCause::NoSuchInsn)?;
    let is = encode_slot(insn).0.code;
    match opcode {
        Some(said) if said != is => Err(AsmCause::Opcode { said, is }),
        Some(_) | None => Ok(()),
    }
}
