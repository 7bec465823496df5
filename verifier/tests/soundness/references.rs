//! References: released once on every path, and nothing used that they kept.

use crate::{Load, load};
use brolga_core::{MapDef, MapKind, Pc};
use brolga_verifier::reject::Held;
use brolga_verifier::{Cause, Options, Reject, Why};

const LEAK: &str = "BPF_EXIT instruction in main prog would lead to reference leak";

/// A program of traffic control.
fn tc() -> Load {
    load("sched_cls")
}

fn ring() -> Load {
    load("xdp").map(MapDef::new(MapKind::Ringbuf, 0, 0, 4096))
}

/// Looks a socket up, with the context in r6; it is in r0.
fn lookup() -> &'static str {
    "*(u64 *)(r10 -8) = 0
     *(u64 *)(r10 -16) = 0
     r1 = r6
     r2 = r10
     r2 += -16
     r3 = 12
     r4 = 0
     r5 = 0
     call sk_lookup_tcp"
}

/// A socket in r7, and what is done with it; `out` is where there is none.
fn with_socket(rest: &str) -> String {
    format!(
        "r6 = r1
         {}
         if r0 == 0 goto out
         r7 = r0
         {rest}
         out:
         r0 = 0
         exit",
        lookup()
    )
}

/// A record of 8 bytes in r7.
fn with_record(rest: &str) -> String {
    format!(
        "r1 = map[idx:0]
         r2 = 8
         r3 = 0
         call ringbuf_reserve
         if r0 == 0 goto out
         r7 = r0
         {rest}
         out:
         r0 = 0
         exit"
    )
}

#[test]
fn each_is_released_once() {
    tc().accepts(&with_socket("r1 = r7\n call sk_release"));
    tc().refuses(LEAK, &with_socket(""));
    tc().refuses("type=scalar", &with_socket("r1 = r7\n call sk_release\n r1 = r7\n call sk_release"));
    ring().accepts(&with_record("r1 = r7\n r2 = 0\n call ringbuf_discard"));
    ring().refuses(LEAK, &with_record("*(u64 *)(r7 +0) = 1"));
}

#[test]
fn a_leak_names_what_leaks() {
    let failure = tc().verify(&with_socket("")).expect_err("it leaks");
    let Cause::Reject(Reject { why: Why::Held(Held::Leak { held, .. }), .. }) = &failure.cause else {
        panic!("refused otherwise: {failure}");
    };
    assert_eq!(held.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [Pc(9)]);
}

#[test]
fn no_copy_outlives_it() {
    let release = "r1 = r7\n call sk_release";
    for copy in ["r8 = r7", "*(u64 *)(r10 -24) = r7\n r8 = r7"] {
        let fill = if copy.contains("-24") { "r8 = *(u64 *)(r10 -24)" } else { "" };
        let text = with_socket(&format!("{copy}\n {release}\n {fill}\n r0 = *(u32 *)(r8 +4)"));
        tc().refuses("R8 invalid mem access 'scalar'", &text);
    }
    // A cast is the same socket; one that was never null is lost as well.
    for cast in ["tcp_sock", "sk_fullsock"] {
        let text = format!(
            "r1 = r7\n call {cast}\n if r0 == 0 goto plain\n r8 = r0\n {release}
             r0 = *(u32 *)(r8 +4)\n goto out\n plain:\n {release}"
        );
        tc().refuses("R8 invalid mem access 'scalar'", &with_socket(&text));
    }
}

#[test]
fn a_cast_that_is_null_says_nothing_of_the_reference() {
    let text = "r1 = r7\n call sk_fullsock\n if r0 == 0 goto out\n r1 = r0\n call sk_release";
    tc().refuses(LEAK, &with_socket(text));
    let both = "r1 = r7\n call sk_fullsock\n r1 = r7\n call sk_release";
    tc().accepts(&with_socket(both));
}

#[test]
fn null_is_released_with_every_copy() {
    let text = format!(
        "r6 = r1
         {}
         r7 = r0
         r8 = r0
         if r8 != 0 goto found
         r0 = 0
         exit
         found:
         r1 = r7
         call sk_release
         r0 = 0
         exit",
        lookup()
    );
    tc().accepts(&text);
}

#[test]
fn subprograms_take_and_give_references() {
    let text = with_socket("r1 = r7\n call rel") + "\n rel:\n call sk_release\n r0 = 0\n exit";
    tc().accepts(&text);
    let keeps = with_socket("r1 = r7\n call look\n") + "\n look:\n r0 = *(u32 *)(r1 +4)\n exit";
    tc().refuses(LEAK, &keeps);
}

/// Where two paths meet, one that still holds a socket is not the one that does
/// not, and neither is one that holds another's.
#[test]
fn paths_that_hold_otherwise_are_both_walked() {
    let pad = "r9 = 1\n".repeat(12);
    let one_leaks = format!(
        "call get_prandom_u32
         r8 = r0
         if r8 == 7 goto keep
         r1 = r7
         call sk_release
         r7 = 0
         keep:
         {pad}
         r0 = r8
         if r0 == 3 goto meet
         meet:
         {pad}"
    );
    tc().refuses(LEAK, &with_socket(&one_leaks));
    let released_later = format!(
        "call get_prandom_u32
         r8 = r0
         if r8 == 7 goto other
         {pad}
         other:
         {pad}
         if r8 == 3 goto meet
         {pad}
         meet:
         r1 = r7
         call sk_release"
    );
    tc().accepts(&with_socket(&released_later));
}

