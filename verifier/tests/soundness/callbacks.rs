//! Callbacks: what a round changes, and what is known after any number of them.

use crate::{xdp, xdp_with_value};
use brolga_core::{MapDef, MapKind};
use brolga_verifier::Cause;

/// A program that runs `round` so often, with the frame's two last slots, both 0,
/// as its context, and then does what `after` says.
fn rounds(count: &str, round: &str, after: &str) -> String {
    format!(
        "r1 = 0
         *(u64 *)(r10 -8) = r1
         *(u64 *)(r10 -16) = r1
         {count}
         r2 = subprog[round]
         r3 = r10
         r3 += -16
         r4 = 0
         call bpf_loop
         {after}
         r0 = 0
         exit
         round:
         {round}
         r0 = 0
         exit"
    )
}

const OUT: &str = "invalid write to stack";

/// Writes to where the first slot says, 8 bytes further each round.
const WALKS_UP: &str = "r3 = *(u64 *)(r2 +0)
    r4 = r2
    r4 += r3
    *(u8 *)(r4 +8) = 0
    r3 += 1
    *(u64 *)(r2 +0) = r3";

#[test]
fn as_many_rounds_are_walked_as_there_may_be() {
    xdp().accepts(&rounds("r1 = 8", WALKS_UP, ""));
    xdp().refuses(OUT, &rounds("r1 = 9", WALKS_UP, ""));
    xdp().refuses(OUT, &rounds("call bpf_get_prandom_u32\n r1 = r0", WALKS_UP, ""));
    xdp().accepts(&rounds("call bpf_get_prandom_u32\n r1 = r0\n r1 &= 7", WALKS_UP, ""));
}

#[test]
fn a_round_that_comes_late_is_walked_too() {
    let bad_at = |n: u32| {
        format!(
            "r3 = *(u64 *)(r2 +0)
             if r3 != {n} goto +2
             r4 = 0
             r5 = *(u64 *)(r4 +0)
             r3 += 1
             *(u64 *)(r2 +0) = r3"
        )
    };
    for n in [0, 1, 2, 5, 31, 33, 40, 1000, 70_000] {
        xdp().refuses("R4 invalid mem access 'scalar'", &rounds("r1 = 100000", &bad_at(n), ""));
    }
    xdp().accepts(&rounds("r1 = 3", &bad_at(3), ""));
}

#[test]
fn after_a_call_any_number_of_rounds_were_made() {
    let sets = "*(u64 *)(r2 +0) = 600";
    let uses = "r3 = *(u64 *)(r10 -16)
        r4 = r10
        r4 += -8
        r4 += r3
        *(u8 *)(r4 +0) = 0";
    xdp().accepts(&rounds("r1 = 0", sets, uses));
    xdp().refuses(OUT, &rounds("r1 = 1", sets, uses));
    xdp().refuses(OUT, &rounds("r1 = 1", "r3 = *(u64 *)(r2 +0)\n r3 += 9\n *(u64 *)(r2 +0) = r3", uses));
    // Perhaps none was: what a round would have written is not there.
    let writes = "*(u64 *)(r2 +0) = 7";
    xdp().accepts(&rounds("r1 = 5", writes, uses));
}

#[test]
fn a_slot_that_only_a_callback_reads_is_not_dead() {
    // Two ways meet before the call with different slots; the worse one is the
    // second to come.
    let program = |bad: u32| {
        format!(
            "call bpf_get_prandom_u32
             r6 = r0
             *(u64 *)(r10 -8) = 0
             *(u64 *)(r10 -16) = 0
             if r6 == 7 goto +1
             goto +2
             *(u64 *)(r10 -16) = {bad}
             r6 = 0
             r6 = 0
             r1 = 5
             r2 = subprog[round]
             r3 = r10
             r3 += -16
             r4 = 0
             call bpf_loop
             r0 = 0
             exit
             round:
             r3 = *(u64 *)(r2 +0)
             r4 = r2
             r4 += r3
             *(u8 *)(r4 +8) = 0
             r0 = 0
             exit"
        )
    };
    xdp().accepts(&program(7));
    xdp().refuses(OUT, &program(8));
}

