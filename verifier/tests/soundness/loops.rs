//! Loops whose rounds are walked once for all, and loops that must not be.

use crate::{Load, xdp_with_value};
use brolga_core::MapDef;
use brolga_verifier::{Accepted, Options, verify};

/// Whether the walk was much shorter than the loop.
#[track_caller]
fn is_short(accepted: &Accepted) {
    let report = &accepted.report;
    assert!(report.insns_walked * 4 < report.insns_processed, "{report:?}");
}

#[track_caller]
fn is_long(accepted: &Accepted) {
    let report = &accepted.report;
    assert_eq!(report.insns_walked, report.insns_processed, "{report:?}");
}

/// Sums the bytes of a map value of 64 bytes, by this loop over r1, whose body
/// takes the byte at r9 + r1.
fn sum(first: &str, last: &str) -> Accepted {
    xdp_with_value(64).accepts(&sum_text(first, last))
}

fn sum_text(first: &str, last: &str) -> String {
    format!(
        "r9 = map[idx:0][0]+0
         r0 = 0
         {first}
         again:
         r2 = r9
         r2 += r1
         r2 = *(u8 *)(r2 +0)
         r0 += r2
         {last}
         exit"
    )
    .replace("exit", "r0 = 0\n exit")
}

#[test]
fn every_way_to_count() {
    let ways = [
        ("r1 = 0", "r1 += 1\n if r1 != 64 goto again"),
        ("r1 = 0", "r1 += 1\n if r1 < 64 goto again"),
        ("r1 = 0", "r1 += 1\n if r1 s< 64 goto again"),
        ("r1 = 0", "r1 += 1\n if r1 <= 63 goto again"),
        ("r1 = 0", "r1 += 1\n if r1 == 64 goto +1\n goto again"),
        ("r1 = 0", "r1 += 3\n if r1 < 64 goto again"),
        ("r1 = 0", "r1 += 7\n if r1 != 63 goto again"),
        ("w1 = 0", "w1 += 1\n if w1 != 64 goto again"),
        ("w1 = 0", "w1 += 1\n if w1 < 64 goto again"),
        ("r1 = 63", "r1 += -1\n if r1 != 0 goto again"),
        ("r1 = 63", "r1 += -1\n if r1 s>= 0 goto again"),
        ("w1 = 63", "w1 += -1\n if w1 s> -1 goto again"),
        ("w1 = 63", "w1 -= 1\n if w1 != 0 goto again"),
        ("r1 = 0\n r8 = 64", "r1 += 1\n if r1 < r8 goto again"),
        ("r1 = 0\n r8 = 64", "r1 += 1\n if r8 > r1 goto again"),
        ("r1 = 0\n r7 = 100", "r1 += 1\n r7 += -1\n if r7 != 40 goto again"),
    ];
    for (first, last) in ways {
        is_short(&sum(first, last));
    }
}

/// A counter that lies on the stack between the rounds, in four bytes and in eight.
#[test]
fn counters_on_the_stack() {
    for size in ["u64", "u32"] {
        let text = format!(
            "r9 = map[idx:0][0]+0
             *({size} *)(r10 -8) = 0
             again:
             r1 = *({size} *)(r10 -8)
             r8 = r9
             r8 += r1
             r2 = *(u8 *)(r8 +0)
             r1 += 1
             *({size} *)(r10 -8) = r1
             if r1 != 64 goto again
             r0 = 0
             exit"
        );
        is_short(&xdp_with_value(64).accepts(&text));
        assert!(xdp_with_value(63).verify(&text).is_err());
    }
}

