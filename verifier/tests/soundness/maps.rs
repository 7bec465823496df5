//! Maps: what flags forbid, what a lookup may promise, maps in maps.

use crate::{Load, load, xdp};
use brolga_core::{MapDef, MapFlags, MapInfo, MapKind};
use std::sync::Arc;

fn with_flags(def: MapDef, flags: MapFlags) -> Load {
    xdp().map(def.flags(flags))
}

/// A call of a helper on `map[idx:0]` with a key at r10-8 and a value at r10-16.
fn call(helper: u32, rest: &str) -> String {
    format!(
        "*(u64 *)(r10 -8) = 0
         *(u64 *)(r10 -16) = 0
         r1 = map[idx:0]
         r2 = r10
         r2 += -8
         r3 = r10
         r3 += -16
         r4 = 0
         call {helper}
         {rest}
         r0 = 0
         exit"
    )
}

#[test]
fn a_map_that_programs_may_only_read() {
    let array = || with_flags(MapDef::array(8, 4), MapFlags::RDONLY_PROG);
    let hash = || with_flags(MapDef::hash(4, 8, 4), MapFlags::RDONLY_PROG);
    array().accepts(&call(1, "if r0 == 0 goto +1\n r0 = *(u64 *)(r0 +0)"));
    array().refuses("write into map forbidden", &call(1, "if r0 == 0 goto +1\n *(u64 *)(r0 +0) = 1"));
    array().refuses("write into map forbidden", &call(2, ""));
    hash().refuses("write into map forbidden", &call(2, ""));
    hash().refuses("write into map forbidden", &call(3, ""));
    let queue = || with_flags(MapDef::new(MapKind::Queue, 0, 8, 4), MapFlags::RDONLY_PROG);
    queue()
        .refuses("write into map forbidden", &call(87, "").replace("r3 = r10\n         r3 += -16", "r3 = 0"));
    queue().refuses("write into map forbidden", &call(88, ""));
}

#[test]
fn helpers_do_not_write_to_it_either() {
    let program = "r3 = map[idx:0][0]+0
         r2 = 0
         r4 = 8
         call bpf_skb_load_bytes#26
         r0 = 0
         exit";
    let array = |flags| load("sched_cls").map(MapDef::array(8, 1).flags(flags));
    array(MapFlags::empty()).accepts(program);
    array(MapFlags::RDONLY_PROG).refuses("write into map forbidden", program);
}

#[test]
fn a_map_that_programs_may_only_write() {
    let array = || with_flags(MapDef::array(8, 4), MapFlags::WRONLY_PROG);
    array().accepts(&call(2, ""));
    array().accepts(&call(1, "if r0 == 0 goto +1\n *(u64 *)(r0 +0) = 1"));
    array().refuses("read from map forbidden", &call(1, "if r0 == 0 goto +1\n r0 = *(u64 *)(r0 +0)"));
    array().refuses(
        "read from map forbidden",
        &call(1, "if r0 == 0 goto +2\n r1 = 1\n lock *(u64 *)(r0 +0) += r1"),
    );
}

#[test]
fn a_map_that_never_changes_is_a_constant() {
    let frozen = |entries: u32, flags: MapFlags| {
        let def = MapDef::array(8, entries).flags(flags);
        let bytes: Arc<[u8]> = Arc::from([5, 0, 0, 0, 0, 0, 0, 0x80]);
        xdp().map_info(MapInfo { def, frozen: Some(bytes) })
    };
    let equals = |load: &str, value: &str| {
        format!(
            "r1 = map[idx:0][0]+0\n r2 = {load}\n r3 = {value} ll\n if r2 == r3 goto +1\n r0 = *(u64 *)(r2 +0)\n r0 = 0\n exit"
        )
    };
    let rdonly = MapFlags::RDONLY_PROG;
    frozen(1, rdonly).accepts(&equals("*(u64 *)(r1 +0)", "0x8000000000000005"));
    frozen(1, rdonly).accepts(&equals("*(u8 *)(r1 +7)", "0x80"));
    frozen(1, rdonly).accepts(&equals("*(s8 *)(r1 +7)", "0xffffffffffffff80"));
    frozen(1, MapFlags::empty())
        .refuses("invalid mem access", &equals("*(u64 *)(r1 +0)", "0x8000000000000005"));
    // Of several values the bytes are those of the first.
    let second = call(
        1,
        "if r0 == 0 goto +2\n r1 = *(u64 *)(r0 +0)\n if r1 == 5 goto +1\n goto +1\n r0 = *(u64 *)(r1 +0)",
    );
    frozen(2, rdonly).refuses("invalid mem access", &second);
}

