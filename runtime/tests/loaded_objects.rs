//! Objects that clang made, loaded and run on traffic; what they answer is what
//! models of them in plain Rust do.

mod common;

use brolga::{
    Engine, EngineKind, Load, LoadError, LoadedObject, MapDef, MapError, Object, ObjectError, ObjectLoad,
    Packet, Program, ProgramType, Update,
};
use brolga_examples::firewall::{Class, Counter};
use brolga_examples::{BlockList, Tally, filters, flows, objects, rewrite, traffic};
use std::collections::BTreeMap;

const BOTH: [EngineKind; 2] = [EngineKind::Jit, EngineKind::Interp];

fn options() -> ObjectLoad {
    ObjectLoad::new().each(Load::new().engine(EngineKind::Both))
}

fn load(engine: &Engine, data: &[u8]) -> LoadedObject {
    let object = Object::parse(data).unwrap();
    engine.open_object(&object, options()).load_all().unwrap_or_else(|e| panic!("{e}"))
}

/// The frames that the kernel would run a program on: none shorter than an
/// Ethernet header.
fn frames() -> Vec<Vec<u8>> {
    let frames: Vec<_> = traffic::packets().into_iter().map(|p| p.bytes).filter(|b| b.len() >= 14).collect();
    assert!(frames.len() > 1000);
    frames
}

fn run(program: &Program, kind: EngineKind, frame: &[u8]) -> (u64, Packet) {
    let mut packet = Packet::new(frame).unwrap();
    (program.run_on(kind, &mut packet).unwrap(), packet)
}

fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    std::array::from_fn(|i| u64::from_ne_bytes(bytes[8 * i..8 * i + 8].try_into().unwrap()))
}

fn value(loaded: &LoadedObject, map: &str, key: &[u8]) -> Vec<u8> {
    loaded.map(map).unwrap().lookup(key).unwrap().unwrap_or_else(|| panic!("{map} has {key:?}"))
}

#[test]
fn the_firewall_decides_as_its_model() {
    let list = BlockList::of_traffic();
    for kind in BOTH {
        let engine = Engine::new();
        let loaded = load(&engine, objects::FIREWALL);
        for entry in list.iter() {
            loaded.map(entry.map()).unwrap().update(&entry.key(), &[0; 8], Update::NoExist).unwrap();
        }
        let mut tally = Tally::default();
        for frame in frames() {
            let decision = tally.add(&frame, &list);
            let (verdict, _) = run(loaded.program("firewall").unwrap(), kind, &frame);
            assert_eq!(verdict, decision.verdict as u64, "{decision:?} of {frame:02x?}");
        }
        assert_eq!(held(&loaded, &list), tally, "{kind:?}");
    }
}

/// What the firewall's maps and globals hold.
fn held(loaded: &LoadedObject, list: &BlockList) -> Tally {
    let counter = |class: Class| {
        let [packets, bytes] = words(&value(loaded, "counters", &(class as u32).to_ne_bytes()));
        Counter { packets, bytes }
    };
    let hits = |entry: &brolga_examples::Entry| words::<1>(&value(loaded, entry.map(), &entry.key()))[0];
    let [seen, passed, dropped] = words(&value(loaded, ".bss", &[0; 4]));
    assert_eq!(seen, passed + dropped);
    Tally {
        counters: Class::ALL.map(counter),
        hits: list.iter().map(|e| (*e, hits(e))).filter(|(_, hits)| *hits > 0).collect(),
        passed,
        dropped,
    }
}

/// `.data` may change while programs run, `.rodata` before they are loaded.
#[test]
fn globals_decide() {
    let engine = Engine::new();
    let malformed = frames()
        .into_iter()
        .find(|f| brolga_examples::firewall_model(f, &BlockList::default()).class == Class::Malformed);
    let malformed = malformed.expect("a malformed frame");
    let loaded = load(&engine, objects::FIREWALL);
    let verdict =
        |loaded: &LoadedObject| run(loaded.program("firewall").unwrap(), EngineKind::Jit, &malformed).0;
    assert_eq!(verdict(&loaded), 1);
    loaded.map(".data").unwrap().update(&[0; 4], &0u32.to_ne_bytes(), Update::Any).unwrap();
    assert_eq!(verdict(&loaded), 2);
    let frozen = loaded.map(".rodata").unwrap().update(&[0; 4], &[0], Update::Any);
    assert_eq!(frozen, Err(MapError::NotWritable));

    let mut object = Object::parse(objects::FIREWALL).unwrap();
    object.set_global("drop_malformed", &[0]).unwrap();
    assert_eq!(verdict(&engine.load_object(&object).unwrap()), 2);
}