/// One round more passes the end of the value.
#[test]
fn one_round_too_many() {
    let ways = [
        ("r1 = 0", "r1 += 1\n if r1 != 65 goto again", "R2 max value is outside of the allowed memory range"),
        ("r1 = 0", "r1 += 1\n if r1 <= 64 goto again", "invalid access to map value"),
        ("r1 = 64", "r1 += -1\n if r1 != 0 goto again", "invalid access to map value"),
        ("r1 = 63", "r1 += -1\n if r1 s>= -1 goto again", "invalid access to map value"),
        ("r1 = 0", "r1 += 7\n if r1 < 71 goto again", "invalid access to map value"),
        (
            "r1 = 0",
            "r1 += 1\n if r1 != 63 goto again\n r2 = r9\n r2 += r1\n r2 += 1\n r2 = *(u8 *)(r2 +0)",
            "invalid access to map value",
        ),
    ];
    for (first, last, _) in ways {
        let verdict = xdp_with_value(64).verify(&sum_text(first, last));
        assert!(verdict.is_err(), "{first} {last}");
    }
}

/// The words are those of a walk round by round.
#[test]
fn a_rejection_is_the_kernels() {
    let text = sum_text("r1 = 0", "r1 += 1\n if r1 < 65 goto again");
    let program = |summaries| {
        let load = xdp_with_value(64);
        let code = brolga_core::asm::assemble(&text).expect("a program");
        let options = Options { summaries, ..Options::default() };
        verify(brolga_core::Program { code, aux: load.aux }, &options).expect_err("too far")
    };
    let (with, without) = (program(true), program(false));
    assert_eq!(with.cause, without.cause);
    assert_eq!(with.report.insns_processed, without.report.insns_processed);
}

/// Addresses that move with the rounds: each in step with what counts them.
#[test]
fn addresses_in_step() {
    let text = |rounds: u32| {
        format!(
            "r9 = map[idx:0][0]+0
             r8 = r10
             r8 += -64
             r7 = r9
             r7 += 63
             r1 = {rounds}
             again:
             r2 = *(u8 *)(r9 +0)
             r3 = *(u8 *)(r7 +0)
             *(u8 *)(r8 +0) = r2
             r9 += 1
             r7 -= 1
             r8 += 1
             r1 += -1
             if r1 != 0 goto again
             r0 = 0
             exit"
        )
    };
    is_short(&xdp_with_value(64).accepts(&text(64)));
    assert!(xdp_with_value(64).verify(&text(65)).is_err());
}

/// What moves the counter otherwise on some path is seen.
#[test]
fn a_counter_that_may_stand_still() {
    let text = |undo: &str| {
        format!(
            "r9 = map[idx:0][0]+0
             r1 = 0
             again:
             r2 = *(u64 *)(r9 +0)
             r1 += 1
             if r2 != 7 goto on
             {undo}
             on:
             if r1 < 64 goto again
             r0 = 0
             exit"
        )
    };
    is_short(&xdp_with_value(8).accepts(&text("r3 = 1")));
    xdp_with_value(8).refuses("infinite loop detected", &text("r1 -= 1"));
    xdp_with_value(8).refuses("infinite loop detected", &text("r1 = 5"));
    assert!(xdp_with_value(8).verify(&text("r1 -= 2")).is_err());
    // Further on, the loop still ends.
    xdp_with_value(8).accepts(&text("r1 += 1"));
}

/// Counters that come round past the end of all numbers.
#[test]
fn counters_that_wrap() {
    let text = |first: &str, last: &str| format!("{first}\n again:\n {last}\n r0 = 0\n exit");
    for (first, last) in [
        // Far more rounds than may be walked.
        ("r1 = 0", "r1 += -1\n if r1 != 0 goto again"),
        ("w1 = 0", "w1 += -1\n if w1 != 0 goto again"),
        ("w1 = 1", "w1 += 2\n if w1 != 0 goto again"),
        ("r1 = 0", "r1 += 1\n if r1 >= 0 goto again"),
        ("w1 = -5", "w1 += 1\n if w1 != -6 goto again"),
        ("r1 = 0", "w1 += 1\n if r1 != -1 goto again"),
        ("r1 = 0", "r1 += 0\n if r1 != 9 goto again"),
    ] {
        assert!(xdp_with_value(8).verify(&text(first, last)).is_err(), "{first} {last}");
    }
    for (first, last) in [
        ("r1 = -64", "r1 += 1\n if r1 != 0 goto again"),
        ("w1 = -64", "w1 += 1\n if w1 != 0 goto again"),
        ("r1 = 64", "r1 += -1\n if r1 s> -64 goto again"),
    ] {
        xdp_with_value(8).accepts(&text(first, last));
    }
}

