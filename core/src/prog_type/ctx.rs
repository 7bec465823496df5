//! The layout of a context, described once.
//!
//! A program sees a *virtual* context (`xdp_md`, `__sk_buff`); the host keeps a
//! real structure of its own. A [`CtxField`] row maps the one to the other, so
//! that an access is converted where it is made. Law: a scalar field has the
//! same bytes in both, so that an access of `n` bytes at `field + k` is one of
//! `n` bytes at `host + k`; a pointer field, 4 bytes in the virtual context, is
//! a pointer of 8 bytes in the real one. An embedder's own `#[repr(C)]` context
//! is its own real structure.

use crate::insn::Size;
use std::borrow::Cow;

/// A set of access sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SizeSet(u8);

impl SizeSet {
    /// No access.
    pub const NONE: Self = Self(0);
    /// Any size.
    pub const ALL: Self = Self(0b1111);
    /// Up to four bytes.
    pub const UP_TO_4: Self = Self(0b0111);

    /// Just this size.
    #[must_use]
    pub const fn only(size: Size) -> Self {
        Self(1 << size as u8)
    }

    /// Every size up to this one.
    #[must_use]
    pub const fn up_to(size: Size) -> Self {
        Self((2 << size as u8) - 1)
    }

    /// Whether the size is in the set.
    #[must_use]
    pub const fn contains(self, size: Size) -> bool {
        self.0 & (1 << size as u8) != 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A set of attach types (`enum bpf_attach_type`), of those below 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttachSet(u64);

impl AttachSet {
    /// Every attach type.
    pub const ANY: Self = Self(u64::MAX);

    /// These.
    #[must_use]
    pub const fn of(types: &[u32]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < types.len() {
            bits |= 1 << types[i];
            i += 1;
        }
        Self(bits)
    }

    /// All but these.
    #[must_use]
    pub const fn but(types: &[u32]) -> Self {
        Self(!Self::of(types).0)
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn contains(self, attach: u32) -> bool {
        self.0 == u64::MAX || (attach < 64 && self.0 & (1 << attach) != 0)
    }

    /// One of them, where they are not all.
    #[must_use]
    pub const fn example(self) -> Option<u32> {
        if self.0 == u64::MAX || self.0 == 0 { None } else { Some(self.0.trailing_zeros()) }
    }
}

/// Where in a field loads are allowed that are smaller than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parts {
    /// Anywhere, at a multiple of their size.
    Anywhere,
    /// Within so many bytes from its start.
    Within(u32),
    /// At its start.
    AtStart,
}

/// What a field of a context holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A number.
    Scalar,
    /// The address of the packet's first byte (`data`).
    PacketData,
    /// The address of the packet's metadata (`data_meta`).
    PacketMeta,
    /// The address after the packet's last byte (`data_end`).
    PacketEnd,
    /// Any socket (a `sock_common`), or null.
    SockOrNull,
    /// A full socket.
    Socket,
    /// A full socket, or null.
    SocketOrNull,
    /// The flow-dissector keys of an skb.
    FlowKeys,
}

impl FieldKind {
    /// Whether the real structure has a pointer of 8 bytes here.
    #[must_use]
    pub const fn is_pointer(self) -> bool {
        !matches!(self, Self::Scalar)
    }
}

/// A row: one field of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtxField {
    /// The name.
    pub name: Cow<'static, str>,
    /// The offset in the virtual context, in bytes.
    pub off: u32,
    /// The size in the virtual context, in bytes: of a whole array, where it is
    /// one.
    pub size: u32,
    /// The sizes of loads that are allowed, each at a multiple of itself.
    pub loads: SizeSet,
    /// The sizes of stores that are allowed, each at a multiple of itself.
    pub stores: SizeSet,
    /// What it holds.
    pub kind: FieldKind,
    /// The offset in the real structure, in bytes.
    pub host_off: u32,
    /// The `expected_attach_type`s with which a program sees the field.
    pub attach: AttachSet,
    /// Those of them with which it may store to it.
    pub stores_for: AttachSet,
    /// Where smaller loads are allowed.
    pub parts: Parts,
}

