//! Queues, stacks and bloom filters.

use super::*;
use std::collections::VecDeque;

fn errno(result: Result<(), MapError>) -> i32 {
    result.map_or_else(|error| error.errno(), |()| 0)
}

/// A queue or stack as the kernel documents it.
fn against_model(kind: MapKind, capacity: u32, seed: u64) {
    let map = map(MapDef::new(kind, 0, 5, capacity));
    let (mut model, mut rng) = (VecDeque::new(), Rng(seed));
    for step in 0..2000 {
        let next = |model: &VecDeque<Vec<u8>>| match kind {
            MapKind::Stack => model.back().cloned(),
            _ => model.front().cloned(),
        };
        match rng.below(6) {
            0..=2 => {
                let value = rng.bytes(5);
                let update = [Update::Any, Update::Exist, Update::NoExist][rng.below(3) as usize];
                let full = model.len() == capacity as usize;
                let expected = match (update, full) {
                    (Update::NoExist, _) => 22,
                    (Update::Any, true) => 7,
                    (Update::Exist, true) => {
                        model.pop_front();
                        0
                    }
                    _ => 0,
                };
                if expected == 0 {
                    model.push_back(value.clone());
                }
                assert_eq!(errno(map.push(&value, update)), expected, "step {step}");
            }
            3 => assert_eq!(map.peek().unwrap(), next(&model), "step {step}"),
            4 => {
                let expected = next(&model);
                assert_eq!(map.pop().unwrap(), expected, "step {step}");
                if kind == MapKind::Stack {
                    model.pop_back()
                } else {
                    model.pop_front()
                };
            }
            _ => assert_eq!(map.lookup(&[]).unwrap(), next(&model), "step {step}"),
        }
        assert_eq!(map.len(), model.len());
    }
}

#[test]
fn queues_and_stacks_behave_like_a_model() {
    for (seed, capacity) in [1, 2, 7].into_iter().enumerate() {
        against_model(MapKind::Queue, capacity, seed as u64 + 1);
        against_model(MapKind::Stack, capacity, seed as u64 + 1);
    }
}

#[test]
fn without_keys_there_is_nothing_to_walk_or_delete() {
    for kind in [MapKind::Queue, MapKind::Stack, MapKind::BloomFilter] {
        let map = map(MapDef::new(kind, 0, 8, 4));
        assert_eq!(map.next_key(None), Err(MapError::Operation));
        assert_eq!(map.delete(&[]), Err(MapError::Operation));
        assert!(map.iter().is_err());
    }
    assert_eq!(map(MapDef::hash(4, 4, 1)).pop(), Err(MapError::Operation));
    assert_eq!(map(MapDef::array(4, 1)).push(&[0; 4], Update::Any), Err(MapError::Operation));
}

#[test]
fn a_bloom_filter_has_what_was_pushed_and_little_else() {
    for (extra, entries) in [(0, 1000), (1, 1000), (15, 300)] {
        let mut def = MapDef::new(MapKind::BloomFilter, 0, 13, entries);
        def.extra = extra;
        let bloom = map(def);
        let mut rng = Rng(extra + 1);
        let values: Vec<_> = (0..entries).map(|_| rng.bytes(13)).collect();
        assert!(!bloom.may_have(&values[0]).unwrap());
        for value in &values {
            bloom.push(value, Update::Any).unwrap();
        }
        assert!(values.iter().all(|value| bloom.may_have(value).unwrap()));
        let wrong = (0..1000).filter(|_| bloom.may_have(&rng.bytes(13)).unwrap()).count();
        assert!(wrong < 600, "{wrong} of 1000 strangers with {extra} hashes");
        assert_eq!(bloom.push(&[0; 13], Update::Exist), Err(MapError::UpdateFlags(2)));
        assert_eq!(bloom.pop(), Err(MapError::Operation));
    }
    let mut def = MapDef::new(MapKind::BloomFilter, 0, 8, 1);
    def.extra = 16;
    assert_eq!(Map::create(def).map_err(|error| error.errno()).err(), Some(22));
}
