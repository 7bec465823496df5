//! Programs and the maps that are more than tables, by both engines.

mod common;

use brolga::{
    Engine, EngineKind, Load, MapDef, MapFlags, MapKind, Packet, Program, ProgramType, Redirect, Update,
};
use common::load_as;

fn xdp(engine: &Engine, text: &str, maps: &[&brolga::Map]) -> Program {
    let load = maps.iter().fold(Load::new().license("GPL"), |load, map| load.map(map));
    load_as(engine, &ProgramType::xdp(), text, load.engine(EngineKind::Both))
}

/// The result of both engines, one after the other.
fn results(program: &Program) -> [i64; 2] {
    [EngineKind::Interp, EngineKind::Jit].map(|kind| {
        let mut packet = Packet::new(&[7; 64]).expect("a packet");
        program.run_on(kind, &mut packet).expect("a run") as u32 as i32 as i64
    })
}

#[test]
fn a_program_puts_out_records_and_the_host_reads_them() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::new(MapKind::Ringbuf, 0, 0, 4096)).unwrap();
    let text = "r1 = 0x1122334455667788 ll\n *(u64 *)(r10 -8) = r1\n r1 = map[idx:0]\n r2 = r10\n r2 += -8\n \
                r3 = 8\n r4 = 0\n call bpf_ringbuf_output\n exit";
    let program = xdp(&engine, text, &[&map]);
    assert_eq!(results(&program), [0, 0]);
    let mut reader = map.ring_reader().unwrap();
    for _ in 0..2 {
        assert_eq!(*reader.next_record().unwrap(), 0x1122_3344_5566_7788u64.to_ne_bytes());
    }
    assert!(reader.next_record().is_none());
}

#[test]
fn perf_events_bring_the_packet_along() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::new(MapKind::PerfEventArray, 4, 4, 2)).unwrap();
    let text = "r2 = 5\n *(u8 *)(r10 -1) = r2\n r2 = map[idx:0]\n r3 = 0x300000001 ll\n r4 = r10\n r4 += -1\n \
                r5 = 1\n call bpf_perf_event_output\n exit";
    let program = xdp(&engine, text, &[&map]);
    assert_eq!(results(&program), [-2, -2], "nobody reads");
    let mut reader = map.perf_reader(1, 1).unwrap();
    assert_eq!(results(&program), [0, 0]);
    assert_eq!(*reader.next_record().unwrap(), [5, 7, 7, 7]);
    assert_eq!(*reader.next_record().unwrap(), [5, 7, 7, 7]);
    assert!(reader.next_record().is_none());
}

#[test]
fn queues_and_stacks_are_pushed_popped_and_peeked() {
    for (kind, expected) in [(MapKind::Queue, 1), (MapKind::Stack, 2)] {
        let engine = Engine::new();
        let map = engine.create_map(MapDef::new(kind, 0, 8, 4)).unwrap();
        let text = "r6 = map[idx:0]\n r1 = 1\n *(u64 *)(r10 -8) = r1\n r1 = r6\n r2 = r10\n r2 += -8\n r3 = 0\n \
                    call bpf_map_push_elem\n r1 = 2\n *(u64 *)(r10 -8) = r1\n r1 = r6\n r2 = r10\n r2 += -8\n \
                    r3 = 0\n call bpf_map_push_elem\n r1 = r6\n r2 = r10\n r2 += -16\n call bpf_map_pop_elem\n \
                    r7 = *(u64 *)(r10 -16)\n r1 = r6\n r2 = r10\n r2 += -16\n call bpf_map_pop_elem\n \
                    r1 = r6\n r2 = r10\n r2 += -16\n call bpf_map_peek_elem\n r0 <<= 8\n r0 += r7\n exit";
        // An empty one has no value (-2), after one of each was taken.
        let program = xdp(&engine, text, &[&map]);
        assert_eq!(results(&program), [(-2 << 8) + expected; 2]);
    }
}

#[test]
fn a_bloom_filter_says_what_it_may_have() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::new(MapKind::BloomFilter, 0, 8, 100)).unwrap();
    let text = "r1 = 9\n *(u64 *)(r10 -8) = r1\n r1 = map[idx:0]\n r2 = r10\n r2 += -8\n \
                call bpf_map_peek_elem\n exit";
    let program = xdp(&engine, text, &[&map]);
    assert_eq!(results(&program), [-2, -2]);
    map.push(&9u64.to_ne_bytes(), Update::Any).unwrap();
    assert_eq!(results(&program), [0, 0]);
}

#[test]
fn a_trie_finds_the_longest_prefix() {
    let engine = Engine::new();
    let def = MapDef::new(MapKind::LpmTrie, 8, 4, 10).flags(MapFlags::NO_PREALLOC);
    let map = engine.create_map(def).unwrap();
    let key = |len: u32, address: [u8; 4]| [len.to_ne_bytes(), address].concat();
    for (len, address, value) in [(8, [10, 0, 0, 0], 8u32), (24, [10, 1, 2, 0], 24), (32, [10, 1, 2, 9], 32)]
    {
        map.update(&key(len, address), &value.to_ne_bytes(), Update::Any).unwrap();
    }
    let found = |address: [u8; 4]| {
        let text = format!(
            "r1 = 32\n *(u32 *)(r10 -8) = r1\n r1 = {}\n *(u32 *)(r10 -4) = r1\n r1 = map[idx:0]\n r2 = r10\n \
             r2 += -8\n call bpf_map_lookup_elem\n if r0 == 0 goto +1\n r0 = *(u32 *)(r0 +0)\n exit",
            i32::from_ne_bytes(address)
        );
        results(&xdp(&engine, &text, &[&map]))
    };
    assert_eq!(found([10, 1, 2, 3]), [24, 24]);
    assert_eq!(found([10, 1, 2, 9]), [32, 32]);
    assert_eq!(found([10, 9, 2, 3]), [8, 8]);
    assert_eq!(found([11, 1, 2, 3]), [0, 0]);
}

