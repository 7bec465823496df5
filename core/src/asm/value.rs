//! What may stand on the right of a register and `=`.

use super::error::AsmCause;
use super::insn::swap_word;
use super::parser::{Fault, I32, Parsed, Parser, width_fault};
use super::token::{Token, excerpt};
use crate::insn::{AluOp, AtomicOp, Imm64, Insn, Operand, PacketAt, Reg, Size, SpaceCast, Width};
use crate::text::{Spelled, Type};

/// The opcode of a 64-bit immediate load, which tells one from a plain move in
/// the verifier log.
const LOAD_IMM64: u8 = 0x18;

/// A word that an atomic operation with a result starts with.
struct AtomicWord {
    op: AtomicOp,
    /// The width, where the word says it.
    width: Option<Width>,
    /// Whether the address comes as `(type *)(reg + off)` rather than bare.
    typed: bool,
}

impl AtomicWord {
    /// LLVM's words for the exchanges, which say the width.
    const UNTYPED: [(&str, AtomicOp, Width); 4] = [
        ("xchg_64", AtomicOp::Xchg, Width::W64),
        ("xchg32_32", AtomicOp::Xchg, Width::W32),
        ("cmpxchg_64", AtomicOp::Cmpxchg, Width::W64),
        ("cmpxchg32_32", AtomicOp::Cmpxchg, Width::W32),
    ];

    fn read(word: &str) -> Option<Self> {
        if let Some((_, op, width)) = Self::UNTYPED.iter().find(|(w, ..)| *w == word) {
            return Some(Self { op: *op, width: Some(*width), typed: false });
        }
        let (name, width) = match word.strip_prefix("atomic64_") {
            Some(name) => (name, Some(Width::W64)),
            None => (word.strip_prefix("atomic_")?, None),
        };
        Some(Self { op: AtomicOp::read(name)?, width, typed: true })
    }
}

impl<'a> Parser<'_, 'a> {
    /// The instruction that gives `dst` the value that is next.
    pub(super) fn value(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        const WHAT: &str = "a register, a number, a load or another value";
        match self.cursor.peek() {
            Token::Mark("-") if self.negated_register() => self.negation(width, dst),
            Token::Mark("-" | "+") | Token::Number(_) => self.constant(width, dst),
            Token::Mark("(") => self.sign_extension(width, dst),
            Token::Mark("*") => self.load(width, dst),
            Token::Word(_) if self.peek_register().is_some() => {
                let src = Operand::Reg(self.register(width)?);
                Ok(Insn::Alu { op: AluOp::Mov, width, dst, src })
            }
            Token::Word(word) => self.named_value(word, width, dst),
            Token::Mark(_) | Token::Stray(_) | Token::End => self.fail(WHAT),
        }
    }

    fn named_value(&mut self, word: &'a str, width: Width, dst: Reg) -> Parsed<Insn> {
        let (start, token) = (self.cursor.offset(), self.cursor.next());
        if let Some((order, size)) = swap_word(word) {
            self.same_register(dst, Size::B8)?;
            return wide(width, dst, start).map(|()| Insn::Swap { order, size, dst });
        }
        if let Some(atomic) = AtomicWord::read(word) {
            return self.atomic(&atomic, width, dst);
        }
        if word == "load_acquire" {
            return self.load_acquire(width, dst);
        }
        wide(width, dst, start)?;
        let imm = match word {
            "addr_space_cast" => return self.address_space_cast(dst),
            "map" => self.map()?,
            "subprog" => self.subprog()?,
            "btf" => self.kernel_variable()?,
            name if self.cursor.peek() == Token::Word("ll") => {
                self.cursor.next();
                self.map_named(name, start)?
            }
            _ => return Err(Fault::expected(start, "a value", token)),
        };
        Ok(Insn::LoadImm64 { dst, imm })
    }
}

/// That the destination was written with an `r`.
fn wide(width: Width, dst: Reg, start: usize) -> Parsed<()> {
    match width {
        Width::W64 => Ok(()),
        Width::W32 => {
            let found = format!("`w{}`", dst.index());
            Err(Fault::new(start, AsmCause::Width { found, needed: Width::W64.bits() }))
        }
    }
}

/// Numbers and registers.
impl Parser<'_, '_> {
    fn negated_register(&self) -> bool {
        let mut ahead = Parser { cursor: self.cursor, ..*self };
        ahead.cursor.next();
        ahead.peek_register().is_some()
    }

    /// `-dst`
    fn negation(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        self.mark("-", "`-`")?;
        let start = self.cursor.offset();
        match self.register(width)? {
            found if found == dst => Ok(Insn::Neg { width, dst }),
            found => Err(Fault::new(start, AsmCause::TwoRegisters { needed: dst, found })),
        }
    }

