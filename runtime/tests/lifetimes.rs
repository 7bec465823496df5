//! What lives how long: programs, code, maps, file descriptors.
//!
//! This file's tests count the whole process's memory, so each runs alone.

mod common;

use brolga::jit::Live;
use brolga::{Engine, EngineStats, Fd, FdError, Load, MapDef, ProgramType, Update};
use common::{code, load_as, raw};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const EMPTY: EngineStats = EngineStats { programs: 0, code_len: 0, maps: 0, fds: 0 };

#[test]
fn the_last_handle_unloads() {
    let _alone = alone();
    let before = Live::now();
    let engine = Engine::new();
    let map = engine.create_map(MapDef::array(8, 1)).unwrap();
    let text = "r1 = map[idx:0][0]+0\n r0 = *(u64 *)(r1 +0)\n exit";
    let program = load_as(&engine, &ProgramType::raw(), text, Load::new().map(&map));
    drop(map);
    let clone = program.clone();
    drop(program);
    let stats = engine.stats();
    assert_eq!((stats.programs, stats.maps, Live::now().images), (1, 1, before.images + 1));
    assert!(stats.code_len > 0);
    assert_eq!(clone.run_mem(&mut []).unwrap(), 0);
    drop(clone);
    assert_eq!((engine.stats(), Live::now()), (EMPTY, before));
}

#[test]
fn file_descriptors_are_the_lowest_free() {
    let _alone = alone();
    let engine = Engine::new();
    let insns = code("r0 = 4\n exit");
    let open = || engine.prog_load(&ProgramType::socket_filter(), &insns, "GPL").unwrap();
    let (a, b, c) = (open(), open(), engine.map_create(MapDef::array(4, 1)).unwrap());
    assert_eq!([a, b, c], [Fd(3), Fd(4), Fd(5)]);
    engine.close(b).unwrap();
    engine.close(a).unwrap();
    assert_eq!([open(), open(), open()], [Fd(3), Fd(4), Fd(6)]);
    assert_eq!(engine.stats().fds, 4);
}

#[test]
fn file_descriptors_hold_what_they_name() {
    let _alone = alone();
    let engine = Engine::new();
    let fd = engine.prog_load(&ProgramType::xdp(), &code("r0 = 2\n exit"), "GPL").unwrap();
    let map = engine.map_create(MapDef::hash(4, 4, 4)).unwrap();
    assert_eq!(engine.prog_get(fd).unwrap().test_run(&[0; 64], 1).unwrap().retval, 2);
    engine.map_get(map).unwrap().update(&[1; 4], &[2; 4], Update::Any).unwrap();
    assert_eq!(engine.map_get(map).unwrap().len(), 1);

    assert_eq!(engine.map_get(fd).unwrap_err(), FdError::NotMap(fd));
    assert_eq!(engine.prog_get(map).unwrap_err(), FdError::NotProgram(map));
    for number in [i32::MIN, -1, 0, 2, 5, i32::MAX] {
        assert_eq!(engine.prog_get(Fd(number)).unwrap_err(), FdError::NotOpen(Fd(number)));
        assert_eq!(engine.close(Fd(number)), Err(FdError::NotOpen(Fd(number))));
    }
    engine.close(fd).unwrap();
    engine.close(map).unwrap();
    assert_eq!(engine.close(fd), Err(FdError::NotOpen(fd)));
    assert_eq!(engine.stats(), EMPTY);
}

#[test]
fn the_engines_end_closes_what_is_open() {
    let _alone = alone();
    let before = Live::now();
    let engine = Engine::new();
    for _ in 0..10 {
        engine.prog_load(&ProgramType::xdp(), &code("r0 = 2\n exit"), "GPL").unwrap();
    }
    let kept = engine.prog_get(Fd(4)).unwrap();
    assert_eq!(Live::now().images, before.images + 10);
    drop(engine.clone());
    assert_eq!(Live::now().images, before.images + 10);
    drop(engine);
    assert_eq!(Live::now().images, before.images + 1);
    assert_eq!(kept.test_run(&[0; 64], 1).unwrap().retval, 2);
    drop(kept);
    assert_eq!(Live::now(), before);
}

