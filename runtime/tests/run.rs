//! Programs loaded and run, by both engines.

mod common;

use brolga::core::link::LinkError;
use brolga::verifier::LogLevel;
use brolga::{Engine, EngineKind, Load, LoadError, MapDef, MapFlags, Packet, ProgramType, RunError, Update};
use common::{both, code, load_as, raw};

#[test]
fn a_program_computes() {
    let engine = Engine::new();
    let program = raw(&engine, "r0 = 6\n r0 *= 7\n exit", 0);
    assert_eq!(both(&program, &mut []), 42);
    assert!(program.stats().code_len > 0 && program.stats().insns_processed == 3);
}

#[test]
fn memory_is_passed_with_its_size() {
    let engine = Engine::new();
    let program = raw(&engine, "r0 = *(u32 *)(r1 +4)\n r0 += r2\n *(u8 *)(r1 +0) = 9\n exit", 8);
    let mut memory = [0, 0, 0, 0, 5, 1, 0, 0];
    assert_eq!(both(&program, &mut memory), 5 + 256 + 8);
    assert_eq!(memory[0], 9);
}

#[test]
fn memory_of_another_size_is_refused() {
    let engine = Engine::new();
    let program = raw(&engine, "r0 = *(u32 *)(r1 +4)\n exit", 8);
    for given in [0, 7, 9] {
        let error = program.run_mem(&mut vec![0; given]).unwrap_err();
        assert!(matches!(error, RunError::MemSize { given: g, needed: 8 } if g == given), "{error}");
    }
}

#[test]
fn a_context_of_another_kind_is_refused() {
    let engine = Engine::new();
    let xdp = load_as(&engine, &ProgramType::xdp(), "r0 = 2\n exit", Load::new());
    assert!(matches!(xdp.run_mem(&mut []), Err(RunError::Context(name)) if name == "xdp"));
    let raw = raw(&engine, "r0 = 2\n exit", 0);
    let mut packet = Packet::new(&[0; 64]).unwrap();
    assert!(matches!(raw.run(&mut packet), Err(RunError::Context(name)) if name == "raw"));
    assert_eq!(xdp.run(&mut packet).unwrap(), 2);
}

#[test]
fn an_engine_that_was_not_asked_for_is_refused() {
    let engine = Engine::new();
    let load = |kind| load_as(&engine, &ProgramType::raw(), "r0 = 3\n exit", Load::new().engine(kind));
    let (jit, interp) = (load(EngineKind::Jit), load(EngineKind::Interp));
    assert!(jit.linked().is_none() && interp.image().is_none());
    let run = |program: &brolga::Program, kind| program.run_mem_on(kind, &mut []);
    assert!(matches!(run(&jit, EngineKind::Interp), Err(RunError::Engine(EngineKind::Interp))));
    assert!(matches!(run(&interp, EngineKind::Jit), Err(RunError::Engine(EngineKind::Jit))));
    assert_eq!(run(&jit, EngineKind::Jit).unwrap(), 3);
    assert_eq!(run(&interp, EngineKind::Both).unwrap(), 3);
    assert_eq!(interp.run_mem(&mut []).unwrap(), 3);
}

/// The kernel's kinds return 32 bits, others 64.
#[test]
fn results_are_as_wide_as_the_type_says() {
    let engine = Engine::new();
    let text = "r0 = 0x1_00000005 ll\n exit".replace('_', "");
    let xdp = load_as(&engine, &ProgramType::xdp(), &text, Load::new());
    assert_eq!(xdp.test_run(&[0; 64], 1).unwrap().retval, 5);
    assert_eq!(raw(&engine, &text, 0).run_mem(&mut []).unwrap(), 0x1_0000_0005);
}

#[test]
fn packets_are_seen_and_changed() {
    let engine = Engine::new();
    let text = "r2 = *(u32 *)(r1 +0)
        r3 = *(u32 *)(r1 +4)
        r0 = 1
        r4 = r2
        r4 += 14
        if r4 > r3 goto +3
        r0 = *(u8 *)(r2 +12)
        r5 = 0xaa
        *(u8 *)(r2 +0) = r5
        exit";
    let program = load_as(&engine, &ProgramType::xdp(), text, Load::new().engine(EngineKind::Both));
    for kind in [EngineKind::Jit, EngineKind::Interp] {
        let mut packet = Packet::new(&[7; 60]).unwrap();
        assert_eq!(program.run_on(kind, &mut packet).unwrap(), 7);
        assert_eq!(packet.bytes()[..2], [0xaa, 7]);
    }
    assert_eq!(program.test_run(&[3; 60], 5).unwrap().retval, 3);
    assert!(matches!(program.test_run(&[3; 5], 1), Err(RunError::Packet(_))));
}

