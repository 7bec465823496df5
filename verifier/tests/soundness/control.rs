//! Control: loops that end and loops that do not, dead code, structure.

use crate::{xdp, xdp_with_value};
use brolga_core::Pc;

#[test]
fn loops_that_never_end() {
    xdp().refuses("infinite loop detected", "goto -1");
    xdp().refuses("infinite loop detected", "r0 = 0\n l: r1 = 5\n goto l");
    xdp().refuses("infinite loop detected", "call 5\n l: if r0 > 5 goto l\n r0 = 0\n exit");
    xdp().refuses("infinite loop detected", "r6 = 1\n l: call sub\n goto l\n sub: r0 = 0\n exit");
    xdp().refuses(
        "infinite loop detected",
        "l: *(u64 *)(r10 -8) = 0\n r1 = *(u64 *)(r10 -8)\n if r1 == 0 goto l\n r0 = 0\n exit",
    );
}

#[test]
fn counters_that_wrap_run_into_the_budget() {
    let words = "BPF program is too large. Processed 50001 insn";
    xdp().refuses(words, "r0 = 0\n l: r0 += 1\n goto l");
    xdp().refuses(words, "r0 = 0\n l: r0 += 1\n if r0 != 0 goto l\n exit");
    xdp().refuses(words, "w0 = 0\n l: w0 += 2\n if w0 != 1 goto l\n r0 = 0\n exit");
}

#[test]
fn bounded_loops() {
    xdp().accepts("r6 = 0\n l: r6 += 1\n if r6 < 100 goto l\n r0 = 0\n exit");
    xdp().accepts("r6 = 100\n l: r6 += -1\n if r6 s> 0 goto l\n r0 = 0\n exit");
    xdp().accepts("r6 = 0\n l: *(u64 *)(r10 -8) = r6\n call sub\n r6 = *(u64 *)(r10 -8)\n r6 += 1\n if r6 < 10 goto l\n r0 = 0\n exit\n sub: r0 = 0\n exit");
    xdp().accepts(
        "r6 = 0\n o: r7 = 0\n i: r7 += 1\n if r7 < 10 goto i\n r6 += 1\n if r6 < 10 goto o\n r0 = 0\n exit",
    );
}

#[test]
fn a_loop_bound_holds_for_what_is_indexed() {
    let program = |rounds: u32| {
        format!(
            "r6 = 0\n l: r1 = map[idx:0][0]+0\n r1 += r6\n *(u8 *)(r1 +0) = 1\n r6 += 1\n if r6 < {rounds} goto l\n r0 = 0\n exit"
        )
    };
    xdp_with_value(64).accepts(&program(64));
    xdp_with_value(64).refuses("outside of the allowed memory range", &program(65));
}

#[test]
fn may_goto_ends_a_loop_but_says_nothing_of_its_rounds() {
    let program = |body: &str| {
        format!("r6 = map[idx:0][0]+0\n r7 = 0\n l: may_goto out\n {body}\n goto l\n out: r0 = 0\n exit")
    };
    let value = || xdp_with_value(64);
    value().accepts(&program("r7 += 1"));
    // 6.18 goes over the rounds one by one here, until its budget ends.
    value().accepts(&program("r7 += 1\n r1 = r7\n r1 &= 63\n r1 += r6\n *(u8 *)(r1 +0) = 1"));
    value().refuses("unbounded min value", &program("r1 = r6\n r1 += r7\n *(u8 *)(r1 +0) = 1\n r7 += 1"));
    value().refuses("R6 ", &program("*(u8 *)(r6 +0) = 1\n r6 += 1"));
    // What holds after the loop is what holds after any round.
    let after = "r7 = 0\n l: may_goto out\n r7 += 1\n goto l\n out: if r7 < 1000 goto +1\n r0 = *(u64 *)(r7 +0)\n r0 = 0\n exit";
    value().refuses("R7 invalid mem access 'scalar'", after);
    // A loop within, which may_goto does not end, never ends.
    let inner = "l: may_goto out\n i: if r6 != 0 goto i\n goto l\n out: r0 = 0\n exit";
    value().refuses("infinite loop detected", &format!("r6 = 1\n {inner}"));
}

