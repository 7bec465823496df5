//! Operators and their only concrete meaning.
//!
//! [`AluOp::eval`], [`Cond::eval`], [`AtomicOp::eval`], [`Order::eval`] and
//! [`Size::sign_extend`] say what an operator computes. The interpreter calls
//! them, the domain laws quantify over them, constant folding uses them, and
//! the JIT is checked against them. Nothing else in the project defines
//! arithmetic on program values.
//!
//! Law: every result of a [`Width::W32`] operation fits 32 bits (RFC 9669,
//! section 4.1: the upper half of the destination is zeroed).

/// How many bits of its operands an ALU operation or a jump looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Width {
    /// The low 32 bits; an ALU result is zero-extended to 64.
    W32,
    /// All 64 bits.
    W64,
}

impl Width {
    /// Both widths, narrow first.
    pub const ALL: [Self; 2] = [Self::W32, Self::W64];

    /// The number of bits: 32 or 64.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::W32 => 32,
            Self::W64 => 64,
        }
    }

    /// `v` cut to this width (zero-extended back to 64 bits).
    #[must_use]
    pub const fn zero_extend(self, v: u64) -> u64 {
        match self {
            Self::W32 => v as u32 as u64,
            Self::W64 => v,
        }
    }

    /// `v` cut to this width and read as a signed number.
    #[must_use]
    pub const fn signed(self, v: u64) -> i64 {
        match self {
            Self::W32 => v as u32 as i32 as i64,
            Self::W64 => v as i64,
        }
    }

    /// The size of a memory access of this width.
    #[must_use]
    pub const fn size(self) -> Size {
        match self {
            Self::W32 => Size::B4,
            Self::W64 => Size::B8,
        }
    }
}

/// The size of a memory access, or of the part of a register that is extended
/// or swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Size {
    /// One byte.
    B1,
    /// Two bytes.
    B2,
    /// Four bytes.
    B4,
    /// Eight bytes.
    B8,
}

impl Size {
    /// Every size, narrow first.
    pub const ALL: [Self; 4] = [Self::B1, Self::B2, Self::B4, Self::B8];

    /// The number of bytes: 1, 2, 4 or 8.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::B1 => 1,
            Self::B2 => 2,
            Self::B4 => 4,
            Self::B8 => 8,
        }
    }

    /// The number of bits: 8, 16, 32 or 64.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.bytes() * 8
    }

    /// The largest unsigned value of this size.
    #[must_use]
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// `v` cut to this size.
    #[must_use]
    pub const fn zero_extend(self, v: u64) -> u64 {
        v & self.mask()
    }

    /// `v` cut to this size, its sign bit copied upwards to 64 bits
    /// (RFC 9669: `MOVSX`, `LDSX`).
    #[must_use]
    pub const fn sign_extend(self, v: u64) -> u64 {
        let shift = 64 - self.bits();
        ((v << shift) as i64 >> shift) as u64
    }
}

/// A two-operand ALU operator (RFC 9669, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AluOp {
    /// `dst += src`
    Add,
    /// `dst -= src`
    Sub,
    /// `dst *= src`
    Mul,
    /// Unsigned division; a zero divisor gives 0.
    Div,
    /// Signed division; a zero divisor gives 0, `MIN / -1` gives `MIN`.
    Sdiv,
    /// `dst |= src`
    Or,
    /// `dst &= src`
    And,
    /// `dst <<= src`, the count masked to the width.
    Lsh,
    /// Logical `dst >>= src`, the count masked to the width.
    Rsh,
    /// Unsigned remainder; a zero divisor leaves `dst` (cut to the width).
    Mod,
    /// Signed remainder; a zero divisor leaves `dst` (cut to the width),
    /// `MIN % -1` gives 0.
    Smod,
    /// `dst ^= src`
    Xor,
    /// `dst = src`
    Mov,
    /// Arithmetic `dst >>= src`, the count masked to the width.
    Arsh,
}

