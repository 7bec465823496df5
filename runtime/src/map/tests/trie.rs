//! LPM tries, against a list of prefixes that is searched from end to end.

use super::*;
use std::collections::BTreeMap;

fn key(len: u32, data: &[u8]) -> Vec<u8> {
    [&len.to_ne_bytes()[..], data].concat()
}

/// The first `len` bits of some bytes.
fn bits(len: u32, data: &[u8]) -> Vec<bool> {
    (0..len as usize).map(|at| data[at / 8] & (0x80 >> (at % 8)) != 0).collect()
}

type Model = BTreeMap<Vec<bool>, Vec<u8>>;

fn longest(model: &Model, len: u32, data: &[u8]) -> Option<Vec<u8>> {
    let wanted = bits(len, data);
    let matching = model.iter().filter(|(prefix, _)| wanted.starts_with(prefix));
    matching.max_by_key(|(prefix, _)| prefix.len()).map(|(_, value)| value.clone())
}

fn insert(model: &mut Model, prefix: Vec<bool>, value: &[u8], update: Update, max: usize) -> i32 {
    match (model.contains_key(&prefix), update) {
        (true, Update::NoExist) => return 17,
        (false, Update::Exist) => return 2,
        (false, _) if model.len() == max => return 28,
        _ => {}
    }
    model.insert(prefix, value.to_vec());
    0
}

fn errno(result: Result<(), MapError>) -> i32 {
    result.map_or_else(|error| error.errno(), |()| 0)
}

fn trie(data: u32, entries: u32) -> Map {
    map(MapDef::new(MapKind::LpmTrie, 4 + data, 3, entries).flags(MapFlags::NO_PREALLOC))
}

/// Few distinct bytes, so that prefixes have much in common.
fn random_key(rng: &mut Rng, size: u32) -> (u32, Vec<u8>) {
    let data = (0..size).map(|_| [0, 0x80, 0xff, 0x0f, 0xf8][rng.below(5) as usize]).collect();
    (rng.below(u64::from(size) * 8 + 1) as u32, data)
}

fn check_walk(trie: &Map, model: &Model, size: u32) {
    let next = |key: Option<&Vec<u8>>| trie.next_key(key.map(Vec::as_slice)).unwrap();
    let keys: Vec<_> = std::iter::successors(next(None), |key| next(Some(key))).collect();
    let prefix = |key: &[u8]| bits(u32::from_ne_bytes(key[..4].try_into().unwrap()), &key[4..]);
    let walked: Vec<_> = keys.iter().map(|key| prefix(key)).collect();
    // Longer ones before those that they start with, else in order.
    for pair in walked.windows(2) {
        let ordered = pair[0].starts_with(&pair[1]) || pair[0] < pair[1] && !pair[1].starts_with(&pair[0]);
        assert!(ordered, "{pair:?} of keys with {size} bytes");
    }
    let elements: Model = trie.iter().unwrap().map(|(key, value)| (prefix(&key), value)).collect();
    assert_eq!(elements, *model);
    let mut sorted = walked.clone();
    sorted.sort();
    assert!(sorted.iter().eq(model.keys()), "next_key sees every key once");
    assert_eq!(trie.len(), model.len());
}

fn against_model(size: u32, entries: u32, seed: u64) {
    let (trie, mut model, mut rng) = (trie(size, entries), Model::new(), Rng(seed));
    for step in 0..3000 {
        let (len, data) = random_key(&mut rng, size);
        let key = key(len, &data);
        match rng.below(7) {
            0..=2 => {
                let value = rng.bytes(3);
                let update =
                    [Update::Any, Update::Any, Update::NoExist, Update::Exist][rng.below(4) as usize];
                let expected = insert(&mut model, bits(len, &data), &value, update, entries as usize);
                assert_eq!(errno(trie.update(&key, &value, update)), expected, "step {step}");
            }
            3..=4 => {
                let expected = if model.remove(&bits(len, &data)).is_some() { 0 } else { 2 };
                assert_eq!(errno(trie.delete(&key)), expected, "step {step}");
            }
            5 => assert_eq!(trie.lookup(&key).unwrap(), longest(&model, len, &data), "step {step}"),
            _ => assert_eq!(program_reads(&trie, &key), longest(&model, len, &data), "step {step}"),
        }
        if step % 200 == 0 {
            check_walk(&trie, &model, size);
        }
    }
    check_walk(&trie, &model, size);
}

#[test]
fn a_trie_behaves_like_a_model() {
    for (seed, (size, entries)) in [(1, 300), (4, 20), (4, 1000), (9, 50), (16, 1)].into_iter().enumerate() {
        against_model(size, entries, seed as u64 + 1);
    }
}

#[test]
fn a_prefix_longer_than_the_key_is_refused() {
    let trie = trie(4, 4);
    let long = key(33, &[0; 4]);
    assert_eq!(trie.update(&long, &[0; 3], Update::Any), Err(MapError::Prefix { given: 33, longest: 32 }));
    assert_eq!(trie.delete(&long).map_err(|error| error.errno()), Err(22));
    assert_eq!(trie.lookup(&long), Ok(None));
}

/// What is replaced and recycled while others look never shows a value of
/// another prefix.
#[test]
fn readers_never_see_another_prefixes_value() {
    let trie = trie(4, 64);
    let value = |byte: u8| [byte, byte ^ 0x55, !byte];
    trie.update(&key(0, &[0; 4]), &value(0), Update::Any).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut rng = Rng(7);
            for _ in 0..20_000 {
                let byte = rng.below(16) as u8 + 1;
                let key = key(8 + rng.below(3) as u32 * 8, &[byte, 0, 0, 0]);
                if rng.below(2) == 0 {
                    trie.update(&key, &value(byte), Update::Any).unwrap();
                } else {
                    let _ = trie.delete(&key);
                }
            }
        });
        let mut rng = Rng(9);
        while !writer.is_finished() {
            let byte = rng.below(16) as u8 + 1;
            let found = trie.lookup(&key(32, &[byte, 0, 0, 0])).unwrap().expect("the empty prefix is there");
            assert!(found == value(byte) || found == value(0), "{found:?} for {byte}");
        }
    });
}