#[test]
fn the_socket_filters_decide_as_their_models() {
    let engine = Engine::new();
    let loaded = load(&engine, objects::FILTER);
    let models = [("dns", filters::dns_model as fn(&[u8]) -> u32), ("tcp_syn", filters::tcp_syn_model)];
    for (name, model) in models {
        let mut taken = 0;
        for (frame, kind) in frames().iter().flat_map(|f| BOTH.map(|kind| (f, kind))) {
            // Where a program of this kind is tested, it sees what follows the
            // Ethernet header, as in the kernel; these are for packet sockets,
            // where it sees the whole frame.
            let packet = [&[0; 14], frame.as_slice()].concat();
            let (result, _) = run(loaded.program(name).unwrap(), kind, &packet);
            assert_eq!(result, model(frame).into(), "{name} by {kind:?} of {frame:02x?}");
            taken += u32::from(result != 0);
        }
        assert!(taken > 10, "{name} took {taken} frames");
    }
}

#[test]
fn flows_are_counted_as_in_their_model() {
    for kind in BOTH {
        let engine = Engine::new();
        let loaded = load(&engine, objects::FLOWS);
        let mut expected: BTreeMap<Vec<u8>, (u64, u64)> = BTreeMap::new();
        for frame in frames() {
            run(loaded.program("count_flows").unwrap(), kind, &frame);
            if let Some(key) = flows::flow_key_model(&frame) {
                let flow = expected.entry(key.to_vec()).or_default();
                *flow = (flow.0 + 1, flow.1 + frame.len() as u64);
            }
        }
        let flow = |value: &[u8]| {
            let [packets, bytes] = words(value);
            (packets, bytes)
        };
        let counted: BTreeMap<_, _> =
            loaded.map("flows").unwrap().iter().unwrap().map(|(key, value)| (key, flow(&value))).collect();
        assert_eq!(counted, expected, "{kind:?}");
    }
}

#[test]
fn packets_are_rewritten_as_in_their_models() {
    let engine = Engine::new();
    let loaded = load(&engine, objects::REWRITE);
    let mut replies = 0;
    for (frame, kind) in frames().iter().flat_map(|f| BOTH.map(|kind| (f, kind))) {
        let (verdict, packet) = run(loaded.program("echo").unwrap(), kind, frame);
        let model = rewrite::echo_model(frame);
        assert_eq!(verdict, if model.is_some() { 3 } else { 2 }, "{frame:02x?}");
        assert_eq!(packet.bytes(), model.as_ref().unwrap_or(frame));
        replies += u32::from(verdict == 3);
    }
    assert!(replies > 10, "{replies} replies");
}

#[test]
fn an_object_without_btf_is_loaded() {
    let engine = Engine::new();
    let loaded = load(&engine, objects::LEGACY);
    for (frame, kind) in frames().iter().flat_map(|f| BOTH.map(|kind| (f, kind))) {
        run(loaded.program("ethertype_count").unwrap(), kind, frame);
    }
    let total: u64 = loaded.map("ethertypes").unwrap().iter().unwrap().map(|(_, v)| words::<1>(&v)[0]).sum();
    assert_eq!(total, 2 * frames().len() as u64);
    let longest = frames().iter().map(Vec::len).max().unwrap() as u64;
    assert_eq!(words(&value(&loaded, "lengths", &1u32.to_ne_bytes())), [longest]);
}

#[test]
fn programs_are_loaded_one_by_one() {
    let engine = Engine::new();
    let object = Object::parse(objects::FIREWALL).unwrap();
    let open = engine.open_object(&object, ObjectLoad::new());
    let pass = open.load("pass_all").unwrap();
    assert_eq!((pass.name(), pass.maps().len()), ("pass_all", 0));
    assert_eq!(engine.stats().maps, 0, "no map that no program uses");
    let error = open.load("nothing").unwrap_err();
    assert!(
        matches!(error.inner(), LoadError::Object(ObjectError::NoProgram(name)) if name == "nothing"),
        "{error}"
    );
    let firewall = open.load("firewall").unwrap();
    let loaded = open.loaded([("firewall".to_owned(), firewall)].into()).unwrap();
    assert!(loaded.program("pass_all").is_err() && loaded.map("counters").is_ok());
}