    /// `number` or `number ll`; in a line that says its opcode that decides.
    fn constant(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        let start = self.cursor.offset();
        let value = self.number("a number")?;
        let long = self.cursor.peek() == Token::Word("ll");
        if long {
            self.cursor.next();
        }
        if long || self.opcode == Some(LOAD_IMM64) {
            wide(width, dst, start)?;
            let (low, high) = (i64::MIN.into(), u64::MAX.into());
            if (low..=high).contains(&value) {
                return Ok(Insn::LoadImm64 { dst, imm: Imm64::Value(value as u64) });
            }
            let what = "a 64-bit constant";
            return Err(Fault::new(start, AsmCause::Range { what, value, low, high }));
        }
        if !(i32::MIN.into()..=u32::MAX.into()).contains(&value) {
            return Err(Fault::new(start, AsmCause::WideConstant(value)));
        }
        Ok(Insn::Alu { op: AluOp::Mov, width, dst, src: Operand::Imm(value as i32) })
    }

    /// `(s8)src`
    fn sign_extension(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        const WHAT: &str = "(s8), (s16) or (s32)";
        self.mark("(", WHAT)?;
        let start = self.cursor.offset();
        let ty: Type = self.spelled(WHAT)?;
        if !ty.signed {
            return Err(Fault::expected(start, WHAT, Token::Word(ty.spelling())));
        }
        self.mark(")", "`)`")?;
        Ok(Insn::MovSx { width, from: ty.size, dst, src: self.register(width)? })
    }

    /// `addr_space_cast(src, to, from)`, the word being passed.
    fn address_space_cast(&mut self, dst: Reg) -> Parsed<Insn> {
        self.mark("(", "`(`")?;
        let src = self.register(Width::W64)?;
        self.mark(",", "`,`")?;
        let start = self.cursor.offset();
        let to = self.within("an address space", (0, u16::MAX.into()))?;
        self.mark(",", "`,`")?;
        let from = self.within("an address space", (0, u16::MAX.into()))?;
        self.mark(")", "`)`")?;
        let cast = match (to, from) {
            (0, 1) => SpaceCast::ToKernel,
            (1, 0) => SpaceCast::ToUser,
            (to, from) => {
                let imm = (to as u32) << 16 | from as u32;
                let why = crate::SlotError::AddrSpace(imm as i32);
                return Err(Fault::new(start, AsmCause::NoSuchInsn(why)));
            }
        };
        Ok(Insn::AddrSpaceCast { cast, dst, src })
    }
}

/// Memory.
impl Parser<'_, '_> {
    /// `*(type *)(src + off)`, `*(type *)skb[at]`
    fn load(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        let start = self.cursor.offset();
        let ty = self.access()?;
        if self.cursor.peek() == Token::Word("skb") {
            wide(width, dst, start)?;
            return self.load_packet(ty, dst, start);
        }
        if ty.signed || ty.size == Size::B8 {
            wide(width, dst, start)?;
        }
        let (src, off) = self.address()?;
        Ok(Insn::Load { size: ty.size, signed: ty.signed, dst, src, off })
    }

    /// `skb[imm]`, `skb[reg]` or `skb[reg + imm]`
    fn load_packet(&mut self, ty: Type, dst: Reg, start: usize) -> Parsed<Insn> {
        if dst != Reg::R0 {
            return Err(Fault::new(start, AsmCause::PacketRegister(dst)));
        }
        if ty.signed {
            let token = Token::Word(ty.spelling());
            return Err(Fault::expected(start, "a type u8, u16 or u32", token));
        }
        self.word("skb", "`skb`")?;
        self.mark("[", "`[`")?;
        let at = match self.peek_register() {
            Some(_) => PacketAt::Ind(self.register(Width::W64)?),
            None => PacketAt::Abs,
        };
        let bare = matches!(at, PacketAt::Ind(_)) && !self.at_sign();
        let imm = if bare { 0 } else { self.imm32("an offset")? };
        self.mark("]", "`]`")?;
        Ok(Insn::LoadPacket { size: ty.size, at, imm })
    }

    /// `load_acquire((type *)(src + off))`, the word being passed.
    fn load_acquire(&mut self, width: Width, dst: Reg) -> Parsed<Insn> {
        self.mark("(", "`(`")?;
        let start = self.cursor.offset();
        let size = self.unsigned(Self::cast)?;
        if size == Size::B8 {
            wide(width, dst, start)?;
        }
        let (src, off) = self.address()?;
        self.mark(")", "`)`")?;
        Ok(Insn::LoadAcquire { size, dst, src, off })
    }

