//! Packets: every form of comparison, and what makes pointers stale.

use crate::{load, xdp};

/// The packet's start in r2, its end in r3, start + 14 in r4.
fn parse(lines: &str) -> String {
    format!(
        "r6 = r1\n r2 = *(u32 *)(r1 +0)\n r3 = *(u32 *)(r1 +4)\n r4 = r2\n r4 += 14\n {lines}\n out: r0 = 0\n exit"
    )
}

#[test]
fn every_comparison_with_the_end_shows_what_is_before_it() {
    for test in [
        "if r4 > r3 goto out",
        "if r3 < r4 goto out",
        "if r4 <= r3 goto +1\n goto out",
        "if r3 >= r4 goto +1\n goto out",
    ] {
        xdp().accepts(&parse(&format!("{test}\n r0 = *(u8 *)(r2 +13)")));
        xdp()
            .refuses("R2 offset is outside of the packet", &parse(&format!("{test}\n r0 = *(u8 *)(r2 +14)")));
    }
    for test in [
        "if r4 >= r3 goto out",
        "if r3 <= r4 goto out",
        "if r4 < r3 goto +1\n goto out",
        "if r3 > r4 goto +1\n goto out",
    ] {
        xdp().accepts(&parse(&format!("{test}\n r0 = *(u8 *)(r2 +14)")));
        xdp()
            .refuses("R2 offset is outside of the packet", &parse(&format!("{test}\n r0 = *(u8 *)(r2 +15)")));
    }
}

#[test]
fn other_comparisons_show_nothing() {
    for test in [
        "if r4 != r3 goto out",
        "if r4 s> r3 goto out",
        "if w4 > w3 goto out",
        "if r4 < r3 goto out",
        "if r4 & r3 goto out",
    ] {
        xdp().refuses("offset is outside of the packet", &parse(&format!("{test}\n r0 = *(u8 *)(r2 +0)")));
    }
}

#[test]
fn behind_the_end_nothing_is_known_of_the_pointer_compared() {
    let known = "if r4 > r3 goto out\n r5 = *(u8 *)(r2 +0)\n if r2 > r3 goto +1\n goto out";
    // No run comes here; the kernel refuses it all the same.
    xdp().refuses("R2 offset is outside of the packet", &parse(&format!("{known}\n r0 = *(u8 *)(r2 +0)")));
}

#[test]
fn bytes_before_the_packet_are_not_in_it() {
    xdp().accepts(&parse("if r4 > r3 goto out\n r4 -= 20\n r0 = *(u8 *)(r4 +6)"));
    xdp().refuses(
        "R4 offset is outside of the packet",
        &parse("if r4 > r3 goto out\n r4 -= 20\n r0 = *(u8 *)(r4 +5)"),
    );
    xdp().refuses("R2 offset is outside of the packet", &parse("if r4 > r3 goto out\n r0 = *(u8 *)(r2 -1)"));
}

#[test]
fn a_variable_offset_makes_another_place() {
    let moved = "if r4 > r3 goto out\n r5 = *(u8 *)(r2 +0)\n r7 = r2\n r7 += r5";
    xdp().refuses("R7 offset is outside of the packet", &parse(&format!("{moved}\n r0 = *(u8 *)(r7 +0)")));
    let tested = format!("{moved}\n r8 = r7\n r8 += 8\n if r8 > r3 goto out");
    xdp().accepts(&parse(&format!("{tested}\n r0 = *(u64 *)(r7 +0)")));
    xdp().refuses("R7 offset is outside of the packet", &parse(&format!("{tested}\n r0 = *(u64 *)(r7 +1)")));
    xdp().refuses("R2 offset is outside of the packet", &parse(&format!("{tested}\n r0 = *(u8 *)(r2 +14)")));
    xdp().refuses(
        "R9 offset is outside of the packet",
        &parse(&format!("{tested}\n r9 = r2\n r9 += r5\n r0 = *(u8 *)(r9 +0)")),
    );
    xdp().refuses("min value is negative", &parse(&format!("{tested}\n r7 -= r5\n r0 = *(u8 *)(r7 +0)")));
}