#[test]
fn programs_share_maps_with_the_host() {
    let engine = Engine::new();
    let hits = engine.create_map(MapDef::array(8, 4).name("hits")).unwrap();
    let text = "r6 = *(u8 *)(r1 +0)
        *(u32 *)(r10 -4) = r6
        r2 = r10
        r2 += -4
        r1 = map[idx:0]
        call bpf_map_lookup_elem#1
        if r0 == 0 goto +2
        r1 = 1
        lock *(u64 *)(r0 +0) += r1
        r0 = r6
        exit";
    let load = Load::new().license("GPL").mem_size(1).map(&hits).engine(EngineKind::Both);
    let program = load_as(&engine, &ProgramType::raw(), text, load);
    for index in [1u8, 3, 3, 9] {
        assert_eq!(both(&program, &mut [index]), index.into());
    }
    let value = |index: u32| {
        hits.lookup(&index.to_ne_bytes()).unwrap().map(|v| u64::from_ne_bytes(v.try_into().unwrap()))
    };
    assert_eq!([0, 1, 2, 3].map(value), [Some(0), Some(2), Some(0), Some(4)]);
    assert_eq!(program.maps().len(), 1);
}

#[test]
fn maps_are_referred_to_by_file_descriptors() {
    let engine = Engine::new();
    let fd = engine.map_create(MapDef::array(8, 1)).unwrap();
    let text = |number: i32| format!("r1 = map[fd:{number}][0]+0\n r0 = *(u64 *)(r1 +0)\n exit");
    let map = engine.map_get(fd).unwrap();
    map.update(&[0; 4], &77u64.to_ne_bytes(), Update::Any).unwrap();
    assert_eq!(raw(&engine, &text(fd.0), 0).run_mem(&mut []).unwrap(), 77);

    let elsewhere = Load::new().map_at(brolga::Fd(1000), &map);
    let program = load_as(&engine, &ProgramType::raw(), &text(1000), elsewhere);
    assert_eq!(program.run_mem(&mut []).unwrap(), 77);

    let error = engine.load(&ProgramType::raw(), &code(&text(999)), Load::new()).unwrap_err();
    assert_eq!(
        (error.stage(), error.kernel_words().as_str()),
        ("verify", "fd 999 is not pointing to valid bpf_map")
    );
}

/// A frozen read-only map's contents are constants: the load from it can bound
/// an access.
#[test]
fn frozen_maps_are_constants() {
    let engine = Engine::new();
    let def = MapDef::array(4, 1).flags(MapFlags::RDONLY_PROG);
    let text = "r3 = map[idx:0][0]+0\n r3 = *(u32 *)(r3 +0)\n r1 += r3\n r0 = *(u8 *)(r1 +0)\n exit";
    for (frozen, accepted) in [(true, true), (false, false)] {
        let map = engine.create_map(def.clone()).unwrap();
        map.update(&[0; 4], &3u32.to_ne_bytes(), Update::Any).unwrap();
        if frozen {
            map.freeze().unwrap();
        }
        let load = Load::new().mem_size(4).map(&map);
        let program = engine.load(&ProgramType::raw(), &code(text), load);
        assert_eq!(program.is_ok(), accepted, "{:?}", program.err());
        if let Ok(program) = program {
            assert_eq!(program.run_mem(&mut [0, 0, 0, 8]).unwrap(), 8);
        }
    }
}

#[test]
fn the_licence_decides_over_helpers() {
    let engine = Engine::new();
    let text = "r1 = r10\n r1 += -8\n *(u64 *)(r1 +0) = 0\n r2 = 8\n call bpf_trace_printk#6\n r0 = 0\n exit";
    for (license, accepted) in [("GPL", true), ("Dual MIT/GPL", true), ("MIT", false), ("", false)] {
        let load = Load::new().license(license);
        let program = engine.load(&ProgramType::raw(), &code(text), load);
        assert_eq!(program.is_ok(), accepted, "{license}");
        if let Err(error) = program {
            assert_eq!(
                error.kernel_words(),
                "cannot call GPL-restricted function from non-GPL compatible program"
            );
            assert_eq!(error.insn().map(|at| at.0), Some(4));
        }
    }
}

