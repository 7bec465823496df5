//! Maps of maps.

use super::*;
use crate::Engine;
use crate::map::OfMaps;

fn outer(kind: MapKind, template: MapDef) -> MapDef {
    let mut def = MapDef::new(kind, 4, 4, 4);
    def.inner = Some(Box::new(template));
    def
}

/// The id of the map that a program finds under a key.
fn found(map: &Map, key: u32) -> Option<u32> {
    let handle = map.0.storage().lookup(&key.to_ne_bytes())?;
    let inner = std::ptr::with_exposed_provenance::<super::super::MapObject>(handle.as_ptr().addr());
    #[expect(unsafe_code, reason = "programs get maps by address")]
    // SAFETY: the tests look while the map is there.
    Some(unsafe { &*inner }.id())
}

#[test]
fn programs_find_the_maps_that_are_put_in() {
    for kind in [MapKind::ArrayOfMaps, MapKind::HashOfMaps] {
        let outer = map(outer(kind, MapDef::array(8, 2)));
        let [one, two] = [(); 2].map(|()| map(MapDef::array(8, 2)));
        assert_eq!(found(&outer, 1), None);
        outer.set_map(&1u32.to_ne_bytes(), Some(&one)).unwrap();
        assert_eq!(found(&outer, 1), Some(one.id()));
        assert_eq!(outer.lookup(&1u32.to_ne_bytes()).unwrap(), Some(one.id().to_ne_bytes().to_vec()));
        outer.set_map(&1u32.to_ne_bytes(), Some(&two)).unwrap();
        assert_eq!(found(&outer, 1), Some(two.id()));
        assert_eq!(outer.len(), 1);
        assert_eq!(outer.iter().unwrap().count(), 1);
        outer.delete(&1u32.to_ne_bytes()).unwrap();
        assert_eq!(found(&outer, 1), None);
        assert_eq!(outer.delete(&1u32.to_ne_bytes()), Err(MapError::NoEntry));
        assert_eq!(outer.0.storage().update(&[0; 4], &[0; 4], Update::Any), Err(MapError::NotWritable));
    }
}

#[test]
fn a_map_is_held_as_long_as_it_is_in_one() {
    for kind in [MapKind::ArrayOfMaps, MapKind::HashOfMaps] {
        let outer = map(outer(kind, MapDef::hash(4, 4, 1)));
        let put = |outer: &Map| {
            let inner = map(MapDef::hash(4, 4, 1));
            outer.set_map(&[0; 4], Some(&inner)).unwrap();
            std::sync::Arc::downgrade(&inner.0)
        };
        // Other tests' sections may delay the end.
        let gone = |weak: &std::sync::Weak<_>| {
            (0..1000).any(|_| {
                drop(crate::rcu::enter());
                std::thread::sleep(std::time::Duration::from_millis(1));
                weak.upgrade().is_none()
            })
        };
        let first = put(&outer);
        assert!(first.upgrade().is_some());
        let second = put(&outer);
        assert!(gone(&first));
        drop(outer);
        assert!(gone(&second));
    }
}

#[test]
fn a_run_keeps_what_it_found() {
    let outer = map(outer(MapKind::ArrayOfMaps, MapDef::array(8, 1)));
    outer.set_map(&[0; 4], Some(&map(MapDef::array(8, 1)))).unwrap();
    let section = crate::rcu::enter();
    let before = found(&outer, 0);
    outer.set_map(&[0; 4], None).unwrap();
    assert!(before.is_some());
    assert_eq!(found(&outer, 0), None);
    drop(section);
}

#[test]
fn only_maps_like_the_template_go_in() {
    let array = |value, entries| MapDef::array(value, entries);
    let cases = [
        (array(8, 2), array(8, 2), true),
        (array(8, 2), array(8, 3), false),
        (array(8, 2), array(4, 2), false),
        (array(8, 2), MapDef::hash(4, 8, 2), false),
        (array(8, 2), array(8, 2).flags(MapFlags::RDONLY_PROG), false),
        (array(8, 2).flags(MapFlags::INNER_MAP), array(8, 3).flags(MapFlags::INNER_MAP), true),
        (MapDef::hash(4, 8, 2), MapDef::hash(4, 8, 9), true),
        (MapDef::hash(4, 8, 2), MapDef::hash(8, 8, 2), false),
    ];
    for (template, inner, fits) in cases {
        let outer = map(outer(MapKind::HashOfMaps, template));
        let put = outer.set_map(&[0; 4], Some(&map(inner.clone())));
        assert_eq!(put.is_ok(), fits, "{inner:?}");
    }
}

#[test]
fn templates_are_no_maps_of_maps_and_no_program_arrays() {
    let nested = outer(MapKind::ArrayOfMaps, MapDef::array(8, 1));
    for template in [nested, MapDef::prog_array(1)] {
        assert_eq!(
            Map::create(outer(MapKind::HashOfMaps, template)).err(),
            Some(MapError::Inner(MapKind::HashOfMaps))
        );
    }
    let without = MapDef::new(MapKind::ArrayOfMaps, 4, 4, 1);
    assert_eq!(Map::create(without).err(), Some(MapError::Inner(MapKind::ArrayOfMaps)));
    let mut wide = outer(MapKind::ArrayOfMaps, MapDef::array(8, 1));
    wide.value_size = 8;
    assert_eq!(Map::create(wide).map_err(|error| error.errno()).err(), Some(22));
}

#[test]
fn the_host_writes_the_numbers_of_its_engine() {
    let engine = Engine::new();
    let outer = engine.create_map(outer(MapKind::HashOfMaps, MapDef::array(8, 1))).unwrap();
    let inner = engine.map_create(MapDef::array(8, 1)).unwrap();
    outer.update(&[0; 4], &inner.0.to_ne_bytes(), Update::Any).unwrap();
    assert_eq!(found(&outer, 0), Some(engine.map_get(inner).unwrap().id()));
    assert!(outer.update(&[0; 4], &77i32.to_ne_bytes(), Update::Any).is_err());
    assert!(OfMaps::of(outer.0.storage()).is_some());
}
