//! Which maps may be created: the kernel's `map_alloc_check` of every kind,
//! for a caller with every capability.

use super::array::Array;
use super::bloom::Bloom;
use super::hash::Hash;
use super::of_maps::OfMaps;
use super::perf::PerfArray;
use super::prog_array::ProgArray;
use super::queue::Queue;
use super::ringbuf::Ringbuf;
use super::targets::Targets;
use super::trie::Trie;
use super::{MapError, Storage};
use brolga_core::{MapDef, MapFlags, MapKind};

/// Storage for a map of this definition.
pub(super) fn storage(def: &MapDef) -> Result<Box<dyn Storage>, MapError> {
    check_access(def)?;
    let hashes = if def.kind == MapKind::BloomFilter { 0xf } else { 0 };
    if def.extra & !hashes != 0 {
        return Err(MapError::Extra { kind: def.kind, extra: def.extra });
    }
    match def.kind {
        MapKind::Array | MapKind::PercpuArray => {
            check_array(def)?;
            Ok(Box::new(Array::create(def)?))
        }
        MapKind::Hash | MapKind::PercpuHash | MapKind::LruHash | MapKind::LruPercpuHash => {
            check_hash(def)?;
            Ok(Box::new(Hash::create(def)?))
        }
        MapKind::ProgArray => {
            check_prog_array(def)?;
            Ok(Box::new(ProgArray::create(def)?))
        }
        MapKind::ArrayOfMaps | MapKind::HashOfMaps => {
            check_of_maps(def)?;
            Ok(Box::new(OfMaps::create(def)?))
        }
        MapKind::PerfEventArray => {
            check_prog_array(def)?;
            Ok(Box::new(PerfArray::create(def)?))
        }
        MapKind::LpmTrie => {
            check_trie(def)?;
            Ok(Box::new(Trie::create(def)?))
        }
        MapKind::Queue | MapKind::Stack => {
            check_keyless(def, MapFlags::NUMA_NODE)?;
            Ok(Box::new(Queue::create(def)?))
        }
        MapKind::BloomFilter => {
            check_keyless(def, MapFlags::NUMA_NODE | MapFlags::ZERO_SEED)?;
            Ok(Box::new(Bloom::create(def)?))
        }
        MapKind::Ringbuf => {
            check_ringbuf(def)?;
            Ok(Box::new(Ringbuf::create(def)?))
        }
        MapKind::Devmap | MapKind::Cpumap | MapKind::Xskmap => {
            check_targets(def)?;
            Ok(Box::new(Targets::create(def)?))
        }
        kind => Err(MapError::Unsupported(kind)),
    }
}

/// No one may be shut out from both sides.
fn check_access(def: &MapDef) -> Result<(), MapError> {
    let both = |pair: MapFlags| def.flags.contains(pair);
    let nobody =
        both(MapFlags::RDONLY | MapFlags::WRONLY) || both(MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG);
    if nobody { Err(bad_flags(def)) } else { Ok(()) }
}

/// `fd_array_map_alloc_check`: what programs may do with a slot goes without
/// saying.
fn check_prog_array(def: &MapDef) -> Result<(), MapError> {
    if def.value_size != 4 {
        return Err(MapError::ValueSize { kind: def.kind, size: def.value_size });
    }
    if def.flags.intersects(MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG) {
        return Err(bad_flags(def));
    }
    check_array(def)
}

/// `array_map_alloc_check`
fn check_array(def: &MapDef) -> Result<(), MapError> {
    let known = match def.kind {
        MapKind::Array => ACCESS | MapFlags::NUMA_NODE | MapFlags::MMAPABLE | MapFlags::INNER_MAP,
        MapKind::PercpuArray => ACCESS,
        _ => ACCESS | MapFlags::NUMA_NODE,
    };
    check_entries(def)?;
    if def.key_size != 4 {
        return Err(MapError::KeySize { kind: def.kind, size: def.key_size });
    }
    check_value(def)?;
    check_flags(def, known)?;
    check_percpu(def)?;
    if def.value_size > i32::MAX as u32 { Err(too_big(def)) } else { Ok(()) }
}

/// `array_of_map_alloc`, `htab_of_map_alloc`
fn check_of_maps(def: &MapDef) -> Result<(), MapError> {
    if def.value_size != 4 {
        return Err(MapError::ValueSize { kind: def.kind, size: def.value_size });
    }
    if def.kind == MapKind::ArrayOfMaps { check_prog_array(def) } else { check_hash(def) }
}

/// `trie_alloc`
fn check_trie(def: &MapDef) -> Result<(), MapError> {
    /// The bytes of a prefix's length, and the most that it may count from.
    const LEN: u32 = 4;
    const LONGEST: u32 = 256;
    check_entries(def)?;
    check_flags(def, ACCESS | MapFlags::NO_PREALLOC | MapFlags::NUMA_NODE)?;
    if !def.flags.contains(MapFlags::NO_PREALLOC) {
        return Err(bad_flags(def));
    }
    if !(LEN + 1..=LEN + LONGEST).contains(&def.key_size) {
        return Err(MapError::KeySize { kind: def.kind, size: def.key_size });
    }
    let fits = (1..=VALUE_LIMIT - LONGEST - TRIE_NODE).contains(&def.value_size);
    if fits { Ok(()) } else { Err(MapError::ValueSize { kind: def.kind, size: def.value_size }) }
}

