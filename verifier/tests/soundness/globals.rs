//! Global functions: verified for every argument, called with none but those.

use crate::{Load, xdp};
use brolga_core::Pc;
use brolga_core::func::{Func, Linkage, Param, ParamTags, Pointee};

fn memory(size: u32, nonnull: bool) -> Param {
    let to = Pointee { kind: "STRUCT", name: "s".into(), size: Some(size) };
    Param::Pointer { to, tags: ParamTags { nonnull, ..ParamTags::default() } }
}

fn ctx() -> Param {
    let to = Pointee { kind: "STRUCT", name: "xdp_md".into(), size: Some(24) };
    Param::Pointer { to, tags: ParamTags::default() }
}

/// An XDP program whose function at this place is global and has these
/// parameters.
fn with(start: u32, params: &[Param]) -> Load {
    let mut load = xdp();
    let func = Func { linkage: Linkage::Global, params: params.to_vec(), ..Func::of_program("f") };
    load.aux.func_info.insert(Pc(start), func);
    load.aux.func_info.insert(Pc::START, Func::of_program("main"));
    load
}

const INVALID: &str = "Caller passes invalid args into func#1 ('f')";

#[test]
fn a_body_is_verified_for_every_argument() {
    let text = |test: &str| {
        format!(
            "r1 = 1\n call f\n r0 = 0\n exit\n f: {test}\n r2 = r10\n r2 += -8\n r2 += r1\n *(u8 *)(r2 +0) = 1\n r0 = 0\n exit"
        )
    };
    with(4, &[Param::Scalar]).accepts(&text("r1 &= 7"));
    let loud = with(4, &[Param::Scalar]).verify(&text("r3 = 0"));
    assert!(loud.is_err());
    // A static one is walked with what it is given.
    xdp().accepts(&text("r3 = 0"));
}

#[test]
fn memory_may_be_null_but_where_it_is_said_not_to_be() {
    let text = "*(u64 *)(r10 -8) = 0\n r1 = r10\n r1 += -8\n call f\n r0 = 0\n exit\n f: r0 = *(u64 *)(r1 +0)\n exit";
    with(6, &[memory(8, true)]).accepts(text);
    with(6, &[memory(8, false)]).refuses("R1 invalid mem access 'mem_or_null'", text);
    let tested = text.replace("f: ", "f: r0 = 0\n if r1 == 0 goto +1\n ");
    with(6, &[memory(8, false)]).accepts(&tested);
    with(6, &[memory(8, false)]).refuses("R1 min value is outside", &tested.replace("(r1 +0)", "(r1 +8)"));
}

#[test]
fn arguments_fit_the_parameters() {
    let call = |set: &str| format!("{set}\n call f\n r0 = 0\n exit\n f: r0 = 0\n exit");
    let stack = "r1 = r10\n r1 += -8";
    with(4, &[memory(8, true)]).refuses(INVALID, &call("r1 = 5"));
    with(5, &[memory(8, true)]).accepts(&call(stack));
    with(5, &[memory(9, true)]).refuses(INVALID, &call(stack));
    with(4, &[memory(8, true)]).refuses(INVALID, &call("r1 = 0"));
    with(4, &[memory(8, false)]).accepts(&call("r1 = 0"));
    with(5, &[Param::Scalar]).refuses(INVALID, &call(stack));
    with(5, &[ctx()]).refuses(INVALID, &call(stack));
    with(4, &[ctx()]).accepts(&call("r2 = 0"));
    with(4, &[ctx()]).refuses(INVALID, &call("r1 += 8"));
    with(4, &[Param::Scalar, Param::Scalar]).refuses(INVALID, &call("r1 = 0"));
    with(4, &[Param::Other("FLOAT")]).refuses(INVALID, &call("r1 = 0"));
}

#[test]
fn what_is_passed_may_be_changed() {
    let text = "*(u64 *)(r10 -8) = 0
        r1 = r10
        r1 += -8
        call f
        r3 = *(u64 *)(r10 -8)
        r4 = r10
        r4 += -8
        r4 += r3
        *(u8 *)(r4 +0) = 0
        r0 = 0
        exit
        f: r0 = 0
        exit";
    assert!(with(11, &[memory(8, true)]).verify(text).is_err());
    xdp().accepts(text);
}

#[test]
fn a_result_is_any_number() {
    let text = "r1 = 0\n call f\n r2 = r10\n r2 += -8\n r2 += r0\n *(u8 *)(r2 +0) = 1\n r0 = 0\n exit\n f: r0 = 0\n exit";
    assert!(with(8, &[Param::Scalar]).verify(text).is_err());
    xdp().accepts(text);
    let words = "At subprogram exit the register R0 is not a scalar value (ctx)";
    with(3, &[ctx()]).refuses(words, "call f\n r0 = 0\n exit\n f: r0 = r1\n exit");
    with(3, &[ctx()]).refuses("R0 !read_ok", "call f\n r0 = 0\n exit\n f: exit");
}

#[test]
fn one_that_is_not_called_is_not_verified() {
    let text =
        "r1 = 0\n if r1 == 0 goto +1\n call f\n r0 = 0\n exit\n f: r1 = *(u64 *)(r1 +0)\n r0 = 0\n exit";
    with(5, &[Param::Scalar]).accepts(text);
    with(5, &[Param::Scalar]).refuses(
        "R1 invalid mem access 'scalar'",
        &text.replace("r1 = 0\n if r1 == 0", "r1 = 0\n if r1 == 1"),
    );
}

#[test]
fn packet_pointers_do_not_outlive_one_that_moves_the_packet() {
    let program = |helper: &str| {
        format!(
            "r6 = r1
             r7 = *(u32 *)(r6 +0)
             r8 = *(u32 *)(r6 +4)
             r1 = r7
             r1 += 8
             if r1 > r8 goto out
             r1 = r6
             call f
             r0 = *(u8 *)(r7 +0)
             out:
             r0 = 0
             exit
             f: r2 = 0
             {helper}
             r0 = 0
             exit"
        )
    };
    with(11, &[ctx()]).accepts(&program("r0 = 0"));
    with(11, &[ctx()]).refuses("R7 invalid mem access 'scalar'", &program("call bpf_xdp_adjust_head"));
}

/// An atomic operation wants its bytes at a multiple of their number, and what
/// callers give may lie anywhere.
#[test]
fn atomic_operations_want_what_callers_align() {
    let text = |off: i32| {
        format!(
            "*(u64 *)(r10 -8) = 0\n *(u64 *)(r10 -16) = 0\n r1 = r10\n r1 += {off}\n call f\n r0 = 0\n exit
             f: r2 = 1\n lock *(u64 *)(r1 +0) += r2\n r0 = 0\n exit"
        )
    };
    let load = || with(7, &[memory(8, true)]);
    load().accepts(&text(-16));
    for off in [-12, -9] {
        let failure = load().verify(&text(off)).expect_err("nothing says where it lies");
        assert!(failure.to_string().contains("which may lie anywhere"), "{failure}");
    }
    // Plain accesses may be anywhere.
    load().accepts(&text(-9).replace("lock *(u64 *)(r1 +0) += r2", "*(u64 *)(r1 +0) = r2"));
}
