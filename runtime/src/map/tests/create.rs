//! Which maps can be created, and what the others fail with.

use super::*;

/// A definition and the error number that creating it gives, 0 for none.
pub(super) fn table() -> Vec<(MapDef, i32)> {
    let all = MapFlags::from_bits_retain;
    let array = |value, entries| MapDef::array(value, entries);
    let hash = |key, value, entries| MapDef::hash(key, value, entries);
    let array_key = |key| MapDef::new(MapKind::Array, key, 8, 1);
    let mut table = vec![
        (array(8, 1), 0),
        (array(1, 1), 0),
        (array(8, 100_000), 0),
        (array(0, 1), EINVAL),
        (array(8, 0), EINVAL),
        (array_key(0), EINVAL),
        (array_key(3), EINVAL),
        (array_key(5), EINVAL),
        (array_key(8), EINVAL),
        (array(i32::MAX as u32 + 1, 1), E2BIG),
        (array(u32::MAX, 1), E2BIG),
        (array(i32::MAX as u32, u32::MAX), ENOMEM),
        (array(1 << 20, u32::MAX), ENOMEM),
        (hash(1, 1, 1), 0),
        (hash(8, 8, 100_000), 0),
        (hash(512, 4096, 3), 0),
        (hash(0, 1, 1), EINVAL),
        (hash(1, 0, 1), EINVAL),
        (hash(1, 1, 0), EINVAL),
        (hash(4, (4 << 20) - 48 - 5, 1), 0),
        (hash(4, (4 << 20) - 48 - 4, 1), E2BIG),
        (hash(u32::MAX, 1, 1), E2BIG),
        (hash(1, u32::MAX, 1), E2BIG),
        (hash(u32::MAX, u32::MAX, 1), E2BIG),
        (hash(4, 4, (1 << 27) + 1), E2BIG),
        (hash(4, 4, 1 << 31), E2BIG),
        (hash(4, 4, (1 << 27) + 1).flags(MapFlags::NO_PREALLOC), E2BIG),
        (hash(4, 4, u32::MAX), E2BIG),
        (hash(4, 1 << 21, 1 << 20), ENOMEM),
        (hash(4, 4, 1 << 20).flags(MapFlags::NO_PREALLOC), 0),
        (array(8, 1).flags(MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG), EINVAL),
        (hash(4, 8, 1).flags(MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG), EINVAL),
        (array(8, 1).flags(MapFlags::RDONLY | MapFlags::WRONLY), EINVAL),
        (hash(4, 8, 1).flags(MapFlags::RDONLY | MapFlags::WRONLY), EINVAL),
        (array(8, 1).flags(all(1 << 31)), EINVAL),
        (hash(4, 8, 1).flags(all(1 << 31)), EINVAL),
    ];
    let single = [
        (MapFlags::NO_PREALLOC, EINVAL, 0),
        (MapFlags::NO_COMMON_LRU, EINVAL, EINVAL),
        (MapFlags::NUMA_NODE, 0, 0),
        (MapFlags::RDONLY, 0, 0),
        (MapFlags::WRONLY, 0, 0),
        (MapFlags::STACK_BUILD_ID, EINVAL, EINVAL),
        (MapFlags::ZERO_SEED, EINVAL, 0),
        (MapFlags::RDONLY_PROG, 0, 0),
        (MapFlags::WRONLY_PROG, 0, 0),
        (MapFlags::CLONE, EINVAL, EINVAL),
        (MapFlags::MMAPABLE, 0, EINVAL),
        (MapFlags::PRESERVE_ELEMS, EINVAL, EINVAL),
        (MapFlags::INNER_MAP, 0, EINVAL),
    ];
    for (flag, of_array, of_hash) in single {
        table.push((array(8, 2).flags(flag), of_array));
        table.push((hash(4, 8, 2).flags(flag), of_hash));
    }
    table.extend(percpu());
    table.extend(keyless());
    table.extend(keyed());
    table
}