#[test]
fn maps_in_maps_are_looked_up_and_replaced() {
    for kind in [MapKind::ArrayOfMaps, MapKind::HashOfMaps] {
        let engine = Engine::new();
        let mut def = MapDef::new(kind, 4, 4, 2);
        def.inner = Some(Box::new(MapDef::array(8, 1)));
        let outer = engine.create_map(def).unwrap();
        let text = "r1 = 0\n *(u32 *)(r10 -4) = r1\n r1 = map[idx:0]\n r2 = r10\n r2 += -4\n \
                    call bpf_map_lookup_elem\n if r0 == 0 goto +7\n r1 = r0\n r2 = r10\n r2 += -4\n \
                    call bpf_map_lookup_elem\n if r0 == 0 goto +2\n r0 = *(u64 *)(r0 +0)\n exit\n r0 = -1\n exit";
        let program = xdp(&engine, text, &[&outer]);
        assert_eq!(results(&program), [-1, -1]);
        for value in [5u64, 6] {
            let inner = engine.create_map(MapDef::array(8, 1)).unwrap();
            inner.update(&[0; 4], &value.to_ne_bytes(), Update::Any).unwrap();
            outer.set_map(&[0; 4], Some(&inner)).unwrap();
            drop(inner);
            assert_eq!(results(&program), [value as i64; 2]);
        }
    }
}

#[test]
fn a_batch_gives_every_result_in_order() {
    let engine = Engine::new();
    let program = xdp(&engine, "r0 = *(u32 *)(r1 +12)\n exit", &[]);
    let mut packets: Vec<_> = (0..5)
        .map(|index| {
            let mut packet = Packet::new(&[0; 64]).expect("a packet");
            packet.xdp_mut().ingress_ifindex = index;
            packet
        })
        .collect();
    let mut seen = Vec::new();
    program.run_batch(&mut packets, |packet, result| {
        assert_eq!(result.expect("a run"), u64::from(packet.xdp().ingress_ifindex));
        seen.push(packet.xdp().ingress_ifindex);
    });
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[test]
fn where_a_packet_is_redirected_to_is_left_for_the_host() {
    for kind in [MapKind::Devmap, MapKind::Cpumap, MapKind::Xskmap] {
        let engine = Engine::new();
        let map = engine.create_map(MapDef::new(kind, 4, 4, 4)).unwrap();
        let program = |flags: u32| {
            let text = format!("r1 = map[idx:0]\n r2 = 2\n r3 = {flags}\n call bpf_redirect_map\n exit");
            xdp(&engine, &text, &[&map])
        };
        assert_eq!(results(&program(2)), [2, 2], "the slot is empty");
        assert_eq!(Redirect::take(), None);
        map.update(&2u32.to_ne_bytes(), &9u32.to_ne_bytes(), Update::Any).unwrap();
        assert_eq!(map.lookup(&2u32.to_ne_bytes()).unwrap(), Some(9u32.to_ne_bytes().to_vec()));
        assert_eq!(results(&program(2)), [4, 4]);
        assert_eq!(Redirect::take(), Some(Redirect::Slot { map: map.id(), index: 2, number: 9 }));
        let all = kind == MapKind::Devmap;
        assert_eq!(results(&program(8 | 16)), if all { [4, 4] } else { [0, 0] });
        let expected = all.then_some(Redirect::All { map: map.id(), exclude_ingress: true });
        assert_eq!(Redirect::take(), expected);
        assert_eq!(results(&program(64)), [0, 0]);
        map.delete(&2u32.to_ne_bytes()).unwrap();
        assert_eq!((map.len(), results(&program(1))), (0, [1, 1]));
        assert_eq!(map.update(&[4, 0, 0, 0], &[0; 4], Update::Any).map_err(|e| e.errno()), Err(7));
        assert_eq!(map.update(&[0; 4], &[0; 4], Update::NoExist).map_err(|e| e.errno()), Err(17));
    }
}

#[test]
fn an_interface_is_left_too() {
    let engine = Engine::new();
    let program = xdp(&engine, "r1 = 5\n r2 = 0\n call bpf_redirect\n exit", &[]);
    assert_eq!(results(&program), [4, 4]);
    assert_eq!(Redirect::take(), Some(Redirect::Interface { ifindex: 5, flags: 0 }));
}

#[test]
fn programs_may_change_no_target() {
    let map = brolga::Map::create(MapDef::new(MapKind::Devmap, 4, 8, 2)).unwrap();
    assert!(map.info().def.flags.contains(MapFlags::RDONLY_PROG));
    assert!(!map.def().flags.contains(MapFlags::RDONLY_PROG));
}
