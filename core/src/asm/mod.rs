//! From text to instructions.
//!
//! The syntax is that of the kernel's verifier log; where `llvm-objdump` and
//! LLVM's assembler write something else, that is read too. The disassembler is
//! the inverse: `assemble(&code.to_string()) == Ok(code)` for every
//! [`Code`], and so for its [listing](crate::disasm::listing) and its
//! [log lines](crate::disasm::log_line).
//!
//! # Grammar
//!
//! A line holds at most one instruction, and a comment from `;`, `//` or a free
//! standing `#` to its end. Blanks may stand between any two words, numbers
//! and marks.
//!
//! ```text
//! line     = [place ":"] ["(" opcode ")"] {label ":"} [insn]
//! insn     = reg op operand                        op: += -= *= /= s/= |= &= <<= >>= s>>= %= s%= ^=
//!          | reg "=" value
//!          | "*" cast address "=" operand
//!          | "lock" "*" cast address op reg        op: += |= &= ^=
//!          | "store_release" "(" cast address "," reg ")"
//!          | ("goto" | "gotol" | "may_goto") target
//!          | "if" reg cond operand "goto" target   cond: == != > >= < <= & s> s>= s< s<=
//!          | "call" callee
//!          | "exit"
//! value    = operand | "-" reg
//!          | number "ll"                           a 64-bit load
//!          | "(" ("s8" | "s16" | "s32") ")" reg
//!          | ("le" | "be" | "bswap") ("16" | "32" | "64") reg
//!          | "*" cast address
//!          | "*" cast "skb" "[" (number | reg ["+" number]) "]"
//!          | "load_acquire" "(" cast address ")"
//!          | ("atomic_" | "atomic64_") fetch "(" cast address "," ["r0" ","] reg ")"
//!          | ("xchg_64" | "xchg32_32") "(" base "," reg ")"
//!          | ("cmpxchg_64" | "cmpxchg32_32") "(" base "," "r0" "," reg ")"
//!          | "addr_space_cast" "(" reg "," to "," from ")"
//!          | "map" "[" ("fd:" number | "idx:" number | name) "]" [["[" "0" "]"] ["+" number]]
//!          | name "ll"                             a map by its name
//!          | "subprog" "[" target "]"
//!          | "btf" "[" "id:" number ["," "fd:" number] "]"
//! fetch    = "fetch_add" | "fetch_or" | "fetch_and" | "fetch_xor" | "xchg" | "cmpxchg"
//! callee   = number | name ["#" number] | "pc" distance | label
//!          | "kernel-function" "#" number ["[" "btf:" number "]"]
//! target   = distance | "pc" distance | label      in slots from the next instruction
//! distance = ("+" | "-") number
//! operand  = reg | number
//! cast     = "(" ("u8" | "u16" | "u32" | "u64" | "s8" | "s16" | "s32") "*" ")"
//! address  = "(" base ")"
//! base     = reg [("+" | "-") number]
//! reg      = "r0" .. "r10" (64 bits) | "w0" .. "w10" (their low 32)
//! number   = ["+" | "-"] (decimal | "0x" hexadecimal)
//! ```
//!
//! An immediate of 32 bits may be written signed or unsigned: `0xffffffff` is
//! -1, and a 64-bit instruction extends it as such. Loads and stores of up to 32
//! bits, and 32-bit atomics, may name the register as `r` (the kernel) or `w`
//! (LLVM). A line's place and opcode, where it has them, are checked; opcode 18
//! makes `r1 = 5` the 64-bit load that it is in a verifier log.
//!
//! ```
//! use brolga_core::{Pc, asm};
//!
//! let code = asm::assemble(
//!     "   r0 = *(u32 *)(r1 + 4)
//!         if w0 s> 7 goto big     ; a comment
//!         exit
//!     big:
//!         r0 = 0x1122334455667788 ll
//!         exit",
//! )?;
//! assert_eq!(code.len(), 6);
//! assert_eq!(code.at(Pc(1)).unwrap().to_string(), "if w0 s> 0x7 goto pc+1");
//! # Ok::<(), asm::AsmError>(())
//! ```

mod error;
mod insn;
mod line;
mod parser;
mod token;
mod value;

pub use crate::text::{KernelNames, Names, NoNames};
pub use error::{AsmCause, AsmError};
pub use token::split_comment;

use crate::code::{Code, DecodeError};
use crate::insn::{Insn, Pc};
use line::{Labels, Line, Scope};
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