/// Two sockets in two registers; on one path they are swapped, so that the one
/// released and the one looked at are the same there.
#[test]
fn paths_that_mix_two_references_are_both_walked() {
    let pad = "r9 = 1\n".repeat(12);
    let look = lookup();
    let text = |other: &str| {
        format!(
            "r6 = r1
             {look}
             if r0 == 0 goto out
             r7 = r0
             {look}
             if r0 == 0 goto first
             r8 = r0
             *(u64 *)(r10 -24) = r8
             call get_prandom_u32
             if r0 == 7 goto swap
             {pad}
             goto meet
             swap:
             {other}
             {pad}
             meet:
             {pad}
             r1 = r7
             call sk_release
             r8 = *(u64 *)(r10 -24)
             r9 = *(u32 *)(r8 +4)
             r1 = r8
             call sk_release
             out:
             r0 = 0
             exit
             first:
             r1 = r7
             call sk_release
             r0 = 0
             exit"
        )
    };
    tc().accepts(&text("r9 = 1"));
    tc().accepts(&text("*(u64 *)(r10 -24) = r7\n r7 = r8"));
    tc().refuses("invalid mem access 'scalar'", &text("*(u64 *)(r10 -24) = r7"));
}

#[test]
fn nothing_is_held_where_the_run_may_end() {
    let tail = with_socket("r1 = r6\n r2 = map[idx:0]\n r3 = 0\n call tail_call");
    tc().map(MapDef::prog_array(1)).refuses("tail_call would lead to reference leak", &tail);
    let legacy = with_socket("r0 = *(u8 *)skb[0]\n r1 = r7\n call sk_release");
    tc().refuses("BPF_LD_[ABS|IND] would lead to reference leak", &legacy);
}

#[test]
fn what_is_released_is_the_start_of_what_was_acquired() {
    ring().refuses("must have zero offset", &with_record("r1 = r7\n r1 += 8\n r2 = 0\n call ringbuf_submit"));
    ring().refuses("'scalar'", &with_record("r1 = r7\n r2 = 0\n call ringbuf_submit\n *(u8 *)(r7 +0) = 1"));
    ring().refuses("outside of the allowed", &with_record("*(u64 *)(r7 +8) = 1"));
}

/// A loop that acquires and never releases is a bounded walk.
#[test]
fn a_loop_that_acquires_ends_within_the_bounds() {
    let text = format!(
        "r6 = r1
         r7 = 0
         loop:
         {}
         r7 += 1
         if r7 < 100000 goto loop
         r0 = 0
         exit",
        lookup()
    );
    let failure = tc().verify(&text).expect_err("it leaks");
    assert!(matches!(failure.cause, Cause::Reject(_)), "{failure}");
    assert!(failure.report.insns_processed <= Options::BUDGET);
}

/// Runs `round` any number of times, with the frame of `before` as its context.
fn rounds(before: &str, round: &str, after: &str) -> String {
    format!(
        "r6 = r1
         {before}
         call get_prandom_u32
         r1 = r0
         r2 = subprog[round]
         r3 = r10
         r3 += -24
         r4 = 0
         call bpf_loop
         {after}
         out:
         r0 = 0
         exit
         round:
         r6 = r2
         {round}
         r0 = 0
         exit"
    )
}

#[test]
fn rounds_of_a_callback_give_back_what_they_take() {
    let reserve = "r1 = map[idx:0]\n r2 = 8\n r3 = 0\n call ringbuf_reserve\n";
    let once = format!("{reserve} if r0 == 0 goto none\n r1 = r0\n r2 = 0\n call ringbuf_submit\n none:");
    let slot = "*(u64 *)(r10 -24) = 0";
    ring().accepts(&rounds(slot, &once, ""));
    ring().refuses(LEAK, &rounds(slot, reserve, ""));
    // Kept in the caller's frame, the next round forgets it.
    let keeps = format!("{reserve} *(u64 *)(r6 +0) = r0");
    let releases = "r1 = *(u64 *)(r10 -24)\n if r1 == 0 goto out\n r2 = 0\n call ringbuf_submit";
    ring().refuses(LEAK, &rounds(slot, &keeps, releases));
}

#[test]
fn rounds_of_a_callback_do_not_release_what_is_released() {
    let take = format!("{}\n if r0 == 0 goto out\n *(u64 *)(r10 -24) = r0", lookup());
    let release = "r1 = *(u64 *)(r6 +0)\n call sk_release";
    // Where there is no round it leaks; where there are two it is released twice.
    let text = rounds(&take, release, "");
    tc().refuses(LEAK, &text);
    let both = rounds(&take, release, "r1 = *(u64 *)(r10 -24)\n call sk_release");
    tc().refuses("type=scalar", &both);
    let looks = rounds(
        &take,
        "r1 = *(u64 *)(r6 +0)\n r1 = *(u32 *)(r1 +4)",
        "r1 = *(u64 *)(r10 -24)\n call sk_release",
    );
    tc().accepts(&looks);
}