impl CtxField {
    /// A number of this size at this offset, at the same place in the real
    /// structure; not accessible yet.
    #[must_use]
    pub const fn scalar(name: &'static str, off: u32, size: u32) -> Self {
        Self {
            name: Cow::Borrowed(name),
            off,
            size,
            loads: SizeSet::NONE,
            stores: SizeSet::NONE,
            kind: FieldKind::Scalar,
            host_off: off,
            attach: AttachSet::ANY,
            stores_for: AttachSet::ANY,
            parts: Parts::Anywhere,
        }
    }

    /// The same with loads of these sizes.
    #[must_use]
    pub const fn loads(mut self, sizes: SizeSet) -> Self {
        self.loads = sizes;
        self
    }

    /// The same with stores of these sizes.
    #[must_use]
    pub const fn stores(mut self, sizes: SizeSet) -> Self {
        self.stores = sizes;
        self
    }

    /// The same holding a pointer of this kind.
    #[must_use]
    pub const fn holds(mut self, kind: FieldKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same at this offset of the real structure.
    #[must_use]
    pub const fn host(mut self, off: usize) -> Self {
        self.host_off = off as u32;
        self
    }

    /// The same for programs of these attach types only.
    #[must_use]
    pub const fn only_for(mut self, attach: &[u32]) -> Self {
        self.attach = AttachSet::of(attach);
        self
    }

    /// The same with stores by programs of these attach types only.
    #[must_use]
    pub const fn stores_only_for(mut self, attach: &[u32]) -> Self {
        self.stores_for = AttachSet::of(attach);
        self
    }

    /// The same with smaller loads only there.
    #[must_use]
    pub const fn parts(mut self, parts: Parts) -> Self {
        self.parts = parts;
        self
    }

    /// Whether a part of this many bytes lies where it may.
    const fn allows_part(&self, within: u32, size: Size) -> bool {
        match self.parts {
            Parts::Anywhere => true,
            Parts::AtStart => within == 0,
            Parts::Within(bytes) => size.bytes() == self.size || within + size.bytes() <= bytes,
        }
    }
}

/// An access to a context, resolved to the real structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// What the field holds.
    pub kind: FieldKind,
    /// The offset in the real structure, in bytes.
    pub host_off: u32,
    /// The size of the access to the real structure.
    pub host_size: Size,
}

/// The fields of a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CtxLayout {
    /// The name of the virtual structure, such as `xdp_md`.
    pub name: Cow<'static, str>,
    /// The size of the virtual context, in bytes.
    pub size: u32,
    /// The size of the real structure, in bytes.
    pub host_size: u32,
    /// The fields, by offset; they do not overlap.
    pub fields: Vec<CtxField>,
}

impl CtxLayout {
    /// The field that holds the byte at this offset.
    #[must_use]
    pub fn field_at(&self, off: u32) -> Option<&CtxField> {
        let after = self.fields.partition_point(|f| f.off <= off);
        self.fields[..after].last().filter(|f| off - f.off < f.size)
    }

    /// The access of this size at this offset, where it is allowed to programs
    /// of any attach type: within one field, of a size that the field allows,
    /// at a multiple of that size.
    #[must_use]
    pub fn access(&self, off: i64, size: Size, write: bool) -> Option<Access> {
        let of_all = |f: &CtxField| f.attach == AttachSet::ANY && (!write || f.stores_for == AttachSet::ANY);
        self.field_access(off, size, write).filter(|(f, _)| of_all(f)).map(|(_, access)| access)
    }

    /// The same for a program of this attach type, which may see fields that
    /// others may not.
    #[must_use]
    pub fn access_as(&self, attach: u32, off: i64, size: Size, write: bool) -> Option<Access> {
        let sees = |f: &CtxField| f.attach.contains(attach) && (!write || f.stores_for.contains(attach));
        self.field_access(off, size, write).filter(|(f, _)| sees(f)).map(|(_, access)| access)
    }

    fn field_access(&self, off: i64, size: Size, write: bool) -> Option<(&CtxField, Access)> {
        let off = u32::try_from(off).ok()?;
        let field = self.field_at(off)?;
        let allowed = if write { field.stores } else { field.loads };
        let within = off - field.off;
        let fits = within + size.bytes() <= field.size && off.is_multiple_of(size.bytes());
        let access = Access {
            kind: field.kind,
            host_off: field.host_off + within,
            host_size: if field.kind.is_pointer() { Size::B8 } else { size },
        };
        (fits && allowed.contains(size) && field.allows_part(within, size)).then_some((field, access))
    }
}
