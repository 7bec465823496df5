//! `union bpf_attr`: bytes in, fields by their offsets out.

use super::BpfErrno;
use crate::fd::Fd;
use rustix::io::Errno;

/// The size of the union in Linux 6.18, in bytes.
const SIZE: usize = 168;
/// The most bytes that anyone may give.
const MOST: usize = 4096;

/// A field of 32 bits, by its offset in bytes.
#[derive(Clone, Copy)]
pub(super) struct Word(pub(super) usize);
/// A field of 64 bits.
#[derive(Clone, Copy)]
pub(super) struct Long(pub(super) usize);
/// A name of 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Name(pub(super) usize);

/// The whole union; what the caller did not give is zero.
pub(super) struct Attr([u8; SIZE]);

impl Attr {
    /// `bpf_check_uarg_tail_zero`: what is behind the union that is known here
    /// must be zero.
    pub(super) fn read(given: &[u8]) -> Result<Self, BpfErrno> {
        let (known, rest) = given.split_at(given.len().min(SIZE));
        if given.len() > MOST || rest.iter().any(|byte| *byte != 0) {
            return Err(BpfErrno::of(Errno::TOOBIG));
        }
        let mut whole = [0; SIZE];
        whole[..known.len()].copy_from_slice(known);
        Ok(Self(whole))
    }

    /// What a command changed, back to the caller.
    pub(super) fn write(&self, given: &mut [u8]) {
        let len = given.len().min(SIZE);
        given[..len].copy_from_slice(&self.0[..len]);
    }

    /// `CHECK_ATTR`: behind the last field of a command there are only zeros.
    pub(super) fn ends(&self, end: usize) -> Result<(), BpfErrno> {
        let zeros = self.0[end..].iter().all(|byte| *byte == 0);
        if zeros { Ok(()) } else { Err(BpfErrno::INVAL) }
    }

    pub(super) fn word(&self, Word(at): Word) -> u32 {
        self.0[at..at + 4].try_into().map_or(0, u32::from_ne_bytes)
    }

    pub(super) fn fd(&self, at: Word) -> Fd {
        Fd(self.word(at).cast_signed())
    }

    pub(super) fn long(&self, Long(at): Long) -> u64 {
        self.0[at..at + 8].try_into().map_or(0, u64::from_ne_bytes)
    }

    /// `bpf_obj_name_cpy`
    pub(super) fn name(&self, Name(at): Name) -> Result<String, BpfErrno> {
        let bytes = &self.0[at..at + 16];
        let len = bytes.iter().position(|byte| *byte == 0).ok_or(BpfErrno::INVAL)?;
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        let (name, rest) = bytes.split_at(len);
        if !name.iter().all(known) || rest.iter().any(|byte| *byte != 0) {
            return Err(BpfErrno::INVAL);
        }
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    pub(super) fn set(&mut self, Word(at): Word, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }
}

/// Copies bytes in from an address.
///
/// # Safety
///
/// As many bytes are readable there, or it is null.
pub(super) unsafe fn copy_from(address: u64, len: usize) -> Result<Vec<u8>, BpfErrno> {
    if len == 0 {
        return Ok(Vec::new());
    }
    if address == 0 {
        return Err(BpfErrno::of(Errno::FAULT));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| BpfErrno::of(Errno::NOMEM))?;
    let from = std::ptr::with_exposed_provenance::<u8>(address as usize);
    // SAFETY: as the caller says; the vector has room for `len` bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), len);
        bytes.set_len(len);
    }
    Ok(bytes)
}

/// Copies bytes out to an address.
///
/// # Safety
///
/// As many bytes are writable there, or it is null.
pub(super) unsafe fn copy_to(address: u64, bytes: &[u8]) -> Result<(), BpfErrno> {
    if bytes.is_empty() {
        return Ok(());
    }
    if address == 0 {
        return Err(BpfErrno::of(Errno::FAULT));
    }
    let to = std::ptr::with_exposed_provenance_mut::<u8>(address as usize);
    // SAFETY: as the caller says.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    Ok(())
}
