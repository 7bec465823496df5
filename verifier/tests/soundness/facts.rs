//! What is told to those who run the program.

use crate::{Load, load, xdp, xdp_with_value};
use brolga_core::facts::{Facts, Region};
use brolga_core::{MapDef, MapIdx, Pc};

fn facts(load: Load, text: &str) -> Facts {
    load.accepts(text).verified.facts().clone()
}

/// The bytes of stack of each subprogram.
fn stacks(load: Load, text: &str) -> Vec<u32> {
    facts(load, text).subprogs.iter().map(|s| s.stack).collect()
}

/// Whether the main program may read stack that it never wrote.
fn reads_uninit(text: &str) -> bool {
    facts(xdp(), text).subprogs[0].reads_uninit_stack
}

#[test]
fn every_way_of_touching_the_stack_counts() {
    assert_eq!(stacks(xdp(), "*(u8 *)(r10 -9) = 0\n r0 = 0\n exit"), [16]);
    assert_eq!(stacks(xdp(), "r0 = *(u8 *)(r10 -512)\n exit"), [512]);
    let moved = "r2 = *(u32 *)(r1 +12)\n r2 &= 63\n r3 = r10\n r3 += -100\n r3 += r2\n *(u8 *)(r3 +0) = 0\n r0 = 0\n exit";
    assert_eq!(stacks(xdp(), moved), [104]);
    let helper = "r1 = r10\n r1 += -200\n r2 = 64\n r3 = 0\n call bpf_probe_read_kernel#113\n r0 = 0\n exit";
    assert_eq!(stacks(load("kprobe"), helper), [200]);
    let at_most = "call 5\n r2 = r0\n r2 &= 63\n r1 = r10\n r1 += -200\n r3 = 0\n call bpf_probe_read_kernel#113\n r0 = 0\n exit";
    assert_eq!(stacks(load("kprobe"), at_most), [200]);
    let key = "r1 = map[idx:0]\n r2 = r10\n r2 += -20\n call bpf_map_lookup_elem#1\n r0 = 0\n exit";
    assert_eq!(stacks(xdp().map(MapDef::hash(20, 8, 1)), key), [24]);
}

#[test]
fn a_callee_may_use_its_callers_stack() {
    let program = "r1 = r10\n r1 += -40\n call sub\n r0 = 0\n exit\n sub: *(u64 *)(r1 -8) = 0\n *(u64 *)(r10 -16) = 0\n exit";
    assert_eq!(stacks(xdp(), program), [48, 16]);
    let found = facts(xdp(), program);
    assert_eq!(found.at(Pc(5)).region, Some(Region::Stack { fixed: None }));
    assert_eq!(found.at(Pc(6)).region, Some(Region::Stack { fixed: Some(-16) }));
}

#[test]
fn reads_of_what_no_one_wrote_are_known() {
    assert!(reads_uninit("r0 = *(u64 *)(r10 -8)\n exit"));
    assert!(reads_uninit("*(u32 *)(r10 -8) = 0\n r0 = *(u64 *)(r10 -8)\n exit"));
    assert!(reads_uninit(
        "r2 = *(u32 *)(r1 +12)\n r2 &= 8\n r3 = r10\n r3 += -16\n r3 += r2\n *(u64 *)(r3 +0) = 1\n r0 = *(u64 *)(r10 -8)\n exit"
    ));
    assert!(!reads_uninit("*(u64 *)(r10 -8) = 0\n r0 = *(u64 *)(r10 -8)\n exit"));
    assert!(!reads_uninit("*(u32 *)(r10 -8) = 0\n r0 = *(u32 *)(r10 -8)\n exit"));
}

/// Two paths meet: one wrote the slot, the other did not, and is pruned by it.
fn meeting(after: &str) -> String {
    let pad = "r8 = 1\n".repeat(8);
    format!(
        "r6 = *(u32 *)(r1 +12)
         call bpf_ktime_get_ns#5
         r7 = r0
         {pad}
         if r6 == 7 goto meet
         *(u64 *)(r10 -8) = r7
         meet:
         r7 = 0
         r0 = 0
         {pad}
         if r6 == 9 goto +0
         {after}
         exit"
    )
}

