//! Tail calls and program arrays, by both engines.

mod common;

use brolga::core::{LoadFlags, Pc};
use brolga::{
    Engine, EngineKind, Gpl, Load, LoadError, Map, MapDef, MapError, Program, ProgramType, RunError, Update,
};
use common::{both, code, load_as};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

brolga::context! {
    /// How often a program ran.
    #[derive(Debug, Default)]
    struct Count {
        runs: u32 [write],
        index: u32,
    }
}

fn counter() -> ProgramType {
    ProgramType::builder("counter").context::<Count>().build().unwrap()
}

/// Counts itself, then goes on with the slot that the context names; 1000 where
/// it can not.
const COUNTING: &str = "r2 = *(u32 *)(r1 +0)
    r2 += 1
    *(u32 *)(r1 +0) = r2
    r3 = *(u32 *)(r1 +4)
    r2 = map[idx:0]
    call bpf_tail_call#12
    r0 = 1000
    exit";

fn load(engine: &Engine, prog_type: &ProgramType, text: &str, map: &Map) -> Program {
    load_as(engine, prog_type, text, Load::new().map(map).engine(EngineKind::Both))
}

fn on_both(program: &Program, index: u32) -> (u64, u32) {
    let [native, interp] = [EngineKind::Jit, EngineKind::Interp].map(|kind| {
        let mut count = Count { runs: 0, index };
        (program.run_on(kind, &mut count).unwrap(), count.runs)
    });
    assert_eq!(native, interp);
    native
}

/// Waits until that many programs and maps are live. What is taken out of a slot
/// is freed at once, unless a run is under way that could be in it: here also
/// one of another test, in another thread.
fn live(engine: &Engine, programs: usize, maps: usize) {
    let start = std::time::Instant::now();
    while (engine.stats().programs, engine.stats().maps) != (programs, maps) {
        assert!(start.elapsed().as_secs() < 20, "{programs} programs, {maps} maps: {:?}", engine.stats());
        thread::yield_now();
    }
}

#[test]
fn a_program_goes_on_with_another() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(4)).unwrap();
    let first = load(&engine, &kind, COUNTING, &array);
    let other = load(&engine, &kind, "r0 = *(u32 *)(r1 +0)\n r0 += 50\n exit", &array);
    array.set_program(2, Some(&other)).unwrap();
    assert_eq!(on_both(&first, 2), (51, 1));
    for empty_or_past in [0, 3, 4, u32::MAX] {
        assert_eq!(on_both(&first, empty_or_past), (1000, 1));
    }
    array.set_program(2, None).unwrap();
    assert_eq!(on_both(&first, 2), (1000, 1));
}

/// 33 tail calls after the first run, as in the kernel.
#[test]
fn a_program_that_goes_on_with_itself_ends() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    let program = load(&engine, &kind, COUNTING, &array);
    array.set_program(0, Some(&program)).unwrap();
    assert_eq!(on_both(&program, 0), (1000, 34));
}

/// A tail call in a subprogram ends the subprogram: its caller goes on with the
/// target's result. All share one count.
#[test]
fn a_subprogram_goes_on_with_another() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(2)).unwrap();
    let text = "r6 = r1
        r7 = *(u32 *)(r1 +0)
        r7 += 1
        *(u32 *)(r1 +0) = r7
        call pc+2
        r0 += 7
        exit
        r3 = *(u32 *)(r1 +4)
        r2 = map[idx:0]
        call bpf_tail_call#12
        r0 = 1000
        exit";
    // A function with a name came with its type, which says that it returns a
    // number: the verifier asks that of one that makes a tail call.
    let names = [(Pc(0), "outer".to_owned()), (Pc(7), "inner".to_owned())].into();
    let outer = Load::new().map(&array).engine(EngineKind::Both).functions(names);
    let outer = load_as(&engine, &kind, text, outer);
    let leaf = load(&engine, &kind, "r0 = 30\n exit", &array);
    array.set_program(0, Some(&leaf)).unwrap();
    array.set_program(1, Some(&outer)).unwrap();
    assert_eq!(on_both(&outer, 0), (37, 1));
    // Itself, nested 33 deep: each level adds 7 to what the innermost had.
    assert_eq!(on_both(&outer, 1), (1000 + 34 * 7, 34));
    assert_eq!(on_both(&outer, 5), (1007, 1));
}

