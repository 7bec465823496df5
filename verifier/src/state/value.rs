//! What a register or a spilled slot holds.
//!
//! **Meaning.** `gamma(value)` is a set of words, given where each object of the
//! run lies:
//!
//! - `Uninit`: every word, and none that may be read;
//! - `Number(n)`: the words of its [`Scalar`]; numbers with one id (not 0) are
//!   one unknown word `x` with each number's `delta` added, at the width `moved`;
//! - `Pointer(p)`: the words `base + off + v` for every `v` in `var`, `base` being
//!   the start of the object that `kind` names; and 0, where `nullable`.
//!   Pointers with one id (not 0) share their `v`, and are null together.
//!
//! **Order.** Where paths meet, `within` compares value by value, ids up to
//! renaming.

use super::origins::Origins;
use super::trace::Trace;
use crate::domain::Scalar;
use brolga_core::facts::SubprogId;
use brolga_core::helper::table;
use brolga_core::prog_type::SockKind;
use brolga_core::{Aux, MapDef, MapIdx, Width};

/// Names what several registers have in common: an unknown number, a pointer's
/// variable part, a nullness, a reference. 0 is no name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u32);

impl Id {
    /// No name.
    pub const NONE: Self = Self(0);

    /// Whether it names something.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Which numbers it may be.
    pub range: Scalar,
    /// The unknown word it is made of.
    pub id: Id,
    /// What is added to that word.
    pub delta: i32,
    /// At which width that was added, where it was; in 32 bits nothing is left
    /// above.
    pub moved: Option<Width>,
    /// What its range comes from.
    pub origins: Origins,
    /// How it stands to a loop's round.
    pub trace: Trace,
}

/// A map that a program refers to, or the one that is a value of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapRef {
    /// The map that the program refers to.
    pub idx: MapIdx,
    /// Whether a value of that map is meant.
    pub inner: bool,
}

impl MapRef {
    /// What the map looks like.
    ///
    /// # Panics
    ///
    /// Where the map is none of the program's, or has no inner map.
    #[must_use]
    pub fn def(self, aux: &Aux) -> &MapDef {
        let outer = &aux.map(self.idx).def;
        if self.inner {
            outer.inner.as_deref().expect("an inner map is named only where there is one")
        } else {
            outer
        }
    }
}

/// What a pointer points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PtrKind {
    /// The context.
    Ctx,
    /// The stack of the frame with this number, counted from its end.
    Stack(u8),
    /// A map itself.
    Map(MapRef),
    /// A value of a map.
    MapValue(MapRef),
    /// A key of a map.
    MapKey(MapRef),
    /// A subprogram, as a callback.
    Func(SubprogId),
    /// The packet, counted from its start.
    Packet,
    /// The packet's metadata, counted from its start.
    PacketMeta,
    /// The end of the packet.
    PacketEnd,
    /// Memory of this many bytes.
    Mem {
        /// The size, in bytes.
        size: u32,
        /// Whether it may only be read.
        rdonly: bool,
    },
    /// A record of this many bytes, reserved in a ring buffer.
    Record(u32),
    /// A socket.
    Socket(SockKind),
    /// A full socket that a map holds, until it is known that there is one.
    SocketOfMap,
    /// A structure of the kernel's.
    Kernel {
        /// The helper that gives pointers to it, which says what it is.
        giver: i32,
        /// Whether the kernel vouches for it.
        trusted: bool,
    },
}

/// Whether a pointer is known to be where the packet has no bytes any more: the
/// kernel's `AT_PKT_END` and `BEYOND_PKT_END`. The order is that of knowledge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Past {
    /// It may be anywhere.
    #[default]
    Unknown,
    /// At the packet's end or behind it.
    AtEnd,
    /// Behind the packet's end.
    Behind,
}

