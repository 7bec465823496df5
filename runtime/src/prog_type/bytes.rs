//! Memory that a program passes to a helper.
//!
//! Other programs may write to it at the same time, and two arguments may
//! overlap. So a helper gets a copy, and what it makes of the copy is copied
//! back when it is done.

#![expect(unsafe_code, reason = "programs pass addresses to helpers")]

use crate::helpers::{copy_in, copy_out};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Up to so many bytes are copied to the stack.
const INLINE: usize = 64;

enum Buffer {
    Inline([u8; INLINE], u8),
    Heap(Box<[u8]>),
}

impl Buffer {
    fn zeroed(len: usize) -> Self {
        if len <= INLINE { Self::Inline([0; INLINE], len as u8) } else { Self::Heap(vec![0; len].into()) }
    }

    /// A copy of the program's memory.
    ///
    /// # Safety
    ///
    /// The bytes are the program's to read.
    unsafe fn copy(addr: u64, len: usize) -> Self {
        let mut copy = Self::zeroed(len);
        // SAFETY: as the caller says; the copy has room for as many bytes.
        unsafe { copy_out(addr, copy.as_mut_ptr(), len) };
        copy
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Inline(bytes, len) => &bytes[..usize::from(*len)],
            Self::Heap(bytes) => bytes,
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Inline(bytes, len) => &mut bytes[..usize::from(*len)],
            Self::Heap(bytes) => bytes,
        }
    }
}

/// Bytes that a helper reads: a pointer and a size in the program. What is seen
/// is a copy made when the helper was called.
pub struct Bytes<'a> {
    copy: Buffer,
    program: PhantomData<&'a [u8]>,
}

impl Bytes<'_> {
    /// # Safety
    ///
    /// The bytes are the program's to read, as long as the helper runs.
    pub(super) unsafe fn new(addr: u64, len: u64) -> Self {
        // SAFETY: as the caller says.
        let copy = unsafe { Buffer::copy(addr, len as usize) };
        Self { copy, program: PhantomData }
    }
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.copy
    }
}

/// A copy that is written back.
struct Written {
    copy: Buffer,
    addr: u64,
}

impl Drop for Written {
    fn drop(&mut self) {
        // SAFETY: whoever made this said that the bytes are the program's to
        // write as long as the helper runs, which owns this.
        unsafe { copy_in(self.addr, &self.copy) };
    }
}

/// Bytes that a helper reads and changes: a pointer and a size in the program,
/// which must have initialised them. The program sees the change when this is
/// dropped.
pub struct BytesMut<'a> {
    written: Written,
    program: PhantomData<&'a mut [u8]>,
}

/// Bytes that a helper fills: a pointer and a size in the program, which need
/// not have initialised them. They start as zeros; the program sees them when
/// this is dropped.
pub struct BytesOut<'a> {
    written: Written,
    program: PhantomData<&'a mut [u8]>,
}

impl BytesMut<'_> {
    /// # Safety
    ///
    /// The bytes are the program's to read and write, as long as the helper
    /// runs.
    pub(super) unsafe fn new(addr: u64, len: u64) -> Self {
        // SAFETY: as the caller says.
        let copy = unsafe { Buffer::copy(addr, len as usize) };
        Self { written: Written { copy, addr }, program: PhantomData }
    }
}

impl BytesOut<'_> {
    /// # Safety
    ///
    /// The bytes are the program's to write, as long as the helper runs.
    pub(super) unsafe fn new(addr: u64, len: u64) -> Self {
        let copy = Buffer::zeroed(len as usize);
        // A helper may forget what it was given; the program then sees zeros.
        // SAFETY: as the caller says.
        unsafe { copy_in(addr, &copy) };
        Self { written: Written { copy, addr }, program: PhantomData }
    }
}

macro_rules! writable {
    ($($name:ident),*) => {$(
        impl Deref for $name<'_> {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                &self.written.copy
            }
        }

        impl DerefMut for $name<'_> {
            fn deref_mut(&mut self) -> &mut [u8] {
                &mut self.written.copy
            }
        }

        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&&**self).finish()
            }
        }
    )*};
}

writable!(BytesMut, BytesOut);

impl std::fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Bytes").field(&&**self).finish()
    }
}
