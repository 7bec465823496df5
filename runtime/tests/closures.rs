//! Kinds of programs with helpers that are Rust closures.

mod common;

use brolga::core::helper::{Arg, ArgKind, Proto};
use brolga::core::prog_type::{CtxField, CtxLayout, SizeSet};
use brolga::prog_type::Builder;
use brolga::{
    Bytes, BytesMut, BytesOut, Engine, EngineKind, Gpl, Load, MapDef, MapFlags, MapRef, Packet, Program,
    ProgramType, RunError, TypeError, Update,
};
use common::{code, load_as};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

brolga::context! {
    /// A request as a policy sees it.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Request {
        method: u32,
        path: [u8; 12],
        size: u64,
        score: u32 [write],
        tags: [u16; 4] [write],
    }
}

fn policy() -> Builder {
    ProgramType::builder("policy").context::<Request>()
}

fn load(builder: Builder, text: &str) -> Program {
    let prog_type = builder.build().expect("a kind of program");
    load_as(&Engine::new(), &prog_type, text, Load::new().license("GPL").engine(EngineKind::Both))
}

/// What both engines say, from the same context.
fn both(program: &Program, ctx: &Request) -> (u64, Request) {
    let [native, interp] = [EngineKind::Jit, EngineKind::Interp].map(|kind| {
        let mut ctx = ctx.clone();
        (program.run_on(kind, &mut ctx).expect("a run"), ctx)
    });
    assert_eq!(native, interp);
    native
}

fn rejected(builder: Builder, text: &str) -> String {
    let prog_type = builder.build().expect("a kind of program");
    let error = Engine::new().load(&prog_type, &code(text), Load::new().license("GPL"));
    error.expect_err("a program that is to be rejected").kernel_words()
}

#[test]
fn a_structure_is_a_context() {
    let text = "r0 = *(u64 *)(r1 +16)
        r2 = *(u8 *)(r1 +5)
        r0 += r2
        *(u32 *)(r1 +24) = r0
        r3 = 0x1234
        *(u16 *)(r1 +30) = r3
        exit";
    let ctx = Request { size: 100, path: *b"/index.html ", ..Request::default() };
    let (result, after) = both(&load(policy(), text), &ctx);
    assert_eq!(result, 100 + u64::from(b'i'));
    assert_eq!(after, Request { score: result as u32, tags: [0, 0x1234, 0, 0], ..ctx });
}

#[test]
fn a_context_is_accessed_as_its_fields_say() {
    let invalid = |text: &str| {
        let words = rejected(policy(), &format!("{text}\n r0 = 0\n exit"));
        assert!(words.starts_with("invalid bpf_context access"), "{words}");
    };
    invalid("*(u32 *)(r1 +0) = 1");
    invalid("r0 = *(u64 *)(r1 +0)");
    invalid("r0 = *(u16 *)(r1 +4)");
    invalid("r0 = *(u32 *)(r1 +40)");
    invalid("*(u32 *)(r1 +28) = 1");
}

#[test]
fn results_are_held_to_the_range() {
    let kind = || policy().returns(0..=1);
    assert_eq!(both(&load(kind(), "r0 = 1\n exit"), &Request::default()).0, 1);
    assert!(rejected(kind(), "r0 = 2\n exit").contains("should have been in [0, 1]"));
}

#[test]
fn closures_keep_state() {
    let seen = Arc::new(AtomicU64::new(0));
    let names: HashSet<Vec<u8>> = [b"/ok".to_vec(), b"/fine".to_vec()].into();
    let counter = seen.clone();
    let builder = policy().helper(6001, "seen", Gpl::Any, move |name: Bytes<'_>| {
        counter.fetch_add(1, Ordering::Relaxed);
        names.contains(&*name)
    });
    // A context is no memory, so the program passes a copy.
    let text = "r3 = *(u8 *)(r1 +4)\n *(u8 *)(r10 -8) = r3
        r3 = *(u8 *)(r1 +5)\n *(u8 *)(r10 -7) = r3
        r3 = *(u8 *)(r1 +6)\n *(u8 *)(r10 -6) = r3
        r1 = r10\n r1 += -8\n r2 = 3\n call 6001\n exit";
    let program = load(builder, text);
    let request = |path: &[u8; 12]| Request { path: *path, ..Request::default() };
    assert_eq!(both(&program, &request(b"/ok.........")).0, 1);
    assert_eq!(both(&program, &request(b"/no.........")).0, 0);
    assert_eq!(seen.load(Ordering::Relaxed), 4);
}