#[test]
fn what_no_run_reaches_is_not_looked_at() {
    xdp().accepts("r0 = 0\n if r0 == 0 goto +1\n r0 = *(u64 *)(r0 +0)\n exit");
    xdp().refuses(
        "R0 invalid mem access 'scalar'",
        "r0 = 0\n if r0 != 0 goto +1\n r0 = *(u64 *)(r0 +0)\n exit",
    );
    xdp().refuses("unreachable insn 1", "exit\n r0 = 0\n exit");
}

#[test]
fn what_a_kernel_would_have_to_know_is_not_supported_even_where_no_run_comes() {
    let dead = |call: &str| format!("r0 = 1\n if r0 != 0 goto +1\n {call}\n exit");
    xdp().refuses("not supported by this verifier: a kernel function", &dead("call kernel-function#7"));
    xdp().accepts(&dead("call kernel-function#0"));
    xdp().refuses("not supported by this verifier: a kernel function", "call kernel-function#0\n exit");
}

#[test]
fn structure() {
    xdp().refuses("last insn is not an exit or jmp", "r0 = 0");
    xdp().refuses("jump out of range", "goto +5\n exit");
    xdp().refuses("jump out of range", "goto -2\n exit");
    xdp().refuses("jump out of range", "call sub\n r0 = 0\n exit\n sub: goto -2\n exit");
    xdp().refuses(
        "jump into the middle of ldimm64",
        "r0 = 0\n if r0 == 0 goto +1\n r1 = 1 ll\n r0 = 0\n exit",
    );
    xdp().refuses("call to invalid destination", "call pc+7\n exit");
}

#[test]
fn registers_are_written_before_they_are_read() {
    xdp().refuses("R0 !read_ok", "exit");
    xdp().refuses("R2 !read_ok", "r0 = r2\n exit");
    xdp().refuses("R2 !read_ok", "r0 = 0\n if r2 == 0 goto +0\n exit");
    xdp().refuses("R3 !read_ok", "call 5\n r0 = r3\n exit");
    xdp().refuses(
        "R0 !read_ok",
        "*(u64 *)(r10 -8) = 0\n r1 = 1\n r1 = cmpxchg_64(r10 -8, r0, r1)\n exit"
            .replace("r1 = cmpxchg", "r0 = cmpxchg")
            .as_str(),
    );
    xdp().refuses("frame pointer is read only", "r10 = 5\n r0 = 0\n exit");
    xdp().refuses("frame pointer is read only", "*(u64 *)(r10 -8) = 0\n r10 = *(u64 *)(r10 -8)\n exit");
}

#[test]
fn a_path_that_skips_a_write_is_a_path() {
    let program = "r1 = *(u32 *)(r1 +12)\n if r1 == 0 goto +1\n r0 = 0\n exit";
    xdp().refuses("R0 !read_ok", program);
}

#[test]
fn results_fit_the_program_type() {
    crate::load("cgroup_skb").accepts("r0 = 1\n exit");
    crate::load("cgroup_skb").refuses("At program exit the register R0 has", "r0 = 2\n exit");
    crate::load("cgroup_skb").refuses("At program exit the register R0 has", "r0 = -1\n exit");
    crate::load("cgroup_skb").refuses("At program exit the register R0", "r0 = r1\n exit");
}

/// A multiple of 2^47 from 25 to 45: there is none, and the kernel goes on with 0.
#[test]
fn ways_that_no_run_goes() {
    let text = "r1 = *(u32 *)(r1 +12)
         r1 <<= 47
         if r1 < 25 goto out
         if r1 > 45 goto out
         r0 = *(u8 *)(r1 +0)
         out: r0 = 0
         exit";
    xdp().refuses("R1 invalid mem access 'scalar'", text);
    let possible = |text| xdp().with(|options| options.impossible_ways = false).verify(text);
    let accepted = possible(text).expect("no run reads there");
    assert!(!accepted.verified.facts().at(Pc(4)).reached);
    // One that there is: 0.
    let zero = text.replace("r1 < 25", "r1 s< 0");
    assert!(possible(&zero).unwrap_err().to_string().contains("R1 invalid mem access 'scalar'"));
}