/// A text as a program, and where in the text and the program what is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembly {
    /// The program.
    pub code: Code,
    /// The labels of the text.
    pub labels: BTreeMap<String, Pc>,
    /// Each instruction's line, from 1, and place; both ascend.
    lines: Box<[(u32, Pc)]>,
}

impl Assembly {
    /// Each instruction's line, from 1, and place, in order.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = (u32, Pc)> {
        self.lines.iter().copied()
    }

    /// The place of the instruction on this line (from 1), where there is one.
    #[must_use]
    pub fn pc_of(&self, line: u32) -> Option<Pc> {
        let found = self.lines.binary_search_by_key(&line, |(line, _)| *line).ok()?;
        Some(self.lines[found].1)
    }

    /// The line (from 1) of the instruction at this place, where there is one.
    #[must_use]
    pub fn line_of(&self, pc: Pc) -> Option<u32> {
        let found = self.lines.binary_search_by_key(&pc, |(_, pc)| *pc).ok()?;
        Some(self.lines[found].0)
    }
}

/// The program that a text is, helpers going by the kernel's names.
///
/// # Errors
///
/// The first thing that is wrong, with its line and column.
pub fn assemble(text: &str) -> Result<Code, AsmError> {
    Ok(assemble_with(text, &KernelNames)?.code)
}

/// The program that a text is, helpers and maps going by these names, with its
/// labels and the place of each line.
///
/// # Errors
///
/// As [`assemble`].
pub fn assemble_with(text: &str, names: &dyn Names) -> Result<Assembly, AsmError> {
    let places = Draft::read(text, Scope { names, labels: None })?;
    let draft = Draft::read(text, Scope { names, labels: Some(&places.labels) })?;
    let code = Code::from_insns(draft.insns).map_err(|why| program_error(draft.line, why))?;
    let labels = draft.labels.into_iter().map(|(name, (pc, _))| (name.to_owned(), pc)).collect();
    Ok(Assembly { code, labels, lines: draft.lines.into() })
}

/// The instruction on a line, nothing where there is none on it. It may refer to
/// no label.
///
/// # Errors
///
/// As [`assemble`]; the line counts as line 1.
pub fn parse_insn(line: &str, names: &dyn Names) -> Result<Option<Insn>, AsmError> {
    let scope = Scope { names, labels: Some(&HashMap::new()) };
    line::read(line, 1, Pc::START, scope).map(|line| line.insn)
}

impl FromStr for Insn {
    type Err = AsmError;

    fn from_str(line: &str) -> Result<Self, AsmError> {
        let nothing = || {
            let found = "the end of the line".into();
            let cause = AsmCause::Expected { what: "an instruction", found };
            AsmError { line: 1, column: line.chars().count() as u32 + 1, cause }
        };
        parse_insn(line, &KernelNames)?.ok_or_else(nothing)
    }
}

impl FromStr for Code {
    type Err = AsmError;

    fn from_str(text: &str) -> Result<Self, AsmError> {
        assemble(text)
    }
}

/// A text read as far as some line.
#[derive(Default)]
struct Draft<'a> {
    insns: Vec<Insn>,
    lines: Vec<(u32, Pc)>,
    labels: Labels<'a>,
    /// The place of the next instruction.
    at: Pc,
    /// The last line, from 1.
    line: u32,
}

impl<'a> Draft<'a> {
    fn read(text: &'a str, scope: Scope<'_, 'a>) -> Result<Self, AsmError> {
        let mut draft = Self::default();
        for line in text.lines() {
            draft.line += 1;
            let Line { labels, insn } = line::read(line, draft.line, draft.at, scope)?;
            for label in labels {
                draft.label(label)?;
            }
            if let Some(insn) = insn {
                draft.push(insn)?;
            }
        }
        Ok(draft)
    }

    fn label(&mut self, name: &'a str) -> Result<(), AsmError> {
        match self.labels.insert(name, (self.at, self.line)) {
            None => Ok(()),
            Some((_, line)) => {
                let cause = AsmCause::LabelTwice { name: token::excerpt(name), line };
                Err(AsmError { line: self.line, column: 1, cause })
            }
        }
    }

    fn push(&mut self, insn: Insn) -> Result<(), AsmError> {
        self.lines.push((self.line, self.at));
        self.insns.push(insn);
        self.at = self.at.plus(insn.slots());
        if self.at.index() > Code::MAX_SLOTS {
            return Err(program_error(self.line, DecodeError::TooLong(self.at.index())));
        }
        Ok(())
    }
}

fn program_error(line: u32, why: DecodeError) -> AsmError {
    AsmError { line: line.max(1), column: 1, cause: AsmCause::Program(why) }
}