/// Queues, stacks, bloom filters, ring buffers.
fn keyless() -> Vec<(MapDef, i32)> {
    let mut table = Vec::new();
    for kind in [MapKind::Queue, MapKind::Stack, MapKind::BloomFilter] {
        let def = |key, value, entries| MapDef::new(kind, key, value, entries);
        let seed = if kind == MapKind::BloomFilter { 0 } else { EINVAL };
        table.extend([
            (def(0, 8, 3), 0),
            (def(0, 13, 1), 0),
            (def(4, 8, 3), EINVAL),
            (def(0, 0, 3), EINVAL),
            (def(0, 8, 0), EINVAL),
            (def(0, (4 << 20) + 1, 1), E2BIG),
            (def(0, 8, 1).flags(MapFlags::NO_PREALLOC), EINVAL),
            (def(0, 8, 1).flags(MapFlags::ZERO_SEED), seed),
            (def(0, 8, 1).flags(MapFlags::RDONLY), 0),
        ]);
    }
    let ring = |key, value, size| MapDef::new(MapKind::Ringbuf, key, value, size);
    table.extend([
        (ring(0, 0, 4096), 0),
        (ring(0, 0, 1 << 20), 0),
        (ring(0, 0, 0), EINVAL),
        (ring(0, 0, 2048), EINVAL),
        (ring(0, 0, 12288), EINVAL),
        (ring(4, 0, 4096), EINVAL),
        (ring(0, 4, 4096), EINVAL),
        (ring(0, 0, 4096).flags(MapFlags::RDONLY), EINVAL),
        (ring(0, 0, 4096).flags(MapFlags::NO_PREALLOC), EINVAL),
    ]);
    table
}

/// LRU maps, tries, perf event arrays.
fn keyed() -> Vec<(MapDef, i32)> {
    let mut table = Vec::new();
    for kind in [MapKind::LruHash, MapKind::LruPercpuHash] {
        let def = |key, value, entries| MapDef::new(kind, key, value, entries);
        table.extend([
            (def(4, 8, 3), 0),
            (def(0, 8, 3), EINVAL),
            (def(4, 0, 3), EINVAL),
            (def(4, 8, 0), EINVAL),
            (def(4, 8, 3).flags(MapFlags::NO_PREALLOC), 524),
            (def(4, 8, 3).flags(MapFlags::NO_COMMON_LRU), 0),
            (def(4, 8, 3).flags(MapFlags::ZERO_SEED), 0),
        ]);
    }
    let trie =
        |key, value, entries| MapDef::new(MapKind::LpmTrie, key, value, entries).flags(MapFlags::NO_PREALLOC);
    table.extend([
        (trie(8, 8, 3), 0),
        (trie(5, 1, 1), 0),
        (trie(260, 1, 1), 0),
        (trie(261, 1, 1), EINVAL),
        (trie(4, 1, 1), EINVAL),
        (trie(8, 0, 1), EINVAL),
        (trie(8, 8, 0), EINVAL),
        (MapDef::new(MapKind::LpmTrie, 8, 8, 3), EINVAL),
        (trie(8, 8, 1).flags(MapFlags::NO_PREALLOC | MapFlags::ZERO_SEED), EINVAL),
    ]);
    for kind in [MapKind::Devmap, MapKind::Cpumap, MapKind::Xskmap] {
        let def = |key, value, entries| MapDef::new(kind, key, value, entries);
        let access = if kind == MapKind::Cpumap { EINVAL } else { 0 };
        let program = if kind == MapKind::Xskmap { EINVAL } else { 0 };
        table.extend([
            (def(4, 4, 1), 0),
            (def(4, 8, 1), program),
            (def(8, 4, 1), EINVAL),
            (def(4, 12, 1), EINVAL),
            (def(4, 4, 0), EINVAL),
            (def(4, 4, 1).flags(MapFlags::RDONLY), access),
            (def(4, 4, 1).flags(MapFlags::RDONLY_PROG), EINVAL),
        ]);
    }
    let perf = |key, value, entries| MapDef::new(MapKind::PerfEventArray, key, value, entries);
    table.extend([
        (perf(4, 4, 2), 0),
        (perf(4, 8, 2), EINVAL),
        (perf(8, 4, 2), EINVAL),
        (perf(4, 4, 0), EINVAL),
        (perf(4, 4, 2).flags(MapFlags::RDONLY_PROG), EINVAL),
        (perf(4, 4, 2).flags(MapFlags::NO_PREALLOC), EINVAL),
    ]);
    table
}

