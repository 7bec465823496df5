//! What assembler and disassembler share: how each operator is spelt, and the
//! names of what a program calls and refers to.
//!
//! A spelling is told once, here, and read in both directions. It is the one of
//! the kernel's verifier log.

use crate::helper::table;
use crate::insn::{AluOp, AtomicOp, Cond, Order, Size};
use std::borrow::Cow;

/// One of a few things, each with its own spelling.
///
/// Law: no two are spelt alike, so that `read(x.spelling()) == Some(x)`.
pub(crate) trait Spelled: Copy + 'static {
    /// All of them.
    const EVERY: &[Self];

    /// How it is written.
    fn spelling(self) -> &'static str;

    /// The one that is written so.
    fn read(text: &str) -> Option<Self> {
        Self::EVERY.iter().copied().find(|x| x.spelling() == text)
    }
}

impl Spelled for AluOp {
    const EVERY: &[Self] = &Self::ALL;

    fn spelling(self) -> &'static str {
        match self {
            Self::Add => "+=",
            Self::Sub => "-=",
            Self::Mul => "*=",
            Self::Div => "/=",
            Self::Sdiv => "s/=",
            Self::Or => "|=",
            Self::And => "&=",
            Self::Lsh => "<<=",
            Self::Rsh => ">>=",
            Self::Mod => "%=",
            Self::Smod => "s%=",
            Self::Xor => "^=",
            Self::Mov => "=",
            Self::Arsh => "s>>=",
        }
    }
}

impl Spelled for Cond {
    const EVERY: &[Self] = &Self::ALL;

    fn spelling(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Set => "&",
            Self::Sgt => "s>",
            Self::Sge => "s>=",
            Self::Slt => "s<",
            Self::Sle => "s<=",
        }
    }
}

/// The operator after `lock *mem`, or the function's name after `atomic_` or
/// `atomic64_`.
impl Spelled for AtomicOp {
    const EVERY: &[Self] = &Self::ALL;

    fn spelling(self) -> &'static str {
        match self {
            Self::Add => "+=",
            Self::Or => "|=",
            Self::And => "&=",
            Self::Xor => "^=",
            Self::FetchAdd => "fetch_add",
            Self::FetchOr => "fetch_or",
            Self::FetchAnd => "fetch_and",
            Self::FetchXor => "fetch_xor",
            Self::Xchg => "xchg",
            Self::Cmpxchg => "cmpxchg",
        }
    }
}

/// The word before the size of a byte swap: `be` in `be16`.
impl Spelled for Order {
    const EVERY: &[Self] = &Self::ALL;

    fn spelling(self) -> &'static str {
        match self {
            Self::Le => "le",
            Self::Be => "be",
            Self::Swap => "bswap",
        }
    }
}

/// The number after the word of a byte swap.
impl Spelled for Size {
    const EVERY: &[Self] = &Self::ALL;

    fn spelling(self) -> &'static str {
        match self {
            Self::B1 => "8",
            Self::B2 => "16",
            Self::B4 => "32",
            Self::B8 => "64",
        }
    }
}

/// The type of a value in memory, or of the part of a register that is
/// sign-extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Type {
    pub(crate) size: Size,
    pub(crate) signed: bool,
}

impl Type {
    pub(crate) const fn unsigned(size: Size) -> Self {
        Self { size, signed: false }
    }

    pub(crate) const fn signed(size: Size) -> Self {
        Self { size, signed: true }
    }
}

impl Spelled for Type {
    const EVERY: &[Self] = &[
        Self::unsigned(Size::B1),
        Self::unsigned(Size::B2),
        Self::unsigned(Size::B4),
        Self::unsigned(Size::B8),
        Self::signed(Size::B1),
        Self::signed(Size::B2),
        Self::signed(Size::B4),
        Self::signed(Size::B8),
    ];

    fn spelling(self) -> &'static str {
        match (self.size, self.signed) {
            (Size::B1, false) => "u8",
            (Size::B2, false) => "u16",
            (Size::B4, false) => "u32",
            (Size::B8, false) => "u64",
            (Size::B1, true) => "s8",
            (Size::B2, true) => "s16",
            (Size::B4, true) => "s32",
            (Size::B8, true) => "s64",
        }
    }
}

/// The names of helpers and maps, for text.
///
/// The disassembler writes a name only where the assembler, asked with the same
/// `Names`, reads it back as the same number; an implementation may therefore
/// know either direction, or both, or none.
pub trait Names {
    /// The name of the helper with this number.
    fn helper_name(&self, number: i32) -> Option<Cow<'_, str>> {
        let _ = number;
        None
    }

    /// The number of the helper with this name.
    fn helper_number(&self, name: &str) -> Option<i32> {
        let _ = name;
        None
    }

    /// The name of the map with this file descriptor.
    fn map_name(&self, fd: i32) -> Option<Cow<'_, str>> {
        let _ = fd;
        None
    }

    /// The file descriptor of the map with this name.
    fn map_fd(&self, name: &str) -> Option<i32> {
        let _ = name;
        None
    }
}

/// No name at all: helpers go by number.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {}

/// The kernel's names for its helpers, and none for maps.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelNames;

impl Names for KernelNames {
    fn helper_name(&self, number: i32) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&*table::by_id(number)?.name))
    }

    fn helper_number(&self, name: &str) -> Option<i32> {
        Some(table::by_name(name)?.id)
    }
}

/// A number for each helper's name, and none for maps.
impl<F: Fn(&str) -> Option<i32>> Names for F {
    fn helper_number(&self, name: &str) -> Option<i32> {
        self(name)
    }
}

/// Whether the text is one word: what a label, a helper or a map may be called.
pub(crate) fn is_word(text: &str) -> bool {
    text.starts_with(starts_word) && text.chars().all(continues_word)
}

/// Whether a word may start with this character.
pub(crate) const fn starts_word(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '_' | '.' | '$')
}

/// Whether a word may go on with this character.
pub(crate) const fn continues_word(c: char) -> bool {
    starts_word(c) || c.is_ascii_digit()
}