/// `dev_map_alloc_check`, `cpu_map_alloc`, `xsk_map_alloc`
fn check_targets(def: &MapDef) -> Result<(), MapError> {
    let access = MapFlags::RDONLY | MapFlags::WRONLY;
    let known = if def.kind == MapKind::Cpumap { MapFlags::empty() } else { access };
    check_entries(def)?;
    if def.key_size != 4 {
        return Err(MapError::KeySize { kind: def.kind, size: def.key_size });
    }
    let with_program = def.kind != MapKind::Xskmap && def.value_size == 8;
    if def.value_size != 4 && !with_program {
        return Err(MapError::ValueSize { kind: def.kind, size: def.value_size });
    }
    check_flags(def, known | MapFlags::NUMA_NODE)
}

/// `queue_stack_map_alloc_check`, `bloom_map_alloc_check`
fn check_keyless(def: &MapDef, known: MapFlags) -> Result<(), MapError> {
    check_entries(def)?;
    if def.key_size != 0 {
        return Err(MapError::KeySize { kind: def.kind, size: def.key_size });
    }
    check_value(def)?;
    check_flags(def, ACCESS | known)?;
    if def.value_size > VALUE_LIMIT { Err(too_big(def)) } else { Ok(()) }
}

/// `ringbuf_map_alloc`
fn check_ringbuf(def: &MapDef) -> Result<(), MapError> {
    check_flags(def, MapFlags::NUMA_NODE)?;
    if def.key_size != 0 {
        return Err(MapError::KeySize { kind: def.kind, size: def.key_size });
    }
    if def.value_size != 0 {
        return Err(MapError::ValueSize { kind: def.kind, size: def.value_size });
    }
    let pages = def.max_entries.is_power_of_two() && def.max_entries.is_multiple_of(super::ring::PAGE as u32);
    if pages { Ok(()) } else { Err(MapError::RingSize(def.max_entries)) }
}

/// The largest `kmalloc`, in bytes.
const VALUE_LIMIT: u32 = 4 << 20;
/// A `struct lpm_trie_node`, in bytes.
const TRIE_NODE: u32 = 40;

/// `htab_map_alloc_check`, and what `htab_map_alloc` adds.
fn check_hash(def: &MapDef) -> Result<(), MapError> {
    let anywhere = if def.kind.is_percpu() { MapFlags::empty() } else { MapFlags::NUMA_NODE };
    let lru = matches!(def.kind, MapKind::LruHash | MapKind::LruPercpuHash);
    let lists = if lru { MapFlags::NO_COMMON_LRU } else { MapFlags::empty() };
    check_flags(def, ACCESS | anywhere | lists | MapFlags::NO_PREALLOC | MapFlags::ZERO_SEED)?;
    // The elements of an LRU map are those that there are from the start.
    if lru && def.flags.contains(MapFlags::NO_PREALLOC) {
        return Err(MapError::Prealloc(def.kind));
    }
    if def.flags.contains(MapFlags::NO_COMMON_LRU | MapFlags::NUMA_NODE) {
        return Err(bad_flags(def));
    }
    check_entries(def)?;
    if def.key_size == 0 {
        return Err(MapError::KeySize { kind: def.kind, size: 0 });
    }
    check_value(def)?;
    check_percpu(def)?;
    let size = u64::from(def.key_size) + u64::from(def.value_size);
    if size >= ELEMENT_LIMIT || def.max_entries > BUCKETS_LIMIT { Err(too_big(def)) } else { Ok(()) }
}

/// A processor's copy of a value must fit the smallest unit that the kernel
/// allocates for each (`PCPU_MIN_UNIT_SIZE`).
fn check_percpu(def: &MapDef) -> Result<(), MapError> {
    let over = def.kind.is_percpu() && def.value_stride() > 32 << 10;
    if over { Err(too_big(def)) } else { Ok(()) }
}

const ACCESS: MapFlags =
    MapFlags::RDONLY.union(MapFlags::WRONLY).union(MapFlags::RDONLY_PROG).union(MapFlags::WRONLY_PROG);

/// What a key and a value must stay below, in bytes: the largest `kmalloc` less
/// a `struct htab_elem`.
const ELEMENT_LIMIT: u64 = (4 << 20) - 48;

/// The most buckets: their 16 bytes each are counted in 32 bits, and there is a
/// power of two of them.
const BUCKETS_LIMIT: u32 = 1 << 27;

fn check_entries(def: &MapDef) -> Result<(), MapError> {
    if def.max_entries == 0 { Err(MapError::NoEntries(def.kind)) } else { Ok(()) }
}

fn check_value(def: &MapDef) -> Result<(), MapError> {
    if def.value_size == 0 { Err(MapError::ValueSize { kind: def.kind, size: 0 }) } else { Ok(()) }
}

fn check_flags(def: &MapDef, known: MapFlags) -> Result<(), MapError> {
    if known.contains(def.flags) { Ok(()) } else { Err(bad_flags(def)) }
}

fn bad_flags(def: &MapDef) -> MapError {
    MapError::Flags { kind: def.kind, flags: def.flags }
}

fn too_big(def: &MapDef) -> MapError {
    let MapDef { kind, key_size, value_size, max_entries, .. } = *def;
    MapError::TooBig { kind, key_size, value_size, max_entries }
}
