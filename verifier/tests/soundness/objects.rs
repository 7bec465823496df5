//! Sockets, locks, timers and dynptrs: what is no plain memory.

use crate::{Load, load, xdp, xdp_with_value};
use brolga_core::facts::Region;
use brolga_core::map::Special;
use brolga_core::{MapDef, MapKind, Pc};

/// An array of values with a lock at 4 and a timer at 8.
fn with_fields(prog_type: &str) -> Load {
    let special = Special { spin_lock: Some(4), timer: Some(8), kptrs: vec![24] };
    load(prog_type).map(MapDef { special, ..MapDef::array(40, 4) })
}

/// Values of keys 0 and 1 in r7 and r8.
fn values(rest: &str) -> String {
    let value = |key: u32, to: &str| {
        format!(
            "*(u32 *)(r10 -4) = {key}
             r1 = map[idx:0]
             r2 = r10
             r2 += -4
             call map_lookup_elem
             if r0 == 0 goto out
             {to} = r0"
        )
    };
    format!("{}\n {}\n {rest}\n out:\n r0 = 0\n exit", value(0, "r7"), value(1, "r8"))
}

fn lock(of: &str) -> String {
    format!("r1 = {of}\n r1 += 4\n call spin_lock\n")
}

fn unlock(of: &str) -> String {
    format!("r1 = {of}\n r1 += 4\n call spin_unlock\n")
}

#[test]
fn a_lock_is_given_back_and_it_is_the_same() {
    let tc = || with_fields("sched_cls");
    tc().accepts(&values(&(lock("r7") + "*(u32 *)(r7 +0) = 1\n" + &unlock("r7"))));
    tc().refuses("inside bpf_spin_lock-ed region", &values(&lock("r7")));
    tc().refuses("different lock", &values(&(lock("r7") + &unlock("r8"))));
    tc().refuses("without taking a lock", &values(&unlock("r7")));
    // A copy is the same value, wherever it was in between.
    let spilled = "*(u64 *)(r10 -16) = r7\n".to_owned() + &lock("r7") + "r9 = *(u64 *)(r10 -16)\n";
    tc().accepts(&values(&(spilled + &unlock("r9"))));
}

/// Two paths on which different values are locked do not meet as one.
#[test]
fn paths_that_lock_different_values_are_both_walked() {
    let pad = "r0 = 1\n".repeat(12);
    let text = |first: &str, second: &str| {
        values(&format!(
            "call get_prandom_u32
             if r0 == 7 goto other
             {}
             {pad}
             goto meet
             other:
             {}
             {pad}
             meet:
             {pad}
             {}",
            lock(first),
            lock(second),
            unlock("r7")
        ))
    };
    with_fields("sched_cls").accepts(&text("r7", "r7"));
    with_fields("sched_cls").refuses("different lock", &text("r7", "r8"));
    with_fields("sched_cls").refuses("different lock", &text("r8", "r7"));
}

#[test]
fn no_one_touches_the_fields_but_their_helpers() {
    let tc = || with_fields("sched_cls");
    for (insn, words) in [
        ("*(u32 *)(r7 +4) = 0", "bpf_spin_lock cannot be accessed directly"),
        ("r0 = *(u8 *)(r7 +7)", "bpf_spin_lock cannot be accessed directly"),
        ("r0 = *(u64 *)(r7 +16)", "bpf_timer cannot be accessed directly"),
        ("r0 = *(u32 *)(r7 +24)", "kptr access size must be BPF_DW"),
        ("r0 = *(u64 *)(r7 +25)", "kptr access misaligned expected=24 off=25"),
    ] {
        tc().refuses(words, &values(insn));
    }
    tc().accepts(&values("r0 = *(u32 *)(r7 +0)\n *(u64 *)(r7 +32) = r0"));
    // Neither do helpers, through memory.
    let sum = |at: u32| format!("r1 = 0\n r2 = 0\n r3 = r7\n r3 += {at}\n r4 = 8\n r5 = 0\n call csum_diff");
    tc().accepts(&values(&sum(32)));
    tc().refuses("kptr cannot be accessed indirectly by helper", &values(&sum(24)));
    tc().refuses("bpf_timer cannot be accessed", &values(&sum(16)));
}

#[test]
fn an_unknown_offset_may_touch_a_field() {
    let tc = || with_fields("sched_cls");
    let index =
        |mask: u32, rest: &str| values(&format!("call get_prandom_u32\n r0 &= {mask}\n r7 += r0\n {rest}"));
    tc().accepts(&index(3, "*(u8 *)(r7 +0) = 1"));
    tc().refuses("bpf_spin_lock cannot be accessed", &index(7, "*(u8 *)(r7 +0) = 1"));
    tc().refuses("bpf_timer cannot be accessed", &index(7, "*(u8 *)(r7 +20) = 1"));
    tc().refuses("constant offset", &index(4, "r1 = r7\n call spin_lock"));
}

const SK: &str = "r1 = *(u64 *)(r1 +168)\n if r1 == 0 goto out\n";

