//! What a program's `r1` points to, and who may be given as that.

#![expect(unsafe_code, reason = "programs access contexts by their address")]

use crate::context::{Packet, View};
use brolga_core::prog_type::{CtxField, CtxLayout, Entry, SizeSet};
use brolga_core::{ProgramType, Size};
use std::any::TypeId;
use std::borrow::Cow;

/// What the programs of a kind take their context for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtxView(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A packet, seen so.
    Packet(View),
    /// An embedder's structure.
    Struct(TypeId),
    /// A region of memory.
    Memory,
    /// Something that only an address can be given of.
    Opaque,
}

impl CtxView {
    /// Of a kind of program whose context is one of the kernel's.
    pub(super) fn built_in(description: &ProgramType) -> Self {
        match (description.entry, View::of(description)) {
            (Entry::Mem, _) => Self(Kind::Memory),
            (Entry::Ctx, Some(view)) => Self(Kind::Packet(view)),
            (Entry::Ctx, None) => Self(Kind::Opaque),
        }
    }

    /// The structure `C`.
    pub(super) fn of<C: ContextStruct>() -> Self {
        Self(Kind::Struct(TypeId::of::<C>()))
    }

    /// A region of memory.
    pub(super) const MEMORY: Self = Self(Kind::Memory);

    /// Something that only an address can be given of.
    pub(super) const OPAQUE: Self = Self(Kind::Opaque);

    /// The structure, where it is an embedder's.
    pub(super) fn structure(self) -> Option<TypeId> {
        match self.0 {
            Kind::Struct(id) => Some(id),
            Kind::Packet(_) | Kind::Memory | Kind::Opaque => None,
        }
    }

    /// Whether `r1` points to memory of a size told when a program is loaded.
    pub(crate) fn is_memory(self) -> bool {
        self == Self::MEMORY
    }
}

/// What a program can be run on.
///
/// # Safety
///
/// Where [`enter`](Self::enter) gives an address, what lies there is what
/// programs of that view take their context for, until [`leave`](Self::leave)
/// is called or `self` is used otherwise.
pub unsafe trait Context {
    /// The address for `r1`; `None` where programs of this view take something
    /// else.
    fn enter(&mut self, view: &CtxView) -> Option<u64>;

    /// Takes over what the program made of it.
    fn leave(&mut self, _view: &CtxView) {}
}

// SAFETY: the packet fills the structure for the view, and keeps what it points
// to until it is used otherwise.
unsafe impl Context for Packet {
    #[inline]
    fn enter(&mut self, view: &CtxView) -> Option<u64> {
        match view.0 {
            Kind::Packet(view) => Some(Self::enter(self, view)),
            Kind::Struct(_) | Kind::Memory | Kind::Opaque => None,
        }
    }

    #[inline]
    fn leave(&mut self, view: &CtxView) {
        if let Kind::Packet(view) = view.0 {
            Self::leave(self, view);
        }
    }
}

/// An embedder's own context: a structure of numbers that programs access
/// directly. The macro [`context!`](crate::context!) makes one.
///
/// # Safety
///
/// Every field of [`layout`](Self::layout) that programs may load lies within
/// the structure and is always initialised; every one that they may store to
/// may hold any bytes. Fields are scalars at the same place in the virtual and
/// in the real structure.
pub unsafe trait ContextStruct: 'static {
    /// What programs see of it.
    fn layout() -> CtxLayout;
}

// SAFETY: the address is that of the structure, which is borrowed for as long.
unsafe impl<C: ContextStruct> Context for C {
    #[inline]
    fn enter(&mut self, view: &CtxView) -> Option<u64> {
        let address = (&raw mut *self).expose_provenance() as u64;
        (*view == CtxView::of::<C>()).then_some(address)
    }
}

/// A number, or an array of numbers, that programs may access in parts.
///
/// # Safety
///
/// Any bytes are a value, and no byte is padding.
pub unsafe trait Scalar {
    /// The largest access.
    const ACCESS: Size;
}

macro_rules! scalars {
    ($($type:ty => $size:ident),*) => {$(
        // SAFETY: an integer.
        unsafe impl Scalar for $type {
            const ACCESS: Size = Size::$size;
        }
    )*};
}

scalars!(u8 => B1, i8 => B1, u16 => B2, i16 => B2, u32 => B4, i32 => B4, u64 => B8, i64 => B8);

// SAFETY: scalars side by side, without padding between them.
unsafe impl<T: Scalar, const N: usize> Scalar for [T; N] {
    const ACCESS: Size = T::ACCESS;
}

/// A field for [`layout_of`]: its name, offset, size in bytes, largest access,
/// and whether programs may store to it.
pub type ContextField = (&'static str, usize, usize, Size, bool);

/// The layout of a structure that programs access directly; for
/// [`context!`](crate::context!).
#[must_use]
pub fn layout_of(name: &'static str, size: usize, fields: &[ContextField]) -> CtxLayout {
    let field = |(name, off, size, access, writable): &ContextField| {
        let sizes = SizeSet::up_to(*access);
        let field = CtxField::scalar(name, *off as u32, *size as u32).loads(sizes);
        if *writable { field.stores(sizes) } else { field }
    };
    CtxLayout {
        name: Cow::Borrowed(name),
        size: size as u32,
        host_size: size as u32,
        fields: fields.iter().map(field).collect(),
    }
}

/// Makes a structure of numbers a program's context.
///
/// Programs may load every field, in whole or in part, and store to those that
/// are marked `[write]`. Fields are integers, or arrays of them; they lie as C
/// would lay them out (`#[repr(C)]`), in declared order.
///
/// ```
/// brolga::context! {
///     /// A request, as a policy sees it.
///     #[derive(Debug, Default)]
///     pub struct Request {
///         /// The number of its method.
///         pub method: u32,
///         /// Its size in bytes.
///         pub size: u64,
///         /// What the policy makes of it.
///         pub score: u32 [write],
///     }
/// }
/// let request = Request { method: 1, size: 120, score: 0 };
/// # assert_eq!(request.method, 1);
/// ```
#[macro_export]
macro_rules! context {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty $([$access:ident])?),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[repr(C)]
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type),*
        }

        // SAFETY: the fields are those of the structure, each a `Scalar`, which
        // any bytes are a value of.
        unsafe impl $crate::prog_type::ContextStruct for $name {
            fn layout() -> $crate::core::prog_type::CtxLayout {
                $crate::prog_type::layout_of(stringify!($name), size_of::<Self>(), &[$((
                    stringify!($field),
                    ::std::mem::offset_of!($name, $field),
                    size_of::<$type>(),
                    <$type as $crate::prog_type::Scalar>::ACCESS,
                    false $(|| $crate::context!(@ $access))?,
                )),*])
            }
        }
    };
    (@ write) => { true };
}
