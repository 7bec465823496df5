//! LRU maps: full ones make room.

use super::*;

fn lru(kind: MapKind, entries: u32) -> Map {
    map(MapDef::new(kind, 4, 8, entries))
}

fn put(map: &Map, key: u32) {
    let value = vec![key as u8; map.0.storage().host_value_size()];
    map.update(&key.to_ne_bytes(), &value, Update::Any).expect("room is made");
}

fn has(map: &Map, key: u32) -> bool {
    map.lookup(&key.to_ne_bytes()).unwrap().is_some()
}

#[test]
fn a_full_map_takes_new_keys_and_stays_full() {
    for kind in [MapKind::LruHash, MapKind::LruPercpuHash] {
        for entries in [1, 2, 64, 300] {
            let map = lru(kind, entries);
            for key in 0..entries * 3 {
                put(&map, key);
                assert!(has(&map, key), "what was just put is there");
                assert_eq!(map.len(), (key + 1).min(entries) as usize);
            }
            assert_eq!(map.iter().unwrap().count(), entries as usize);
        }
    }
}

#[test]
fn what_programs_look_up_stays() {
    let map = lru(MapKind::LruHash, 100);
    (0..100).for_each(|key| put(&map, key));
    for key in 100..1000 {
        for kept in 0..10u32 {
            assert!(program_reads(&map, &kept.to_ne_bytes()).is_some(), "{kept} gave way to {key}");
        }
        put(&map, key);
    }
}

#[test]
fn a_lookup_of_the_hosts_keeps_nothing() {
    let map = lru(MapKind::LruHash, 8);
    (0..8).for_each(|key| put(&map, key));
    for key in 8..200 {
        assert!(has(&map, key - 1));
        has(&map, 0);
        put(&map, key);
    }
    assert!(!has(&map, 0));
}

#[test]
fn threads_that_fill_it_at_once_all_find_room() {
    let map = lru(MapKind::LruHash, 16);
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let map = &map;
            scope.spawn(move || (0..3000).for_each(|key| put(map, thread << 16 | key)));
        }
    });
    assert_eq!(map.len(), 16);
    assert_eq!(map.iter().unwrap().count(), 16);
}
