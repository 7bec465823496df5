//! The commands on programs.

use super::attr::{Attr, Long, Name, Word, copy_from, copy_to};
use super::{BpfErrno, btf};
use crate::engine::Engine;
use crate::fd::Fd;
use crate::load::Load;
use crate::prog::{RunError, TestRun};
use crate::prog_type::ProgramType;
use brolga_core::{Code, LoadFlags, Slot};
use brolga_verifier::LogLevel;
use rustix::io::Errno;

const PROG_TYPE: Word = Word(0);
const INSN_CNT: Word = Word(4);
const INSNS: Long = Long(8);
const LICENSE: Long = Long(16);
const LOG_LEVEL: Word = Word(24);
const LOG_SIZE: Word = Word(28);
const LOG_BUF: Long = Long(32);
const PROG_FLAGS: Word = Word(44);
const PROG_NAME: Name = Name(48);
const PROG_IFINDEX: Word = Word(64);
const ATTACH_TYPE: Word = Word(68);
const PROG_BTF_FD: Word = Word(72);
const ATTACH_BTF_ID: Word = Word(108);
const ATTACH_PROG_FD: Word = Word(112);
const CORE_RELO_CNT: Word = Word(116);
const FD_ARRAY: Long = Long(120);
const LOG_TRUE_SIZE: Word = Word(140);
const PROG_TOKEN_FD: Word = Word(144);
const FD_ARRAY_CNT: Word = Word(148);
const SIGNATURE_SIZE: Word = Word(160);

/// The longest licence, its NUL included, in bytes.
const LICENSE_LEN: usize = 128;

/// What of the kernel is not here: devices, other programs to attach to,
/// tokens, signatures.
const ABSENT: [Word; 6] =
    [PROG_IFINDEX, ATTACH_BTF_ID, ATTACH_PROG_FD, CORE_RELO_CNT, PROG_TOKEN_FD, SIGNATURE_SIZE];

/// Where the verifier's log goes.
struct Log {
    level: LogLevel,
    /// `BPF_LOG_FIXED`: what does not fit is cut at the end, not at the start.
    fixed: bool,
    address: u64,
    size: usize,
}

impl Log {
    /// `bpf_verifier_log_attr_valid`
    fn of(attr: &Attr) -> Result<Self, BpfErrno> {
        let (bits, address, size) = (attr.word(LOG_LEVEL), attr.long(LOG_BUF), attr.word(LOG_SIZE));
        let complete = (address == 0) == (size == 0) && (address == 0 || bits != 0);
        if !complete || bits & !0xf != 0 || size > u32::MAX >> 2 {
            return Err(BpfErrno::INVAL);
        }
        let level = match bits & 3 {
            0 => LogLevel::Off,
            1 => LogLevel::Brief,
            _ => LogLevel::Full,
        };
        Ok(Self { level, fixed: bits & 8 != 0, address, size: size as usize })
    }

    /// Writes as much as fits, with a NUL; how long all of it is, and whether it
    /// fitted.
    ///
    /// # Safety
    ///
    /// The buffer is writable.
    unsafe fn write(&self, text: &str) -> Result<(u32, bool), BpfErrno> {
        let whole = text.len() + 1;
        if self.size == 0 {
            return Ok((whole as u32, true));
        }
        let room = self.size - 1;
        let kept = match text.len().checked_sub(room) {
            None => text.as_bytes(),
            Some(_) if self.fixed => &text.as_bytes()[..room],
            Some(over) => &text.as_bytes()[over..],
        };
        // SAFETY: as the caller says; it is `size` bytes at most.
        unsafe { copy_to(self.address, &[kept, &[0]].concat()) }?;
        Ok((whole as u32, whole <= self.size))
    }
}

