//! Numbers that do not matter are not compared where paths meet; those that do
//! are, however what matters comes from them.

use crate::{xdp, xdp_with_value};
use brolga_core::MapDef;
use std::fmt::Write;

/// Enough instructions for a state to be stored where paths meet.
fn pad() -> String {
    "r0 = 1\n".repeat(10)
}

/// The path walked first comes to `meet` with `first`, the other with `second`;
/// r6 is the value of an array.
fn meet(first: &str, second: &str, after: &str) -> String {
    let pad = pad();
    let text = format!(
        "r2 = *(u32 *)(r1 +12)
         r6 = map[idx:0][0]+0
         {pad}
         if r2 == 7 goto other
         {first}
         goto meet
         other:
         {second}
         meet:
         r2 = 0
         {pad}
         if r2 == 1 goto meet2
         meet2:
         {after}
         r0 = 0
         exit"
    );
    let called = SUBPROGS.iter().filter(|(name, _)| text.contains(&format!("call {name}")));
    called.fold(text.clone(), |all, (name, body)| format!("{all}\n {name}:\n {body}\n exit"))
}

/// What `after` may call.
const SUBPROGS: [(&str, &str); 2] =
    [("more", "r0 = r1\n r0 += 1\n if r0 s> 3 goto +0"), ("store", "*(u64 *)(r1 +0) = r2\n r0 = 0")];

/// That `after` is refused where r7 (or what is spilled at -8) is 8, whichever
/// path is walked first, and accepted where it is 7: bytes 0 to 7 are there.
#[track_caller]
fn matters(after: &str) {
    for set in ["r7 = {}", "r7 = {}\n *(u64 *)(r10 -8) = r7\n r7 = 0"] {
        let fill = if set.contains("r10") { "r7 = *(u64 *)(r10 -8)\n" } else { "" };
        let program = |first: u32, second: u32| {
            let set = |to: u32| set.replace("{}", &to.to_string());
            meet(&set(first), &set(second), &format!("{fill}{after}"))
        };
        xdp_with_value(8).accepts(&program(3, 7));
        xdp_with_value(8).refuses("outside", &program(3, 8));
        xdp_with_value(8).refuses("outside", &program(8, 3));
    }
}

const STORE: &str = "r6 += r7\n *(u8 *)(r6 +0) = 1";

#[test]
fn an_index() {
    matters(STORE);
    matters(&format!("r7 += 1\n r7 -= 1\n w7 = w7\n {STORE}"));
    matters(&format!("r3 = r7\n r7 = 9\n r7 = r3\n {STORE}"));
    matters(&format!("r3 = 0\n r3 -= r7\n r3 = -r3\n r7 = r3\n {STORE}"));
    matters(&format!(
        "r3 = 100\n r3 *= r7\n r3 >>= 2\n r3 &= 1023\n if r3 > 192 goto +0\n if r7 > 200 goto +1\n {STORE}"
    ));
}

#[test]
fn an_index_over_every_road() {
    // Through the stack, whole and in part.
    matters(&format!("*(u64 *)(r10 -16) = r7\n r7 = *(u64 *)(r10 -16)\n {STORE}"));
    matters(&format!("*(u32 *)(r10 -16) = r7\n r7 = *(u32 *)(r10 -16)\n {STORE}"));
    matters(&format!("*(u64 *)(r10 -16) = r7\n r7 = *(u16 *)(r10 -16)\n {STORE}"));
    // As what an atomic finds.
    matters(&format!(
        "*(u64 *)(r10 -16) = r7\n r3 = 1\n r3 = atomic_fetch_add((u64 *)(r10 -16), r3)\n r7 = r3\n {STORE}"
    ));
    matters(&format!(
        "*(u64 *)(r10 -16) = r7\n r3 = 1\n r3 = atomic_fetch_or((u64 *)(r10 -16), r3)\n r7 = r3\n {STORE}"
    ));
    matters(&format!(
        "*(u64 *)(r10 -16) = r7\n r0 = 1\n r3 = 1\n r0 = cmpxchg_64(r10 -16, r0, r3)\n r7 = r0\n {STORE}"
    ));
    matters(&format!("*(u64 *)(r10 -16) = r7\n r3 = 1\n r3 = xchg_64(r10 -16, r3)\n r7 = r3\n {STORE}"));
    // Through a subprogram: its argument and result, a register that it keeps,
    // a caller's frame.
    matters(&format!("r1 = r7\n call more\n r7 = r0\n r7 -= 1\n {STORE}"));
    matters(&format!("r1 = 5\n call more\n {STORE}"));
    matters(&format!("r1 = r10\n r1 += -16\n r2 = r7\n call store\n r7 = *(u64 *)(r10 -16)\n {STORE}"));
    matters(&format!("*(u64 *)(r10 -16) = r7\n r1 = 5\n call more\n r7 = *(u64 *)(r10 -16)\n {STORE}"));
}