/// A pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ptr {
    /// What it points into.
    pub kind: PtrKind,
    /// Whether it may be null instead.
    pub nullable: bool,
    /// The known part of its offset, in bytes.
    pub off: i32,
    /// The unknown part.
    pub var: Scalar,
    /// Which unknown part, or nullness, it shares with others; of a value that
    /// holds a lock, which object it is.
    pub id: Id,
    /// What it lives as long as: a reference that the program holds, or the
    /// dynptr that it is a part of.
    pub owner: Id,
    /// For a pointer into the packet, how many bytes from its base (its variable
    /// part included, its fixed offset not) are known to be there.
    pub range: u16,
    /// For a pointer into the packet, whether it is known to be past its bytes.
    pub past: Past,
    /// How it stands to a loop's round.
    pub trace: Trace,
}

/// What a register or a spilled slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing that may be read.
    Uninit,
    /// A number.
    Number(Number),
    /// A pointer.
    Pointer(Ptr),
}

impl Number {
    /// A number of which this is known, from whatever is known.
    #[must_use]
    pub const fn of(range: Scalar) -> Self {
        Self { range, id: Id::NONE, delta: 0, moved: None, origins: Origins::ALL, trace: Trace::NONE }
    }

    /// The same without its name.
    #[must_use]
    pub const fn nameless(&self) -> Self {
        Self { id: Id::NONE, delta: 0, moved: None, ..*self }
    }

    /// A number of which this is known, whatever else is.
    #[must_use]
    pub const fn anyway(range: Scalar) -> Self {
        Self { origins: Origins::NONE, ..Self::of(range) }
    }

    /// What `transfer` makes of this number. Where it makes the same of any
    /// number, that does not come from this one.
    #[must_use]
    pub fn made(&self, transfer: impl Fn(&Scalar) -> Scalar) -> Self {
        let range = transfer(&self.range);
        let always = !self.origins.is_none() && transfer(&Scalar::UNKNOWN) == range;
        Self { origins: if always { Origins::NONE } else { self.origins }, ..Self::of(range) }
    }
}

impl Ptr {
    /// The start of an object.
    #[must_use]
    pub const fn to(kind: PtrKind) -> Self {
        Self {
            kind,
            nullable: false,
            off: 0,
            var: Scalar::constant(0),
            id: Id::NONE,
            owner: Id::NONE,
            range: 0,
            past: Past::Unknown,
            trace: Trace::NONE,
        }
    }

    /// The offset from the object's base, where it is known.
    #[must_use]
    pub fn fixed_off(&self) -> Option<i64> {
        Some(i64::from(self.off).wrapping_add(self.var.as_const()? as i64))
    }

    /// The name of the kernel's structure that it is to.
    #[must_use]
    pub fn structure(&self) -> Option<&'static str> {
        match self.kind {
            PtrKind::Kernel { giver, .. } => table::by_id(giver)?.ret.btf,
            PtrKind::Ctx
            | PtrKind::Stack(_)
            | PtrKind::Map(_)
            | PtrKind::MapValue(_)
            | PtrKind::MapKey(_)
            | PtrKind::Func(_)
            | PtrKind::Packet
            | PtrKind::PacketMeta
            | PtrKind::PacketEnd
            | PtrKind::Mem { .. }
            | PtrKind::Record(_)
            | PtrKind::Socket(_)
            | PtrKind::SocketOfMap => None,
        }
    }

    /// Whether the pointer is into the packet or its metadata.
    #[must_use]
    pub const fn is_packet(&self) -> bool {
        matches!(self.kind, PtrKind::Packet | PtrKind::PacketMeta)
    }

    /// The kernel's name for the pointer's type.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match (self.kind, self.nullable) {
            (PtrKind::Ctx, _) => "ctx",
            (PtrKind::Stack(_), _) => "fp",
            (PtrKind::Map(_), false) => "map_ptr",
            (PtrKind::MapValue(_), false) => "map_value",
            // What a lookup in a map of maps gives is a value to the kernel
            // until it is known not to be null.
            (PtrKind::Map(_) | PtrKind::MapValue(_), true) => "map_value_or_null",
            (PtrKind::MapKey(_), _) => "map_key",
            (PtrKind::Func(_), _) => "func",
            (PtrKind::Packet, _) => "pkt",
            (PtrKind::PacketMeta, _) => "pkt_meta",
            (PtrKind::PacketEnd, _) => "pkt_end",
            (PtrKind::Mem { rdonly: false, .. }, false) => "mem",
            (PtrKind::Mem { rdonly: false, .. }, true) => "mem_or_null",
            (PtrKind::Mem { rdonly: true, .. }, false) => "rdonly_mem",
            (PtrKind::Mem { rdonly: true, .. }, true) => "rdonly_mem_or_null",
            (PtrKind::Record(_), false) => "ringbuf_mem",
            (PtrKind::Record(_), true) => "ringbuf_mem_or_null",
            // The same holds of the sockets that maps hold.
            (PtrKind::SocketOfMap, _) | (PtrKind::Socket(SockKind::Xdp), true) => "map_value_or_null",
            (PtrKind::Socket(sock), false) => sock.name(),
            (PtrKind::Socket(SockKind::Common), true) => "sock_common_or_null",
            (PtrKind::Socket(SockKind::Full), true) => "sock_or_null",
            (PtrKind::Socket(SockKind::Tcp), true) => "tcp_sock_or_null",
            (PtrKind::Kernel { trusted: false, .. }, false) => "ptr_",
            (PtrKind::Kernel { trusted: false, .. }, true) => "ptr_or_null_",
            (PtrKind::Kernel { trusted: true, .. }, false) => "trusted_ptr_",
            (PtrKind::Kernel { trusted: true, .. }, true) => "trusted_ptr_or_null_",
        }
    }
}