#[test]
fn an_offset_past_any_packet_shows_nothing() {
    let wide =
        "r5 = *(u32 *)(r6 +12)\n r5 &= 0xffff\n r7 = r2\n r7 += r5\n r8 = r7\n r8 += 1\n if r8 > r3 goto out";
    xdp().refuses("R7 offset is outside of the packet", &parse(&format!("{wide}\n r0 = *(u8 *)(r7 +0)")));
    let fits =
        "r5 = *(u32 *)(r6 +12)\n r5 &= 0x7fff\n r7 = r2\n r7 += r5\n r8 = r7\n r8 += 1\n if r8 > r3 goto out";
    xdp().accepts(&parse(&format!("{fits}\n r0 = *(u8 *)(r7 +0)")));
}

#[test]
fn metadata_ends_at_the_packets_start() {
    let meta = |lines: &str| parse(&format!("r3 = *(u32 *)(r6 +8)\n r4 = r3\n r4 += 8\n {lines}"));
    xdp().accepts(&meta("if r4 > r2 goto out\n r0 = *(u8 *)(r3 +7)"));
    xdp().refuses("R3 offset is outside of the packet", &meta("if r4 > r2 goto out\n r0 = *(u8 *)(r3 +8)"));
    xdp().refuses(
        "R3 offset is outside of the packet",
        &meta("r2 += 1\n if r4 > r2 goto out\n r0 = *(u8 *)(r3 +7)"),
    );
    xdp().refuses("R2 offset is outside of the packet", &meta("if r4 > r2 goto out\n r0 = *(u8 *)(r2 +0)"));
}

#[test]
fn the_end_is_not_moved_or_looked_at() {
    xdp().refuses("R3 pointer arithmetic on pkt_end prohibited", &parse("r3 += 1"));
    xdp().refuses("R3 invalid mem access 'pkt_end'", &parse("r0 = *(u8 *)(r3 +0)"));
}

#[test]
fn a_call_that_moves_the_packet_makes_every_pointer_stale() {
    let adjust = "if r4 > r3 goto out
         r7 = r2
         *(u64 *)(r10 -8) = r2
         r1 = r6
         r2 = 4
         call bpf_xdp_adjust_head#44";
    xdp().refuses("R7 invalid mem access 'scalar'", &parse(&format!("{adjust}\n r0 = *(u8 *)(r7 +0)")));
    xdp().refuses(
        "R7 invalid mem access 'scalar'",
        &parse(&format!("{adjust}\n r7 = *(u64 *)(r10 -8)\n r0 = *(u8 *)(r7 +0)")),
    );
    let in_subprog = "if r4 > r3 goto out
         r7 = r2
         call sub
         r0 = *(u8 *)(r7 +0)
         goto out
         sub:
         r1 = r1
         r2 = 4
         call bpf_xdp_adjust_head#44
         exit";
    let program = in_subprog.replace("call sub", "r1 = r6\n call sub");
    let (main, sub) = program.split_once("sub:").unwrap();
    let text = format!("{}\n sub: {sub}", parse(main));
    xdp().refuses("R7 invalid mem access 'scalar'", &text);
}

#[test]
fn a_packet_that_is_read_only_is_not_written_by_anyone() {
    let filter = |lines: &str| {
        format!(
            "r2 = *(u32 *)(r1 +76)\n r3 = *(u32 *)(r1 +80)\n r4 = r2\n r4 += 8\n if r4 > r3 goto out\n {lines}\n out: r0 = 1\n exit"
        )
    };
    load("cgroup_skb").accepts(&filter("r0 = *(u8 *)(r2 +0)"));
    load("cgroup_skb").refuses("cannot write into packet", &filter("*(u8 *)(r2 +0) = 1"));
    load("sched_cls").accepts(&filter("*(u8 *)(r2 +0) = 1"));
    load("socket_filter").refuses("invalid bpf_context access off=76 size=4", &filter("r0 = 0"));
}