impl AluOp {
    /// Every operator.
    pub const ALL: [Self; 14] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Sdiv,
        Self::Or,
        Self::And,
        Self::Lsh,
        Self::Rsh,
        Self::Mod,
        Self::Smod,
        Self::Xor,
        Self::Mov,
        Self::Arsh,
    ];

    /// What the operator computes from the destination `a` and the source `b`.
    ///
    /// Both are cut to `width` first, and so is the result. An immediate
    /// operand is to be sign-extended to 64 bits by the caller.
    #[must_use]
    pub const fn eval(self, width: Width, a: u64, b: u64) -> u64 {
        let (ua, ub) = (width.zero_extend(a), width.zero_extend(b));
        let (sa, sb) = (width.signed(a), width.signed(b));
        let count = (b & (width.bits() as u64 - 1)) as u32;
        let wide = match self {
            Self::Add => ua.wrapping_add(ub),
            Self::Sub => ua.wrapping_sub(ub),
            Self::Mul => ua.wrapping_mul(ub),
            Self::Div if ub == 0 => 0,
            Self::Div => ua / ub,
            Self::Sdiv if sb == 0 => 0,
            Self::Sdiv => sa.wrapping_div(sb) as u64,
            Self::Or => ua | ub,
            Self::And => ua & ub,
            Self::Lsh => ua << count,
            Self::Rsh => ua >> count,
            Self::Mod if ub == 0 => ua,
            Self::Mod => ua % ub,
            Self::Smod if sb == 0 => ua,
            Self::Smod => sa.wrapping_rem(sb) as u64,
            Self::Xor => ua ^ ub,
            Self::Mov => ub,
            Self::Arsh => (sa >> count) as u64,
        };
        width.zero_extend(wide)
    }
}

/// Which byte order a byte-swap instruction converts to (RFC 9669, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Order {
    /// To little-endian: on the little-endian machine that Brolga models, a cut
    /// to the size.
    Le,
    /// To big-endian: a cut and a swap.
    Be,
    /// An unconditional cut and swap (`bswap`).
    Swap,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::Le, Self::Be, Self::Swap];

    /// `v` cut to `size` with its bytes in this order. A one-byte size leaves
    /// the byte as it is; no instruction has it.
    #[must_use]
    pub const fn eval(self, size: Size, v: u64) -> u64 {
        let cut = size.zero_extend(v);
        match self {
            Self::Le => cut,
            Self::Be | Self::Swap => cut.swap_bytes() >> (64 - size.bits()),
        }
    }
}

/// What a conditional jump compares (RFC 9669, section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cond {
    /// `dst == src`
    Eq,
    /// `dst != src`
    Ne,
    /// Unsigned `dst > src`
    Gt,
    /// Unsigned `dst >= src`
    Ge,
    /// Unsigned `dst < src`
    Lt,
    /// Unsigned `dst <= src`
    Le,
    /// `dst & src != 0`
    Set,
    /// Signed `dst > src`
    Sgt,
    /// Signed `dst >= src`
    Sge,
    /// Signed `dst < src`
    Slt,
    /// Signed `dst <= src`
    Sle,
}

impl Cond {
    /// Every condition.
    pub const ALL: [Self; 11] = [
        Self::Eq,
        Self::Ne,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
        Self::Set,
        Self::Sgt,
        Self::Sge,
        Self::Slt,
        Self::Sle,
    ];

    /// Whether the jump is taken for the destination `a` and the source `b`,
    /// both cut to `width` first.
    #[must_use]
    pub const fn eval(self, width: Width, a: u64, b: u64) -> bool {
        let (ua, ub) = (width.zero_extend(a), width.zero_extend(b));
        let (sa, sb) = (width.signed(a), width.signed(b));
        match self {
            Self::Eq => ua == ub,
            Self::Ne => ua != ub,
            Self::Gt => ua > ub,
            Self::Ge => ua >= ub,
            Self::Lt => ua < ub,
            Self::Le => ua <= ub,
            Self::Set => ua & ub != 0,
            Self::Sgt => sa > sb,
            Self::Sge => sa >= sb,
            Self::Slt => sa < sb,
            Self::Sle => sa <= sb,
        }
    }

