//! What a program sees through an address that it got before the element
//! changed: as with the kernel's preallocated elements, on one CPU.

use super::*;

const ALL: [MapFlags; 2] = [MapFlags::empty(), MapFlags::NO_PREALLOC];

fn address(map: &Map, key: u8) -> u64 {
    map.0.storage().lookup(&[key; 4]).expect("the key is there").as_ptr() as u64
}

fn set(map: &Map, key: u8, value: u8) {
    map.update(&[key; 4], &[value; 8], Update::Any).expect("there is room");
}

#[test]
fn the_old_value_stays_until_its_element_is_used_again() {
    for flags in ALL {
        let hash = map(MapDef::hash(4, 8, 4).flags(flags));
        set(&hash, 1, 10);
        let old = address(&hash, 1);
        set(&hash, 1, 11);
        let new = address(&hash, 1);
        assert_ne!(old, new);
        assert_eq!([bytes_at(old, 8), bytes_at(new, 8)], [[10; 8], [11; 8]]);
        set(&hash, 1, 12);
        assert_eq!(address(&hash, 1), old, "the replaced element is the next replacement");
        assert_eq!([bytes_at(old, 8), bytes_at(new, 8)], [[12; 8], [11; 8]]);
    }
}

#[test]
fn an_insertion_does_not_use_a_replaced_element() {
    for flags in ALL {
        let hash = map(MapDef::hash(4, 8, 4).flags(flags));
        set(&hash, 1, 10);
        let old = address(&hash, 1);
        set(&hash, 1, 11);
        set(&hash, 2, 20);
        assert_eq!(bytes_at(old, 8), [10; 8]);
    }
}

#[test]
fn a_deleted_element_is_the_next_one_inserted() {
    for flags in ALL {
        let hash = map(MapDef::hash(4, 8, 4).flags(flags));
        set(&hash, 1, 10);
        let old = address(&hash, 1);
        hash.delete(&[1; 4]).unwrap();
        assert_eq!(bytes_at(old, 8), [10; 8]);
        set(&hash, 2, 20);
        assert_eq!(address(&hash, 2), old);
        assert_eq!(bytes_at(old, 8), [20; 8]);
    }
}

#[test]
fn an_array_is_updated_in_place() {
    let array = map(MapDef::array(8, 1));
    let value = array.0.storage().lookup(&[0; 4]).unwrap().as_ptr() as u64;
    array.update(&[0; 4], &[3; 8], Update::Exist).unwrap();
    assert_eq!(bytes_at(value, 8), [3; 8]);
}

#[test]
fn a_full_map_can_be_updated_and_refilled() {
    for flags in ALL {
        let hash = map(MapDef::hash(4, 8, 3).flags(flags));
        for round in 0..100 {
            (0..3).for_each(|key| set(&hash, key, round));
            assert_eq!(hash.update(&[9; 4], &[0; 8], Update::Any), Err(MapError::Full));
            (0..3).for_each(|key| set(&hash, key, round + 1));
            hash.delete(&[1; 4]).unwrap();
            set(&hash, 9, round);
            hash.delete(&[9; 4]).unwrap();
            assert_eq!(hash.len(), 2);
        }
    }
}