/// No more rounds than the budget has room for.
#[test]
fn the_budget_counts_every_round() {
    let text =
        |rounds: u32| format!("r1 = 0\n again:\n r1 += 1\n if r1 < {rounds} goto again\n r0 = 0\n exit");
    let short = crate::xdp().accepts(&text(20_000));
    assert!(short.report.insns_processed > 40_000, "{:?}", short.report);
    crate::xdp().refuses("BPF program is too large", &text(30_000));
    let nested = |rounds: u32| {
        format!(
            "r1 = 0
             outer:
             r2 = 0
             inner:
             r2 += 1
             if r2 < {rounds} goto inner
             r1 += 1
             if r1 < {rounds} goto outer
             r0 = 0
             exit"
        )
    };
    is_short(&crate::xdp().accepts(&nested(100)));
    crate::xdp().refuses("BPF program is too large", &nested(200));
}

/// A loop around that has no end is seen, though each run of the inner has one.
#[test]
fn a_loop_around_without_end() {
    let text = |after: &str| {
        format!(
            "r9 = map[idx:0][0]+0
             r8 = 0
             outer:
             r1 = 0
             inner:
             r2 = *(u64 *)(r9 +0)
             if r2 == 3 goto outer2
             r1 += 1
             if r1 < 32 goto inner
             outer2:
             {after}
             r0 = 0
             exit"
        )
    };
    xdp_with_value(8).refuses("infinite loop detected", &text("if r2 != 5 goto outer"));
    is_short(&xdp_with_value(8).accepts(&text("r8 += 1\n if r8 < 32 goto outer")));
}

/// What was walked in one run of a loop is no proof for another: the second
/// starts with an address further on.
#[test]
fn another_run_starts_elsewhere() {
    let text = |from: u32| {
        format!(
            "r9 = map[idx:0][0]+0
             r6 = *(u64 *)(r9 +0)
             r1 = 0
             if r6 == 1 goto far
             goto again
             far:
             r9 += {from}
             again:
             r2 = *(u64 *)(r9 +0)
             r9 += 8
             r1 += 1
             if r1 < 8 goto again
             r0 = 0
             exit"
        )
    };
    xdp_with_value(128).accepts(&text(64));
    assert!(xdp_with_value(128).verify(&text(72)).is_err());
    assert!(xdp_with_value(64).verify(&text(8)).is_err());
}

/// A round that leaves a register or a slot with what can not be read, or with a
/// pointer of another kind.
#[test]
fn rounds_that_leave_something_else() {
    let text = |body: &str| {
        format!(
            "r9 = map[idx:0][0]+0
             r8 = r9
             r6 = r1
             r7 = 0
             again:
             {body}
             r7 += 1
             if r7 < 16 goto again
             r0 = 0
             exit"
        )
    };
    let load = || xdp_with_value(16).map(MapDef::array(8, 1));
    assert!(load().verify(&text("r1 = *(u64 *)(r8 +0)\n r8 = r6")).is_err());
    assert!(load().verify(&text("r1 = *(u64 *)(r8 +8)\n r8 = map[idx:1][0]+0")).is_err());
    assert!(load().verify(&text("r1 = *(u64 *)(r8 +0)\n r8 += 8")).is_err());
    load().accepts(&text("r1 = *(u64 *)(r8 +0)\n r8 = map[idx:1][0]+0"));
    assert!(load().verify(&text("r2 = r8\n call bpf_get_prandom_u32\n r1 = r2")).is_err());
    // What the first round makes a number must not be an address for the others.
    assert!(
        load()
            .verify(&text(
                "r1 = *(u64 *)(r8 +0)\n *(u64 *)(r10 -8) = r8\n *(u32 *)(r10 -8) = r7\n r8 = *(u64 *)(r10 -8)"
            ))
            .is_err()
    );
}