    /// The condition that holds exactly when this one does not. [`Cond::Set`]
    /// has none.
    #[must_use]
    pub const fn negated(self) -> Option<Self> {
        Some(match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Gt => Self::Le,
            Self::Ge => Self::Lt,
            Self::Lt => Self::Ge,
            Self::Le => Self::Gt,
            Self::Set => return None,
            Self::Sgt => Self::Sle,
            Self::Sge => Self::Slt,
            Self::Slt => Self::Sge,
            Self::Sle => Self::Sgt,
        })
    }

    /// The condition that says the same of the operands in the other order.
    #[must_use]
    pub const fn swapped(self) -> Self {
        match self {
            Self::Eq | Self::Ne | Self::Set => self,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Sgt => Self::Slt,
            Self::Sge => Self::Sle,
            Self::Slt => Self::Sgt,
            Self::Sle => Self::Sge,
        }
    }

    /// Whether the operands are read as signed numbers.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Sgt | Self::Sge | Self::Slt | Self::Sle)
    }
}

/// An atomic read-modify-write (RFC 9669, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AtomicOp {
    /// `*mem += src`
    Add,
    /// `*mem |= src`
    Or,
    /// `*mem &= src`
    And,
    /// `*mem ^= src`
    Xor,
    /// `*mem += src`, `src` becomes the old value.
    FetchAdd,
    /// `*mem |= src`, `src` becomes the old value.
    FetchOr,
    /// `*mem &= src`, `src` becomes the old value.
    FetchAnd,
    /// `*mem ^= src`, `src` becomes the old value.
    FetchXor,
    /// `*mem = src`, `src` becomes the old value.
    Xchg,
    /// `if *mem == r0 { *mem = src }`, `r0` becomes the old value either way.
    Cmpxchg,
}

impl AtomicOp {
    /// Every operation.
    pub const ALL: [Self; 10] = [
        Self::Add,
        Self::Or,
        Self::And,
        Self::Xor,
        Self::FetchAdd,
        Self::FetchOr,
        Self::FetchAnd,
        Self::FetchXor,
        Self::Xchg,
        Self::Cmpxchg,
    ];

    /// What memory holds afterwards, where it held `old`, the source register
    /// holds `src` and `r0` holds `expected` (which only [`AtomicOp::Cmpxchg`]
    /// looks at). All are cut to `width`.
    #[must_use]
    pub const fn eval(self, width: Width, old: u64, src: u64, expected: u64) -> u64 {
        match self {
            Self::Add | Self::FetchAdd => AluOp::Add.eval(width, old, src),
            Self::Or | Self::FetchOr => AluOp::Or.eval(width, old, src),
            Self::And | Self::FetchAnd => AluOp::And.eval(width, old, src),
            Self::Xor | Self::FetchXor => AluOp::Xor.eval(width, old, src),
            Self::Xchg => width.zero_extend(src),
            Self::Cmpxchg if Cond::Eq.eval(width, old, expected) => width.zero_extend(src),
            Self::Cmpxchg => width.zero_extend(old),
        }
    }

    /// Whether a register receives the old value: the source register, or `r0`
    /// for [`AtomicOp::Cmpxchg`].
    #[must_use]
    pub const fn fetches(self) -> bool {
        !matches!(self, Self::Add | Self::Or | Self::And | Self::Xor)
    }

    /// The `imm` field that encodes the operation (RFC 9669, tables 14 and 15).
    #[must_use]
    pub const fn imm(self) -> i32 {
        match self {
            Self::Add => 0x00,
            Self::Or => 0x40,
            Self::And => 0x50,
            Self::Xor => 0xa0,
            Self::FetchAdd => 0x01,
            Self::FetchOr => 0x41,
            Self::FetchAnd => 0x51,
            Self::FetchXor => 0xa1,
            Self::Xchg => 0xe1,
            Self::Cmpxchg => 0xf1,
        }
    }
}