#[test]
fn maps_are_sized_and_supplied() {
    let engine = Engine::new();
    let mut object = Object::parse(objects::FIREWALL).unwrap();
    object.map_mut("blocked_v4").unwrap().def.max_entries = 2;
    let shared = engine.create_map(MapDef::array(16, 8)).unwrap();
    let loaded = engine.open_object(&object, ObjectLoad::new().map("counters", &shared)).load_all().unwrap();
    let blocked = loaded.map("blocked_v4").unwrap();
    for (n, expected) in [(1, Ok(())), (2, Ok(())), (3, Err(MapError::Full))] {
        assert_eq!(blocked.update(&[n; 4], &[0; 8], Update::Any), expected);
    }
    run(loaded.program("firewall").unwrap(), EngineKind::Jit, &frames()[0]);
    let packets: u64 = shared.iter().unwrap().map(|(_, v)| words::<2>(&v)[0]).sum();
    assert_eq!(packets, 1);

    let other = engine.create_map(MapDef::array(8, 8)).unwrap();
    let error =
        engine.open_object(&object, ObjectLoad::new().map("counters", &other)).load_all().unwrap_err();
    assert!(matches!(error.inner(), LoadError::Map { why: MapError::Incompatible, .. }), "{error}");
}

#[test]
fn sections_tell_the_kind() {
    let engine = Engine::new();
    let loaded = load(&engine, objects::FLOWS);
    assert!(
        loaded.programs().values().all(|p| *p.prog_type() == ProgramType::sched_cls() && p.gpl_compatible())
    );
    let object = Object::parse(objects::FLOWS).unwrap();
    let options = ObjectLoad::new().program_type("count_flows", &ProgramType::raw());
    let open = engine.open_object(&object, options);
    let program = object.program("count_flows").unwrap();
    assert_eq!(open.section_type(program).unwrap().prog_type, ProgramType::raw());
    assert!(matches!(open.load("count_flows").unwrap_err().inner(), LoadError::Verify(_)));
}

/// A rejection names the source line; the licence of the object decides.
#[test]
fn a_rejection_names_the_source_line() {
    let engine = Engine::new();
    let object = Object::parse(objects::FLOWS).unwrap();
    let error =
        engine.open_object(&object, ObjectLoad::new().license("MIT")).load("count_flows").unwrap_err();
    let line = error.line().expect("a source line");
    assert!(line.file.ends_with("flows.c") && line.line > 1 && !line.text.is_empty(), "{line:?}");
    assert!(error.to_string().contains(&format!("flows.c:{}", line.line)), "{error}");
    assert_eq!(error.stage(), "verify");
}

#[test]
fn an_object_is_unloaded() {
    let engine = Engine::new();
    let loaded = load(&engine, objects::FIREWALL);
    assert_eq!((engine.stats().programs, engine.stats().maps), (3, 7));
    let program = loaded.program("pass_all").unwrap().clone();
    drop(loaded);
    assert_eq!((engine.stats().programs, engine.stats().maps), (1, 0));
    drop(program);
    assert_eq!(engine.stats().programs, 0);
}

/// A program array that is filled by its definition (`objects/parts.c`).
#[test]
fn tail_calls_follow_the_definition() {
    let engine = Engine::new();
    let object = Object::parse(include_bytes!("objects/parts.o")).unwrap();
    let open = engine.open_object(&object, options());
    let programs = ["start", "first", "second"].map(|name| (name.to_owned(), open.load(name).unwrap()));
    let loaded = open.loaded(programs.into()).unwrap();
    assert_eq!(loaded.map("steps").unwrap().len(), 2);
    let inner = loaded.map("outer").unwrap().lookup(&1u32.to_ne_bytes()).unwrap();
    assert_eq!(inner, Some(loaded.map("inner_a").unwrap().id().to_ne_bytes().to_vec()));
    for (first_byte, expected) in [(0, 107), (1, 1), (2, 107), (3, 2), (4, 107)] {
        for kind in BOTH {
            assert_eq!(run(loaded.program("start").unwrap(), kind, &[first_byte; 64]).0, expected);
        }
    }
}