#[test]
fn errors_tell_their_stage() {
    let engine = Engine::new();
    let load = |bytes: &[u8]| engine.load(&ProgramType::raw(), bytes, Load::new()).unwrap_err();
    assert_eq!(load(&[]).stage(), "decode");
    assert_eq!(load(&[0xff; 8]).stage(), "decode");
    let rejected = load(&code("r0 = r7\n exit"));
    assert_eq!((rejected.stage(), rejected.kernel_words().as_str()), ("verify", "R7 !read_ok"));
    assert_eq!(rejected.to_string(), "insn 0: R7 !read_ok");
    let kind = ProgramType::by_name("cgroup_skb").expect("a kind of the kernel's");
    let attach = engine.load(&kind, &code("r0 = 0\n exit"), Load::new().attach_type(12345));
    assert_eq!(attach.unwrap_err().to_string(), "expected_attach_type does not fit the program type");
}

/// A helper that the type may call, but that has no body here, is refused by
/// name.
#[test]
fn a_helper_without_a_body_is_refused_by_name() {
    let engine = Engine::new();
    let text = "r1 = r10\n r1 += -16\n r2 = 16\n r3 = 0\n call bpf_get_stack#67\n r0 = 0\n exit";
    let kind = ProgramType::by_name("kprobe").expect("a kind of the kernel's");
    let text = format!("r6 = r1\n {text}")
        .replace("r1 = r10\n r1 += -16\n r2 = 16\n r3 = 0", "r2 = r10\n r2 += -16\n r3 = 16\n r4 = 0");
    let error = engine.load(&kind, &code(&text), Load::new().license("GPL")).unwrap_err();
    let named = matches!(&error, LoadError::Link(LinkError::HelperWithoutBody { name, .. }) if name == "bpf_get_stack");
    assert!(named, "{error}");
    assert!(error.is_unsupported() && error.stage() == "link");
}

/// The verifier knows sockets, and no engine has any: who looks into one is told
/// so before anything runs.
#[test]
fn a_look_into_a_socket_is_refused_at_link_time() {
    let text = "r1 = *(u64 *)(r1 +168)\n if r1 == 0 goto +1\n r0 = *(u32 *)(r1 +4)\n r0 = 0\n exit";
    let error = Engine::new().load(&ProgramType::sched_cls(), &code(text), Load::new()).unwrap_err();
    assert!(
        matches!(&error, LoadError::Link(LinkError::Unsupported { at, .. }) if at.index() == 2),
        "{error}"
    );
}

#[test]
fn the_log_is_kept_where_it_is_asked_for() {
    let engine = Engine::new();
    let load = |level| load_as(&engine, &ProgramType::raw(), "r0 = 0\n exit", Load::new().log(level));
    assert_eq!(load(LogLevel::Off).report().log, "");
    assert!(load(LogLevel::Full).report().log.contains("exit"));
    let error = engine.load(&ProgramType::raw(), &code("r0 = r3\n exit"), Load::new().log(LogLevel::Full));
    let error = error.unwrap_err();
    assert!(error.failure().unwrap().report.log.contains("R3 !read_ok"));
}

#[test]
fn a_program_outlives_its_engine() {
    let program = raw(&Engine::new(), "call bpf_get_smp_processor_id#8\n r0 &= 0\n exit", 0);
    assert_eq!(both(&program, &mut []), 0);
}

/// A program may take it that its memory is aligned, and so use atomics; the
/// caller need not care.
#[test]
fn memory_at_odd_addresses_is_as_good() {
    let engine = Engine::new();
    let program = raw(&engine, "r2 = 5\n lock *(u64 *)(r1 +8) += r2\n r0 = *(u64 *)(r1 +8)\n exit", 16);
    let mut bytes = [1u8; 40];
    for start in 0..8 {
        let memory = &mut bytes[start..start + 16];
        memory.fill(1);
        assert_eq!(both(&program, memory), 0x0101_0101_0101_0106);
        assert_eq!(memory[8], 6);
    }
}

#[test]
fn handles_go_between_threads() {
    fn any_thread<T: Send + Sync + Clone + 'static>() {}
    any_thread::<Engine>();
    any_thread::<brolga::Program>();
    any_thread::<brolga::Map>();
    any_thread::<ProgramType>();
    any_thread::<brolga::LoadedObject>();
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<LoadError>();
    error::<RunError>();
}
