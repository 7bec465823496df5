//! The kernel's helpers.

use super::{Arg, Proto, Ret};
use std::borrow::Cow;

/// The numbers that the kernel gives the helpers Brolga itself speaks of.
pub mod id {
    /// `bpf_map_lookup_elem`
    pub const MAP_LOOKUP_ELEM: i32 = 1;
    /// `bpf_map_update_elem`
    pub const MAP_UPDATE_ELEM: i32 = 2;
    /// `bpf_map_delete_elem`
    pub const MAP_DELETE_ELEM: i32 = 3;
    /// `bpf_ktime_get_ns`
    pub const KTIME_GET_NS: i32 = 5;
    /// `bpf_trace_printk`
    pub const TRACE_PRINTK: i32 = 6;
    /// `bpf_get_prandom_u32`
    pub const GET_PRANDOM_U32: i32 = 7;
    /// `bpf_get_smp_processor_id`
    pub const GET_SMP_PROCESSOR_ID: i32 = 8;
    /// `bpf_tail_call`
    pub const TAIL_CALL: i32 = 12;
    /// `bpf_skb_load_bytes`
    pub const SKB_LOAD_BYTES: i32 = 26;
    /// `bpf_csum_diff`
    pub const CSUM_DIFF: i32 = 28;
}

/// The helper with this number, where Linux 6.18 has one.
#[must_use]
pub fn by_id(id: i32) -> Option<&'static Proto> {
    PROTOS.iter().find(|p| p.id == id)
}

/// The helper with this name (with or without `bpf_`).
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Proto> {
    let bare = name.strip_prefix("bpf_").unwrap_or(name);
    PROTOS.iter().find(|p| p.name.strip_prefix("bpf_") == Some(bare))
}

const fn proto(id: i32, name: &'static str, args: [Arg; 5], ret: Ret) -> Proto {
    let name = Cow::Borrowed(name);
    Proto { id, name, args, ret, gpl_only: false, changes_packet: false, acquires: None, may_sleep: false }
}

const U: Arg = Arg::UNUSED;
const A: Arg = Arg::ANYTHING;

static PROTOS: [Proto; 2] = [
    proto(
        id::MAP_LOOKUP_ELEM,
        "bpf_map_lookup_elem",
        [Arg::MAP, Arg::MAP_KEY, U, U, U],
        Ret::MAP_VALUE_OR_NULL,
    ),
    proto(
        id::MAP_UPDATE_ELEM,
        "bpf_map_update_elem",
        [Arg::MAP, Arg::MAP_KEY, Arg::MAP_VALUE, A, U],
        Ret::INTEGER,
    ),
];
