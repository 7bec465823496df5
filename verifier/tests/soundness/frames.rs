//! Subprograms: what their frames and their callers' may know of each other.

use crate::{load, xdp};
use brolga_core::MapDef;

const TO_CALLER: &str = "cannot spill pointers to stack into stack frame of the caller";

#[test]
fn a_callees_frame_does_not_outlive_it() {
    let stored = |store: &str| {
        format!(
            "r1 = r10
             r1 += -8
             *(u64 *)(r10 -8) = 0
             call sub
             r1 = *(u64 *)(r10 -8)
             *(u64 *)(r1 -8) = 1
             r0 = 0
             exit
             sub:
             r2 = r10
             {store}
             r0 = 0
             exit"
        )
    };
    xdp().refuses(TO_CALLER, &stored("*(u64 *)(r1 +0) = r2"));
    xdp().refuses(TO_CALLER, &stored("store_release((u64 *)(r1 +0), r2)"));
    xdp().refuses("R1 invalid mem access 'scalar'", &stored("r2 = xchg_64(r1 +0, r2)"));
    xdp().refuses(TO_CALLER, &stored("r3 = *(u64 *)(r1 +0)\n r3 &= 0\n r1 += r3\n *(u64 *)(r1 +0) = r2"));
    xdp().refuses("R1 invalid mem access 'scalar'", &stored("r2 = 1"));
}

#[test]
fn no_stack_pointer_is_returned() {
    let words = "cannot return stack pointer to the caller";
    xdp().refuses(words, "call sub\n *(u64 *)(r0 -8) = 1\n r0 = 0\n exit\n sub: r0 = r10\n exit");
    xdp().refuses(words, "r1 = r10\n call sub\n r0 = 0\n exit\n sub: r0 = r1\n exit");
}

#[test]
fn a_callers_frame_is_written_through_a_pointer() {
    let program = |bound: u32| {
        format!(
            "*(u64 *)(r10 -8) = 5
             r1 = r10
             r1 += -8
             call sub
             r1 = *(u64 *)(r10 -8)
             if r1 == {bound} goto +1
             r0 = *(u64 *)(r1 +0)
             r0 = 0
             exit
             sub:
             *(u64 *)(r1 +0) = 7
             r0 = 0
             exit"
        )
    };
    xdp().accepts(&program(7));
    xdp().refuses("R1 invalid mem access 'scalar'", &program(5));
}

#[test]
fn a_callee_keeps_r6_to_r9_and_nothing_else() {
    let program = |reg: &str, used: &str| {
        format!("{reg} = 1\n call sub\n r0 = {used}\n exit\n sub: r6 = 2\n r0 = 0\n exit")
    };
    xdp().accepts(&program("r6", "r6"));
    for reg in ["r1", "r2", "r3", "r4", "r5"] {
        xdp().refuses(&format!("{} !read_ok", reg.to_uppercase()), &program(reg, reg));
    }
    xdp().refuses("R6 !read_ok", "r6 = 1\n call sub\n r0 = 0\n exit\n sub: r0 = r6\n exit");
    xdp().refuses("R2 !read_ok", "call sub\n exit\n sub: r0 = r2\n exit");
    xdp().refuses("R0 !read_ok", "r0 = 1\n call sub\n exit\n sub: exit");
    xdp().accepts("call sub\n r0 = 0\n exit\n sub: exit");
}

#[test]
fn a_result_is_that_of_every_exit() {
    let program = |last: u32| {
        format!(
            "r6 = map[idx:0][0]+0
             r1 = *(u32 *)(r1 +12)
             call sub
             r6 += r0
             *(u8 *)(r6 +0) = 1
             r0 = 0
             exit
             sub:
             r0 = 0
             if r1 == 0 goto +1
             r0 = {last}
             exit"
        )
    };
    crate::xdp_with_value(8).accepts(&program(7));
    crate::xdp_with_value(8).refuses("outside of the allowed memory range", &program(8));
}

/// The main program indexes 8 bytes with what a subprogram, which starts at 6,
/// returns.
fn returns_zero(body: &str) -> String {
    format!(
        "r6 = map[idx:0][0]+0
         call sub
         r6 += r0
         *(u8 *)(r6 +0) = 1
         r0 = 0
         exit
         sub:
         {body}
         exit"
    )
}

#[test]
fn a_tail_call_from_a_subprogram_may_return_anything() {
    // 6.18 accepts this: it does not see that the target's result comes back.
    let body = "r2 = map[idx:1]\n r3 = 0\n call bpf_tail_call#12\n r0 = 0";
    let xdp = || crate::xdp_with_value(8).map(MapDef::prog_array(4));
    xdp().refuses("tail_call is not allowed in subprogs without BTF", &returns_zero(body));
    xdp().named(7).refuses("unbounded", &returns_zero(body));
    let ignored = returns_zero(body).replace("r6 += r0", "r0 = 0");
    xdp().named(7).accepts(&ignored);
}

#[test]
fn a_tail_call_from_a_subprogram_may_move_the_packet() {
    let program = "r2 = *(u32 *)(r1 +0)
         r3 = *(u32 *)(r1 +4)
         r4 = r2
         r4 += 8
         if r4 > r3 goto out
         r6 = r2
         call sub
         r0 = *(u8 *)(r6 +0)
         out: r0 = 0
         exit
         sub:
         r2 = map[idx:0]
         r3 = 0
         call bpf_tail_call#12
         r0 = 0
         exit";
    let xdp = xdp().map(MapDef::prog_array(4)).named(10);
    xdp.refuses("R6 invalid mem access 'scalar'", program);
}

#[test]
fn a_legacy_load_in_a_subprogram_may_return_zero() {
    let program = "r6 = r1
         call sub
         if r0 == 5 goto +1
         r0 = *(u64 *)(r0 +0)
         exit
         sub:
         r6 = r1
         r0 = *(u8 *)skb[0]
         r0 = 5
         exit";
    let filter = || load("socket_filter");
    filter().refuses("LD_ABS is not allowed in subprogs without BTF", program);
    filter().named(5).refuses("R0 invalid mem access 'scalar'", program);
}

#[test]
fn frames_have_512_bytes_together() {
    let program = |main: u32, sub: u32| {
        format!(
            "*(u8 *)(r10 -{main}) = 0\n call sub\n r0 = 0\n exit\n sub: *(u8 *)(r10 -{sub}) = 0\n r0 = 0\n exit"
        )
    };
    xdp().accepts(&program(256, 256));
    xdp().refuses("combined stack size of 2 calls is 528. Too large", &program(256, 257));
    xdp().refuses("combined stack size of 2 calls is 528. Too large", &program(257, 256));
}

#[test]
fn calls_do_not_nest_too_deeply_or_go_in_a_circle() {
    let chain = |frames: usize| {
        let subs: String = (1..frames).map(|i| format!("call s{i}\n exit\n s{i}: r0 = 0\n")).collect();
        format!("{subs} exit")
    };
    xdp().accepts(&chain(8));
    xdp().refuses("the call stack of 9 frames is too deep", &chain(9));
    xdp().refuses("the call stack of", "call a\n exit\n a: call b\n exit\n b: call a\n exit");
    xdp().refuses("the call stack of", "call a\n exit\n a: call a\n exit");
}