impl Value {
    /// Any number.
    pub const UNKNOWN: Self = Self::anyway(Scalar::UNKNOWN);

    /// A number of which this is known, whatever else is.
    #[must_use]
    pub const fn anyway(range: Scalar) -> Self {
        Self::Number(Number::anyway(range))
    }

    /// The number that stands in the program.
    #[must_use]
    pub const fn immediate(value: u64) -> Self {
        Self::anyway(Scalar::constant(value))
    }

    /// A number of which this is known, from whatever is known.
    #[must_use]
    pub const fn number(range: Scalar) -> Self {
        Self::Number(Number::of(range))
    }

    /// Exactly this number, from whatever is known.
    #[must_use]
    pub const fn constant(value: u64) -> Self {
        Self::number(Scalar::constant(value))
    }

    /// The start of an object.
    #[must_use]
    pub const fn pointer(kind: PtrKind) -> Self {
        Self::Pointer(Ptr::to(kind))
    }

    /// The number's range, where it is a number.
    #[must_use]
    pub const fn scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Number(n) => Some(&n.range),
            Self::Uninit | Self::Pointer(_) => None,
        }
    }

    /// What the number's range comes from, where it is a number.
    #[must_use]
    pub const fn origins(&self) -> Origins {
        match self {
            Self::Number(n) => n.origins,
            Self::Uninit | Self::Pointer(_) => Origins::NONE,
        }
    }

    /// How it stands to a loop's round.
    #[must_use]
    pub const fn trace(&self) -> Trace {
        match self {
            Self::Number(n) => n.trace,
            Self::Pointer(p) => p.trace,
            Self::Uninit => Trace::NONE,
        }
    }

    /// The same word, of which that is said.
    pub(crate) const fn set_trace(&mut self, trace: Trace) {
        match self {
            Self::Number(n) => n.trace = trace,
            Self::Pointer(p) => p.trace = trace,
            Self::Uninit => {}
        }
    }

    /// Gives the number, where it is one, a label of its own.
    pub(crate) const fn label(&mut self, label: Origins) {
        if let Self::Number(n) = self {
            n.origins = label;
        }
    }

    /// The pointer, where it is one.
    #[must_use]
    pub const fn ptr(&self) -> Option<&Ptr> {
        match self {
            Self::Pointer(p) => Some(p),
            Self::Uninit | Self::Number(_) => None,
        }
    }

    /// The one number it is, where there is only one.
    #[must_use]
    pub const fn as_const(&self) -> Option<u64> {
        match self {
            Self::Number(n) => n.range.as_const(),
            Self::Uninit | Self::Pointer(_) => None,
        }
    }

    /// The kernel's name for the type.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Uninit => "?",
            Self::Number(_) => "scalar",
            Self::Pointer(p) => p.type_name(),
        }
    }
}