/// The same of the per-CPU kinds, as far as they differ.
fn percpu() -> Vec<(MapDef, i32)> {
    let array = |value, entries| MapDef::new(MapKind::PercpuArray, 4, value, entries);
    let hash = |key, value, entries| MapDef::new(MapKind::PercpuHash, key, value, entries);
    vec![
        (array(1, 3), 0),
        (array(8, 0), EINVAL),
        (array(0, 1), EINVAL),
        (MapDef::new(MapKind::PercpuArray, 8, 8, 1), EINVAL),
        (array(32 << 10, 1), 0),
        (array((32 << 10) - 7, 1), 0),
        (array((32 << 10) + 1, 1), E2BIG),
        (array(u32::MAX, 1), E2BIG),
        (array(8, 1).flags(MapFlags::NUMA_NODE), EINVAL),
        (array(8, 1).flags(MapFlags::MMAPABLE), EINVAL),
        (array(8, 1).flags(MapFlags::INNER_MAP), EINVAL),
        (array(8, 1).flags(MapFlags::RDONLY_PROG), 0),
        (hash(1, 1, 3), 0),
        (hash(0, 1, 3), EINVAL),
        (hash(4, 32 << 10, 1), 0),
        (hash(4, (32 << 10) + 1, 1), E2BIG),
        (hash(4, 8, 1).flags(MapFlags::NUMA_NODE), EINVAL),
        (hash(4, 8, 1).flags(MapFlags::NO_PREALLOC | MapFlags::ZERO_SEED | MapFlags::RDONLY_PROG), 0),
        (hash(4, 8, 1).flags(MapFlags::NO_COMMON_LRU), EINVAL),
    ]
}

const E2BIG: i32 = 7;
const ENOMEM: i32 = 12;
const EINVAL: i32 = 22;

/// The error number of creating a map, 0 for none.
fn errno(def: &MapDef) -> i32 {
    Map::create(def.clone()).map_or_else(|error| error.errno(), |_| 0)
}

#[test]
fn every_row_gives_its_error() {
    for (def, expected) in table() {
        assert_eq!(errno(&def), expected, "{def:?}");
    }
}

#[test]
fn errors_name_what_is_wrong() {
    let error = |def| Map::create(def).expect_err("an impossible map").to_string();
    assert_eq!(error(MapDef::new(MapKind::Array, 8, 8, 1)), "a array map can not have keys of 8 bytes");
    assert_eq!(error(MapDef::hash(4, 0, 1)), "a hash map can not have values of 0 bytes");
    assert_eq!(error(MapDef::hash(4, 4, 0)), "a hash map needs room for at least one element");
}

#[test]
fn other_kinds_are_unsupported_by_name() {
    for kind in [MapKind::StackTrace, MapKind::Sockmap, MapKind::UserRingbuf, MapKind::Arena] {
        let error = Map::create(MapDef::new(kind, 4, 4, 1)).expect_err("no such map yet");
        assert_eq!(error, MapError::Unsupported(kind));
        assert!(error.to_string().contains(kind.name()));
    }
}

#[test]
fn managed_fields_must_fit() {
    let with = |off| {
        let mut def = MapDef::array(8, 1);
        def.special.spin_lock = Some(off);
        errno(&def)
    };
    assert_eq!([with(0), with(4)], [0, 0]);
    assert_eq!([with(2), with(6), with(8), with(u32::MAX)], [EINVAL; 4]);
}

#[test]
fn a_large_map_costs_nothing_until_it_is_used() {
    let large = map(MapDef::array(4096, 1 << 16));
    let last = ((1u32 << 16) - 1).to_ne_bytes();
    large.update(&last, &[7; 4096], Update::Any).unwrap();
    assert_eq!(large.lookup(&last).unwrap(), Some(vec![7; 4096]));
}
