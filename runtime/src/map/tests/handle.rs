//! What a handle lets the host do, beyond storing and finding.

use super::*;
use std::sync::Arc;

#[test]
fn a_handle_goes_anywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    anywhere::<Map>();
}

#[test]
fn sizes_are_checked() {
    let hash = map(MapDef::hash(4, 8, 2));
    let key = MapError::KeyLength { given: 3, needed: 4 };
    let value = MapError::ValueLength { given: 9, needed: 8 };
    assert_eq!(hash.lookup(&[0; 3]), Err(key.clone()));
    assert_eq!(hash.delete(&[0; 3]), Err(key.clone()));
    assert_eq!(hash.next_key(Some(&[0; 3])), Err(key.clone()));
    assert_eq!(hash.update(&[0; 3], &[0; 8], Update::Any), Err(key));
    assert_eq!(hash.update(&[0; 4], &[0; 9], Update::Any), Err(value.clone()));
    assert_eq!(hash.lookup_into(&[0; 4], &mut [0; 9]), Err(value));
    assert_eq!(hash.len(), 0);
}

#[test]
fn the_host_is_kept_out_as_the_flags_say() {
    let read_only = map(MapDef::hash(4, 4, 1).flags(MapFlags::RDONLY));
    assert_eq!(read_only.update(&[0; 4], &[0; 4], Update::Any), Err(MapError::NotWritable));
    assert_eq!(read_only.delete(&[0; 4]), Err(MapError::NotWritable));
    assert_eq!(read_only.lookup(&[0; 4]), Ok(None));
    assert_eq!(read_only.0.storage().update(&[1; 4], &[2; 4], Update::Any), Ok(()));
    assert_eq!(read_only.lookup(&[1; 4]), Ok(Some(vec![2; 4])));

    let write_only = map(MapDef::hash(4, 4, 1).flags(MapFlags::WRONLY));
    assert_eq!(write_only.update(&[0; 4], &[0; 4], Update::Any), Ok(()));
    assert_eq!(write_only.lookup(&[0; 4]), Err(MapError::NotReadable));
    assert_eq!(write_only.next_key(None), Err(MapError::NotReadable));
    assert_eq!(write_only.iter().err(), Some(MapError::NotReadable));
    assert_eq!(write_only.delete(&[0; 4]), Ok(()));
}

#[test]
fn freezing_stops_the_host_and_not_programs() {
    let array = map(MapDef::array(4, 1));
    array.update(&[0; 4], &[1; 4], Update::Any).unwrap();
    assert!(!array.is_frozen());
    array.freeze().unwrap();
    assert!(array.is_frozen());
    assert_eq!(array.freeze(), Err(MapError::AlreadyFrozen));
    assert_eq!(array.update(&[0; 4], &[2; 4], Update::Any), Err(MapError::NotWritable));
    assert_eq!(array.lookup(&[0; 4]), Ok(Some(vec![1; 4])));
    assert_eq!(array.0.storage().update(&[0; 4], &[3; 4], Update::Any), Ok(()));
    assert_eq!(array.lookup(&[0; 4]), Ok(Some(vec![3; 4])));
}

#[test]
fn no_write_of_the_host_comes_after_a_freeze() {
    let array = map(MapDef::array(8, 1));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| while array.update(&[0; 4], &[1; 8], Update::Any).is_ok() {});
        }
        array.freeze().unwrap();
        let after = array.lookup(&[0; 4]);
        array.0.storage().update(&[0; 4], &[9; 8], Update::Any).unwrap();
        assert!(after.is_ok());
    });
    assert_eq!(array.lookup(&[0; 4]), Ok(Some(vec![9; 8])));
}

#[test]
fn contents_are_known_where_nobody_can_change_them() {
    let cases = [
        (MapDef::array(4, 1).flags(MapFlags::RDONLY_PROG), true, true),
        (MapDef::array(4, 1).flags(MapFlags::RDONLY_PROG), false, false),
        (MapDef::array(4, 1), true, false),
        (MapDef::array(4, 2).flags(MapFlags::RDONLY_PROG), true, false),
        (MapDef::array(4, 1).flags(MapFlags::RDONLY_PROG | MapFlags::WRONLY), true, true),
    ];
    for (def, freeze, known) in cases {
        let array = map(def.clone());
        array.update(&[0; 4], b"abcd", Update::Any).unwrap();
        if freeze {
            array.freeze().unwrap();
        }
        let info = array.info();
        assert_eq!(info.frozen, known.then(|| Arc::from(*b"abcd")), "{def:?} frozen: {freeze}");
        assert_eq!(info.def, def);
    }
}

#[test]
fn links_lead_to_the_map_and_its_only_value() {
    let one = map(MapDef::array(12, 1));
    one.update(&[0; 4], &[5; 12], Update::Any).unwrap();
    let link = one.link();
    assert_eq!(link.handle, Arc::as_ptr(&one.0) as u64);
    assert_eq!(bytes_at(link.value.unwrap(), 12), [5; 12]);
    assert_eq!(link, one.clone().link());
    assert_eq!(map(MapDef::array(12, 2)).link().value, None);
    assert_eq!(map(MapDef::hash(4, 12, 1)).link().value, None);
}