fn twice(value: u64) -> u64 {
    value.wrapping_mul(2)
}

#[test]
fn numbers_are_cut_and_extended_by_their_types() {
    let wide = "r1 = 0xffffffff80000001 ll\n r2 = 0x1100 ll\n call 6001\n exit";
    let call = |builder: Builder| both(&load(builder, wide), &Request::default()).0;
    assert_eq!(call(policy().helper(6001, "h", Gpl::Any, twice)), 0xffff_ffff_0000_0002);
    assert_eq!(call(policy().helper(6001, "h", Gpl::Any, |a: u32| u64::from(a))), 0x8000_0001);
    assert_eq!(call(policy().helper(6001, "h", Gpl::Any, |a: i32| i64::from(a))), 0xffff_ffff_8000_0001);
    assert_eq!(call(policy().helper(6001, "h", Gpl::Any, |a: i32| a)), 0xffff_ffff_8000_0001);
    assert_eq!(call(policy().helper(6001, "h", Gpl::Any, |a: u32| a)), 0x8000_0001);
    assert_eq!(call(policy().helper(6001, "h", Gpl::Any, |a: i64| a - 1)), 0xffff_ffff_8000_0000);
    assert_eq!(call(policy().helper(6001, "h", Gpl::Any, |a: bool, b: bool| (a, b) == (true, false))), 1);
    assert_eq!(call(policy().helper(6001, "h", Gpl::Any, || -1i32)), u64::MAX);
}

#[test]
fn five_arguments_are_passed_in_order() {
    let text = "r1 = 1\n r2 = 2\n r3 = 3\n r4 = 4\n r5 = 5\n call 6001\n exit";
    let digits = |a: u64, b: u64, c: u64, d: u64, e: u64| a * 10000 + b * 1000 + c * 100 + d * 10 + e;
    let program = load(policy().helper(6001, "digits", Gpl::Any, digits), text);
    assert_eq!(both(&program, &Request::default()).0, 12345);
}

#[test]
fn a_helper_without_a_result_leaves_none() {
    let builder = || policy().helper(6001, "nothing", Gpl::Any, || ());
    assert_eq!(rejected(builder(), "call 6001\n exit"), "R0 !read_ok");
    assert_eq!(both(&load(builder(), "call 6001\n r0 = 4\n exit"), &Request::default()).0, 4);
}

#[test]
fn memory_is_changed_in_place() {
    let reverse = |mut bytes: BytesMut<'_>| bytes.reverse();
    let fill = |mut bytes: BytesOut<'_>, with: u32| {
        assert!(bytes.iter().all(|b| *b == 0));
        if with != 0 {
            bytes.fill(with as u8);
        }
    };
    let builder = || policy().helper(6001, "reverse", Gpl::Any, reverse).helper(6002, "fill", Gpl::Any, fill);
    let text = "r1 = 0x0102030405060708 ll\n *(u64 *)(r10 -8) = r1
        r1 = r10\n r1 += -8\n r2 = 8\n call 6001\n r0 = *(u64 *)(r10 -8)\n exit";
    assert_eq!(both(&load(builder(), text), &Request::default()).0, 0x0807_0605_0403_0201);
    let text = |with: u8| {
        format!("r1 = r10\n r1 += -104\n r2 = 100\n r3 = {with}\n call 6002\n r0 = *(u64 *)(r10 -16)\n exit")
    };
    assert_eq!(both(&load(builder(), &text(0x11)), &Request::default()).0, 0x1111_1111_1111_1111);
    assert_eq!(both(&load(builder(), &text(0)), &Request::default()).0, 0);
    let outside = "r1 = r10\n r1 += -8\n r2 = 9\n call 6001\n r0 = 0\n exit";
    let words = rejected(builder(), outside);
    assert!(words.starts_with("invalid") && words.contains("stack"), "{words}");
}

