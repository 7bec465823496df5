//! Per-CPU maps: a program has its processor's copy, the host all of them.

use super::super::cpu;
use super::*;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// What a test is run for: both kinds, on one processor that cannot change.
fn on_one_processor(value_size: u32, test: impl Fn(&Map, usize)) {
    let before = sched_getaffinity(None).expect("an affinity");
    let allowed = (0..cpu::possible()).filter(|cpu| before.is_set(*cpu));
    for cpu in allowed {
        let mut only = CpuSet::new();
        only.set(cpu);
        sched_setaffinity(None, &only).expect("this processor");
        for kind in [MapKind::PercpuArray, MapKind::PercpuHash] {
            test(&map(MapDef::new(kind, 4, value_size, 3)), cpu);
        }
    }
    sched_setaffinity(None, &before).expect("the affinity before");
}

/// A value as the host sees it, in which each copy has a byte of its own.
fn copies(value_size: usize, byte: impl Fn(usize) -> u8) -> Vec<u8> {
    let copy = |cpu| {
        let mut copy = vec![byte(cpu); value_size];
        copy.resize(value_size.next_multiple_of(8), 0);
        copy
    };
    (0..cpu::possible()).flat_map(copy).collect()
}

const KEY: [u8; 4] = [1, 0, 0, 0];

#[test]
fn the_host_sets_and_sees_every_copy() {
    for size in [1, 8, 13] {
        on_one_processor(size, |map, cpu| {
            let size = size as usize;
            let all = copies(size, |cpu| cpu as u8 + 1);
            map.update(&KEY, &all, Update::Any).unwrap();
            assert_eq!(map.lookup(&KEY).unwrap(), Some(all.clone()));
            assert!(map.iter().unwrap().any(|(key, value)| key == KEY && value == all));
            assert_eq!(program_reads(map, &KEY), Some(vec![cpu as u8 + 1; size]));
            let other =
                |cpu| map.0.storage().lookup_percpu(&KEY, cpu).map(|at| bytes_at(at.as_ptr() as u64, 1)[0]);
            assert!((0..cpu::possible()).all(|cpu| other(cpu) == Some(cpu as u8 + 1)));
            assert_eq!(other(cpu::possible()), None);
            let error = MapError::ValueLength { given: size, needed: all.len() };
            if all.len() != size {
                assert_eq!(map.update(&KEY, &vec![0; size], Update::Any), Err(error));
            }
        });
    }
}

#[test]
fn a_program_sets_its_own_copy() {
    on_one_processor(13, |map, cpu| {
        let program = |byte, update| map.0.storage().update(&KEY, &[byte; 13], update);
        program(7, Update::Any).unwrap();
        let only = copies(13, |at| if at == cpu { 7 } else { 0 });
        assert_eq!(map.lookup(&KEY).unwrap(), Some(only), "a new value is zero elsewhere");
        map.update(&KEY, &copies(13, |_| 9), Update::Exist).unwrap();
        program(8, Update::Exist).unwrap();
        let own = copies(13, |at| if at == cpu { 8 } else { 9 });
        assert_eq!(map.lookup(&KEY).unwrap(), Some(own));
        assert_eq!(program(1, Update::NoExist), Err(MapError::Exists));
    });
}

#[test]
fn an_update_is_in_place() {
    on_one_processor(8, |map, _| {
        map.update(&KEY, &copies(8, |_| 1), Update::Any).unwrap();
        let before = map.0.storage().lookup(&KEY).unwrap().as_ptr() as u64;
        map.update(&KEY, &copies(8, |_| 2), Update::Any).unwrap();
        assert_eq!(bytes_at(before, 8), [2; 8]);
        assert_eq!(map.0.storage().lookup(&KEY).unwrap().as_ptr() as u64, before);
    });
}

#[test]
fn a_recycled_element_keeps_nothing() {
    let hash = map(MapDef::new(MapKind::PercpuHash, 4, 8, 1));
    hash.update(&KEY, &copies(8, |_| 5), Update::Any).unwrap();
    hash.delete(&KEY).unwrap();
    hash.0.storage().update(&[2; 4], &[0; 8], Update::Any).unwrap();
    assert_eq!(hash.lookup(&[2; 4]).unwrap(), Some(copies(8, |_| 0)));
    assert_eq!(hash.update(&KEY, &copies(8, |_| 5), Update::Any), Err(MapError::Full));
}

#[test]
fn each_copy_is_contained_by_itself() {
    on_one_processor(13, |map, _| {
        map.update(&KEY, &copies(13, |_| 1), Update::Any).unwrap();
        for cpu in 0..cpu::possible() {
            let at = map.0.storage().lookup_percpu(&KEY, cpu).unwrap().as_ptr() as u64;
            assert!(map.contains(at, 13) && map.contains(at + 12, 1));
            assert!(!map.contains(at, 14) && !map.contains(at + 13, 1));
        }
        assert_eq!(map.link().value, None);
    });
}

#[test]
fn other_maps_have_no_copies() {
    for def in [MapDef::array(8, 3), MapDef::hash(4, 8, 3)] {
        let map = map(def);
        map.update(&KEY, &[1; 8], Update::Any).unwrap();
        assert!(map.0.storage().lookup_percpu(&KEY, 1).is_none());
    }
}
