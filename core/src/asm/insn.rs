//! Instructions by their first word.

use super::error::AsmCause;
use super::parser::{Fault, I16, I32, Parsed, Parser};
use super::token::{Token, excerpt};
use crate::insn::{AluOp, AtomicOp, Callee, Insn, Operand, Order, Size, Width};
use crate::text::{Spelled, Type};

/// How the rest of an instruction is read.
type Rule<'s, 'a> = fn(&mut Parser<'s, 'a>) -> Parsed<Insn>;

impl<'s, 'a> Parser<'s, 'a> {
    /// One instruction.
    pub(super) fn insn(&mut self) -> Parsed<Insn> {
        match self.cursor.peek() {
            Token::Mark("*") => self.store(),
            Token::Word(_) if self.peek_register().is_some() => self.assignment(),
            Token::Word(word) => match Self::keyword(word) {
                Some(rule) => {
                    self.cursor.next();
                    rule(self)
                }
                None => self.fail("an instruction"),
            },
            Token::Number(_) | Token::Mark(_) | Token::Stray(_) | Token::End => self.fail("an instruction"),
        }
    }

    fn keyword(word: &str) -> Option<Rule<'s, 'a>> {
        let rules: [(&str, Rule<'s, 'a>); 8] = [
            ("exit", |_| Ok(Insn::Exit)),
            ("goto", |p| Ok(Insn::Jump { off: p.target(I16)?, wide: false })),
            ("gotol", |p| Ok(Insn::Jump { off: p.target(I32)?, wide: true })),
            ("may_goto", |p| Ok(Insn::MayGoto { off: p.target(I16)? as i16 })),
            ("if", Self::jump_if),
            ("call", |p| p.callee().map(Insn::Call)),
            ("lock", Self::lock),
            ("store_release", Self::store_release),
        ];
        rules.into_iter().find(|(w, _)| *w == word).map(|(_, rule)| rule)
    }

    /// `dst op= operand`, `dst = value`
    fn assignment(&mut self) -> Parsed<Insn> {
        let (width, dst) = self.any_register()?;
        let op = self.spelled("an operator such as = or +=")?;
        match op {
            AluOp::Mov => self.value(width, dst),
            op => Ok(Insn::Alu { op, width, dst, src: self.operand(width)? }),
        }
    }

    /// `if dst cond operand goto target`
    fn jump_if(&mut self) -> Parsed<Insn> {
        let (width, dst) = self.any_register()?;
        let cond = self.spelled("a comparison such as == or s>=")?;
        let src = self.operand(width)?;
        self.word("goto", "`goto`")?;
        Ok(Insn::JumpIf { cond, width, dst, src, off: self.target(I16)? as i16 })
    }

    /// `*(type *)(dst + off) = operand`
    fn store(&mut self) -> Parsed<Insn> {
        let size = self.unsigned(Self::access)?;
        let (dst, off) = self.address()?;
        self.mark("=", "`=`")?;
        let src = match self.peek_register() {
            Some(_) => Operand::Reg(self.register_of(size)?),
            None => Operand::Imm(self.imm32("a register or a number")?),
        };
        Ok(Insn::Store { size, dst, off, src })
    }

    /// `lock *(type *)(dst + off) op src`
    fn lock(&mut self) -> Parsed<Insn> {
        let width = self.atomic_width(Self::access)?;
        let (dst, off) = self.address()?;
        let op: AtomicOp = match self.cursor.peek() {
            Token::Mark(_) => self.spelled("+=, |=, &= or ^=")?,
            Token::Word(_) | Token::Number(_) | Token::Stray(_) | Token::End => {
                return self.fail("+=, |=, &= or ^=");
            }
        };
        Ok(Insn::Atomic { op, width, dst, off, src: self.register_of(width.size())? })
    }

    /// The width of an atomic access that `parse` reads the type of.
    pub(super) fn atomic_width(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<Type>) -> Parsed<Width> {
        let start = self.cursor.offset();
        match self.unsigned(parse)? {
            Size::B4 => Ok(Width::W32),
            Size::B8 => Ok(Width::W64),
            size @ (Size::B1 | Size::B2) => {
                let found = Token::Word(Type::unsigned(size).spelling());
                Err(Fault::expected(start, "a type u32 or u64", found))
            }
        }
    }

    /// `store_release((type *)(dst + off), src)`
    fn store_release(&mut self) -> Parsed<Insn> {
        self.mark("(", "`(`")?;
        let size = self.unsigned(Self::cast)?;
        let (dst, off) = self.address()?;
        self.mark(",", "`,`")?;
        let src = self.register_of(size)?;
        self.mark(")", "`)`")?;
        Ok(Insn::StoreRelease { size, dst, off, src })
    }
}

/// Calls.
impl<'a> Parser<'_, 'a> {
    fn callee(&mut self) -> Parsed<Callee> {
        const WHAT: &str = "a helper's name or number, pc+N, a label or kernel-function#N";
        let (start, token) = (self.cursor.offset(), self.cursor.peek());
        let Token::Word(word) = token else { return self.imm32(WHAT).map(Callee::Helper) };
        self.cursor.next();
        match word {
            "pc" if self.at_sign() => {
                let off = self.within("the distance of the call", I32)?;
                self.cursor.skip_symbol();
                Ok(Callee::Subprog(off as i32))
            }
            "kernel" if self.cursor.accept("-") => self.kfunc(),
            name if self.cursor.accept("#") => self.numbered_helper(name, start),
            name => self.named_callee(name, start),
        }
    }

    /// `kernel-function#id` or `kernel-function#id[btf:index]` after its `-`.
    fn kfunc(&mut self) -> Parsed<Callee> {
        self.word("function", "`function`")?;
        self.mark("#", "`#`")?;
        let id = self.imm32("a BTF id")?;
        let mut btf = 0;
        if self.cursor.accept("[") {
            self.word("btf", "`btf`")?;
            self.mark(":", "`:`")?;
            btf = self.within("an index into fd_array", I16)?;
            self.mark("]", "`]`")?;
        }
        Ok(Callee::Kfunc { id, btf: btf as i16 })
    }

    /// `name#number` after its `#`.
    fn numbered_helper(&mut self, name: &str, start: usize) -> Parsed<Callee> {
        let said = self.imm32("a helper's number")?;
        match self.scope.names.helper_number(name) {
            Some(number) if number != said => {
                let cause = AsmCause::OtherNumber { name: excerpt(name), number, said };
                Err(Fault::new(start, cause))
            }
            Some(_) | None => Ok(Callee::Helper(said)),
        }
    }

    /// A label of the text, else a helper.
    fn named_callee(&self, name: &'a str, start: usize) -> Parsed<Callee> {
        let Some(labels) = self.scope.labels else { return Ok(Callee::Subprog(0)) };
        if let Some((to, _)) = labels.get(name) {
            return Ok(Callee::Subprog(self.distance(*to) as i32));
        }
        match self.scope.names.helper_number(name) {
            Some(number) => Ok(Callee::Helper(number)),
            None => Err(Fault::new(start, AsmCause::UnknownName(excerpt(name)))),
        }
    }
}

/// The operator and size of a byte swap's word, such as `be16`.
pub(super) fn swap_word(word: &str) -> Option<(Order, Size)> {
    Order::EVERY.iter().find_map(|order| {
        let size = Size::read(word.strip_prefix(order.spelling())?)?;
        Some((*order, size))
    })
}
