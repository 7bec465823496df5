//! The commands on maps.

use super::attr::{Attr, Long, Name, Word, copy_from, copy_to};
use super::{BpfErrno, btf};
use crate::engine::Engine;
use crate::map::{Map, Update};
use brolga_core::{MapDef, MapFlags, MapKind};
use rustix::io::Errno;

const MAP_TYPE: Word = Word(0);
const KEY_SIZE: Word = Word(4);
const VALUE_SIZE: Word = Word(8);
const MAX_ENTRIES: Word = Word(12);
const MAP_FLAGS: Word = Word(16);
const INNER_MAP_FD: Word = Word(20);
const NUMA_NODE: Word = Word(24);
const MAP_NAME: Name = Name(28);
const MAP_IFINDEX: Word = Word(44);
const BTF_FD: Word = Word(48);
const VALUE_TYPE: Word = Word(56);
const MAP_EXTRA: Long = Long(64);
/// Behind `map_extra`.
const CREATE_END: usize = 72;

const MAP_FD: Word = Word(0);
const KEY: Long = Long(8);
const VALUE: Long = Long(16);
const FLAGS: Long = Long(24);
/// Behind `flags`.
const ELEM_END: usize = 32;

/// `BPF_MAP_CREATE`
pub(super) fn create(engine: &Engine, attr: &Attr) -> Result<i32, BpfErrno> {
    attr.ends(CREATE_END)?;
    let kind = MapKind::from_number(attr.word(MAP_TYPE)).ok_or(BpfErrno::INVAL)?;
    if attr.word(MAP_IFINDEX) != 0 {
        return Err(BpfErrno::OPNOTSUPP);
    }
    let [key, value, entries] = [KEY_SIZE, VALUE_SIZE, MAX_ENTRIES].map(|field| attr.word(field));
    let mut def = MapDef::new(kind, key, value, entries).name(attr.name(MAP_NAME)?);
    def.flags = MapFlags::from_bits_retain(attr.word(MAP_FLAGS));
    def.extra = attr.long(MAP_EXTRA);
    if attr.word(NUMA_NODE) != 0 && !def.flags.contains(MapFlags::NUMA_NODE) {
        return Err(BpfErrno::INVAL);
    }
    if attr.word(BTF_FD) != 0 {
        btf::describe_map(engine, attr.fd(BTF_FD), attr.word(VALUE_TYPE), &mut def)?;
    }
    if kind.is_map_in_map() {
        def.inner = Some(Box::new(engine.map_get(attr.fd(INNER_MAP_FD))?.def().clone()));
    }
    Ok(engine.map_create(def)?.0)
}

/// The map, and the key where it has keys.
///
/// # Safety
///
/// The key's address is as [`Engine::bpf`] wants it.
unsafe fn element(engine: &Engine, attr: &Attr, end: usize) -> Result<(Map, Vec<u8>), BpfErrno> {
    attr.ends(end)?;
    let map = engine.map_get(attr.fd(MAP_FD))?;
    // SAFETY: as the caller says.
    let key = unsafe { copy_from(attr.long(KEY), map.def().key_size as usize) }?;
    Ok((map, key))
}

/// `BPF_MAP_LOOKUP_ELEM`
///
/// # Safety
///
/// As for [`Engine::bpf`]; so in this module.
pub(super) unsafe fn lookup(engine: &Engine, attr: &Attr) -> Result<i32, BpfErrno> {
    // SAFETY: as the caller says.
    unsafe {
        let (map, key) = element(engine, attr, ELEM_END)?;
        if attr.long(FLAGS) != 0 {
            return Err(BpfErrno::INVAL);
        }
        let size = map.0.storage().host_value_size();
        // A bloom filter is asked for the value that is there.
        let given = map.def().kind == MapKind::BloomFilter;
        let mut value = if given { copy_from(attr.long(VALUE), size)? } else { vec![0; size] };
        if !map.lookup_into(&key, &mut value)? {
            return Err(BpfErrno::of(Errno::NOENT));
        }
        copy_to(attr.long(VALUE), &value)?;
    }
    Ok(0)
}

/// `BPF_MAP_UPDATE_ELEM`
pub(super) unsafe fn update(engine: &Engine, attr: &Attr) -> Result<i32, BpfErrno> {
    // SAFETY: as the caller says.
    unsafe {
        let (map, key) = element(engine, attr, ELEM_END)?;
        let value = copy_from(attr.long(VALUE), map.0.storage().host_value_size())?;
        map.update(&key, &value, Update::from_flags(attr.long(FLAGS))?)?;
    }
    Ok(0)
}

/// `BPF_MAP_DELETE_ELEM`
pub(super) unsafe fn delete(engine: &Engine, attr: &Attr) -> Result<i32, BpfErrno> {
    // SAFETY: as the caller says.
    let (map, key) = unsafe { element(engine, attr, VALUE.0) }?;
    map.delete(&key)?;
    Ok(0)
}

/// `BPF_MAP_GET_NEXT_KEY`: of no key, the first.
pub(super) unsafe fn next_key(engine: &Engine, attr: &Attr) -> Result<i32, BpfErrno> {
    attr.ends(FLAGS.0)?;
    let map = engine.map_get(attr.fd(MAP_FD))?;
    let size = map.def().key_size as usize;
    // SAFETY: as the caller says.
    unsafe {
        let key = match attr.long(KEY) {
            0 => None,
            address => Some(copy_from(address, size)?),
        };
        let next = map.next_key(key.as_deref())?.ok_or(BpfErrno::of(Errno::NOENT))?;
        copy_to(attr.long(VALUE), &next)?;
    }
    Ok(0)
}

/// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`, of queues and stacks.
pub(super) unsafe fn lookup_and_delete(engine: &Engine, attr: &Attr) -> Result<i32, BpfErrno> {
    attr.ends(ELEM_END)?;
    let map = engine.map_get(attr.fd(MAP_FD))?;
    if attr.long(FLAGS) != 0 {
        return Err(BpfErrno::INVAL);
    }
    let value = map.pop()?.ok_or(BpfErrno::of(Errno::NOENT))?;
    // SAFETY: as the caller says.
    unsafe { copy_to(attr.long(VALUE), &value) }?;
    Ok(0)
}

/// `BPF_MAP_FREEZE`
pub(super) fn freeze(engine: &Engine, attr: &Attr) -> Result<i32, BpfErrno> {
    attr.ends(4)?;
    engine.map_get(attr.fd(MAP_FD))?.freeze()?;
    Ok(0)
}