    /// What follows an atomic operation's word: the address, `r0` for a
    /// compare-and-exchange, and the operand.
    fn atomic(&mut self, word: &AtomicWord, dst_width: Width, dst: Reg) -> Parsed<Insn> {
        self.mark("(", "`(`")?;
        let start = self.cursor.offset();
        let width = self.atomic_type(word)?;
        let (base, off) = if word.typed { self.address()? } else { self.base()? };
        self.mark(",", "`,`")?;
        let result = if word.op == AtomicOp::Cmpxchg {
            self.same_register(Reg::R0, width.size())?;
            self.mark(",", "`,`")?;
            Some(Reg::R0)
        } else {
            None
        };
        let src = self.register_of(width.size())?;
        self.mark(")", "`)`")?;
        let needed = result.unwrap_or(src);
        if dst != needed {
            return Err(Fault::new(start, AsmCause::TwoRegisters { needed, found: dst }));
        }
        if width == Width::W64 {
            wide(dst_width, dst, start)?;
        }
        Ok(Insn::Atomic { op: word.op, width, dst: base, off, src })
    }

    /// The width of an atomic operation: its type's, which its word may not
    /// contradict.
    fn atomic_type(&mut self, word: &AtomicWord) -> Parsed<Width> {
        if let (false, Some(width)) = (word.typed, word.width) {
            return Ok(width);
        }
        let start = self.cursor.offset();
        let width = self.atomic_width(Self::cast)?;
        match word.width {
            Some(needed) if needed != width => {
                let found = Token::Word(Type::unsigned(width.size()).spelling());
                Err(width_fault(start, found, needed))
            }
            Some(_) | None => Ok(width),
        }
    }
}

/// References, after their first word.
impl Parser<'_, '_> {
    /// `[fd:n]`, `[idx:n]` or `[name]`, then for a value's address `[0]` or
    /// `+off` or both.
    fn map(&mut self) -> Parsed<Imm64> {
        self.mark("[", "`[`")?;
        let (start, token) = (self.cursor.offset(), self.cursor.next());
        let Token::Word(word) = token else {
            return Err(Fault::expected(start, "fd:N, idx:N or a map's name", token));
        };
        let map = if self.cursor.accept(":") {
            let number = self.imm32("a number")?;
            match word {
                "fd" => Imm64::MapFd(number),
                "idx" => Imm64::MapIdx(number),
                _ => return Err(Fault::expected(start, "fd:N, idx:N or a map's name", token)),
            }
        } else {
            self.map_named(word, start)?
        };
        self.mark("]", "`]`")?;
        match self.value_offset()? {
            Some(off) => Ok(into_value(map, off)),
            None => Ok(map),
        }
    }

    fn map_named(&self, name: &str, start: usize) -> Parsed<Imm64> {
        match self.scope.names.map_fd(name) {
            Some(fd) => Ok(Imm64::MapFd(fd)),
            None => Err(Fault::new(start, AsmCause::UnknownMap(excerpt(name)))),
        }
    }

    fn value_offset(&mut self) -> Parsed<Option<u32>> {
        let element = self.cursor.accept("[");
        if element {
            self.within("the index of the only value", (0, 0))?;
            self.mark("]", "`]`")?;
        }
        if self.at_sign() {
            return self.imm32("an offset").map(|off| Some(off as u32));
        }
        Ok(element.then_some(0))
    }

    /// `[+n]` or `[label]`
    fn subprog(&mut self) -> Parsed<Imm64> {
        self.mark("[", "`[`")?;
        let off = self.target(I32)?;
        self.mark("]", "`]`")?;
        Ok(Imm64::Func(off))
    }

    /// `[id:n]` or `[id:n, fd:m]`
    fn kernel_variable(&mut self) -> Parsed<Imm64> {
        self.mark("[", "`[`")?;
        self.word("id", "`id`")?;
        self.mark(":", "`:`")?;
        let id = self.imm32("a BTF id")?;
        let mut btf_fd = 0;
        if self.cursor.accept(",") {
            self.word("fd", "`fd`")?;
            self.mark(":", "`:`")?;
            btf_fd = self.imm32("a file descriptor")?;
        }
        self.mark("]", "`]`")?;
        Ok(Imm64::BtfId { id, btf_fd })
    }
}

/// The address of a map's value rather than the map.
fn into_value(map: Imm64, off: u32) -> Imm64 {
    match map {
        Imm64::MapFd(fd) => Imm64::MapValue { fd, off },
        Imm64::MapIdx(idx) => Imm64::MapIdxValue { idx, off },
        Imm64::Value(_)
        | Imm64::MapValue { .. }
        | Imm64::BtfId { .. }
        | Imm64::Func(_)
        | Imm64::MapIdxValue { .. } => map,
    }
}
