//! Panics of what a helper calls.

use super::super::{guard, take_panic};

#[test]
fn a_result_passes_through() {
    assert_eq!(guard(|| 7), 7);
    assert!(take_panic().is_none());
}

#[test]
fn the_first_panic_waits_for_its_taker() {
    assert_eq!(guard(|| std::panic::panic_any(1u8)), 0);
    assert_eq!(guard(|| std::panic::panic_any(2u8)), 0);
    assert_eq!(guard(|| 3), 3);
    let payload = take_panic().expect("a payload");
    assert_eq!(payload.downcast_ref(), Some(&1u8));
    assert!(take_panic().is_none());
}

#[test]
fn a_panic_stays_on_its_thread() {
    let other = std::thread::spawn(|| {
        guard(|| std::panic::panic_any("there"));
        take_panic().is_some()
    });
    assert!(other.join().unwrap());
    assert!(take_panic().is_none());
}
