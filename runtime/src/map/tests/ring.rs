//! Ring buffers, and the buffers of perf event arrays.

use super::*;
use crate::map::{PerfArray, PerfError, Ringbuf, finish_record};
use std::collections::VecDeque;
use std::time::Duration;

fn ring(size: u32) -> Map {
    map(MapDef::new(MapKind::Ringbuf, 0, 0, size))
}

/// Reserves a record as a program does.
fn reserve(map: &Map, len: u64) -> Option<u64> {
    let ring = Ringbuf::of(map.0.storage()).expect("a ring buffer");
    Some(ring.reserve(len)).filter(|record| *record != 0)
}

#[expect(unsafe_code, reason = "programs write records by address")]
fn fill(record: u64, bytes: &[u8]) {
    // SAFETY: the record has this many bytes and is the caller's.
    unsafe { crate::helpers::copy_in(record, bytes) };
}

#[expect(unsafe_code, reason = "programs finish records by address")]
fn finish(record: u64, flags: u64, discard: bool) {
    // SAFETY: the caller reserved it, and does not use it again.
    unsafe { finish_record(record, flags, discard) };
}

#[test]
fn records_come_in_order_and_discarded_ones_do_not() {
    let map = ring(4096);
    let mut reader = map.ring_reader().unwrap();
    assert!(reader.next_record().is_none());
    let records: Vec<_> = (1..=3u8).map(|len| reserve(&map, len.into()).unwrap()).collect();
    for (record, len) in records.iter().zip(1..=3u8) {
        fill(*record, &vec![len; len.into()]);
    }
    finish(records[2], 0, false);
    assert!(reader.next_record().is_none(), "those before it are not finished");
    finish(records[0], 0, false);
    finish(records[1], 0, true);
    assert_eq!(&*reader.next_record().unwrap(), [1]);
    assert_eq!(&*reader.next_record().unwrap(), [3; 3]);
    assert!(reader.next_record().is_none());
    assert_eq!(map.len(), 0);
}

#[test]
fn there_is_room_for_the_size_less_one() {
    let map = ring(4096);
    assert_eq!(reserve(&map, 4096 - 8), None);
    assert_eq!(reserve(&map, 1 << 30), None);
    assert_eq!(reserve(&map, u64::MAX), None);
    let first = reserve(&map, 4096 - 16).expect("8 bytes are left");
    assert_eq!(reserve(&map, 0), None);
    finish(first, 0, false);
    assert_eq!(reserve(&map, 0), None, "nobody has read the first");
    map.ring_reader().unwrap().next_record().unwrap();
    assert!(reserve(&map, 0).is_some());
}

#[test]
fn one_reader_at_a_time() {
    let map = ring(4096);
    let reader = map.ring_reader().unwrap();
    assert_eq!(map.ring_reader().err(), Some(MapError::Busy));
    drop(reader);
    assert!(map.ring_reader().is_ok());
    assert_eq!(super::map(MapDef::hash(4, 4, 1)).ring_reader().err(), Some(MapError::Operation));
    assert_eq!(map.lookup(&[]), Err(MapError::Operation));
}

/// Records of random sizes, over and over round the end.
#[test]
fn bytes_come_out_as_they_went_in() {
    let map = ring(8192);
    let mut reader = map.ring_reader().unwrap();
    let (mut rng, mut expected) = (Rng(3), VecDeque::new());
    for _ in 0..20_000 {
        if rng.below(2) == 0 {
            let len = rng.below(900) as usize;
            let Some(record) = reserve(&map, len as u64) else { continue };
            let bytes = rng.bytes(len);
            fill(record, &bytes);
            let discard = rng.below(4) == 0;
            finish(record, 0, discard);
            if !discard {
                expected.push_back(bytes);
            }
        } else {
            let record = reader.next_record();
            assert_eq!(record.as_deref(), expected.pop_front().as_deref());
        }
    }
}

#[test]
fn many_write_while_one_reads() {
    let map = ring(1 << 16);
    let total = 4 * 5000;
    std::thread::scope(|scope| {
        for writer in 0..4u8 {
            let map = &map;
            scope.spawn(move || {
                for count in 0..5000u32 {
                    let len = 5 + count as usize % 60;
                    let record = loop {
                        match reserve(map, len as u64) {
                            Some(record) => break record,
                            None => std::thread::yield_now(),
                        }
                    };
                    let mut bytes = vec![writer; len];
                    bytes[..4].copy_from_slice(&count.to_ne_bytes());
                    fill(record, &bytes);
                    finish(record, 0, false);
                }
            });
        }
        let mut reader = map.ring_reader().unwrap();
        let (mut next, mut seen) = ([0u32; 4], 0);
        while seen < total {
            reader.wait(Some(Duration::from_secs(20)));
            while let Some(record) = reader.next_record() {
                let (count, writer) = (u32::from_ne_bytes(record[..4].try_into().unwrap()), record[4]);
                assert!(record[4..].iter().all(|byte| *byte == writer), "torn: {record:?}");
                assert_eq!(count, next[usize::from(writer)], "a writer's records are in order");
                next[usize::from(writer)] += 1;
                seen += 1;
            }
        }
    });
    assert_eq!(map.len(), 0);
}

#[test]
fn a_reader_that_waits_is_woken_unless_told_otherwise() {
    let map = ring(4096);
    let mut reader = map.ring_reader().unwrap();
    assert!(!reader.wait(Some(Duration::ZERO)));
    finish(reserve(&map, 8).unwrap(), 1, false);
    assert!(reader.wait(None), "what is there needs no wake-up");
    reader.next_record().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            finish(reserve(&map, 8).unwrap(), 0, false);
        });
        assert!(reader.wait(None));
    });
}

fn perf(entries: u32) -> Map {
    map(MapDef::new(MapKind::PerfEventArray, 4, 4, entries))
}

#[expect(unsafe_code, reason = "programs put out bytes by address")]
fn output(map: &Map, index: u32, first: &mut [u8], second: &mut [u8]) -> Result<(), PerfError> {
    let array = PerfArray::of(map.0.storage()).expect("a perf event array");
    let piece = |bytes: &mut [u8]| (bytes.as_mut_ptr().expose_provenance() as u64, bytes.len() as u64);
    // SAFETY: the pieces are readable.
    unsafe { array.output(index, [piece(first), piece(second)]) }
}

#[test]
fn perf_records_are_of_both_pieces() {
    let map = perf(4);
    assert_eq!(output(&map, 1, &mut [1], &mut []), Err(PerfError::Empty));
    assert_eq!(output(&map, 4, &mut [1], &mut []), Err(PerfError::Index));
    let mut reader = map.perf_reader(1, 1).unwrap();
    output(&map, 1, &mut [1, 2], &mut [3]).unwrap();
    assert_eq!(&*reader.next_record().unwrap(), [1, 2, 3]);
    assert!(reader.next_record().is_none());
    assert_eq!(map.perf_reader(4, 1).err(), Some(MapError::Index { index: 4, max_entries: 4 }));
    drop(reader);
    assert_eq!(output(&map, 1, &mut [1], &mut []), Err(PerfError::Empty));
}

#[test]
fn lost_perf_records_are_counted() {
    let map = perf(1);
    let mut reader = map.perf_reader(0, 1).unwrap();
    for _ in 0..3 {
        let _ = output(&map, 0, &mut [0; 3000], &mut []);
    }
    assert_eq!(reader.lost(), 2);
    assert_eq!(reader.next_record().unwrap().len(), 3000);
    output(&map, 0, &mut [0; 3000], &mut []).unwrap();
}