#[test]
fn a_rejected_program_leaves_nothing() {
    let _alone = alone();
    let before = Live::now();
    let engine = Engine::new();
    let map = engine.create_map(MapDef::array(4, 1)).unwrap();
    let load = Load::new().map(&map);
    for text in ["r0 = r5\n exit", "r0 = 0", "r1 = map[fd:77]\n r0 = 0\n exit"] {
        assert!(engine.load(&ProgramType::raw(), &code(text), load.clone()).is_err());
    }
    drop((map, load));
    assert_eq!((engine.stats(), Live::now()), (EMPTY, before));
}

/// Eight threads load, run and unload in one engine, some by handles and some by
/// file descriptors, and run one program that they share.
#[test]
fn eight_threads_load_run_and_unload() {
    let _alone = alone();
    let before = Live::now();
    let engine = Engine::new();
    let counts = engine.create_map(MapDef::array(8, 8)).unwrap();
    let text = "r6 = *(u32 *)(r1 +0)\n *(u32 *)(r10 -4) = r6\n r2 = r10\n r2 += -4\n r1 = map[idx:0]
        call bpf_map_lookup_elem#1\n if r0 == 0 goto +2\n r1 = 1\n lock *(u64 *)(r0 +0) += r1\n r0 = r6\n exit";
    let shared = load_as(&engine, &ProgramType::raw(), text, Load::new().mem_size(4).map(&counts));
    thread::scope(|scope| {
        for at in 0..8u32 {
            let (engine, counts, shared) = (engine.clone(), &counts, &shared);
            scope.spawn(move || {
                for round in 0..60u32 {
                    let load = Load::new().mem_size(4).map(counts);
                    let own = load_as(&engine, &ProgramType::raw(), text, load);
                    assert_eq!(own.run_mem(&mut at.to_ne_bytes()).unwrap(), at.into());
                    assert_eq!(shared.run_mem(&mut at.to_ne_bytes()).unwrap(), at.into());
                    let mut other = (round % 8).to_ne_bytes();
                    let fd = engine.program_fd(&own);
                    drop(own);
                    engine.prog_get(fd).unwrap().run_mem(&mut other).unwrap();
                    engine.close(fd).unwrap();
                }
            });
        }
    });
    let total: u64 = counts.iter().unwrap().map(|(_, v)| u64::from_ne_bytes(v.try_into().unwrap())).sum();
    assert_eq!(total, 8 * 60 * 3);
    drop((shared, counts));
    assert_eq!((engine.stats(), Live::now()), (EMPTY, before));
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// 10 000 programs loaded and closed, each with a map of its own.
#[test]
fn ten_thousand_loads_leave_memory_where_it_was() {
    let _alone = alone();
    let engine = Engine::new();
    let insns = code("r1 = map[idx:0][0]+0\n r0 = *(u64 *)(r1 +0)\n r0 += r2\n exit");
    let cycle = || {
        let map = engine.create_map(MapDef::array(64, 1)).unwrap();
        let program = engine.load(&ProgramType::raw(), &insns, Load::new().mem_size(8).map(&map)).unwrap();
        let fd = engine.program_fd(&program);
        assert_eq!(program.run_mem(&mut [0; 8]).unwrap(), 8);
        engine.close(fd).unwrap();
    };
    (0..500).for_each(|_| cycle());
    let (before, live) = (resident_kib(), Live::now());
    (0..10_000).for_each(|_| cycle());
    let after = resident_kib();
    assert_eq!((engine.stats(), Live::now()), (EMPTY, live));
    assert!(after < before + 1024, "resident: {before} KiB before, {after} KiB after");
}

#[test]
fn many_programs_live_at_once() {
    let _alone = alone();
    let engine = Engine::new();
    let programs: Vec<_> = (0..200).map(|n| raw(&engine, &format!("r0 = {n}\n exit"), 0)).collect();
    assert_eq!(engine.stats().programs, 200);
    for (n, program) in programs.iter().enumerate() {
        assert_eq!(program.run_mem(&mut []).unwrap(), n as u64);
    }
    drop(programs);
    assert_eq!(engine.stats(), EMPTY);
}