#[test]
fn reads_on_a_pruned_path_are_known() {
    assert!(reads_uninit(&meeting("r0 = *(u64 *)(r10 -8)")));
    assert!(!reads_uninit(&meeting("r0 = 0")), "what is not read any more does not count");
    assert!(!reads_uninit(&meeting("*(u64 *)(r10 -8) = 1\n r0 = *(u64 *)(r10 -8)")));
}

#[test]
fn reads_of_a_callers_stack_on_a_pruned_path_are_known() {
    let after =
        "r1 = r10\n r1 += -8\n call sub\n exit\n sub: r2 = 0\n if r2 == 0 goto +0\n r0 = *(u64 *)(r1 +0)";
    let found = facts(xdp(), &meeting(after));
    assert!(found.subprogs[0].reads_uninit_stack);
    assert!(!found.subprogs[1].reads_uninit_stack);
}

#[test]
fn ways_are_those_of_every_path() {
    let program = "r6 = *(u32 *)(r1 +12)\n r7 = 1\n if r6 == 7 goto +1\n r7 = 2\n if r7 == 1 goto +1\n r7 = 0\n if r7 == 3 goto +0\n r0 = 0\n exit";
    let found = facts(xdp(), program);
    let ways = |pc| (found.at(Pc(pc)).ways.taken, found.at(Pc(pc)).ways.falls_through);
    assert_eq!(ways(2), (true, true));
    assert_eq!(ways(4), (true, true));
    assert_eq!(ways(6), (false, true));
}

#[test]
fn a_divisor_is_not_zero_only_where_it_is_on_no_path() {
    let found = facts(
        xdp(),
        "r6 = *(u32 *)(r1 +12)\n r7 = 1\n r0 = 6\n if r6 == 7 goto +1\n r7 = 0\n r0 /= r7\n r0 %= 3\n exit",
    );
    assert!(!found.at(Pc(5)).divisor_nonzero);
    assert!(found.at(Pc(6)).divisor_nonzero);
    // 2^32 is no zero, but its low half is.
    let halves = facts(xdp(), "r1 = 0x100000000 ll\n r0 = 1\n r2 = r0\n w0 /= w1\n r2 /= r1\n exit");
    assert!(!halves.at(Pc(4)).divisor_nonzero);
    assert!(halves.at(Pc(5)).divisor_nonzero);
}

#[test]
fn regions_and_maps_are_those_of_every_path() {
    let program = "r6 = *(u32 *)(r1 +12)
         *(u64 *)(r10 -8) = 0
         r7 = map[idx:0][0]+0
         if r6 == 7 goto +2
         r7 = map[idx:1][0]+0
         r0 = *(u64 *)(r7 +0)
         r1 = map[idx:0]
         if r6 == 8 goto +2
         r1 = map[idx:1]
         r2 = r10
         r2 += -8
         call bpf_map_lookup_elem#1
         r0 = *(u64 *)(r10 -8)
         exit";
    let found = facts(xdp_with_value(8).map(MapDef::array(8, 1)), program);
    assert_eq!(found.at(Pc(7)).region, Some(Region::Other));
    assert_eq!(found.at(Pc(15)).map, None);
    assert_eq!(found.at(Pc(16)).region, Some(Region::Stack { fixed: Some(-8) }));
    let one = facts(
        xdp_with_value(8),
        "*(u64 *)(r10 -8) = 0\n r1 = map[idx:0]\n r2 = r10\n r2 += -8\n call 1\n if r0 == 0 goto +1\n r0 = *(u64 *)(r0 +0)\n r0 = 0\n exit",
    );
    assert_eq!(one.at(Pc(5)).map, Some(MapIdx(0)));
    assert_eq!(one.at(Pc(7)).region, Some(Region::MapValue(MapIdx(0))));
}

#[test]
fn what_is_never_reached_is_said_so() {
    let found = facts(xdp(), "r0 = 0\n if r0 == 0 goto +1\n r0 = *(u64 *)(r0 +0)\n exit");
    assert!(!found.at(Pc(2)).reached);
    assert!(found.at(Pc(3)).reached);
}
