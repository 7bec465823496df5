//! Maps through helpers.

use super::{address, call};
use crate::map::{Map, Update};
use brolga_core::{MapDef, MapKind};

const E2BIG: i64 = -7;
const ENOENT: i64 = -2;
const EEXIST: i64 = -17;
const EINVAL: i64 = -22;

fn map(def: MapDef) -> Map {
    Map::create(def).expect("a map of this definition")
}

/// The 8 bytes at the address that a lookup returned.
fn read(addr: i64) -> u64 {
    let mut bytes = [0; 8];
    // SAFETY: the map is alive, and its values have 8 bytes.
    unsafe { super::super::memory::copy_out(addr as u64, bytes.as_mut_ptr(), 8) };
    u64::from_ne_bytes(bytes)
}

#[test]
fn a_hash_is_filled_read_and_emptied() {
    let hash = map(MapDef::hash(4, 8, 2));
    let handle = hash.link().handle;
    let update = |key: u32, value: u64, flags: u64| {
        let (mut key, mut value) = ([key], [value]);
        call("map_update_elem", [handle, address(&mut key), address(&mut value), flags])
    };
    let lookup = |key: u32| call("map_lookup_elem", [handle, address(&mut [key])]);
    let delete = |key: u32| call("map_delete_elem", [handle, address(&mut [key])]);

    assert_eq!(lookup(1), 0);
    assert_eq!(delete(1), ENOENT);
    assert_eq!(update(1, 10, 2), ENOENT);
    assert_eq!(update(1, 10, 0), 0);
    assert_eq!(read(lookup(1)), 10);
    assert_eq!(update(1, 11, 1), EEXIST);
    assert_eq!(update(1, 12, 2), 0);
    assert_eq!(update(2, 20, 1), 0);
    assert_eq!(update(3, 30, 0), E2BIG);
    for flags in [3, 4, 5, 8, u64::MAX] {
        assert_eq!(update(1, 13, flags), EINVAL);
    }
    assert_eq!([read(lookup(1)), read(lookup(2))], [12, 20]);
    assert_eq!([delete(1), delete(1), lookup(1)], [0, ENOENT, 0]);
    assert_eq!(hash.lookup(&2u32.to_ne_bytes()).unwrap(), Some(20u64.to_ne_bytes().to_vec()));
}

#[test]
fn an_array_has_all_its_elements() {
    let array = map(MapDef::array(8, 3));
    let handle = array.link().handle;
    let update = |key: u32, flags: u64| {
        call("map_update_elem", [handle, address(&mut [key]), address(&mut [7u64]), flags])
    };
    let lookup = |key: u32| call("map_lookup_elem", [handle, address(&mut [key])]);
    assert_eq!(read(lookup(2)), 0);
    assert_eq!([lookup(3), lookup(u32::MAX)], [0, 0]);
    assert_eq!(
        [update(2, 0), update(1, 2), update(0, 1), update(3, 0), update(0, 3)],
        [0, 0, EEXIST, E2BIG, EINVAL]
    );
    assert_eq!([read(lookup(0)), read(lookup(1)), read(lookup(2))], [0, 7, 7]);
    assert_eq!(call("map_delete_elem", [handle, address(&mut [2u32])]), EINVAL);
}

#[test]
fn keys_and_values_may_lie_at_any_address() {
    for (key_size, value_size) in [(3, 5), (4, 8), (16, 600), (700, 8)] {
        let hash = map(MapDef::hash(key_size, value_size, 4));
        let handle = hash.link().handle;
        let mut memory: Vec<u8> = (0..2000).map(|at| (at % 251) as u8).collect();
        let bytes = memory.clone();
        let start = address(&mut memory);
        for off in 0..4u64 {
            let (key, value) = (off as usize, 701 + off as usize);
            let args = [handle, start + key as u64, start + value as u64, 0];
            assert_eq!(call("map_update_elem", args), 0);
            let key = &bytes[key..key + key_size as usize];
            let value = &bytes[value..value + value_size as usize];
            assert_eq!(hash.lookup(key).unwrap().as_deref(), Some(value));
            assert_ne!(call("map_lookup_elem", [handle, start + off]), 0);
        }
    }
}

#[test]
fn a_value_can_come_from_the_same_map() {
    let hash = map(MapDef::hash(4, 8, 2));
    let handle = hash.link().handle;
    hash.update(&1u32.to_ne_bytes(), &5u64.to_ne_bytes(), Update::Any).unwrap();
    let key = address(&mut [1u32]);
    let value = call("map_lookup_elem", [handle, address(&mut [1u32])]);
    assert_ne!(key, 0);
    assert_eq!(call("map_update_elem", [handle, address(&mut [2u32]), value as u64, 0]), 0);
    assert_eq!(call("map_update_elem", [handle, address(&mut [1u32]), value as u64, 2]), 0);
    for key in [1u32, 2] {
        assert_eq!(read(call("map_lookup_elem", [handle, address(&mut [key])])), 5);
    }
}

#[test]
fn each_processor_has_its_copy() {
    let cpus = crate::map::cpu::possible();
    for kind in [MapKind::PercpuArray, MapKind::PercpuHash] {
        let percpu = map(MapDef::new(kind, 4, 8, 2));
        let all: Vec<u8> = (0..cpus as u64).flat_map(|cpu| (cpu + 5).to_ne_bytes()).collect();
        percpu.update(&1u32.to_ne_bytes(), &all, Update::Any).unwrap();
        let handle = percpu.link().handle;
        let lookup = |key: u32, cpu: u64| call("map_lookup_percpu_elem", [handle, address(&mut [key]), cpu]);
        for cpu in 0..cpus as u64 {
            assert_eq!(read(lookup(1, cpu)), cpu + 5);
            assert_eq!(lookup(2, cpu), 0);
        }
        assert_eq!([lookup(1, cpus as u64), lookup(1, u64::from(u32::MAX))], [0, 0]);
        let own = read(call("map_lookup_elem", [handle, address(&mut [1u32])]));
        assert!((5..cpus as u64 + 5).contains(&own));
    }
}