/// `BPF_PROG_LOAD`
///
/// # Safety
///
/// As for [`Engine::bpf`]; so in this module.
pub(super) unsafe fn load(engine: &Engine, attr: &mut Attr) -> Result<i32, BpfErrno> {
    let flags = LoadFlags::from_bits(attr.word(PROG_FLAGS)).ok_or(BpfErrno::INVAL)?;
    let prog_type = ProgramType::by_number(attr.word(PROG_TYPE)).ok_or(BpfErrno::INVAL)?;
    let count = attr.word(INSN_CNT) as usize;
    if count == 0 || count > Code::MAX_SLOTS {
        return Err(BpfErrno::of(Errno::TOOBIG));
    }
    if ABSENT.iter().any(|field| attr.word(*field) != 0) {
        return Err(BpfErrno::OPNOTSUPP);
    }
    let log = Log::of(attr)?;
    // SAFETY: as the caller says.
    let (license, mut insns) =
        unsafe { (text(attr.long(LICENSE))?, copy_from(attr.long(INSNS), count * Slot::BYTES)?) };
    let options = Load::new().name(attr.name(PROG_NAME)?).license(license).flags(flags);
    let mut options = options.attach_type(attr.word(ATTACH_TYPE)).log(log.level);
    // SAFETY: as the caller says.
    let held = unsafe {
        resolve_indices(attr, &mut insns)?;
        held(attr)?
    };
    if attr.word(PROG_BTF_FD) != 0 {
        // SAFETY: as the caller says.
        options = unsafe { btf::describe(engine, attr, attr.fd(PROG_BTF_FD), options) }?;
    }
    for fd in held {
        options = options.map(&engine.map_get(fd)?);
    }
    let loaded = engine.load(&prog_type, &insns, options);
    let said = match &loaded {
        Ok(program) => program.report().log.clone(),
        Err(error) => error.failure().map_or_else(|| error.to_string(), said),
    };
    // SAFETY: as the caller says.
    let (whole, fitted) = unsafe { log.write(&said) }?;
    attr.set(LOG_TRUE_SIZE, whole);
    let program = loaded.map_err(|error| BpfErrno::from(&error))?;
    if fitted { Ok(engine.program_fd(&program).0) } else { Err(BpfErrno::of(Errno::NOSPC)) }
}

/// The log of a rejection, which ends with its cause.
fn said(failure: &brolga_verifier::Failure) -> String {
    let (log, cause) = (&failure.report.log, failure.cause.to_string());
    if log.trim_end().ends_with(&cause) { log.clone() } else { format!("{log}{cause}\n") }
}