/// A divisor that is 0 in a late round only, and an index that is.
#[test]
fn what_only_a_late_round_does() {
    let accepted = crate::xdp().accepts(
        "r7 = 40
         r6 = 10
         again:
         r1 = 100
         r1 /= r7
         r7 += -1
         if r7 s> -5 goto again
         r0 = 0
         exit",
    );
    assert!(!accepted.verified.facts().insns[3].divisor_nonzero);
    let load: Load = xdp_with_value(64);
    assert!(
        load.verify(
            "r9 = map[idx:0][0]+0
             r7 = 0
             again:
             r2 = r9
             if r7 != 39 goto near
             r2 += 64
             near:
             r1 = *(u8 *)(r2 +0)
             r7 += 1
             if r7 < 40 goto again
             r0 = 0
             exit"
        )
        .is_err()
    );
}

/// Calls in the body: what they lose is lost in every round, and what the callee
/// does to the caller's frame is seen.
#[test]
fn calls_in_the_body() {
    let text = |body: &str| {
        format!(
            "r6 = 0
             *(u64 *)(r10 -8) = r6
             again:
             r1 = r10
             r1 += -8
             call sub
             r6 += 1
             if r6 < 32 goto again
             r0 = 0
             exit
             sub:
             {body}
             r0 = 0
             exit"
        )
    };
    is_short(&crate::xdp().accepts(&text("r2 = *(u64 *)(r1 +0)\n r2 += 1\n *(u64 *)(r1 +0) = r2")));
    let counts_in_callee = "r6 = 0
         *(u64 *)(r10 -8) = r6
         again:
         r1 = r10
         r1 += -8
         call sub
         r6 = *(u64 *)(r10 -8)
         if r6 < 32 goto again
         r0 = 0
         exit
         sub:
         r2 = *(u64 *)(r1 +0)
         r2 += STEP
         *(u64 *)(r1 +0) = r2
         r0 = 0
         exit";
    is_short(&crate::xdp().accepts(&counts_in_callee.replace("STEP", "1")));
    crate::xdp().refuses("infinite loop detected", &counts_in_callee.replace("STEP", "0"));
}

#[test]
fn few_rounds_are_walked_one_by_one() {
    is_long(&sum("r1 = 0", "r1 += 1\n if r1 < 3 goto again"));
}

/// A word keeps its trace in `w6 = w6` only where it is less than 2^32: the way on
/// which it is not must not be known by the one on which it is.
#[test]
fn what_a_trace_comes_from_is_relied_on() {
    let less = "if r6 < 50 goto bad";
    for (test, before, after) in
        [("r6 > 100", less, ""), ("r6 <= 100", less, ""), ("r6 > 100", "", less), ("r6 <= 100", "", less)]
    {
        for size in ["w6 = w6", "*(u64 *)(r10 -8) = r6\n r6 = *(u32 *)(r10 -8)"] {
            let text = format!(
                "r9 = map[idx:0][0]+0
                 r6 = *(u64 *)(r9 +0)
                 r1 = 1099511627776 ll
                 if r6 > r1 goto out
                 if r6 < 50 goto out
                 r7 = 0
                 again:
                 {before}
                 r8 = *(u64 *)(r9 +8)
                 if r8 == 1 goto out
                 r0 = 0\n r1 = 0\n r2 = 0\n r3 = 0\n r4 = 0\n r5 = 0
                 if {test} goto meet
                 r0 = 1\n r0 = 2\n r0 = 3
                 meet:
                 {size}
                 r6 += 8
                 r7 += 1
                 if r7 != 20 goto again
                 {after}
                 out:
                 r0 = 0
                 exit
                 bad:
                 r0 = *(u64 *)(r9 +1000)
                 r0 = 0
                 exit"
            );
            assert!(xdp_with_value(64).verify(&text).is_err(), "{test} {before} {size}");
        }
    }
}
