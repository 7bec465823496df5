//! How registers become the arguments of a Rust closure, and its result r0.
//!
//! An argument's type gives the rows of the helper's prototype, which the
//! verifier holds the program to; so a register holds what the type was made
//! for.

#![expect(unsafe_code, reason = "programs pass addresses to helpers")]

use super::bytes::{Bytes, BytesMut, BytesOut};
use super::context::ContextStruct;
use crate::map::{Map, MapObject};
use brolga_core::helper::{Arg, ArgFlags, ArgKind, Ret};
use std::any::TypeId;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;

mod sealed {
    pub trait Sealed {}
}
use sealed::Sealed;

/// The argument registers of a call, from the first that is not taken yet.
#[derive(Debug)]
pub struct Regs {
    regs: [u64; 5],
    next: usize,
}

impl Regs {
    pub(super) fn new(regs: [u64; 5]) -> Self {
        Self { regs, next: 0 }
    }

    /// The next register; more are asked for than there are only by helpers
    /// that could not be built.
    fn take(&mut self) -> u64 {
        let value = self.regs[self.next];
        self.next += 1;
        value
    }
}

/// The type of an argument of a helper:
///
/// | type | what the program passes |
/// |---|---|
/// | `u64`, `i64` | a number |
/// | `u32`, `i32` | the low 32 bits of a number |
/// | `bool` | whether the low 8 bits of a number are not all 0 |
/// | [`Bytes`] | a pointer to readable memory, and its size |
/// | [`BytesMut`] | a pointer to memory that may be read and written, and its size |
/// | [`BytesOut`] | a pointer to memory that may be written, and its size |
/// | [`MapRef`] | a map |
/// | `&mut C` | the context, of a [`ContextStruct`] |
pub trait HelperArg: Sealed {
    /// The same type with another lifetime.
    type Item<'a>;

    /// The rows of the prototype, one for each register.
    #[doc(hidden)]
    const ARGS: &'static [Arg];

    /// The context that the program must have.
    #[doc(hidden)]
    #[must_use]
    fn context() -> Option<TypeId> {
        None
    }

    /// Takes the argument from its registers.
    ///
    /// # Safety
    ///
    /// The registers hold what [`ARGS`](Self::ARGS) says, as long as `'a`; the
    /// context is the one of [`context`](Self::context), and taken once.
    #[doc(hidden)]
    unsafe fn take<'a>(regs: &mut Regs) -> Self::Item<'a>;
}

/// The type of a helper's result: a number, extended to 64 bits by its sign, or
/// nothing.
pub trait HelperRet: Sealed {
    /// The row of the prototype.
    #[doc(hidden)]
    const RET: Ret;

    /// What r0 holds.
    #[doc(hidden)]
    fn into_r0(self) -> u64;
}

macro_rules! numbers {
    ($($type:ty: |$reg:ident| $take:expr, |$value:ident| $give:expr;)*) => {$(
        impl Sealed for $type {}

        impl HelperArg for $type {
            type Item<'a> = Self;
            const ARGS: &'static [Arg] = &[Arg::ANYTHING];

            unsafe fn take<'a>(regs: &mut Regs) -> Self::Item<'a> {
                let $reg = regs.take();
                $take
            }
        }

        impl HelperRet for $type {
            const RET: Ret = Ret::INTEGER;

            fn into_r0(self) -> u64 {
                let $value = self;
                $give
            }
        }
    )*};
}

numbers! {
    u64: |reg| reg, |value| value;
    i64: |reg| reg as i64, |value| value as u64;
    u32: |reg| reg as u32, |value| value.into();
    i32: |reg| reg as i32, |value| value as u64;
    bool: |reg| reg as u8 != 0, |value| value.into();
}

impl Sealed for () {}

impl HelperRet for () {
    const RET: Ret = Ret::VOID;

    fn into_r0(self) -> u64 {
        0
    }
}

macro_rules! memory {
    ($($type:ident: $mem:expr;)*) => {$(
        impl Sealed for $type<'_> {}

        impl HelperArg for $type<'_> {
            type Item<'a> = $type<'a>;
            const ARGS: &'static [Arg] = &[$mem, Arg::SIZE_OR_ZERO];

            unsafe fn take<'a>(regs: &mut Regs) -> Self::Item<'a> {
                let (addr, len) = (regs.take(), regs.take());
                // SAFETY: by the prototype the program may access the bytes so.
                unsafe { $type::new(addr, len) }
            }
        }
    )*};
}

memory! {
    Bytes: Arg::MEM;
    BytesMut: Arg::of(ArgKind::Mem).with(ArgFlags::WRITE);
    BytesOut: Arg::UNINIT_MEM;
}

/// A map that a program passes to a helper: what can be done with a [`Map`].
pub struct MapRef<'a> {
    map: ManuallyDrop<Map>,
    program: PhantomData<&'a Map>,
}

impl Sealed for MapRef<'_> {}

impl HelperArg for MapRef<'_> {
    type Item<'a> = MapRef<'a>;
    const ARGS: &'static [Arg] = &[Arg::MAP];

    unsafe fn take<'a>(regs: &mut Regs) -> MapRef<'a> {
        let object = std::ptr::with_exposed_provenance::<MapObject>(regs.take() as usize);
        // SAFETY: a map's handle is the address of its object in an `Arc` that
        // the program holds. This borrows that `Arc`: it is never dropped here.
        let map = ManuallyDrop::new(Map::borrowed(unsafe { Arc::from_raw(object) }));
        MapRef { map, program: PhantomData }
    }
}

impl Deref for MapRef<'_> {
    type Target = Map;

    fn deref(&self) -> &Map {
        &self.map
    }
}

impl std::fmt::Debug for MapRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MapRef").field(&**self).finish()
    }
}

impl<C: ContextStruct> Sealed for &mut C {}

impl<C: ContextStruct> HelperArg for &mut C {
    type Item<'a> = &'a mut C;
    const ARGS: &'static [Arg] = &[Arg::CTX];

    fn context() -> Option<TypeId> {
        Some(TypeId::of::<C>())
    }

    unsafe fn take<'a>(regs: &mut Regs) -> &'a mut C {
        let address = std::ptr::with_exposed_provenance_mut::<C>(regs.take() as usize);
        // SAFETY: by the prototype it is the program's context, which is a `C`
        // and which the caller of the program lent to it alone. It is taken once,
        // and the program does not run meanwhile.
        unsafe { &mut *address }
    }
}