#[test]
fn helpers_take_maps() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::hash(4, 4, 8)).unwrap();
    let store = |map: MapRef<'_>, key: u32, value: u32| {
        map.update(&key.to_ne_bytes(), &value.to_ne_bytes(), Update::Any).is_ok()
    };
    let prog_type = policy().helper(6001, "store", Gpl::Any, store).build().unwrap();
    let text = "r1 = map[idx:0]\n r2 = 7\n r3 = 49\n call 6001\n exit";
    let program = load_as(&engine, &prog_type, text, Load::new().map(&map));
    assert_eq!(program.run(&mut Request::default()).unwrap(), 1);
    assert_eq!(map.lookup(&7u32.to_ne_bytes()).unwrap().unwrap(), 49u32.to_ne_bytes());
}

#[test]
fn helpers_take_the_context() {
    let raise = |request: &mut Request, by: u32| {
        request.score += by;
        request.score
    };
    let builder = || policy().helper(6001, "raise", Gpl::Any, raise);
    let program = load(builder(), "r6 = r1\n r2 = 5\n call 6001\n r0 = *(u32 *)(r6 +24)\n exit");
    let (result, after) = both(&program, &Request { score: 10, ..Request::default() });
    assert_eq!((result, after.score), (15, 15));
    assert!(
        rejected(builder(), "r1 = 5\n r2 = 5\n call 6001\n exit").starts_with("R1 type=scalar expected=ctx")
    );
}

#[test]
fn the_licence_decides_over_closures() {
    let kind = |gpl| policy().helper(6001, "h", gpl, || 3u64).build().unwrap();
    let load = |gpl, license| {
        Engine::new().load(&kind(gpl), &code("call 6001\n exit"), Load::new().license(license))
    };
    assert!(load(Gpl::Only, "GPL").is_ok() && load(Gpl::Any, "MIT").is_ok());
    let words = load(Gpl::Only, "MIT").unwrap_err().kernel_words();
    assert_eq!(words, "cannot call GPL-restricted function from non-GPL compatible program");
}

#[test]
fn a_panic_reaches_the_caller() {
    let after = Arc::new(AtomicU64::new(0));
    let count = after.clone();
    let builder = policy()
        .helper(6001, "fail", Gpl::Any, |code: u64| -> u64 { panic!("code {code}") })
        .helper(6002, "after", Gpl::Any, move || count.fetch_add(1, Ordering::Relaxed));
    let program = load(builder, "r1 = 7\n call 6001\n r6 = r0\n call 6002\n r0 = r6\n exit");
    for kind in [EngineKind::Jit, EngineKind::Interp] {
        let error = program.run_on(kind, &mut Request::default()).unwrap_err();
        assert_eq!(error.to_string(), "a helper panicked: code 7");
        let RunError::HelperPanicked(panic) = error else { panic!("{error}") };
        assert_eq!(panic.into_payload().downcast_ref::<String>().map(String::as_str), Some("code 7"));
    }
    assert_eq!(after.load(Ordering::Relaxed), 0, "the program has ended");
}

/// A helper may run another program: each run has its own panic.
#[test]
fn runs_nest() {
    let fails = Arc::new(load(
        policy().helper(6001, "fail", Gpl::Any, || -> u64 { panic!("inner") }),
        "call 6001\n exit",
    ));
    let inner = fails.clone();
    let builder = policy()
        .helper(6001, "inner", Gpl::Any, move || inner.run(&mut Request::default()).is_err())
        .helper(6002, "fail", Gpl::Any, || -> u64 { panic!("outer") });
    let program = load(builder, "call 6001\n r6 = r0\n call 6001\n r0 += r6\n exit");
    assert_eq!(program.run(&mut Request::default()).unwrap(), 2);
    let inner = fails.clone();
    let builder = policy()
        .helper(6001, "inner", Gpl::Any, move || inner.run(&mut Request::default()).is_err())
        .helper(6002, "fail", Gpl::Any, || -> u64 { panic!("outer") });
    let program = load(builder, "call 6002\n call 6001\n exit");
    assert_eq!(program.run(&mut Request::default()).unwrap_err().to_string(), "a helper panicked: outer");
}

