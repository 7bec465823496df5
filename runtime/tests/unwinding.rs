//! What leaves a program through its frames: panics of helpers, and the eyes of
//! those who look who called whom.

mod common;

use brolga::jit::{self, Tier};
use brolga::{Engine, EngineKind, Gpl, Load, MapDef, MapKind, Packet, Program, ProgramType, Update};
use common::load_as;
use std::backtrace::Backtrace;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

brolga::context! {
    /// Which round a helper is to panic in.
    #[derive(Debug, Default)]
    struct Fuse {
        rounds: u32,
        passed: u32 [write],
    }
}

/// A kind of program whose helper 6001 panics with its argument where that is
/// below 3, and whose helper 6002 counts its calls.
fn fragile() -> (ProgramType, Arc<AtomicU64>) {
    let after = Arc::new(AtomicU64::new(0));
    let count = after.clone();
    let kind = ProgramType::builder("fragile").context::<Fuse>().helper(6001, "spark", Gpl::Any, |n: u64| {
        if n < 3 {
            std::panic::panic_any(n);
        }
        n
    });
    let kind = kind.helper(6002, "after", Gpl::Any, move || count.fetch_add(1, Ordering::Relaxed));
    (kind.build().unwrap(), after)
}

fn loads() -> [Load; 2] {
    [Tier::Quick, Tier::Best].map(|tier| {
        let jit = jit::Options { tier, ..jit::Options::default() };
        Load::new().license("GPL").engine(EngineKind::Both).jit(jit)
    })
}

/// Runs a program several times on both engines; each run ends with a panic of
/// this number, and calls no helper after that.
fn explodes(program: &Program, after: &AtomicU64, number: u64, calls: u64) {
    for kind in [EngineKind::Jit, EngineKind::Interp, EngineKind::Jit] {
        let before = after.load(Ordering::Relaxed);
        let error = program.run_on(kind, &mut Fuse { rounds: 2, passed: 0 }).unwrap_err();
        let brolga::RunError::HelperPanicked(panic) = error else { panic!("{error}") };
        assert_eq!(panic.into_payload().downcast_ref::<u64>(), Some(&number), "{kind:?}");
        assert_eq!(after.load(Ordering::Relaxed) - before, calls, "{kind:?}");
    }
}

fn check(text: &str, number: u64, calls: u64) {
    let (kind, after) = fragile();
    for load in loads() {
        let array = Engine::new().create_map(MapDef::array(8, 4)).unwrap();
        let program = load_as(&Engine::new(), &kind, text, load.map(&array));
        explodes(&program, &after, number, calls);
    }
}

#[test]
fn a_panic_ends_a_main_program() {
    check("r1 = 2\n call 6001\n call 6002\n r0 = 0\n exit", 2, 0);
}

#[test]
fn a_panic_goes_through_subprograms() {
    let text = "
        r6 = 1\n r7 = 2\n r8 = 3\n r9 = r1
        call outer
        call 6002
        r0 += r6\n r0 += r7\n r0 += r8
        r1 = *(u32 *)(r9 + 0)
        r0 += r1
        exit
    outer:
        r6 = 4\n r7 = 5\n r8 = 6\n r9 = 7
        *(u64 *)(r10 - 8) = r6
        call 6002
        call inner
        call 6002
        r0 += r6\n r0 += r7\n r0 += r8\n r0 += r9
        exit
    inner:
        r6 = r10
        r6 += -64
        *(u64 *)(r10 - 64) = 1
        r1 = *(u64 *)(r6 + 0)
        call 6001
        call 6002
        exit";
    check(text, 1, 1);
}

#[test]
fn a_panic_goes_through_a_loop_of_callbacks() {
    let text = "
        r6 = *(u32 *)(r1 + 0)
        r1 = 100
        r2 = subprog[round]
        r3 = 0
        r4 = 0
        call bpf_loop
        call 6002
        r0 = r6
        exit
    round:
        r6 = r1
        call 6002
        if r6 != 1 goto on
        r1 = 1
        call 6001
        call 6002
    on:
        r0 = 0
        exit";
    check(text, 1, 2);
}

#[test]
fn a_panic_goes_through_a_helper_that_calls_back() {
    let text = "
        r1 = map[idx:0]
        r2 = subprog[element]
        r3 = 0
        r4 = 0
        call bpf_for_each_map_elem
        call 6002
        r0 = 0
        exit
    element:
        r6 = *(u32 *)(r2 + 0)
        call 6002
        if r6 != 2 goto on
        r1 = 2
        call 6001
        call 6002
    on:
        r0 = 0
        exit";
    check(text, 2, 3);
}

/// The target of a tail call in a subprogram runs nested.
#[test]
fn a_panic_goes_through_a_target() {
    let (kind, after) = fragile();
    for load in loads() {
        let engine = Engine::new();
        let array = engine.create_map(MapDef::prog_array(1)).unwrap();
        let text = "
            r6 = r1
            call other
            call 6002
            exit
        other:
            r2 = map[idx:0]
            r3 = 0
            call bpf_tail_call#12
            r0 = 0
            exit";
        let names = [(brolga::core::Pc(0), "main".to_owned()), (brolga::core::Pc(4), "other".to_owned())];
        let first = load_as(&engine, &kind, text, load.clone().map(&array).functions(names.into()));
        let target = load_as(&engine, &kind, "r1 = 0\n call 6001\n call 6002\n exit", load.map(&array));
        array.set_program(0, Some(&target)).unwrap();
        explodes(&first, &after, 0, 0);
    }
}