#[test]
fn a_number_that_is_compared_with_what_matters() {
    let read = "r3 = *(u8 *)(r6 +0)";
    matters(&format!("{read}\n if r3 > r7 goto +2\n r6 += r3\n *(u8 *)(r6 +0) = 1"));
    matters(&format!("{read}\n if r7 s< r3 goto +2\n r6 += r3\n *(u8 *)(r6 +0) = 1"));
    matters(&format!("{read}\n if r3 != r7 goto +2\n r6 += r3\n *(u8 *)(r6 +0) = 1"));
    // The copy is refined, the number itself is used, and the other way round.
    matters(&format!("{read}\n r4 = r3\n if r4 > r7 goto +2\n r6 += r3\n *(u8 *)(r6 +0) = 1"));
    matters(&format!("{read}\n r4 = r3\n if r3 > r7 goto +2\n r6 += r4\n *(u8 *)(r6 +0) = 1"));
    matters(&format!(
        "{read}\n *(u64 *)(r10 -16) = r3\n if r3 > r7 goto +3\n r4 = *(u64 *)(r10 -16)\n r6 += r4\n *(u8 *)(r6 +0) = 1"
    ));
}

#[test]
fn a_number_that_decides_a_way() {
    for test in ["r7 == 3", "r7 != 8", "w7 == 3", "r7 < 8", "r7 s<= 3", "r7 s<= 7"] {
        let program = |first: u32, second: u32| {
            let after = format!("if {test} goto +2\n r6 += 100\n *(u8 *)(r6 +0) = 1");
            meet(&format!("r7 = {first}"), &format!("r7 = {second}"), &after)
        };
        xdp_with_value(8).accepts(&program(3, 3));
        xdp_with_value(8).refuses("outside", &program(3, 8));
        xdp_with_value(8).refuses("outside", &program(8, 3));
    }
    // The bit that is tested is all that matters, but it does.
    let after = "if r7 & 8 goto +1\n goto +2\n r6 += 100\n *(u8 *)(r6 +0) = 1";
    xdp_with_value(8).refuses("outside", &meet("r7 = 3", "r7 = 8", after));
}

#[test]
fn a_size_a_key_a_result() {
    let copy =
        "r1 = r6\n r2 = r7\n r3 = 0\n r3 = 0\n r4 = 0\n r5 = 0\n r3 = r10\n r3 += -8\n *(u64 *)(r10 -8) = 0";
    let sizes =
        format!("{copy}\n r1 = r6\n r2 = r7\n r2 <<= 2\n r2 &= 60\n r3 = 0\n r4 = 0\n r5 = 0\n call 28");
    // bpf_csum_diff of 4 * r7 bytes of a value of 12.
    let program = |first: u32, second: u32| meet(&format!("r7 = {first}"), &format!("r7 = {second}"), &sizes);
    let load = || crate::load("sched_cls").map(MapDef::array(12, 1));
    load().accepts(&program(1, 3).replace("+12)", "+0)"));
    load().refuses("outside", &program(1, 4).replace("+12)", "+0)"));
    // A key that is in the array on one path only: no test for null is needed.
    let key = |key: u32| format!("*(u32 *)(r10 -4) = 0\n r7 = {key}\n *(u32 *)(r10 -8) = r7");
    let lookup = "r1 = map[idx:1]\n r2 = r10\n r2 += -8\n call 1\n r0 = *(u8 *)(r0 +0)";
    let load = || xdp_with_value(8).map(MapDef::array(8, 4));
    load().accepts(&meet(&key(1), &key(3), lookup));
    load().refuses("map_value_or_null", &meet(&key(1), &key(4), lookup));
    // What a cgroup's program returns.
    let text = meet("r7 = 1", "r7 = 9", "r0 = r7\n if r2 == 9 goto +1\n exit").replace("+12)", "+0)");
    crate::load("cgroup_skb").map(MapDef::array(8, 1)).refuses("R0", &text);
}