#[test]
fn a_callback_reaches_its_callers_callers_frame() {
    let program = |index: u32| {
        format!(
            "*(u64 *)(r10 -8) = 0
             r1 = r10
             r1 += -8
             call sub
             r3 = *(u64 *)(r10 -8)
             r4 = r10
             r4 += -8
             r4 += r3
             *(u8 *)(r4 +0) = 0
             r0 = 0
             exit
             sub:
             r3 = r1
             r1 = 4
             r2 = subprog[round]
             r4 = 0
             call bpf_loop
             r0 = 0
             exit
             round:
             *(u64 *)(r2 +0) = {index}
             r0 = 0
             exit"
        )
    };
    xdp().accepts(&program(7));
    xdp().refuses(OUT, &program(8));
}

#[test]
fn nested_rounds_are_counted_each() {
    let program = |outer: u32, inner: u32| {
        format!(
            "r1 = 0
             *(u64 *)(r10 -8) = r1
             *(u64 *)(r10 -16) = r1
             r1 = {outer}
             r2 = subprog[outer]
             r3 = r10
             r3 += -16
             r4 = 0
             call bpf_loop
             r0 = 0
             exit
             outer:
             r3 = r2
             r1 = {inner}
             r2 = subprog[inner]
             r4 = 0
             call bpf_loop
             r0 = 0
             exit
             inner:
             {WALKS_UP}
             r0 = 0
             exit"
        )
    };
    xdp().accepts(&program(4, 2));
    xdp().accepts(&program(1, 8));
    xdp().refuses(OUT, &program(3, 3));
    xdp().refuses(OUT, &program(9, 1));
}

#[test]
fn packet_pointers_do_not_outlive_a_callback_that_moves_the_packet() {
    let program = |helper: &str| {
        format!(
            "r6 = r1
             r7 = *(u32 *)(r6 +0)
             r8 = *(u32 *)(r6 +4)
             r1 = r7
             r1 += 8
             if r1 > r8 goto out
             *(u64 *)(r10 -8) = r6
             r1 = 1
             r2 = subprog[round]
             r3 = r10
             r3 += -8
             r4 = 0
             call bpf_loop
             r0 = *(u8 *)(r7 +0)
             out:
             r0 = 0
             exit
             round:
             r1 = *(u64 *)(r2 +0)
             r2 = 0
             {helper}
             r0 = 0
             exit"
        )
    };
    xdp().accepts(&program("r0 = 0"));
    xdp().refuses("R7 invalid mem access 'scalar'", &program("call bpf_xdp_adjust_head"));
}

#[test]
fn frames_of_callbacks_count() {
    let program = |outer: u32, inner: u32| {
        format!(
            "*(u64 *)(r10 -{outer}) = 0
             r1 = 1
             r2 = subprog[round]
             r3 = 0
             r4 = 0
             call bpf_loop
             r0 = 0
             exit
             round:
             *(u64 *)(r10 -{inner}) = 0
             r0 = 0
             exit"
        )
    };
    xdp().accepts(&program(256, 256));
    xdp().refuses("combined stack size of 2 calls is 528. Too large", &program(256, 272));
}

#[test]
fn a_callback_ends_with_one_of_two_numbers() {
    let start = "r1 = 2\n r2 = subprog[round]\n r3 = r10\n r3 += -8\n r4 = 0\n call bpf_loop\n r0 = 0\n exit\n round:";
    let ends = |how: &str| format!("{start} {how}\n exit");
    xdp().accepts(&ends("r0 = 1"));
    xdp().accepts(&ends("r0 = r1\n r0 &= 1"));
    let words = "At callback return the register R0 has";
    xdp().refuses(&format!("{words} smin=2 smax=2 should have been in [0, 1]"), &ends("r0 = 2"));
    xdp().refuses(&format!("{words} smin=-1 smax=-1 should have been in [0, 1]"), &ends("r0 = -1"));
    xdp().refuses(&format!("{words} unknown scalar value should have been in [0, 1]"), &ends("r0 = r1"));
    xdp().refuses("R0 not a scalar value", &ends("r1 = 0"));
    xdp().refuses("cannot return stack pointer to the caller", &ends("r0 = r2"));
}