/// In a run of the interpreter, targets are interpreted too where they can be.
#[test]
fn engines_mix() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    for (first, second) in [(EngineKind::Jit, EngineKind::Interp), (EngineKind::Interp, EngineKind::Jit)] {
        let first = load_as(&engine, &kind, COUNTING, Load::new().map(&array).engine(first));
        let second = load_as(&engine, &kind, "r0 = 9\n exit", Load::new().engine(second));
        array.set_program(0, Some(&second)).unwrap();
        assert_eq!(first.run(&mut Count::default()).unwrap(), 9);
    }
}

#[test]
fn memory_programs_keep_their_size() {
    let engine = Engine::new();
    let array = engine.create_map(MapDef::prog_array(2)).unwrap();
    let raw = |size| {
        let load = Load::new().mem_size(size);
        engine.load(&ProgramType::raw(), &code("r0 = r2\n exit"), load).unwrap()
    };
    array.set_program(0, Some(&raw(8))).unwrap();
    array.set_program(1, Some(&raw(8))).unwrap();
    assert_eq!(array.set_program(1, Some(&raw(16))), Err(MapError::Incompatible));
}

/// The first program says which programs an array is for.
#[test]
fn programs_of_an_array_are_alike() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(2)).unwrap();
    load(&engine, &kind, COUNTING, &array);
    let xdp = load_as(&engine, &ProgramType::xdp(), "r0 = 0\n exit", Load::new());
    assert_eq!(array.set_program(0, Some(&xdp)), Err(MapError::Incompatible));
    // A kind of the same name is another kind.
    let same_name = load_as(&engine, &counter(), "r0 = 0\n exit", Load::new());
    assert_eq!(array.set_program(0, Some(&same_name)), Err(MapError::Incompatible));
    let uses = engine.load(&ProgramType::xdp(), &code("r0 = 0\n exit"), Load::new().map(&array));
    assert!(matches!(uses, Err(LoadError::Map { why: MapError::Incompatible, .. })));

    let frags = engine.create_map(MapDef::prog_array(1)).unwrap();
    frags.set_program(0, Some(&xdp)).unwrap();
    let load = Load::new().flags(LoadFlags::XDP_HAS_FRAGS);
    let with_frags = load_as(&engine, &ProgramType::xdp(), "r0 = 0\n exit", load);
    assert_eq!(frags.set_program(0, Some(&with_frags)), Err(MapError::Incompatible));
}

#[test]
fn the_host_writes_file_descriptors_and_reads_ids() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(3)).unwrap();
    let program = load(&engine, &kind, "r0 = 5\n exit", &array);
    let fd = engine.program_fd(&program);
    array.update(&1u32.to_ne_bytes(), &fd.0.to_ne_bytes(), Update::Any).unwrap();
    let first = load(&engine, &kind, COUNTING, &array);
    assert_eq!(on_both(&first, 1), (5, 1));
    assert_eq!(array.lookup(&1u32.to_ne_bytes()).unwrap(), Some(program.id().to_ne_bytes().to_vec()));
    assert_eq!(array.lookup(&0u32.to_ne_bytes()).unwrap(), None);
    assert_eq!((array.len(), array.iter().unwrap().count()), (1, 1));
    let update = |fd: i32| array.update(&1u32.to_ne_bytes(), &fd.to_ne_bytes(), Update::Any);
    assert!(matches!(update(99), Err(MapError::Fd(_))));
    assert!(matches!(update(engine.map_fd(&array).0), Err(MapError::Fd(_))));
    let exclusive = array.update(&1u32.to_ne_bytes(), &fd.0.to_ne_bytes(), Update::Exist);
    assert_eq!(exclusive, Err(MapError::UpdateFlags(2)));
    assert_eq!(array.delete(&1u32.to_ne_bytes()), Ok(()));
    assert_eq!(array.delete(&1u32.to_ne_bytes()), Err(MapError::NoEntry));
    assert!(matches!(
        array.set_program(3, Some(&program)),
        Err(MapError::Index { index: 3, max_entries: 3 })
    ));
    let hash = engine.create_map(MapDef::hash(4, 4, 3)).unwrap();
    assert!(matches!(hash.set_program(0, Some(&program)), Err(MapError::NotProgArray(_))));
}

/// A program is held by its slot, and no longer.
#[test]
fn slots_hold_programs() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    let first = load(&engine, &kind, COUNTING, &array);
    let leaf = load(&engine, &kind, "r0 = 5\n exit", &array);
    array.set_program(0, Some(&leaf)).unwrap();
    drop(leaf);
    assert_eq!((engine.stats().programs, on_both(&first, 0).0), (2, 5));
    array.set_program(0, None).unwrap();
    live(&engine, 1, 1);
}

