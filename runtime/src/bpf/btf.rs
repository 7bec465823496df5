//! BTF: the types of programs and maps, loaded by themselves and referred to by
//! file descriptors.

use super::BpfErrno;
use super::attr::{Attr, Long, Word, copy_from};
use crate::engine::Engine;
use crate::fd::Fd;
use crate::load::Load;
use crate::object::Types;
use brolga_core::MapDef;
use rustix::io::Errno;

const BTF: Long = Long(0);
const BTF_SIZE: Word = Word(16);
const BTF_FLAGS: Word = Word(32);
/// Behind `btf_token_fd`.
const END: usize = 40;

/// The longest blob, in bytes (`BTF_MAX_SIZE`).
const MOST: u32 = 16 << 20;

/// `BPF_BTF_LOAD`. Nothing is written to its log.
///
/// # Safety
///
/// As for [`Engine::bpf`]; so in this module.
pub(super) unsafe fn load(engine: &Engine, attr: &Attr) -> Result<i32, BpfErrno> {
    attr.ends(END)?;
    let size = attr.word(BTF_SIZE);
    if attr.word(BTF_FLAGS) != 0 {
        return Err(BpfErrno::OPNOTSUPP);
    }
    if size > MOST {
        return Err(BpfErrno::of(Errno::TOOBIG));
    }
    // SAFETY: as the caller says.
    let data = unsafe { copy_from(attr.long(BTF), size as usize) }?;
    let types = Types::new(data).map_err(|_| BpfErrno::INVAL)?;
    Ok(engine.types_fd(types).0)
}

/// Records of a kind in the attributes of a program: the size of one in bytes,
/// their address, how many there are.
struct Records(Word, Long, Word);

const FUNC_INFO: Records = Records(Word(76), Long(80), Word(88));
const LINE_INFO: Records = Records(Word(92), Long(96), Word(104));

/// The most bytes of a record (`MAX_FUNCINFO_REC_SIZE`).
const LONGEST: u32 = 252;

impl Records {
    /// The bytes, and the size of one.
    ///
    /// # Safety
    ///
    /// They are readable.
    unsafe fn read(&self, attr: &Attr) -> Result<(Vec<u8>, usize), BpfErrno> {
        let Self(size, at, count) = self;
        let (size, count) = (attr.word(*size), attr.word(*count));
        if count as usize > brolga_core::Code::MAX_SLOTS || count != 0 && (size > LONGEST || size % 4 != 0) {
            return Err(BpfErrno::INVAL);
        }
        let size = size as usize;
        // SAFETY: as the caller says.
        let bytes = unsafe { copy_from(attr.long(*at), size * count as usize) }?;
        Ok((bytes, size))
    }
}

/// What BTF says of a program to be loaded.
///
/// # Safety
///
/// The records are readable.
pub(super) unsafe fn describe(engine: &Engine, attr: &Attr, fd: Fd, load: Load) -> Result<Load, BpfErrno> {
    let types = engine.types_get(fd)?;
    // SAFETY: as the caller says.
    let ((funcs, func), (lines, line)) = unsafe { (FUNC_INFO.read(attr)?, LINE_INFO.read(attr)?) };
    let mut load = load;
    if !funcs.is_empty() {
        let funcs = types.funcs(&funcs, func).map_err(|_| BpfErrno::INVAL)?;
        load = load.functions(funcs.iter().map(|(at, func)| (*at, func.name.clone())).collect());
        load = load.func_info(funcs);
    }
    if !lines.is_empty() {
        load = load.lines(types.lines(&lines, line).map_err(|_| BpfErrno::INVAL)?);
    }
    Ok(load)
}

/// What BTF says of the values of a map to be created.
pub(super) fn describe_map(engine: &Engine, fd: Fd, value: u32, def: &mut MapDef) -> Result<(), BpfErrno> {
    let types = engine.types_get(fd)?;
    if value == 0 {
        return Ok(());
    }
    let (special, size) = types.value(value).map_err(|_| BpfErrno::INVAL)?;
    if size != def.value_size {
        return Err(BpfErrno::INVAL);
    }
    def.special = special;
    Ok(())
}
