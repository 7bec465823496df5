//! Random operations on a map and on a model that is too simple to be wrong.

use super::*;
use std::collections::BTreeMap;

const E2BIG: i32 = 7;
const ENOENT: i32 = 2;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;

fn errno(result: Result<(), MapError>) -> i32 {
    result.map_or_else(|error| error.errno(), |()| 0)
}

fn random_update(rng: &mut Rng) -> Update {
    [Update::Any, Update::NoExist, Update::Exist][rng.below(3) as usize]
}

/// A hash map as the kernel documents it.
struct Model {
    elements: BTreeMap<Vec<u8>, Vec<u8>>,
    max_entries: usize,
}

impl Model {
    fn update(&mut self, key: &[u8], value: &[u8], update: Update) -> i32 {
        match (self.elements.contains_key(key), update) {
            (true, Update::NoExist) => return EEXIST,
            (false, Update::Exist) => return ENOENT,
            (false, _) if self.elements.len() == self.max_entries => return E2BIG,
            _ => {}
        }
        self.elements.insert(key.to_vec(), value.to_vec());
        0
    }

    fn delete(&mut self, key: &[u8]) -> i32 {
        if self.elements.remove(key).is_some() { 0 } else { ENOENT }
    }
}

/// Walks a map by `next_key` from the first key.
fn walk(map: &Map) -> Vec<Vec<u8>> {
    let next = |key: Option<&Vec<u8>>| map.next_key(key.map(Vec::as_slice)).unwrap();
    std::iter::successors(next(None), |key| next(Some(key))).collect()
}

fn check_same(hash: &Map, model: &Model) {
    assert_eq!(hash.len(), model.elements.len());
    assert_eq!(hash.is_empty(), model.elements.is_empty());
    assert_eq!(hash.iter().unwrap().collect::<BTreeMap<_, _>>(), model.elements);
    let mut keys = walk(hash);
    keys.sort();
    assert!(keys.iter().eq(model.elements.keys()), "next_key sees every key once");
}

fn hash_against_model(def: &MapDef, seed: u64) {
    let mut rng = Rng(seed);
    let hash = map(def.clone());
    let mut model = Model { elements: BTreeMap::new(), max_entries: def.max_entries as usize };
    // Half as many keys again as fit, so that the map is full now and then.
    let keys: Vec<_> = (0..def.max_entries * 3 / 2 + 2).map(|_| rng.bytes(def.key_size as usize)).collect();
    for step in 0..3000 {
        let key = &keys[rng.below(keys.len() as u64) as usize];
        match rng.below(8) {
            0..=3 => {
                let value = rng.bytes(def.value_size as usize);
                let update = random_update(&mut rng);
                let expected = model.update(key, &value, update);
                assert_eq!(errno(hash.update(key, &value, update)), expected, "step {step} {update:?}");
            }
            4..=5 => assert_eq!(errno(hash.delete(key)), model.delete(key), "step {step}"),
            6 => assert_eq!(hash.lookup(key).unwrap().as_ref(), model.elements.get(key), "step {step}"),
            _ => assert_eq!(program_reads(&hash, key).as_ref(), model.elements.get(key), "step {step}"),
        }
        if step % 250 == 0 {
            check_same(&hash, &model);
        }
    }
    check_same(&hash, &model);
}

#[test]
fn a_hash_behaves_like_a_model() {
    let sizes = [(1, 1, 1), (4, 4, 1), (4, 8, 2), (8, 8, 33), (3, 5, 64), (13, 20, 100), (40, 256, 300)];
    for (seed, (key, value, entries)) in sizes.into_iter().enumerate() {
        for flags in [MapFlags::empty(), MapFlags::NO_PREALLOC, MapFlags::ZERO_SEED] {
            hash_against_model(&MapDef::hash(key, value, entries).flags(flags), seed as u64 + 1);
        }
    }
}

/// An array as the kernel documents it.
fn model_update(values: &mut [Vec<u8>], index: u32, value: &[u8], update: Update) -> i32 {
    let Some(slot) = values.get_mut(index as usize) else { return E2BIG };
    if update == Update::NoExist {
        return EEXIST;
    }
    *slot = value.to_vec();
    0
}

fn array_against_model(def: &MapDef, seed: u64) {
    let mut rng = Rng(seed);
    let array = map(def.clone());
    let mut model = vec![vec![0; def.value_size as usize]; def.max_entries as usize];
    for step in 0..2000 {
        let index = match rng.below(20) {
            0 => u32::MAX,
            1 => rng.next() as u32,
            _ => rng.below(u64::from(def.max_entries) + 2) as u32,
        };
        let key = index.to_ne_bytes();
        let expected = model.get(index as usize).cloned();
        match rng.below(6) {
            0..=2 => {
                let value = rng.bytes(def.value_size as usize);
                let update = random_update(&mut rng);
                let expected = model_update(&mut model, index, &value, update);
                assert_eq!(errno(array.update(&key, &value, update)), expected, "step {step} {update:?}");
            }
            3 => assert_eq!(errno(array.delete(&key)), EINVAL),
            4 => assert_eq!(array.lookup(&key).unwrap(), expected, "step {step}"),
            _ => assert_eq!(program_reads(&array, &key), expected, "step {step}"),
        }
    }
    assert_eq!(array.len(), model.len());
    assert!(array.iter().unwrap().map(|(_, value)| value).eq(model));
}

#[test]
fn an_array_behaves_like_a_model() {
    for (seed, (value, entries)) in [(1, 1), (4, 2), (8, 8), (13, 7), (100, 50)].into_iter().enumerate() {
        array_against_model(&MapDef::array(value, entries), seed as u64 + 1);
    }
}

#[test]
fn the_next_key_of_an_array_is_the_kernels() {
    let array = map(MapDef::array(1, 3));
    let next = |key: Option<u32>| {
        let next = array.next_key(key.map(u32::to_ne_bytes).as_ref().map(|key| &key[..])).unwrap();
        next.map(|key| u32::from_ne_bytes(key.try_into().unwrap()))
    };
    let cases = [
        (None, Some(0)),
        (Some(0), Some(1)),
        (Some(1), Some(2)),
        (Some(2), None),
        // A key that there is not starts from the first.
        (Some(3), Some(0)),
        (Some(u32::MAX), Some(0)),
    ];
    for (key, expected) in cases {
        assert_eq!(next(key), expected, "after {key:?}");
    }
}

#[test]
fn the_next_key_of_a_hash_starts_over_after_a_key_it_has_not() {
    let hash = map(MapDef::hash(4, 4, 8));
    assert_eq!(hash.next_key(None), Ok(None));
    assert_eq!(hash.next_key(Some(&[9; 4])), Ok(None));
    hash.update(&[1; 4], &[0; 4], Update::Any).unwrap();
    hash.update(&[2; 4], &[0; 4], Update::Any).unwrap();
    let first = hash.next_key(None).unwrap();
    assert_eq!(hash.next_key(Some(&[9; 4])), Ok(first));
}
