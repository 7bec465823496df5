//! Reading memory that may not be there.
//!
//! A program may print a string at any address; the kernel then prints nothing
//! where there is none. Reading this process's memory through its file gives an
//! error there, and no fault.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

static MEMORY: LazyLock<Option<File>> = LazyLock::new(|| File::open("/proc/self/mem").ok());

/// Copies the bytes at an address; whether they are all there.
pub(super) fn bytes(addr: u64, bytes: &mut [u8]) -> bool {
    MEMORY.as_ref().is_some_and(|memory| memory.read_exact_at(bytes, addr).is_ok())
}

/// Copies a string, cut off so that a NUL would fit; its length, 0 where it is
/// not all there.
pub(super) fn string(addr: u64, room: &mut [u8]) -> usize {
    let last = room.len().saturating_sub(1);
    let mut len = 0;
    while len < last {
        let at = addr.wrapping_add(len as u64);
        let piece = ((PIECE - at % PIECE) as usize).min(last - len);
        let piece = &mut room[len..len + piece];
        if !bytes(at, piece) {
            return 0;
        }
        match piece.iter().position(|byte| *byte == 0) {
            Some(nul) => return len + nul,
            None => len += piece.len(),
        }
    }
    last
}

/// A piece ends at a multiple of its size, so that it is all mapped or not at
/// all.
const PIECE: u64 = 64;