/// A closure lives as long as a program that may call it.
#[test]
fn closures_live_as_long_as_their_programs() {
    let state = Arc::new(5u64);
    let held = Arc::downgrade(&state);
    let prog_type = policy().helper(6001, "h", Gpl::Any, move || *state).build().unwrap();
    let program = load_as(&Engine::new(), &prog_type, "call 6001\n exit", Load::new());
    drop(prog_type);
    assert_eq!(program.run(&mut Request::default()).unwrap(), 5);
    assert!(held.upgrade().is_some());
    drop(program);
    assert!(held.upgrade().is_none());
}

#[test]
fn a_prototype_may_be_said() {
    let proto = Proto::new(6001, "sum").takes(&[Arg::ANYTHING, Arg::ANYTHING]);
    #[expect(unsafe_code, reason = "it takes any registers")]
    // SAFETY: it is a number of numbers, as the prototype says.
    let builder = unsafe { policy().helper_with_proto(proto, |[a, b, ..]| a + b) };
    let program = load(builder, "r1 = 40\n r2 = 2\n call 6001\n exit");
    assert_eq!(both(&program, &Request::default()).0, 42);
}

/// One that says too little could not be checked.
#[test]
fn a_prototype_says_how_long_memory_is() {
    for (args, what) in [
        (&[Arg::MEM][..], "memory whose size nothing says"),
        (&[Arg::ANYTHING, Arg::SIZE], "a size without memory before it"),
        (&[Arg::MAP_KEY], "a key or value without a map before it"),
        (&[Arg::of(ArgKind::Func)], "a callback of which nothing says who runs it"),
    ] {
        let proto = Proto::new(6001, "odd").takes(args);
        #[expect(unsafe_code, reason = "it is never called")]
        // SAFETY: no program is loaded that calls it.
        let builder = unsafe { policy().helper_with_proto(proto, |_| 0) };
        assert_eq!(builder.build().unwrap_err().to_string(), format!("helper `odd` takes {what}"));
    }
}

#[test]
fn a_layout_may_be_said() {
    let layout = CtxLayout {
        name: "pair".into(),
        size: 8,
        host_size: 16,
        fields: vec![CtxField::scalar("second", 4, 4).loads(SizeSet::UP_TO_4).host(12)],
    };
    let prog_type = ProgramType::builder("pair").context_layout(layout.clone()).build().unwrap();
    let program = load_as(&Engine::new(), &prog_type, "r0 = *(u32 *)(r1 +4)\n exit", Load::new());
    let host = [1u32, 2, 3, 4];
    #[expect(unsafe_code, reason = "there is no type behind the layout")]
    // SAFETY: the structure has the layout's 16 bytes.
    let result = unsafe { program.run_raw(host.as_ptr().expose_provenance() as u64, 0) };
    assert_eq!(result.unwrap(), 4);
    assert!(matches!(program.run(&mut Request::default()), Err(RunError::Context(_))));

    let outside = CtxLayout { host_size: 15, ..layout };
    let error = ProgramType::builder("pair").context_layout(outside).build().unwrap_err();
    assert_eq!(error, TypeError::Layout { field: "second".into(), size: 8 });
}