/// A string of at most [`LICENSE_LEN`] bytes.
///
/// # Safety
///
/// It is readable up to its NUL.
unsafe fn text(address: u64) -> Result<String, BpfErrno> {
    let mut bytes = Vec::new();
    for at in 0..LICENSE_LEN as u64 - 1 {
        // SAFETY: as the caller says: no NUL came before this byte.
        match unsafe { copy_from(address.wrapping_add(at), 1) }?[0] {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The kinds of 64-bit loads (the source register's number) that refer to maps by
/// index, with those that refer to them by file descriptor:
/// `BPF_PSEUDO_MAP_IDX`, `BPF_PSEUDO_MAP_IDX_VALUE`.
const BY_INDEX: [(u8, u8); 2] = [(5, 1), (6, 2)];

/// Lets instructions that refer to maps by an index into `fd_array` refer to them
/// by file descriptor.
///
/// # Safety
///
/// `fd_array` is readable where instructions refer to it.
unsafe fn resolve_indices(attr: &Attr, insns: &mut [u8]) -> Result<(), BpfErrno> {
    /// `BPF_LD | BPF_IMM | BPF_DW`, the one instruction of two slots.
    const LOAD_IMM_64: u8 = 0x18;
    let (mut slots, _) = insns.as_chunks_mut::<{ Slot::BYTES }>();
    while let Some((slot, rest)) = slots.split_first_mut() {
        let wide = slot[0] == LOAD_IMM_64;
        slots = rest.get_mut(usize::from(wide)..).unwrap_or_default();
        let by_index = BY_INDEX.iter().find(|(kind, _)| wide && slot[1] >> 4 == *kind);
        let Some((_, by_fd)) = by_index else { continue };
        let array = attr.long(FD_ARRAY);
        if array == 0 {
            return Err(BpfErrno::of(Errno::PROTO));
        }
        let index = i32::from_le_bytes([slot[4], slot[5], slot[6], slot[7]]);
        let at = array.wrapping_add_signed(i64::from(index) * 4);
        // SAFETY: as the caller says.
        let fd = unsafe { copy_from(at, 4) }?;
        slot[1] = slot[1] & 0xf | by_fd << 4;
        slot[4..].copy_from_slice(&i32::from_ne_bytes([fd[0], fd[1], fd[2], fd[3]]).to_le_bytes());
    }
    Ok(())
}

/// The maps that a program is to hold, used or not.
///
/// # Safety
///
/// `fd_array` has as many file descriptors as the attributes say.
unsafe fn held(attr: &Attr) -> Result<Vec<Fd>, BpfErrno> {
    let count = attr.word(FD_ARRAY_CNT) as usize;
    if count > MAX_USED_MAPS {
        return Err(BpfErrno::of(Errno::TOOBIG));
    }
    // SAFETY: as the caller says.
    let bytes = unsafe { copy_from(attr.long(FD_ARRAY), count * 4) }?;
    let (fds, _) = bytes.as_chunks::<4>();
    Ok(fds.iter().map(|fd| Fd(i32::from_ne_bytes(*fd))).collect())
}

/// How many maps a program may use (`MAX_USED_MAPS`).
const MAX_USED_MAPS: usize = 64;

const PROG_FD: Word = Word(0);
const RETVAL: Word = Word(4);
const DATA_SIZE_IN: Word = Word(8);
const DATA_SIZE_OUT: Word = Word(12);
const DATA_IN: Long = Long(16);
const DATA_OUT: Long = Long(24);
const REPEAT: Word = Word(32);
const DURATION: Word = Word(36);
const CTX_SIZE_IN: Word = Word(40);
/// From `flags` on.
const TEST_FLAGS: usize = 64;

/// `BPF_PROG_TEST_RUN` of a program that takes a packet.
pub(super) unsafe fn test_run(engine: &Engine, attr: &mut Attr) -> Result<i32, BpfErrno> {
    let program = engine.prog_get(attr.fd(PROG_FD))?;
    if attr.word(CTX_SIZE_IN) != 0 || attr.ends(TEST_FLAGS).is_err() {
        return Err(BpfErrno::OPNOTSUPP);
    }
    // SAFETY: as the caller says.
    let frame = unsafe { copy_from(attr.long(DATA_IN), attr.word(DATA_SIZE_IN) as usize) }?;
    let TestRun { retval, packet, duration } =
        program.test_run(&frame, attr.word(REPEAT)).map_err(|error| of_run(&error))?;
    let (out, room) = (packet.bytes(), attr.word(DATA_SIZE_OUT) as usize);
    let asked = attr.long(DATA_OUT) != 0 && room != 0;
    if asked {
        // SAFETY: as the caller says.
        unsafe { copy_to(attr.long(DATA_OUT), &out[..out.len().min(room)]) }?;
    }
    attr.set(DATA_SIZE_OUT, out.len() as u32);
    attr.set(RETVAL, retval as u32);
    attr.set(DURATION, u32::try_from(duration.as_nanos()).unwrap_or(u32::MAX));
    if asked && room < out.len() { Err(BpfErrno::of(Errno::NOSPC)) } else { Ok(0) }
}

fn of_run(error: &RunError) -> BpfErrno {
    match error {
        RunError::Packet(_) | RunError::MemSize { .. } => BpfErrno::INVAL,
        RunError::Context(_) | RunError::Engine(_) => BpfErrno::OPNOTSUPP,
        RunError::HelperPanicked(_) => BpfErrno::of(Errno::FAULT),
    }
}
