//! The kernel's helpers, as Linux 6.18 has them: one row for each.

mod base;
mod net;
mod shared_state;
mod skb;
mod sock;
mod trace;
mod variants;

use super::{Arg, Proto, Ret};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

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
    /// `bpf_xdp_adjust_head`
    pub const XDP_ADJUST_HEAD: i32 = 44;
    /// `bpf_get_local_storage`
    pub const GET_LOCAL_STORAGE: i32 = 81;
    /// `bpf_spin_lock`
    pub const SPIN_LOCK: i32 = 93;
    /// `bpf_spin_unlock`
    pub const SPIN_UNLOCK: i32 = 94;
    /// `bpf_snprintf`
    pub const SNPRINTF: i32 = 165;
    /// `bpf_dynptr_from_mem`
    pub const DYNPTR_FROM_MEM: i32 = 197;
    /// `bpf_tail_call`
    pub const TAIL_CALL: i32 = 12;
    /// `bpf_skb_load_bytes`
    pub const SKB_LOAD_BYTES: i32 = 26;
    /// `bpf_for_each_map_elem`
    pub const FOR_EACH_MAP_ELEM: i32 = 164;
    /// `bpf_loop`
    pub const LOOP: i32 = 181;
    /// `bpf_ringbuf_reserve`
    pub const RINGBUF_RESERVE: i32 = 131;
    /// `bpf_ringbuf_submit`
    pub const RINGBUF_SUBMIT: i32 = 132;
    /// `bpf_ringbuf_discard`
    pub const RINGBUF_DISCARD: i32 = 133;
    /// `bpf_csum_diff`
    pub const CSUM_DIFF: i32 = 28;
}

/// The rows by number: one that there is not is empty.
static BY_ID: LazyLock<Vec<Option<Arc<Proto>>>> = LazyLock::new(|| {
    let rows = || FAMILIES.iter().flat_map(|family| family.iter());
    let last = rows().map(|p| p.id).max().unwrap_or(0);
    let mut table = vec![None; last as usize + 1];
    for row in rows() {
        table[row.id as usize] = Some(Arc::new(row.clone()));
    }
    table
});

/// The numbers by name, without `bpf_`.
static BY_NAME: LazyLock<HashMap<&'static str, i32>> =
    LazyLock::new(|| all().map(|p| (bare(&p.name), p.id)).collect());

static FAMILIES: [&[Proto]; 6] =
    [&base::ROWS, &shared_state::ROWS, &trace::ROWS, &skb::ROWS, &net::ROWS, &sock::ROWS];

/// The helper with this number, where Linux 6.18 has one.
#[must_use]
pub fn by_id(id: i32) -> Option<&'static Proto> {
    shared(id).map(AsRef::as_ref)
}

/// The same, to be held by a program type.
#[must_use]
pub fn shared(id: i32) -> Option<&'static Arc<Proto>> {
    BY_ID.get(usize::try_from(id).ok()?)?.as_ref()
}

/// A helper of the kernel's as some kinds of programs have it, where it differs
/// from what [`by_id`] says: by a name of our own, such as
/// `get_cgroup_classid@task`.
#[must_use]
pub fn variant(name: &str) -> Option<Arc<Proto>> {
    variants::ROWS.iter().find(|(n, _)| *n == name).map(|(_, proto)| Arc::new(proto.clone()))
}

/// The helper with this name (with or without `bpf_`).
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Proto> {
    by_id(*BY_NAME.get(bare(name))?)
}

/// Every helper, by number.
pub fn all() -> impl Iterator<Item = &'static Proto> {
    BY_ID.iter().flatten().map(AsRef::as_ref)
}

fn bare(name: &str) -> &str {
    name.strip_prefix("bpf_").unwrap_or(name)
}

/// A row.
const fn row(id: i32, name: &'static str, args: &[Arg], ret: Ret) -> Proto {
    Proto::new(id, name).takes(args).returns(ret)
}

/// The words that rows are written in.
mod words {
    use super::{Arg, Ret};
    use crate::helper::{ArgFlags, ArgKind, RetKind};

    pub(super) const ANY: Arg = Arg::ANYTHING;
    pub(super) const CTX: Arg = Arg::CTX;
    pub(super) const MAP: Arg = Arg::MAP;
    pub(super) const KEY: Arg = Arg::MAP_KEY;
    pub(super) const VALUE: Arg = Arg::MAP_VALUE;
    /// Memory that is read, of any kind.
    pub(super) const MEM: Arg = Arg::MEM;
    /// Memory that is read, but no read-only memory.
    pub(super) const PLAIN: Arg = Arg::of(ArgKind::Mem);
    /// Memory that is filled.
    pub(super) const OUT: Arg = Arg::UNINIT_MEM;
    /// Memory that is read and written.
    pub(super) const IN_OUT: Arg = PLAIN.with(ArgFlags::WRITE);
    pub(super) const SIZE: Arg = Arg::SIZE;
    pub(super) const SIZE0: Arg = Arg::SIZE_OR_ZERO;
    /// A constant string.
    pub(super) const STR: Arg = Arg::of(ArgKind::ConstStr);
    pub(super) const FUNC: Arg = Arg::of(ArgKind::Func);
    /// What a callback gets: a stack pointer or null.
    pub(super) const STACK0: Arg = Arg::of(ArgKind::Stack).or_null();
    pub(super) const DYNPTR: Arg = Arg::of(ArgKind::Dynptr);
    /// Any socket that a program may have.
    pub(super) const SOCK: Arg = Arg::of(ArgKind::BtfSockCommon);
    /// Any socket, not by its BTF type.
    pub(super) const SOCK_COMMON: Arg = Arg::of(ArgKind::SockCommon);
    pub(super) const TASK: Arg = Arg::btf("task_struct");

    pub(super) const INT: Ret = Ret::INTEGER;
    pub(super) const VOID: Ret = Ret::VOID;
    pub(super) const VALUE_OR_NULL: Ret = Ret::MAP_VALUE_OR_NULL;
    pub(super) const SOCKET_OR_NULL: Ret = Ret::or_null(RetKind::Socket);

    /// An argument whose reference is released.
    pub(super) const fn released(arg: Arg) -> Arg {
        arg.with(ArgFlags::RELEASE)
    }

    /// An aligned number of this many bytes that is filled.
    pub(super) const fn out(size: u32) -> Arg {
        OUT.with(ArgFlags::ALIGNED).sized(size)
    }
}

#[cfg(test)]
mod tests;