#[test]
fn elements_are_those_of_the_map() {
    let each = |body: &str| {
        format!(
            "r1 = map[idx:0]
             r2 = subprog[each]
             r3 = 0
             r4 = 0
             call bpf_for_each_map_elem
             r0 = 0
             exit
             each:
             {body}
             r0 = 0
             exit"
        )
    };
    let hash = || xdp().map(MapDef::hash(12, 16, 4));
    hash().accepts(&each("r5 = *(u64 *)(r2 +0)\n r5 = *(u32 *)(r2 +8)\n *(u64 *)(r3 +8) = r5"));
    hash().refuses("R2 min value is outside of the allowed memory range", &each("r5 = *(u64 *)(r2 +8)"));
    hash().refuses("R3 min value is outside of the allowed memory range", &each("r5 = *(u64 *)(r3 +16)"));
    hash().refuses("write to change key R2 not allowed", &each("*(u8 *)(r2 +0) = 1"));
    hash().refuses("R5 !read_ok", &each("r0 = r5"));
    hash().refuses("R4 invalid mem access 'scalar'", &each("r0 = *(u64 *)(r4 +0)"));
    xdp_with_value(8).accepts(&each("r5 = *(u32 *)(r2 +0)\n *(u64 *)(r3 +0) = r5"));
    let trie = MapDef::new(MapKind::LpmTrie, 8, 8, 4);
    xdp().map(trie).refuses("callback function not allowed for map", &each("r0 = 0"));
}

#[test]
fn no_tail_call_leaves_a_callback() {
    let text = rounds("r1 = 2", "r1 = *(u64 *)(r2 +8)\n r2 = map[idx:0]\n r3 = 0\n call bpf_tail_call", "");
    let text =
        text.replacen("r1 = 0\n", "*(u64 *)(r10 -24) = r1\n r1 = 0\n", 1).replace("(r2 +8)", "(r2 -8)");
    let failure = xdp().map(MapDef::prog_array(1)).named(13).verify(&text).unwrap_err();
    assert!(matches!(failure.cause, Cause::Unsupported(_)), "{failure}");
}

#[test]
fn a_round_may_be_like_the_one_before() {
    // Numbers change without end, and nothing rests on them.
    let counts = "r3 = *(u64 *)(r2 +0)\n r3 += 1\n *(u64 *)(r2 +0) = r3";
    xdp().accepts(&rounds("r1 = 8388608", counts, ""));
    xdp().accepts(&rounds("call bpf_get_prandom_u32\n r1 = r0", "r3 = 5\n *(u64 *)(r2 +0) = r3", ""));
}

/// A loop that goes round again where the callback, or what is called, says so
/// by a 1 in the last slot; another slot is kept.
fn goes_again(call: &str, after: &str, callee: &str) -> String {
    format!(
        "*(u64 *)(r10 -16) = 0
         again:
         *(u64 *)(r10 -8) = 0
         {call}
         r1 = *(u64 *)(r10 -8)
         if r1 != 1 goto out
         {after}
         goto again
         out:
         r0 = 0
         exit
         callee:
         {callee}
         r0 = 0
         exit"
    )
}

fn runs(rounds: u32) -> String {
    format!("r1 = {rounds}\n r2 = subprog[callee]\n r3 = r10\n r3 += -16\n r4 = 0\n call bpf_loop")
}

const COUNTS: &str = "r1 = *(u64 *)(r10 -16)\n r1 += 1\n *(u64 *)(r10 -16) = r1\n if r1 s> 3 goto out";
const NO_END: &[&str] = &["infinite loop detected", "BPF program is too large"];