#[test]
fn a_kind_like_the_kernels_has_its_packet() {
    let allow = |port: u32| port == 443;
    let prog_type = ProgramType::builder("my_xdp")
        .like(&ProgramType::xdp())
        .helper(6001, "allow", Gpl::Any, allow)
        .build()
        .unwrap();
    let text =
        "r2 = *(u32 *)(r1 +0)\n r3 = *(u32 *)(r1 +4)\n r0 = 1\n r4 = r2\n r4 += 38\n if r4 > r3 goto +4
        r1 = *(u16 *)(r2 +36)\n r1 = be16 r1\n call 6001\n r0 += 1\n exit";
    let program = load_as(&Engine::new(), &prog_type, text, Load::new());
    let mut frame = [0; 64];
    assert_eq!(program.run(&mut Packet::new(&frame).unwrap()).unwrap(), 1);
    frame[36..38].copy_from_slice(&443u16.to_be_bytes());
    assert_eq!(program.run(&mut Packet::new(&frame).unwrap()).unwrap(), 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let error = |builder: Builder| builder.build().unwrap_err();
    let number = |id| TypeError::HelperNumber { name: "h".into(), id };
    assert_eq!(error(policy().helper(1, "h", Gpl::Any, || 0u64)), number(1));
    assert_eq!(error(policy().helper(-5, "h", Gpl::Any, || 0u64)), number(-5));
    let twice = policy().helper(6001, "a", Gpl::Any, || 0u64).helper(6001, "h", Gpl::Any, || 0u64);
    assert_eq!(error(twice), number(6001));
    let wide = |_: Bytes<'_>, _: Bytes<'_>, _: Bytes<'_>| 0u64;
    let registers = TypeError::HelperArgs { name: "h".into(), registers: 6 };
    assert_eq!(error(policy().helper(6001, "h", Gpl::Any, wide)), registers);
    let context = TypeError::HelperContext("h".into());
    assert_eq!(error(policy().helper(6001, "h", Gpl::Any, |_: &mut Request, _: &mut Request| 0u64)), context);
    let other = ProgramType::builder("other").helper(6001, "h", Gpl::Any, |_: &mut Request| 0u64);
    assert_eq!(error(other), context);
    assert_eq!(error(policy().kernel_helpers([99999])), TypeError::NoKernelHelper(99999));
    // Its body takes the context for an skb.
    let skb = TypeError::KernelHelperContext { name: "bpf_skb_load_bytes".into(), id: 26 };
    assert_eq!(error(policy().kernel_helpers([26])), skb);
}

#[test]
fn kinds_are_registered_by_name_and_section() {
    let engine = Engine::new();
    let prog_type = policy().sections(["policy"]).build().unwrap();
    engine.register(&prog_type).unwrap();
    assert_eq!(engine.program_type("policy"), Some(prog_type.clone()));
    assert_eq!(engine.section_type("policy/main").map(|s| s.prog_type), Some(prog_type.clone()));
    assert_eq!(engine.register(&prog_type), Err(TypeError::Name("policy".into())));
    let taken = ProgramType::builder("mine").sections(["xdp"]).build().unwrap();
    assert_eq!(engine.register(&taken), Err(TypeError::Name("xdp".into())));
    assert_eq!(engine.program_type("xdp"), Some(ProgramType::xdp()));
    assert_eq!(Engine::new().program_type("policy"), None);
}

#[test]
fn a_kind_like_an_embedders_has_its_context() {
    let base = policy().helper(6001, "h", Gpl::Any, || 1u64).returns(0..=9).build().unwrap();
    let raise = |request: &mut Request| request.score += 1;
    let builder = || ProgramType::builder("more").like(&base).helper(6002, "raise", Gpl::Any, raise);
    let (result, after) = both(&load(builder(), "call 6002\n r0 = 3\n exit"), &Request::default());
    assert_eq!((result, after.score), (3, 1));
    assert!(rejected(builder(), "r0 = 10\n exit").contains("should have been in [0, 9]"));
    assert!(rejected(builder(), "call 6001\n exit").contains("#6001"));
}

/// Helpers write where programs may, and nowhere else.
#[test]
fn constants_are_not_for_helpers_to_change() {
    let engine = Engine::new();
    let map = engine.create_map(MapDef::array(8, 1).flags(MapFlags::RDONLY_PROG)).unwrap();
    let text = |helper: i32| format!("r1 = map[idx:0][0]+0\n r2 = 8\n call {helper}\n r0 = 0\n exit");
    let kind = policy()
        .helper(6001, "read", Gpl::Any, |_: Bytes<'_>| ())
        .helper(6002, "change", Gpl::Any, |_: BytesMut<'_>| ())
        .helper(6003, "fill", Gpl::Any, |_: BytesOut<'_>| ())
        .build()
        .unwrap();
    let load = |helper| engine.load(&kind, &code(&text(helper)), Load::new().map(&map));
    assert!(load(6001).is_ok());
    for helper in [6002, 6003] {
        assert!(load(helper).unwrap_err().kernel_words().contains("write into map forbidden"), "{helper}");
    }
}
