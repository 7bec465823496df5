use super::*;
use crate::helper::{ArgFlags, ArgKind, RefKind};
use std::collections::HashSet;

#[test]
fn every_number_of_linux_6_18_has_one_row() {
    let ids: Vec<i32> = all().map(|p| p.id).collect();
    assert_eq!(ids, (0..=211).collect::<Vec<_>>());
    let rows: usize = FAMILIES.iter().map(|f| f.len()).sum();
    assert_eq!(rows, 212, "two rows share a number");
    assert!(by_id(212).is_none() && by_id(-1).is_none());
}

#[test]
fn names_are_unique_and_found_with_and_without_the_prefix() {
    let names: HashSet<&str> = all().map(|p| p.name.as_ref()).collect();
    assert_eq!(names.len(), 212);
    for proto in all() {
        let bare = proto.name.strip_prefix("bpf_").expect("the kernel's names begin so");
        assert_eq!(by_name(&proto.name), Some(proto));
        assert_eq!(by_name(bare), Some(proto));
    }
    assert!(by_name("bpf_no_such_helper").is_none());
}

#[test]
fn the_numbers_brolga_speaks_of_are_the_kernels() {
    let named = [
        (id::MAP_LOOKUP_ELEM, "bpf_map_lookup_elem"),
        (id::MAP_UPDATE_ELEM, "bpf_map_update_elem"),
        (id::MAP_DELETE_ELEM, "bpf_map_delete_elem"),
        (id::KTIME_GET_NS, "bpf_ktime_get_ns"),
        (id::TRACE_PRINTK, "bpf_trace_printk"),
        (id::GET_PRANDOM_U32, "bpf_get_prandom_u32"),
        (id::GET_SMP_PROCESSOR_ID, "bpf_get_smp_processor_id"),
        (id::TAIL_CALL, "bpf_tail_call"),
        (id::SKB_LOAD_BYTES, "bpf_skb_load_bytes"),
        (id::CSUM_DIFF, "bpf_csum_diff"),
    ];
    for (id, name) in named {
        assert_eq!(by_id(id).map(|p| p.name.as_ref()), Some(name));
    }
}

#[test]
fn memory_has_a_size_and_a_size_has_its_memory() {
    let is_size = |a: &Arg| matches!(a.kind, ArgKind::ConstSize | ArgKind::ConstSizeOrZero);
    for proto in all() {
        for (i, arg) in proto.args.iter().enumerate() {
            let sized_by_next = proto.args.get(i + 1).is_some_and(is_size);
            let is_memory = arg.kind == ArgKind::Mem;
            assert_eq!(is_memory && arg.fixed_size == 0, sized_by_next, "{} argument {}", proto.name, i + 1);
        }
    }
}

#[test]
fn arguments_are_a_prefix_and_flags_fit_their_kinds() {
    for proto in all() {
        let used = proto.args.iter().filter(|a| a.kind != ArgKind::Unused).count();
        assert_eq!(used, proto.arity(), "{} has a gap in its arguments", proto.name);
        for arg in proto.args {
            let uninit = arg.flags.contains(ArgFlags::UNINIT);
            let written = arg.flags.contains(ArgFlags::WRITE);
            let read_only = arg.flags.contains(ArgFlags::RDONLY);
            assert!(!uninit || written, "{} fills what it does not write", proto.name);
            assert!(!(written && read_only), "{} writes what it only reads", proto.name);
            assert_eq!(arg.kind == ArgKind::BtfId && arg.btf.is_none(), is_kptr_xchg(proto, arg));
        }
    }
}

fn is_kptr_xchg(proto: &Proto, arg: Arg) -> bool {
    proto.name == "bpf_kptr_xchg" && arg.kind == ArgKind::BtfId
}

#[test]
fn what_is_acquired_can_be_released() {
    let acquires = |kind| all().filter(move |p| p.acquires == Some(kind)).map(|p| p.id).collect::<Vec<_>>();
    assert_eq!(acquires(RefKind::Socket), [84, 85, 99]);
    assert_eq!(acquires(RefKind::Ringbuf), [131]);
    assert_eq!(acquires(RefKind::DynptrRingbuf), [198]);
    assert_eq!(acquires(RefKind::Kptr), [194]);
    let releases: Vec<i32> = all().filter(|p| p.releases()).map(|p| p.id).collect();
    assert_eq!(releases, [86, 132, 133, 194, 199, 200]);
}

#[test]
fn a_variant_is_a_helper_by_its_number_and_name() {
    for (key, proto) in &variants::ROWS {
        let (name, _) = key.split_once('@').expect("a variant's name says whose it is");
        assert_eq!(by_name(name).map(|p| p.id), Some(proto.id));
        assert_eq!(by_id(proto.id).map(|p| &p.name), Some(&proto.name));
        assert_ne!(by_id(proto.id), Some(proto), "{key} is no variant");
        assert_eq!(variant(key).as_deref(), Some(proto));
    }
    assert!(variant("map_lookup_elem").is_none());
}

#[test]
fn every_row_says_enough_for_calls_to_be_checked() {
    for proto in all().chain(variants::ROWS.iter().map(|(_, proto)| proto)) {
        assert_eq!(proto.fault(), None, "{}", proto.name);
    }
    let takes = |args: &[Arg]| Proto::new(7000, "f").takes(args).fault();
    assert_eq!(takes(&[Arg::MEM, Arg::SIZE]), None);
    assert_eq!(takes(&[Arg::MEM.sized(8)]), None);
    assert!(takes(&[Arg::MEM]).is_some());
    assert!(takes(&[Arg::MEM, Arg::ANYTHING]).is_some());
    assert!(takes(&[Arg::SIZE]).is_some());
    assert!(takes(&[Arg::MAP_KEY, Arg::MAP]).is_some());
    assert!(takes(&[Arg::of(ArgKind::Func)]).is_some());
}