#[track_caller]
fn has_no_end(text: &str) {
    has_no_end_with(xdp(), text);
}

#[test]
fn a_loop_around_a_callback_is_no_round_of_it() {
    let says = "*(u64 *)(r2 +8) = 1";
    for rounds in [1, 2, 100] {
        has_no_end(&goes_again(&runs(rounds), "", says));
        xdp().accepts(&goes_again(&runs(rounds), COUNTS, says));
    }
    let sometimes =
        format!("r6 = r2\n call bpf_get_prandom_u32\n if r0 == 5 goto +1\n {}", says.replace("r2", "r6"));
    has_no_end(&goes_again(&runs(2), "", &sometimes));
    // The round that sets the counter back is known from the first call's.
    let sets_back = "r6 = r2
        call bpf_get_prandom_u32
        if r0 == 5 goto +2
        *(u64 *)(r6 +8) = 1
        goto +1
        *(u64 *)(r6 +0) = 0";
    let unknown = "call bpf_get_prandom_u32\n *(u64 *)(r10 -16) = r0\n again:";
    let text = goes_again(&runs(2), COUNTS, sets_back).replacen("again:", unknown, 1);
    has_no_end(&text);
}

#[test]
fn a_loop_around_a_may_goto_is_no_round_of_it() {
    let call = "r1 = r10\n r1 += -16\n call callee";
    let says = "top:\n may_goto done\n *(u64 *)(r1 +8) = 1\n goto top\n done:";
    has_no_end(&goes_again(call, "", says));
    xdp().accepts(&goes_again(call, COUNTS, says));
    // In one frame it is.
    xdp().accepts("top:\n r6 = 0\n may_goto done\n r6 = 1\n if r6 == 1 goto top\n done:\n r0 = 0\n exit");
}

/// A program that sets a timer's callback, and looks at a result of it.
fn timer(callback: &str) -> String {
    format!(
        "*(u64 *)(r10 -8) = 0
         r1 = map[idx:0]
         r2 = r10
         r2 += -8
         call bpf_map_lookup_elem
         if r0 == 0 goto out
         r1 = r0
         r2 = subprog[late]
         call bpf_timer_set_callback
         out:
         r0 = 0
         exit
         late:
         {callback}
         r0 = 0
         exit"
    )
}

fn with_timer() -> crate::Load {
    let mut def = MapDef::hash(8, 24, 4);
    def.special.timer = Some(0);
    xdp().map(def)
}

#[test]
fn a_timers_callback_runs_alone() {
    with_timer().accepts(&timer("r1 = *(u64 *)(r2 +0)\n *(u64 *)(r3 +16) = r1"));
    with_timer()
        .refuses("R2 min value is outside of the allowed memory range", &timer("r1 = *(u64 *)(r2 +8)"));
    with_timer().refuses("R4 !read_ok", &timer("r0 = r4"));
    let words = "At async callback return the register R0 has smin=1 smax=1 should have been in [0, 0]";
    with_timer().refuses(words, &timer("r0 = 1\n if r1 == 0 goto +1\n exit"));
    // It may set itself again, and has a stack of its own.
    let itself = "r1 = r3\n r2 = subprog[late]\n call bpf_timer_set_callback";
    with_timer().accepts(&timer(itself));
    let stacks = timer("*(u64 *)(r10 -512) = 0").replacen(
        "*(u64 *)(r10 -8) = 0",
        "*(u64 *)(r10 -8) = 0\n *(u64 *)(r10 -512) = 0",
        1,
    );
    with_timer().accepts(&stacks);
    has_no_end_with(with_timer(), &timer("again: r0 = 0\n if r2 != 0 goto again"));
}

#[track_caller]
fn has_no_end_with(load: crate::Load, text: &str) {
    let said = load.verify(text).expect_err("it has no end").to_string();
    assert!(NO_END.iter().any(|words| said.contains(words)), "refused otherwise: {said}");
}
