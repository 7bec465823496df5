//! A program's memory, as helpers see it.
//!
//! An argument may point to a map value that other programs write at this
//! moment. So bytes are copied out with relaxed atomics, and only the copy is
//! looked at: what a helper checked can not change under it.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

/// The most bytes that are copied to the stack, in words.
const WORDS: usize = 64;

/// Calls `f` with a copy of the `len` bytes at `addr`; `None` where there is no
/// memory for the copy.
///
/// # Safety
///
/// The bytes are readable, and whoever writes them meanwhile does it as
/// compiled programs and this crate do: by machine code, or atomically.
pub(super) unsafe fn with_copy<R>(addr: u64, len: usize, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
    if len <= WORDS * 8 {
        let mut words = [MaybeUninit::<u64>::uninit(); WORDS];
        let to = words.as_mut_ptr().cast::<u8>();
        // SAFETY: `to` has room for `WORDS * 8` bytes; the source is as the
        // caller says. The first `len` bytes are initialised after the copy.
        let copy = unsafe {
            copy_out(addr, to, len);
            std::slice::from_raw_parts(to, len)
        };
        return Some(f(copy));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).ok()?;
    // SAFETY: the vector has room for `len` bytes, and they are initialised
    // when its length is set; the source is as the caller says.
    unsafe {
        copy_out(addr, bytes.as_mut_ptr(), len);
        bytes.set_len(len);
    }
    Some(f(&bytes))
}

/// Calls `f` with `len` zeros of its own; `None` where there is no memory for
/// them.
pub(super) fn with_room<R>(len: usize, f: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
    if len <= WORDS * 8 {
        return Some(f(&mut [0; WORDS * 8][..len]));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).ok()?;
    bytes.resize(len, 0);
    Some(f(&mut bytes))
}

/// Copies the `len` bytes at `addr` to `to`, in the largest pieces that their
/// alignment allows.
///
/// # Safety
///
/// The source as in [`with_copy`]; `to` is writable and no one else's.
pub(crate) unsafe fn copy_out(addr: u64, to: *mut u8, len: usize) {
    let mut done = 0;
    while done < len {
        let from = std::ptr::with_exposed_provenance_mut::<u8>(addr as usize + done);
        let left = len - done;
        // SAFETY: each arm reads bytes of the source and writes as many of the
        // target, at most those left; the atomic's alignment was tested.
        done += unsafe {
            let to = to.add(done);
            if left >= 8 && from.addr().is_multiple_of(8) {
                to.cast::<u64>().write_unaligned(AtomicU64::from_ptr(from.cast()).load(Relaxed));
                8
            } else if left >= 4 && from.addr().is_multiple_of(4) {
                to.cast::<u32>().write_unaligned(AtomicU32::from_ptr(from.cast()).load(Relaxed));
                4
            } else {
                to.write(AtomicU8::from_ptr(from).load(Relaxed));
                1
            }
        };
    }
}

/// Copies `from` to the program's memory at `addr`, in the largest pieces that
/// its alignment allows.
///
/// # Safety
///
/// As many bytes at `addr` are writable, and whoever accesses them meanwhile
/// does it as compiled programs and this crate do.
pub(crate) unsafe fn copy_in(addr: u64, from: &[u8]) {
    let mut left = from;
    while !left.is_empty() {
        let to = std::ptr::with_exposed_provenance_mut::<u8>(addr as usize + (from.len() - left.len()));
        // SAFETY: each arm writes as many bytes of the target as it takes from
        // `left`; the atomic's alignment was tested.
        left = unsafe {
            if let Some((word, rest)) = left.split_first_chunk()
                && to.addr().is_multiple_of(8)
            {
                AtomicU64::from_ptr(to.cast()).store(u64::from_ne_bytes(*word), Relaxed);
                rest
            } else if let Some((word, rest)) = left.split_first_chunk()
                && to.addr().is_multiple_of(4)
            {
                AtomicU32::from_ptr(to.cast()).store(u32::from_ne_bytes(*word), Relaxed);
                rest
            } else {
                AtomicU8::from_ptr(to).store(left[0], Relaxed);
                &left[1..]
            }
        };
    }
}

/// Sets `len` bytes at `addr` to zero.
///
/// # Safety
///
/// As for [`copy_in`].
pub(super) unsafe fn clear(addr: u64, len: usize) {
    let zeros = [0; PIECE];
    for at in (0..len).step_by(PIECE) {
        // SAFETY: the piece is within the bytes that the caller says.
        unsafe { copy_in(addr + at as u64, &zeros[..PIECE.min(len - at)]) };
    }
}

/// Copies `len` bytes from one place of a program's memory to another that does
/// not overlap it.
///
/// # Safety
///
/// `from` as in [`with_copy`], `to` as in [`copy_in`].
pub(super) unsafe fn transfer(from: u64, to: u64, len: usize) {
    let mut piece = [0; PIECE];
    for at in (0..len).step_by(PIECE) {
        let piece = &mut piece[..PIECE.min(len - at)];
        // SAFETY: both pieces are within the bytes that the caller says.
        unsafe {
            copy_out(from + at as u64, piece.as_mut_ptr(), piece.len());
            copy_in(to + at as u64, piece);
        }
    }
}

/// How much is copied through the stack at a time, in bytes.
const PIECE: usize = 256;