/// A reader of a map's element may be freed after a panic too: the run's section
/// has ended.
#[test]
fn a_panic_ends_the_section() {
    let (kind, _) = fragile();
    let engine = Engine::new();
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    let text = "r2 = map[idx:0]\n r3 = 1\n call bpf_tail_call#12\n r1 = 0\n call 6001\n exit";
    let [_, load] = loads();
    let program = load_as(&engine, &kind, text, load.map(&array));
    array.set_program(0, Some(&program)).unwrap();
    assert!(program.run(&mut Fuse::default()).is_err());
    array.set_program(0, None).unwrap();
    drop((program, array));
    let start = std::time::Instant::now();
    while engine.stats().programs != 0 {
        assert!(start.elapsed().as_secs() < 20, "a section goes on");
        std::thread::yield_now();
    }
}

/// What the unwinder knows of code goes with it: other code may come to lie in
/// its place.
#[test]
fn code_comes_and_goes() {
    let (kind, after) = fragile();
    let [_, load] = loads();
    let mut kept = Vec::new();
    for round in 0..200 {
        let text = format!("r1 = {}\n call 6001\n exit", round % 3);
        let program = load_as(&Engine::new(), &kind, &text, load.clone());
        if round % 20 == 0 {
            explodes(&program, &after, round % 3, 0);
            kept.push((program, round % 3));
        }
    }
    for (program, number) in &kept {
        explodes(program, &after, *number, 0);
    }
}

/// A record that nobody finishes would hold up those after it.
#[test]
fn a_panic_discards_open_records() {
    let (kind, after) = fragile();
    let [_, load] = loads();
    let ring = Engine::new().create_map(MapDef::new(MapKind::Ringbuf, 0, 0, 4096)).unwrap();
    let reserve = "r1 = map[idx:0]\n r2 = 8\n r3 = 0\n call bpf_ringbuf_reserve\n if r0 == 0 goto out\n";
    let text = format!(
        "{reserve} *(u64 *)(r0 + 0) = 7\n r1 = r0\n r2 = 0\n call bpf_ringbuf_submit
        {reserve} r6 = r0\n *(u64 *)(r6 + 0) = 8
        r1 = 1\n call 6001
        r1 = r6\n r2 = 0\n call bpf_ringbuf_submit
        out: r0 = 0\n exit"
    );
    let program = load_as(&Engine::new(), &kind, &text, load.map(&ring));
    explodes(&program, &after, 1, 0);
    let mut reader = ring.ring_reader().unwrap();
    for _ in 0..3 {
        assert_eq!(*reader.next_record().expect("a record"), 7u64.to_ne_bytes());
    }
    assert!(reader.next_record().is_none());
}

/// Panics of several threads at once.
#[test]
fn panics_do_not_meet() {
    std::thread::scope(|scope| {
        for number in 0..3 {
            scope.spawn(move || check(&format!("r1 = {number}\n call 6001\n exit"), number, 0));
        }
    });
}

/// What helper 6001 saw when it was called by a program.
fn seen_from(text: &str, kind: EngineKind) -> String {
    let seen = Arc::new(Mutex::new(String::new()));
    let see = seen.clone();
    let prog_type =
        ProgramType::builder("watched").context::<Fuse>().helper(6001, "look", Gpl::Any, move || {
            *see.lock().unwrap() = Backtrace::force_capture().to_string();
            0u64
        });
    let load = Load::new().license("GPL").engine(EngineKind::Both);
    let program = load_as(&Engine::new(), &prog_type.build().unwrap(), text, load);
    who_runs_it(&program, kind);
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[inline(never)]
fn who_runs_it(program: &Program, kind: EngineKind) {
    program.run_on(kind, &mut Fuse::default()).unwrap();
}

#[test]
fn a_helper_sees_who_runs_the_program() {
    let calls = "call other\n r0 = 0\n exit\n other:\n *(u64 *)(r10 - 8) = 1\n call 6001\n r0 = 0\n exit";
    for kind in [EngineKind::Jit, EngineKind::Interp] {
        for text in ["call 6001\n exit", calls] {
            let seen = seen_from(text, kind);
            assert!(seen.contains("who_runs_it"), "{kind:?}: {seen}");
        }
    }
}

/// What a panic of the host's own sink for prints does.
#[test]
fn a_sink_may_panic() {
    let engine = Engine::new();
    engine.on_trace(|text| panic!("sink: {text}"));
    let text = "*(u64 *)(r10 - 8) = 0x78
        r1 = r10
        r1 += -8
        r2 = 2
        call bpf_trace_printk
        r1 = map[idx:0]
        r2 = r10
        r2 += -8
        *(u32 *)(r10 - 8) = 0
        call bpf_map_delete_elem
        r0 = 1
        exit";
    let map = engine.create_map(MapDef::hash(4, 4, 1)).unwrap();
    map.update(&[0; 4], &[0; 4], Update::Any).unwrap();
    let program = load_as(&engine, &ProgramType::xdp(), text, Load::new().license("GPL").map(&map));
    let error = program.run(&mut Packet::new(&[0; 64]).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "a helper panicked: sink: x");
    assert!(map.lookup(&[0; 4]).unwrap().is_some(), "the program has ended");
}