#[test]
fn an_array_contains_its_values_and_no_padding() {
    let array = map(MapDef::array(12, 3));
    let second = array.0.storage().lookup(&1u32.to_ne_bytes()).unwrap().as_ptr() as u64;
    assert_eq!(second % 8, 0);
    assert!(array.contains(second, 0) && array.contains(second, 12) && array.contains(second + 8, 4));
    assert!(!array.contains(second, 13) && !array.contains(second + 8, 5) && !array.contains(second + 12, 1));
    assert!(!array.contains(second + 32, 1) && !array.contains(second - 17, 1));
    assert!(!array.contains(second, u64::MAX) && !array.contains(u64::MAX, 2) && !array.contains(0, 1));
    assert!(array.contains(second - 16, 12) && array.contains(second + 16, 12));
}

#[test]
fn a_hash_contains_its_values_and_neither_keys_nor_links() {
    for flags in [MapFlags::empty(), MapFlags::NO_PREALLOC] {
        let hash = map(MapDef::hash(8, 12, 300).flags(flags));
        assert!(!hash.contains(0, 0));
        for key in 0..300u64 {
            hash.update(&key.to_ne_bytes(), &[0; 12], Update::Any).unwrap();
        }
        for key in 0..300u64 {
            let value = hash.0.storage().lookup(&key.to_ne_bytes()).unwrap().as_ptr() as u64;
            assert_eq!(value % 8, 0);
            assert!(hash.contains(value, 12) && hash.contains(value + 11, 1));
            assert!(!hash.contains(value, 13) && !hash.contains(value + 12, 1));
            assert!((1..=24).all(|before| !hash.contains(value - before, 1)));
            assert!(!hash.contains(value, u64::MAX));
        }
    }
}

#[test]
fn iterating_sees_every_element_once() {
    let hash = map(MapDef::hash(4, 8, 1000));
    for key in 0..1000u32 {
        hash.update(&key.to_ne_bytes(), &u64::from(key * 3).to_ne_bytes(), Update::Any).unwrap();
    }
    let mut seen: Vec<_> = hash.iter().unwrap().collect();
    seen.sort_by_key(|(key, _)| u32::from_ne_bytes(key[..].try_into().unwrap()));
    let expected = (0..1000u32).map(|k| (k.to_ne_bytes().to_vec(), u64::from(k * 3).to_ne_bytes().to_vec()));
    assert!(seen.into_iter().eq(expected));

    let array = map(MapDef::array(1, 3));
    array.update(&1u32.to_ne_bytes(), &[9], Update::Any).unwrap();
    let expected = [0, 1, 2u32].map(|k| (k.to_ne_bytes().to_vec(), vec![if k == 1 { 9 } else { 0 }]));
    assert!(array.iter().unwrap().eq(expected));
    assert_eq!(array.keys().unwrap().count(), 3);
}

#[test]
fn managed_bytes_are_nobodys_but_the_helpers() {
    let mut def = MapDef::array(24, 1);
    def.special.spin_lock = Some(4);
    def.special.kptrs = vec![16];
    let array = map(def.clone());
    let value = array.0.storage().lookup(&[0; 4]).unwrap();
    array.update(&[0; 4], &[7; 24], Update::Any).unwrap();
    let mut expected = [7; 24];
    expected[4..8].fill(0);
    expected[16..].fill(0);
    assert_eq!(bytes_at(value.as_ptr() as u64, 24), expected);

    // A helper takes the lock: the host sees nothing of it and can not undo it.
    write_byte(value.as_ptr() as u64 + 4, 1);
    assert_eq!(array.lookup(&[0; 4]), Ok(Some(expected.to_vec())));
    array.update(&[0; 4], &[8; 24], Update::Any).unwrap();
    assert_eq!(bytes_at(value.as_ptr() as u64 + 3, 3), [8, 1, 0]);

    let hash = map(MapDef { kind: MapKind::Hash, ..def });
    for byte in [7, 8] {
        hash.update(&[0; 4], &[byte; 24], Update::Any).unwrap();
        assert_eq!(program_reads(&hash, &[0; 4]).unwrap()[3..9], [byte, 0, 0, 0, 0, byte]);
    }
}

#[expect(unsafe_code, reason = "programs write values by address")]
fn write_byte(addr: u64, byte: u8) {
    let at = std::ptr::with_exposed_provenance_mut::<u8>(addr as usize);
    // SAFETY: the caller's map is alive, and the byte is within its value.
    unsafe { AtomicU8::from_ptr(at).store(byte, Relaxed) };
}

#[test]
fn update_flags_are_the_kernels() {
    assert_eq!(Update::from_flags(0), Ok(Update::Any));
    assert_eq!(Update::from_flags(1), Ok(Update::NoExist));
    assert_eq!(Update::from_flags(2), Ok(Update::Exist));
    for flags in [3, 4, 5, 8, u64::MAX] {
        assert_eq!(Update::from_flags(flags), Err(MapError::UpdateFlags(flags)));
    }
}
