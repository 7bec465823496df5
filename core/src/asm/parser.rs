//! The pieces that instructions are written with: registers, numbers,
//! addresses and targets.

use super::error::AsmCause;
use super::line::Scope;
use super::token::{Cursor, Token, excerpt, magnitude};
use crate::insn::{Operand, Pc, Reg, Size, Width};
use crate::text::{Spelled, Type};

/// What is wrong, and the byte of the line where it is.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) cause: Box<AsmCause>,
}

impl Fault {
    pub(super) fn new(offset: usize, cause: AsmCause) -> Self {
        Self { offset, cause: Box::new(cause) }
    }

    pub(super) fn expected(offset: usize, what: &'static str, found: Token<'_>) -> Self {
        Self::new(offset, AsmCause::Expected { what, found: found.quoted() })
    }
}

pub(super) type Parsed<T> = Result<T, Fault>;

/// An instruction being read.
pub(super) struct Parser<'s, 'a> {
    pub(super) cursor: Cursor<'a>,
    /// The instruction's place.
    pub(super) at: Pc,
    pub(super) scope: Scope<'s, 'a>,
    /// The opcode that the line says, where it does.
    pub(super) opcode: Option<u8>,
}

/// The values of a signed field of so many bits, as the kernel writes it.
pub(super) const I16: (i128, i128) = (i16::MIN as i128, i16::MAX as i128);
pub(super) const I32: (i128, i128) = (i32::MIN as i128, i32::MAX as i128);

impl<'a> Parser<'_, 'a> {
    pub(super) fn fail<T>(&self, what: &'static str) -> Parsed<T> {
        Err(Fault::expected(self.cursor.offset(), what, self.cursor.peek()))
    }

    pub(super) fn end(&self) -> Parsed<()> {
        if self.cursor.peek() == Token::End { Ok(()) } else { self.fail("the end of the line") }
    }

    /// Passes a mark that must be here; `what` is the mark in quotes.
    pub(super) fn mark(&mut self, mark: &str, what: &'static str) -> Parsed<()> {
        if self.cursor.accept(mark) { Ok(()) } else { self.fail(what) }
    }

    /// Passes a word that must be here; `what` is the word in quotes.
    pub(super) fn word(&mut self, word: &str, what: &'static str) -> Parsed<()> {
        match self.cursor.peek() {
            Token::Word(found) if found == word => {
                self.cursor.next();
                Ok(())
            }
            _ => self.fail(what),
        }
    }

    /// One of the things of a table, by the mark or word that spells it.
    pub(super) fn spelled<T: Spelled>(&mut self, what: &'static str) -> Parsed<T> {
        let found = match self.cursor.peek() {
            Token::Word(text) | Token::Mark(text) => T::read(text),
            Token::Number(_) | Token::Stray(_) | Token::End => None,
        };
        match found {
            Some(found) => {
                self.cursor.next();
                Ok(found)
            }
            None => self.fail(what),
        }
    }
}

/// Registers and operands.
impl Parser<'_, '_> {
    /// The register that is next, without passing it.
    pub(super) fn peek_register(&self) -> Option<(Width, Reg)> {
        match self.cursor.peek() {
            Token::Word(word) => register(word),
            Token::Number(_) | Token::Mark(_) | Token::Stray(_) | Token::End => None,
        }
    }

    pub(super) fn any_register(&mut self) -> Parsed<(Width, Reg)> {
        match self.peek_register() {
            Some(found) => {
                self.cursor.next();
                Ok(found)
            }
            None => self.fail("a register, r0 to r10 or w0 to w10"),
        }
    }

    /// A register written with the letter of this width.
    pub(super) fn register(&mut self, needed: Width) -> Parsed<Reg> {
        let (start, token) = (self.cursor.offset(), self.cursor.peek());
        match self.any_register()? {
            (width, reg) if width == needed => Ok(reg),
            _ => Err(width_fault(start, token, needed)),
        }
    }

    /// A register that a value of this size is moved from or to: `r`, or `w`
    /// where the value fits one.
    pub(super) fn register_of(&mut self, size: Size) -> Parsed<Reg> {
        if size == Size::B8 { self.register(Width::W64) } else { Ok(self.any_register()?.1) }
    }

    /// This register once more.
    pub(super) fn same_register(&mut self, needed: Reg, size: Size) -> Parsed<()> {
        let start = self.cursor.offset();
        match self.register_of(size)? {
            found if found == needed => Ok(()),
            found => Err(Fault::new(start, AsmCause::TwoRegisters { needed, found })),
        }
    }

    pub(super) fn operand(&mut self, width: Width) -> Parsed<Operand> {
        match self.peek_register() {
            Some(_) => self.register(width).map(Operand::Reg),
            None => self.imm32("a register or a number").map(Operand::Imm),
        }
    }
}

pub(super) fn width_fault(start: usize, found: Token<'_>, needed: Width) -> Fault {
    Fault::new(start, AsmCause::Width { found: found.quoted(), needed: needed.bits() })
}