/// A program in an array that it uses itself: neither keeps the other alive once
/// no one else holds one of them.
#[test]
fn a_cycle_is_freed() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    let program = load(&engine, &kind, COUNTING, &array);
    array.set_program(0, Some(&program)).unwrap();
    drop(array);
    assert_eq!(on_both(&program, 0), (1000, 34), "a handle to the program holds its array's slots");
    drop(program);
    live(&engine, 0, 0);
}

/// As above, by file descriptors alone.
#[test]
fn a_cycle_is_freed_when_its_descriptors_are_closed() {
    let (engine, kind) = (Engine::new(), counter());
    let map = engine.map_create(MapDef::prog_array(1)).unwrap();
    let array = engine.map_get(map).unwrap();
    let program = engine.program_fd(&load(&engine, &kind, COUNTING, &array));
    array.update(&[0; 4], &program.0.to_ne_bytes(), Update::Any).unwrap();
    drop(array);
    engine.close(program).unwrap();
    assert_eq!((engine.stats().programs, engine.stats().maps), (1, 1));
    engine.close(map).unwrap();
    live(&engine, 0, 0);
}

/// Slots are replaced while other threads run what was in them. Each program
/// returns a number of its own, so code that was freed under a run would show.
#[test]
fn slots_are_replaced_under_runs() {
    let (engine, kind) = (Engine::new(), counter());
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    let first = load(&engine, &kind, COUNTING, &array);
    let leaf = |n: u32| {
        let work = "r0 += 1\n".repeat(50);
        load_as(&engine, &kind, &format!("r0 = {n}\n {work} r0 -= 50\n exit"), Load::new())
    };
    array.set_program(0, Some(&leaf(1))).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let result = first.run(&mut Count::default()).unwrap();
                    assert!((1..=400).contains(&result) || result == 1000, "{result}");
                }
            });
        }
        for n in 1..=400 {
            array.set_program(0, Some(&leaf(n))).unwrap();
            if n % 10 == 0 {
                array.set_program(0, None).unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    live(&engine, 1, 1);
}

/// A helper takes out the very program that is running.
#[test]
fn a_program_may_be_taken_out_while_it_runs() {
    let engine = Engine::new();
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    let (slots, counts) = (array.clone(), engine.clone());
    let take_out = move || {
        slots.set_program(0, None).unwrap();
        counts.stats().programs as u64
    };
    let kind = ProgramType::builder("k").context::<Count>().helper(6001, "take_out", Gpl::Any, take_out);
    let kind = kind.build().unwrap();
    let first = load(&engine, &kind, COUNTING, &array);
    array.set_program(0, Some(&load(&engine, &kind, "call 6001\n r0 += 10\n exit", &array))).unwrap();
    assert_eq!(first.run(&mut Count::default()).unwrap(), 12);
    live(&engine, 1, 1);
}

#[test]
fn a_panic_in_a_target_reaches_the_caller() {
    let engine = Engine::new();
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    let kind = ProgramType::builder("k")
        .context::<Count>()
        .helper(6001, "h", Gpl::Any, || -> u64 { panic!("there") });
    let kind = kind.build().unwrap();
    let first = load(&engine, &kind, COUNTING, &array);
    array.set_program(0, Some(&load(&engine, &kind, "call 6001\n exit", &array))).unwrap();
    for kind in [EngineKind::Jit, EngineKind::Interp] {
        let error = first.run_on(kind, &mut Count::default()).unwrap_err();
        assert!(matches!(error, RunError::HelperPanicked(_)));
        assert_eq!(error.to_string(), "a helper panicked: there");
    }
}

/// `raw` programs have no context to pass on.
#[test]
fn memory_programs_make_no_tail_calls() {
    let engine = Engine::new();
    let array = engine.create_map(MapDef::prog_array(1)).unwrap();
    let text = "r2 = map[idx:0]\n r3 = 0\n call bpf_tail_call#12\n r0 = 1\n exit";
    let error =
        engine.load(&ProgramType::raw(), &code(text), Load::new().map(&array).mem_size(8)).unwrap_err();
    assert!(error.kernel_words().starts_with("R1 type=mem expected=ctx"), "{}", error.kernel_words());
    let program =
        load_as(&engine, &ProgramType::raw(), "r0 = 1\n exit", Load::new().engine(EngineKind::Both));
    assert_eq!(both(&program, &mut []), 1);
}