#[test]
fn legacy_loads() {
    let filter = || load("socket_filter");
    filter().accepts("r6 = r1\n r0 = *(u8 *)skb[5]\n exit");
    filter().refuses("R6 != pointer to skb", "r6 = r10\n r0 = *(u8 *)skb[5]\n exit");
    filter().refuses("R2 !read_ok", "r6 = r1\n r2 = 7\n r0 = *(u8 *)skb[5]\n r0 = r2\n exit");
    filter().refuses("R7 !read_ok", "r6 = r1\n r0 = *(u8 *)skb[r7 +5]\n exit");
    xdp().refuses("BPF_LD_[ABS|IND] instructions not allowed", "r6 = r1\n r0 = *(u8 *)skb[5]\n exit");
}

/// r2 is the packet's start with `off` added, r3 its end, r0 is 0; `text` goes on.
fn at_the_end(off: u32, text: &str) -> String {
    format!("r0 = 0\n r3 = *(u32 *)(r1 +4)\n r2 = *(u32 *)(r1 +0)\n r2 += {off}\n {text}\n exit")
}

/// What the kernel may not walk: it reads behind the end.
const NEVER: &str = "r0 = *(u8 *)(r2 +0)";

#[test]
fn a_pointer_past_the_end_decides_another_comparison() {
    let decided = [
        "if r2 > r3 goto +1\n exit\n if r2 > r3 goto +1",
        "if r2 > r3 goto +1\n exit\n if r2 >= r3 goto +1",
        "if r2 >= r3 goto +1\n exit\n if r2 >= r3 goto +1",
        "if r3 < r2 goto +1\n exit\n if r3 < r2 goto +1",
        "if r2 <= r3 goto +2\n if r2 > r3 goto +2\n goto +0\n exit\n if r0 == 0 goto +1",
        "if r3 <= r2 goto +1\n exit\n if r3 <= r2 goto +1",
        "if r2 > r3 goto +1\n exit\n r2 += 4\n if r2 > r3 goto +1",
    ];
    for text in decided {
        xdp().accepts(&at_the_end(8, &format!("{text}\n {NEVER}")));
    }
}

#[test]
fn what_a_pointer_past_the_end_does_not_decide() {
    let open = [
        // At the end is not behind it.
        "if r2 >= r3 goto +1\n exit\n if r2 > r3 goto +1",
        "if r3 <= r2 goto +1\n exit\n if r2 > r3 goto +1",
        // Nothing is known of another pointer.
        "r4 = r2\n if r2 > r3 goto +1\n exit\n if r4 > r3 goto +1",
        "if r2 > r3 goto +1\n exit\n r4 = *(u32 *)(r1 +16)\n r4 &= 7\n r2 += r4\n if r2 > r3 goto +1",
        // An equal one may be there.
        "if r2 > r3 goto +1\n exit\n if r2 == r3 goto +1",
        "if w2 > w3 goto +1\n exit\n if w2 > w3 goto +1",
    ];
    for text in open {
        let failure = xdp().verify(&at_the_end(8, &format!("{text}\n {NEVER}"))).unwrap_err();
        assert!(failure.to_string().contains("outside of the packet"), "{text}: {failure}");
    }
}

#[test]
fn a_pointer_moved_back_is_no_longer_past_the_end() {
    // Linux 6.18 walks one way only of the second comparison, which a run takes
    // the other way: r2 is the packet's start again.
    for back in ["r2 += -8", "r2 -= 8"] {
        let text = format!("if r2 > r3 goto +1\n exit\n {back}\n if r2 > r3 goto +1\n r0 = *(u8 *)(r2 +9)");
        xdp().refuses("outside of the packet", &at_the_end(8, &text));
    }
}