/// The register that a word names, and the width its letter says.
fn register(word: &str) -> Option<(Width, Reg)> {
    let (width, digits) = match word.split_at_checked(1)? {
        ("r", digits) => (Width::W64, digits),
        ("w", digits) => (Width::W32, digits),
        _ => return None,
    };
    let canonical = digits == "0" || !digits.starts_with('0');
    digits.parse().ok().filter(|_| canonical).and_then(Reg::new).map(|reg| (width, reg))
}

/// Numbers.
impl Parser<'_, '_> {
    /// A number with up to two signs before it: the kernel writes `r1 + -4`.
    pub(super) fn number(&mut self, what: &'static str) -> Parsed<i128> {
        let negative = self.minus() != self.minus();
        let (start, token) = (self.cursor.offset(), self.cursor.peek());
        let Token::Number(digits) = token else { return self.fail(what) };
        self.cursor.next();
        let value = magnitude(digits).map_err(|cause| Fault::new(start, cause))?;
        Ok(if negative { -i128::from(value) } else { i128::from(value) })
    }

    /// Passes a sign; whether it is a minus.
    fn minus(&mut self) -> bool {
        !self.cursor.accept("+") && self.cursor.accept("-")
    }

    /// A number from `low` to `high`.
    pub(super) fn within(&mut self, what: &'static str, (low, high): (i128, i128)) -> Parsed<i128> {
        let start = self.cursor.offset();
        match self.number(what)? {
            value if (low..=high).contains(&value) => Ok(value),
            value => Err(Fault::new(start, AsmCause::Range { what, value, low, high })),
        }
    }

    /// A 32-bit field: signed, or unsigned (`0xffffffff` is -1).
    pub(super) fn imm32(&mut self, what: &'static str) -> Parsed<i32> {
        let (low, high) = (i32::MIN.into(), u32::MAX.into());
        let start = self.cursor.offset();
        match self.number(what)? {
            value if (low..=high).contains(&value) => Ok(value as i32),
            value => Err(Fault::new(start, AsmCause::Range { what: "a 32-bit number", value, low, high })),
        }
    }

    pub(super) fn at_sign(&self) -> bool {
        matches!(self.cursor.peek(), Token::Mark("+" | "-"))
    }
}

/// Addresses.
impl Parser<'_, '_> {
    /// `(type *)`
    pub(super) fn cast(&mut self) -> Parsed<Type> {
        self.mark("(", "`(`")?;
        let ty = self.spelled("a type, u8 to u64 or s8 to s32")?;
        self.mark("*", "`*`")?;
        self.mark(")", "`)`")?;
        Ok(ty)
    }

    /// `*(type *)`
    pub(super) fn access(&mut self) -> Parsed<Type> {
        self.mark("*", "`*`")?;
        self.cast()
    }

    /// An unsigned type: `parse` where that is what it gives.
    pub(super) fn unsigned(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<Type>) -> Parsed<Size> {
        let start = self.cursor.offset();
        match parse(self)? {
            Type { size, signed: false } => Ok(size),
            ty => Err(Fault::expected(start, "a type u8 to u64", Token::Word(ty.spelling()))),
        }
    }

    /// `(reg + off)`
    pub(super) fn address(&mut self) -> Parsed<(Reg, i16)> {
        self.mark("(", "`(`")?;
        let address = self.base()?;
        self.mark(")", "an offset or `)`")?;
        Ok(address)
    }

    /// `reg + off`, or `reg` alone.
    pub(super) fn base(&mut self) -> Parsed<(Reg, i16)> {
        let reg = self.register(Width::W64)?;
        let off = if self.at_sign() { self.within("an offset", I16)? } else { 0 };
        Ok((reg, off as i16))
    }
}

/// Targets.
impl<'a> Parser<'_, 'a> {
    /// The distance to `+5`, `-5`, `pc+5`, `pc-5` or a label, counted from the
    /// next slot.
    pub(super) fn target(&mut self, reach: (i128, i128)) -> Parsed<i32> {
        const WHAT: &str = "a distance such as +5 or pc-3, or a label";
        let start = self.cursor.offset();
        let distance = match self.cursor.peek() {
            Token::Mark("+" | "-") => self.number(WHAT)?,
            Token::Word(word) => {
                self.cursor.next();
                if word == "pc" && self.at_sign() { self.number(WHAT)? } else { self.label(word, start)? }
            }
            Token::Number(_) | Token::Mark(_) | Token::Stray(_) | Token::End => return self.fail(WHAT),
        };
        self.cursor.skip_symbol();
        let (low, high) = reach;
        if (low..=high).contains(&distance) {
            return Ok(distance as i32);
        }
        let cause = AsmCause::Range { what: "the distance", value: distance, low, high };
        Err(Fault::new(start, cause))
    }

    /// The distance to a label that must be somewhere; 0 while labels are still
    /// being collected.
    fn label(&self, name: &'a str, start: usize) -> Parsed<i128> {
        let Some(labels) = self.scope.labels else { return Ok(0) };
        match labels.get(name) {
            Some((to, _)) => Ok(self.distance(*to)),
            None => Err(Fault::new(start, AsmCause::NoLabel(excerpt(name)))),
        }
    }

    /// The distance to a place, counted from the next slot.
    pub(super) fn distance(&self, to: Pc) -> i128 {
        i128::from(to.0) - i128::from(self.at.0) - 1
    }
}
