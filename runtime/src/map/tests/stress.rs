//! Eight threads on one map.

use super::*;
use std::sync::atomic::{AtomicBool, AtomicU64};

const THREADS: u64 = 8;

/// A value that says which key it is for: its first half is the key.
fn value_for(key: u64, rng: &mut Rng) -> Vec<u8> {
    [key.to_ne_bytes(), rng.next().to_ne_bytes()].concat()
}

fn key_in(value: &[u8]) -> u64 {
    u64::from_ne_bytes(value[..8].try_into().unwrap())
}

/// Updates, deletes and looks up random keys; a value found must be of its key.
fn churn(hash: &Map, seed: u64, keys: u64, rounds: u64) {
    let mut rng = Rng(seed + 1);
    for _ in 0..rounds {
        let key = rng.below(keys);
        let bytes = key.to_ne_bytes();
        match rng.below(4) {
            0 => match hash.update(&bytes, &value_for(key, &mut rng), Update::Any) {
                Ok(()) | Err(MapError::Full) => {}
                Err(error) => panic!("{error}"),
            },
            1 => match hash.delete(&bytes) {
                Ok(()) | Err(MapError::NoEntry) => {}
                Err(error) => panic!("{error}"),
            },
            _ => {
                let value = hash.lookup(&bytes).unwrap();
                assert!(value.is_none_or(|value| key_in(&value) == key), "another key's value");
            }
        }
    }
}

fn check_whole(hash: &Map) {
    let elements: Vec<_> = hash.iter().unwrap().collect();
    assert_eq!(elements.len(), hash.len());
    let mut keys: Vec<_> = elements.iter().map(|(key, _)| key.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), elements.len(), "no key twice");
    for (key, value) in &elements {
        assert_eq!(key, &value[..8]);
        assert_eq!(hash.lookup(key).unwrap().as_ref(), Some(value));
    }
}

#[test]
fn a_hash_stays_whole() {
    for (entries, flags) in [(4, MapFlags::empty()), (100, MapFlags::NO_PREALLOC), (1000, MapFlags::empty())]
    {
        let hash = map(MapDef::hash(8, 16, entries).flags(flags));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let hash = &hash;
                scope.spawn(move || churn(hash, thread, u64::from(entries) * 5 / 4, 20_000));
            }
        });
        check_whole(&hash);
        // Nothing was lost: the map can be filled to its brim.
        let room = u64::from(entries) - hash.len() as u64;
        for key in 1 << 32..(1 << 32) + room {
            hash.update(&u64::to_ne_bytes(key), &[0; 16], Update::NoExist).unwrap();
        }
        assert_eq!(hash.update(&[255; 8], &[0; 16], Update::NoExist), Err(MapError::Full));
    }
}

/// Keys 0..8 are always there, one thread each replacing it; others come and go
/// in the same few buckets. The law: a reader never misses a key that is there,
/// by lookup or by iteration.
#[test]
fn a_key_that_stays_is_never_missed() {
    let hash = map(MapDef::hash(8, 16, 16));
    let mut rng = Rng(7);
    (0..8).for_each(|key: u64| {
        hash.update(&key.to_ne_bytes(), &value_for(key, &mut rng), Update::Any).unwrap()
    });
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2u64 {
            let (hash, done) = (&hash, &done);
            scope.spawn(move || {
                let mut rng = Rng(thread + 100);
                while !done.load(Relaxed) {
                    let key = rng.below(8);
                    hash.update(&key.to_ne_bytes(), &value_for(key, &mut rng), Update::Exist).unwrap();
                }
            });
            scope.spawn(move || {
                let mut rng = Rng(thread + 200);
                while !done.load(Relaxed) {
                    let key = 8 + rng.below(8);
                    let _ = hash.update(&key.to_ne_bytes(), &value_for(key, &mut rng), Update::Any);
                    let _ = hash.delete(&(8 + rng.below(8)).to_ne_bytes());
                }
            });
        }
        let readers: Vec<_> = (0..4).map(|thread| scope.spawn(move_reader(&hash, thread))).collect();
        let results: Vec<_> = readers.into_iter().map(|reader| reader.join()).collect();
        done.store(true, Relaxed);
        results.into_iter().for_each(|result| result.expect("no reader missed a key"));
    });
    check_whole(&hash);
}

fn move_reader(hash: &Map, seed: u64) -> impl FnOnce() + Send + '_ {
    move || {
        let mut rng = Rng(seed + 300);
        for round in 0..10_000u64 {
            let key = rng.below(8);
            let value = hash.lookup(&key.to_ne_bytes()).unwrap().expect("the key is always there");
            assert_eq!(key_in(&value), key);
            assert!(program_reads(hash, &key.to_ne_bytes()).is_some());
            if round % 16 == 0 {
                let stayed = hash.keys().unwrap().filter(|key| key[..] < 8u64.to_ne_bytes()[..1]).count();
                let seen = hash.keys().unwrap().filter(|key| key_in(key) < 8).count();
                assert!(seen == 8 && stayed <= 16, "iteration saw {seen} of 8");
            }
        }
    }
}

/// Programs add to counters in place, the host reads and other keys churn: no
/// addition is lost.
#[test]
fn counters_in_values_lose_nothing() {
    for def in [MapDef::array(16, 4), MapDef::hash(4, 16, 4)] {
        let counters = map(def);
        let keys = [0u32, 1, 2, 3].map(u32::to_ne_bytes);
        for key in keys {
            counters.update(&key, &[0; 16], Update::Any).unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for round in 0..10_000 {
                        add_one(&counters, &keys[round % 4]);
                        counters.lookup(&keys[0]).unwrap();
                    }
                });
            }
        });
        for key in keys {
            let value = counters.lookup(&key).unwrap().unwrap();
            assert_eq!(key_in(&value), THREADS * 10_000 / 4);
        }
    }
}

#[expect(unsafe_code, reason = "programs write values by address")]
fn add_one(map: &Map, key: &[u8]) {
    let value = map.0.storage().lookup(key).expect("the key is there");
    // SAFETY: the map is alive, its values are aligned to 8 and have 16 bytes.
    unsafe { AtomicU64::from_ptr(value.as_ptr().cast()).fetch_add(1, Relaxed) };
}
