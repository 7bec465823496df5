//! Loads and stores of memory that is not Rust's.
//!
//! A map value may be read and written by other threads at the same time. So
//! every access is atomic and relaxed: of the whole where it is aligned, byte by
//! byte where it is not, which is what hardware does at worst.

#![expect(unsafe_code, reason = "the interpreter's loads and stores")]

use crate::insn::{AtomicOp, Size, Width};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// The zero-extended value of `size` bytes at `addr`.
///
/// # Safety
///
/// The bytes may be read, and no one writes them but through atomics, machine
/// code or this thread.
pub(super) unsafe fn load(addr: u64, size: Size, ordering: Ordering) -> u64 {
    if !addr.is_multiple_of(size.bytes().into()) {
        // SAFETY: the same bytes as the caller vouches for.
        return unsafe { load_bytes(addr, size) };
    }
    // SAFETY: readable by the caller's word, aligned by the test above, and
    // shared only through atomics or machine code.
    unsafe {
        match size {
            Size::B1 => AtomicU8::from_ptr(addr as *mut u8).load(ordering).into(),
            Size::B2 => AtomicU16::from_ptr(addr as *mut u16).load(ordering).into(),
            Size::B4 => AtomicU32::from_ptr(addr as *mut u32).load(ordering).into(),
            Size::B8 => AtomicU64::from_ptr(addr as *mut u64).load(ordering),
        }
    }
}

unsafe fn load_bytes(addr: u64, size: Size) -> u64 {
    (0..u64::from(size.bytes())).rev().fold(0, |value, i| {
        // SAFETY: one of the bytes that `load`'s caller vouches for; a byte is
        // always aligned.
        let byte = unsafe { load(addr + i, Size::B1, Ordering::Relaxed) };
        value << 8 | byte
    })
}

/// Stores the low `size` bytes of `value` at `addr`.
///
/// # Safety
///
/// The bytes may be written, and no one reads or writes them but through
/// atomics, machine code or this thread.
pub(super) unsafe fn store(addr: u64, size: Size, value: u64, ordering: Ordering) {
    if !addr.is_multiple_of(size.bytes().into()) {
        for i in 0..u64::from(size.bytes()) {
            // SAFETY: one of the bytes that the caller vouches for; a byte is
            // always aligned.
            unsafe { store(addr + i, Size::B1, value >> (8 * i), Ordering::Relaxed) };
        }
        return;
    }
    // SAFETY: writable by the caller's word, aligned by the test above, and
    // shared only through atomics or machine code.
    unsafe {
        match size {
            Size::B1 => AtomicU8::from_ptr(addr as *mut u8).store(value as u8, ordering),
            Size::B2 => AtomicU16::from_ptr(addr as *mut u16).store(value as u16, ordering),
            Size::B4 => AtomicU32::from_ptr(addr as *mut u32).store(value as u32, ordering),
            Size::B8 => AtomicU64::from_ptr(addr as *mut u64).store(value, ordering),
        }
    }
}

/// Does an atomic operation at `addr`; the old value, zero-extended. As
/// [`AtomicOp::eval`] says, in one step that no other thread can divide.
///
/// # Safety
///
/// As [`store`], and `addr` is a multiple of the width's bytes.
pub(super) unsafe fn atomic(addr: u64, width: Width, op: AtomicOp, src: u64, expected: u64) -> u64 {
    let next = |old: u64| Some(op.eval(width, old, src, expected));
    match width {
        Width::W32 => {
            // SAFETY: by the caller's word.
            let cell = unsafe { AtomicU32::from_ptr(addr as *mut u32) };
            let update = |old: u32| next(old.into()).map(|new| new as u32);
            cell.fetch_update(Ordering::SeqCst, Ordering::SeqCst, update).map_or_else(u64::from, u64::from)
        }
        Width::W64 => {
            // SAFETY: by the caller's word.
            let cell = unsafe { AtomicU64::from_ptr(addr as *mut u64) };
            cell.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).unwrap_or_else(|old| old)
        }
    }
}
