//! What is under a file descriptor: `struct bpf_prog_info`, `struct bpf_map_info`.

use super::BpfErrno;
use super::attr::{Attr, Long, Word, copy_to};
use crate::engine::Engine;
use crate::fd::FdError;
use crate::map::Map;
use crate::prog::Program;

const FD: Word = Word(0);
const INFO_LEN: Word = Word(4);
const INFO: Long = Long(8);
/// Behind `info`.
const END: usize = 16;

/// `BPF_OBJ_GET_INFO_BY_FD`: as much as fits.
///
/// # Safety
///
/// As for [`Engine::bpf`].
pub(super) unsafe fn by_fd(engine: &Engine, attr: &mut Attr) -> Result<i32, BpfErrno> {
    attr.ends(END)?;
    let info = match engine.map_get(attr.fd(FD)) {
        Ok(map) => of_map(&map),
        Err(FdError::NotMap(fd)) => of_program(&engine.prog_get(fd)?),
        Err(error) => return Err(error.into()),
    };
    let len = info.len().min(attr.word(INFO_LEN) as usize);
    // SAFETY: as the caller says.
    unsafe { copy_to(attr.long(INFO), &info[..len]) }?;
    attr.set(INFO_LEN, len as u32);
    Ok(0)
}

fn of_map(map: &Map) -> Vec<u8> {
    let def = map.def();
    let words = [def.kind as u32, map.id(), def.key_size, def.value_size, def.max_entries, def.flags.bits()];
    let mut info: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    info.extend(name(&def.name));
    info
}

/// Up to its name; what is not known here (tag, instructions, times) is zero.
fn of_program(program: &Program) -> Vec<u8> {
    let mut info = vec![0; 64];
    let mut set = |at: usize, word: u32| info[at..at + 4].copy_from_slice(&word.to_ne_bytes());
    set(0, program.prog_type().description().number.unwrap_or(0));
    set(4, program.id());
    set(16, program.stats().code_len as u32);
    set(52, program.maps().len() as u32);
    info.extend(name(program.name()));
    info
}

/// A name in 16 bytes, with its NUL.
fn name(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (to, from) in bytes[..15].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    bytes
}