#[test]
fn a_zero_that_is_read_in_part() {
    // A byte of a spilled number is known to be 0 on one path only.
    let after = "r7 = *(u8 *)(r10 -5)\n r6 += r7\n *(u8 *)(r6 +0) = 1";
    xdp_with_value(8).accepts(&meet("*(u64 *)(r10 -8) = 0", "*(u64 *)(r10 -8) = 0", after));
    let nine = "r7 = 9\n r7 <<= 24\n *(u64 *)(r10 -8) = r7";
    xdp_with_value(8).refuses("R6", &meet("*(u64 *)(r10 -8) = 0", nine, after));
    // A zero stored in part is known to be one; what it was stored from matters.
    let part = "*(u64 *)(r10 -16) = 0\n *(u8 *)(r10 -13) = r7\n r7 = *(u8 *)(r10 -13)\n r6 += r7\n *(u8 *)(r6 +0) = 1";
    xdp_with_value(8).refuses("R6", &meet("r7 = 0", "r7 = 9", part));
    let anywhere = "*(u64 *)(r10 -16) = 0\n r3 = *(u8 *)(r6 +0)\n r3 &= 7\n r4 = r10\n r4 += r3\n *(u8 *)(r4 -16) = r7\n r7 = *(u8 *)(r10 -13)\n r6 += r7\n *(u8 *)(r6 +0) = 1";
    xdp_with_value(8).refuses("R6", &meet("r7 = 0", "r7 = 9", anywhere));
}

#[test]
fn what_matters_only_before_the_last_stored_state() {
    // Many states are stored between the number and its use.
    let rounds: String =
        (0..6).map(|_| format!("{}\n r3 = *(u8 *)(r6 +0)\n if r3 == 1 goto +0\n", pad())).collect();
    matters(&format!("r8 = r7\n {rounds} r7 = r8\n {STORE}"));
    let after = format!("r8 = r7\n r9 = r7\n {rounds} r8 += r9\n r8 >>= 1\n r7 = r8\n {STORE}");
    matters(&after);
}

#[test]
fn numbers_that_do_not_matter() {
    // 30 independent sums: 2^30 paths, which all meet in one state.
    let mut text = String::from("r6 = r1\n r7 = 0\n");
    for i in 0..30 {
        writeln!(text, "r2 = *(u32 *)(r6 +12)\n if r2 == {i} goto +1\n r7 += {}", 1u32 << i).unwrap();
        text += &"r3 = 0\n".repeat(8);
    }
    xdp().accepts(&(text + "r0 = r7\n exit"));
    // The same on the stack.
    let mut text = String::from("r6 = r1\n *(u64 *)(r10 -8) = 0\n");
    for i in 0..30 {
        writeln!(text, "r2 = *(u32 *)(r6 +12)\n if r2 == {i} goto +3\n r7 = *(u64 *)(r10 -8)\n r7 += {}\n *(u64 *)(r10 -8) = r7", 1u32 << i).unwrap();
        text += &"r3 = 0\n".repeat(8);
    }
    xdp().accepts(&(text + "r0 = *(u64 *)(r10 -8)\n exit"));
}

#[test]
fn a_round_that_ends_by_itself_relies_on_everything() {
    // The state stored in the loop's body is closed before its head is; what
    // the head's later ways rely on must not be missed there.
    let text = "r6 = map[idx:0][0]+0
         r7 = 0
         l: may_goto out
         r3 = *(u8 *)(r6 +0)
         r0 = 1\n r0 = 1\n r0 = 1\n r0 = 1\n r0 = 1\n r0 = 1\n r0 = 1\n r0 = 1\n r0 = 1\n r0 = 1
         if r3 == 7 goto other
         goto l
         other:
         r7 = 8
         goto l
         out:
         r6 += r7
         *(u8 *)(r6 +0) = 1
         r0 = 0
         exit";
    xdp_with_value(9).accepts(text);
    xdp_with_value(8).refuses("outside", text);
}

/// What was added to a number of any range says what the sum is once the number is
/// known: a way on which something else is added is walked too.
#[test]
fn what_links_two_numbers_is_relied_on() {
    for (first, second) in [(8, 1000), (1000, 8)] {
        let text = format!(
            "r9 = map[idx:0][0]+0
             r6 = *(u64 *)(r9 +0)
             r0 = *(u64 *)(r9 +8)
             r8 = {first}
             if r0 == 1 goto more
             r8 = {second}
             more:
             if r0 == 2 goto meet
             r1 = 0\n r2 = 0\n r3 = 0\n r4 = 0\n r5 = 0\n r1 = 1\n r2 = 1\n r3 = 1
             meet:
             r7 = r6
             r7 += r8
             if r6 > 10 goto out
             r9 += r7
             r0 = *(u8 *)(r9 +0)
             out:
             r0 = 0
             exit"
        );
        assert!(xdp_with_value(64).verify(&text).is_err(), "{first} {second}");
    }
}