#[test]
fn an_array_element_that_there_is_needs_no_test() {
    let key = |lines: &str| {
        format!("{lines}\n r1 = map[idx:0]\n r2 = r10\n r2 += -8\n call 1\n r0 = *(u64 *)(r0 +0)\n exit")
    };
    let array = || xdp().map(MapDef::array(8, 4));
    let null = "R0 invalid mem access 'map_value_or_null'";
    array().accepts(&key("r1 = 3\n *(u32 *)(r10 -8) = r1"));
    array().refuses(null, &key("r1 = 4\n *(u32 *)(r10 -8) = r1"));
    array().refuses(null, &key("r1 = -1\n *(u32 *)(r10 -8) = r1"));
    array().refuses(null, &key("r1 = 1\n *(u32 *)(r10 -8) = r1\n *(u8 *)(r10 -6) = 7"));
    array().refuses(null, &key("r1 = 1\n *(u32 *)(r10 -8) = r1\n r3 = 100\n lock *(u32 *)(r10 -8) += r3"));
    array().accepts(&key("*(u64 *)(r10 -8) = 0").replace("r2 += -8", "r2 += -4"));
    xdp().map(MapDef::hash(4, 8, 4)).refuses(null, &key("r1 = 3\n *(u32 *)(r10 -8) = r1"));
}

/// A lookup of an inner array with the constant key 5.
const INNER: &str = "*(u64 *)(r10 -8) = 0
     r1 = map[idx:0]
     r2 = r10
     r2 += -8
     call 1
     if r0 == 0 goto out
     r1 = 5
     *(u32 *)(r10 -8) = r1
     r1 = r0
     r2 = r10
     r2 += -8
     call 1
     r0 = *(u64 *)(r0 +0)
     out: r0 = 0
     exit";

fn map_of_arrays(flags: MapFlags) -> Load {
    let mut outer = MapDef::new(MapKind::ArrayOfMaps, 4, 4, 4);
    outer.inner = Some(Box::new(MapDef::array(8, 10).flags(flags)));
    xdp().map(outer)
}

#[test]
fn an_inner_map_that_may_be_shorter_promises_nothing() {
    map_of_arrays(MapFlags::empty()).accepts(INNER);
    map_of_arrays(MapFlags::INNER_MAP).refuses("R0 invalid mem access 'map_value_or_null'", INNER);
}

#[test]
fn an_inner_map_is_tested_for_null_and_is_no_value() {
    let inner = || map_of_arrays(MapFlags::empty());
    inner().refuses(
        "R1 type=map_value_or_null expected=map_ptr",
        &INNER.replace("if r0 == 0 goto out", "r6 = 0"),
    );
    inner().refuses("R0 invalid mem access 'map_value_or_null'", &call(1, "r0 = *(u64 *)(r0 +0)"));
    inner().refuses("pointer arithmetic on map_ptr prohibited", &call(1, "if r0 == 0 goto +1\n r0 += 8"));
}

#[test]
fn sizes_at_the_limits() {
    let end = "r1 = map[idx:0][0]+0\n r2 = 0x1ffffff7 ll\n r1 += r2\n r0 = *(u64 *)(r1 +0)\n r0 = 0\n exit";
    xdp().map(MapDef::array(0x1fff_ffff, 1)).accepts(end);
    xdp().map(MapDef::array(0x1fff_fffe, 1)).refuses("outside of the allowed memory range", end);
    xdp().map(MapDef::array(u32::MAX, 1)).accepts(end);
    xdp().map(MapDef::hash(u32::MAX, u32::MAX, 1)).refuses("invalid", &call(1, ""));
    xdp().map(MapDef::hash(0, 0, 0)).refuses("invalid zero-sized read", &call(1, ""));
    xdp().map(MapDef::hash(4, u32::MAX, 1)).refuses("invalid", &call(2, ""));
    xdp()
        .map(MapDef::array(0, 1))
        .refuses("invalid access to map value", "r1 = map[idx:0][0]+0\n r0 = 0\n exit");
}

#[test]
fn helpers_take_maps_of_their_kinds() {
    let kind = |kind| xdp().map(MapDef::new(kind, 4, 4, 4));
    kind(MapKind::ProgArray).refuses("cannot pass map_type 3 into func bpf_map_lookup_elem#1", &call(1, ""));
    kind(MapKind::Hash).refuses("cannot pass map_type 1 into func bpf_map_peek_elem#89", &call(89, ""));
    kind(MapKind::Array).refuses(
        "expected prog array map for tail call",
        "r2 = map[idx:0]\n r3 = 0\n call 12\n r0 = 0\n exit",
    );
}

#[test]
fn memory_that_may_be_null_has_no_bytes() {
    // The kernel lets this through, and its helper reads at null.
    let program = call(1, "r1 = r0\n r2 = 4\n r3 = 0\n r4 = 0\n r5 = 0\n call bpf_csum_diff#28");
    let hash = || load("sched_cls").map(MapDef::hash(4, 64, 4));
    hash().refuses("R1 type=map_value_or_null expected=", &program);
    hash().accepts(&program.replace("r2 = 4\n r3 = 0\n r4 = 0\n r5", "r2 = 0\n r3 = 0\n r4 = 0\n r5"));
    hash().accepts(&program.replace("r1 = r0\n", "if r0 == 0 goto +6\n r1 = r0\n"));
}