#[test]
fn a_socket_shows_its_fields_and_is_not_changed() {
    let tc = |rest: &str| format!("{SK} {rest}\n out:\n r0 = 0\n exit");
    load("sched_cls").accepts(&tc("r0 = *(u32 *)(r1 +4)"));
    load("sched_cls").refuses("invalid sock_common access off=8", &tc("r0 = *(u32 *)(r1 +8)"));
    load("sched_cls").refuses("cannot write into sock_common", &tc("*(u32 *)(r1 +4) = 0"));
    load("sched_cls").refuses("arithmetic on sock_common", &tc("r1 += 4\n r0 = *(u32 *)(r1 +0)"));
    load("sched_cls").refuses("must be referenced", &tc("call sk_release"));
}

/// The engines have no such objects: whoever runs the program is told that.
#[test]
fn a_look_into_a_kernel_object_is_a_fact() {
    let text = format!("{SK} r0 = *(u32 *)(r1 +4)\n out:\n r0 = 0\n exit");
    let accepted = load("sched_cls").accepts(&text);
    assert_eq!(accepted.verified.facts().at(Pc(2)).region, Some(Region::Kernel));
    let map = "r1 = map[idx:0]\n r0 = *(u8 *)(r1 +3)\n r0 = 0\n exit";
    let accepted = xdp_with_value(8).accepts(map);
    assert_eq!(accepted.verified.facts().at(Pc(2)).region, Some(Region::Kernel));
}

/// A dynptr over the value in r7 at r10-24.
const LOCAL: &str = "r1 = r7\n r2 = 64\n r3 = 0\n r4 = r10\n r4 += -24\n call dynptr_from_mem\n";
/// Eight bytes of the dynptr at r10-24 in r8.
const SLICE: &str =
    "r1 = r10\n r1 += -24\n r2 = 0\n r3 = 8\n call dynptr_data\n if r0 == 0 goto out\n r8 = r0\n";

fn local(rest: &str) -> String {
    values(&format!("{LOCAL} {rest}"))
}

#[test]
fn a_dynptr_is_no_memory() {
    let with = || xdp().map(MapDef::array(64, 4));
    with().accepts(&local(&format!("{SLICE} *(u64 *)(r8 +0) = 1")));
    with().refuses("invalid read from stack off -16", &local("r0 = *(u32 *)(r10 -16)"));
    with().refuses("outside of the allowed", &local(&format!("{SLICE} *(u64 *)(r8 +1) = 1")));
    let overwritten = |by: &str| local(&format!("{SLICE} {by}\n r0 = *(u64 *)(r8 +0)"));
    for by in ["*(u8 *)(r10 -9) = 1", "*(u64 *)(r10 -24) = r8", LOCAL] {
        with().refuses("R8 invalid mem access 'scalar'", &overwritten(by));
    }
    with().accepts(&overwritten("*(u64 *)(r10 -32) = 1"));
    let by_variable = "call get_prandom_u32\n r0 &= 8\n r1 = r10\n r1 += r0\n *(u64 *)(r1 -32) = 0";
    with().refuses("R8 invalid mem access 'scalar'", &overwritten(by_variable));
}

/// A path on which the slots hold no dynptr is not one on which they do.
#[test]
fn paths_with_and_without_a_dynptr_are_both_walked() {
    let pad = "r9 = 1\n".repeat(12);
    let text = values(&format!(
        "call get_prandom_u32
         if r0 == 7 goto other
         {LOCAL}
         {pad}
         goto meet
         other:
         *(u64 *)(r10 -24) = 0
         *(u64 *)(r10 -16) = 0
         {pad}
         meet:
         {pad}
         {SLICE}"
    ));
    xdp().map(MapDef::array(64, 4)).refuses("Expected an initialized dynptr", &text);
}

#[test]
fn a_dynptr_of_a_ring_buffer_is_released() {
    let ring = || xdp().map(MapDef::new(MapKind::Ringbuf, 0, 0, 4096));
    let reserve = "r1 = map[idx:0]\n r2 = 8\n r3 = 0\n r4 = r10\n r4 += -24\n call ringbuf_reserve_dynptr\n";
    let submit = "r1 = r10\n r1 += -24\n r2 = 0\n call ringbuf_submit_dynptr\n";
    let with = |rest: &str| format!("{reserve} {rest}\n r0 = 0\n exit");
    ring().accepts(&with(submit));
    ring().refuses("would lead to reference leak", &with(""));
    ring().refuses("unacquired reference", &with(&format!("{submit}{submit}")));
    ring().refuses("cannot overwrite referenced dynptr", &with("*(u64 *)(r10 -16) = 0"));
    ring().refuses("cannot overwrite referenced dynptr", &with(reserve));
    let slice = "r1 = r10\n r1 += -24\n r2 = 0\n r3 = 8\n call dynptr_data\n r8 = r0\n";
    let after = format!("{slice} {submit} if r8 == 0 goto +1\n *(u64 *)(r8 +0) = 1");
    ring().refuses("R8 invalid mem access 'scalar'", &with(&after));
}

#[test]
fn storage_of_a_control_group_is_there() {
    let with = |kind| load("cgroup_skb").map(MapDef::new(kind, 16, 8, 0));
    let text = |flags: u32, off: u32| {
        format!(
            "r1 = map[idx:0]\n r2 = {flags}\n call get_local_storage\n r1 = *(u64 *)(r0 +{off})\n r0 = 0\n exit"
        )
    };
    for kind in [MapKind::CgroupStorage, MapKind::PercpuCgroupStorage] {
        with(kind).accepts(&text(0, 0));
        with(kind).refuses("doesn't support non-zero flags", &text(1, 0));
        with(kind).refuses("outside of the allowed", &text(0, 1));
    }
}
