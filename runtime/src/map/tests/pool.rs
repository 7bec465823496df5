//! The free list under many threads.

use super::super::pool::{Element, Freelist, Pool, Shape};
use super::*;
use std::sync::atomic::AtomicBool;

fn pool(capacity: u32, reserve: bool) -> Pool {
    Pool::new(&Shape { capacity, key_words: 1, value_words: 1, reserve }).expect("memory for a pool")
}

#[test]
fn every_element_is_handed_out_once() {
    for reserve in [true, false] {
        let pool = pool(1000, reserve);
        let list = Freelist::new(0..1000);
        let all: Vec<Element<'_>> =
            (0..1000u64).map(|k| pool.take(&list, &k.to_ne_bytes()).unwrap()).collect();
        assert_eq!(pool.take(&list, &[0; 8]).err(), Some(MapError::Full));
        assert!(all.iter().zip(0..).all(|(element, key)| element.key()[0].load(Relaxed) == key));
        all.iter().for_each(|element| pool.give(&list, *element));
        assert!(all.iter().all(|element| !element.still()), "a freed element is not what its link meant");
        let again = pool.take(&list, &[0; 8]).unwrap();
        assert_eq!(again.value().as_ptr(), all[999].value().as_ptr(), "the last freed comes first");
        assert!(again.still());
    }
}

#[test]
fn no_element_has_two_owners() {
    let pool = pool(4, true);
    let list = Freelist::new(0..4);
    let owned: [AtomicBool; 4] = Default::default();
    let base = pool.take(&list, &[0; 8]).unwrap();
    let start = base.value().as_ptr().addr();
    pool.give(&list, base);
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let (pool, list, owned) = (&pool, &list, &owned);
            scope.spawn(move || {
                for round in 0..20_000u64 {
                    let Ok(element) = pool.take(list, &round.to_ne_bytes()) else { continue };
                    let at = (element.value().as_ptr().addr() - start) / 32;
                    assert!(!owned[at].swap(true, Relaxed), "thread {thread} shares element {at}");
                    owned[at].store(false, Relaxed);
                    pool.give(list, element);
                }
            });
        }
    });
    let left = std::iter::from_fn(|| pool.take(&list, &[0; 8]).ok()).count();
    assert_eq!(left, 4);
}
