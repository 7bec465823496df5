//! The helpers that each kind of program may call, by name; a name with an `@`
//! is a variant of the helper.
//!
//! The sets are those of Linux 6.18 for a loader with every capability.

use crate::helper::{Proto, table};
use std::collections::BTreeMap;
use std::sync::Arc;

type Set = &'static [&'static str];

/// What every kind of program here may call.
pub(super) const BASE: Set = &[
    // Maps.
    "map_lookup_elem",
    "map_update_elem",
    "map_delete_elem",
    "map_push_elem",
    "map_pop_elem",
    "map_peek_elem",
    "map_lookup_percpu_elem",
    "for_each_map_elem",
    "tail_call",
    "loop",
    // Time, the machine, text.
    "ktime_get_ns",
    "ktime_get_boot_ns",
    "ktime_get_tai_ns",
    "jiffies64",
    "get_prandom_u32",
    "get_smp_processor_id",
    "get_numa_node_id",
    "trace_printk",
    "trace_vprintk",
    "snprintf",
    "snprintf_btf",
    "strtol",
    "strtoul",
    "strncmp",
    // What is shared or owned.
    "spin_lock",
    "spin_unlock",
    "timer_init",
    "timer_set_callback",
    "timer_start",
    "timer_cancel",
    "kptr_xchg",
    "per_cpu_ptr",
    "this_cpu_ptr",
    "ringbuf_output",
    "ringbuf_reserve",
    "ringbuf_submit",
    "ringbuf_discard",
    "ringbuf_query",
    "ringbuf_reserve_dynptr",
    "ringbuf_submit_dynptr",
    "ringbuf_discard_dynptr",
    "user_ringbuf_drain",
    "dynptr_from_mem",
    "dynptr_read",
    "dynptr_write",
    "dynptr_data",
    "task_storage_get",
    "task_storage_delete",
    "cgrp_storage_get",
    "cgrp_storage_delete",
    // The task that runs, and others.
    "get_current_pid_tgid",
    "get_ns_current_pid_tgid",
    "get_current_uid_gid",
    "get_current_comm",
    "get_current_task",
    "get_current_task_btf",
    "get_current_cgroup_id",
    "get_current_ancestor_cgroup_id",
    "current_task_under_cgroup",
    "get_cgroup_classid@task",
    "get_task_stack",
    "task_pt_regs",
    "find_vma",
    "send_signal",
    "send_signal_thread",
    // Memory and events.
    "probe_read_user",
    "probe_read_user_str",
    "probe_read_kernel",
    "probe_read_kernel_str",
    "copy_from_user",
    "copy_from_user_task",
    "perf_event_read",
    "perf_event_read_value",
    "perf_event_output",
    "get_branch_snapshot",
];

/// What programs at the network may call besides (`bpf_sk_base_func_proto`).
pub(super) const NET: Set = &[
    "skc_to_tcp6_sock",
    "skc_to_tcp_sock",
    "skc_to_tcp_timewait_sock",
    "skc_to_tcp_request_sock",
    "skc_to_udp6_sock",
    "skc_to_unix_sock",
    "skc_to_mptcp_sock",
    "ktime_get_coarse_ns",
];

/// What programs that filter a socket's packets may call besides
/// (`sk_filter_func_proto`).
pub(super) const SOCKET_FILTER: Set =
    &["skb_load_bytes", "skb_load_bytes_relative", "get_socket_cookie", "get_socket_uid", "get_netns_cookie"];

/// Looking for sockets, and what is done with one.
pub(super) const LOOKUP: Set = &["sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp", "sk_release"];

/// Of what a packet's or another socket is known.
pub(super) const SOCKET: Set = &[
    "sk_fullsock",
    "tcp_sock",
    "get_listener_sock",
    "skb_ecn_set_ce",
    "sk_storage_get",
    "sk_storage_delete",
];

/// SYN cookies.
pub(super) const SYN_COOKIES: Set = &[
    "tcp_check_syncookie",
    "tcp_gen_syncookie",
    "tcp_raw_gen_syncookie_ipv4",
    "tcp_raw_gen_syncookie_ipv6",
    "tcp_raw_check_syncookie_ipv4",
    "tcp_raw_check_syncookie_ipv6",
];

/// What traffic control may call besides (`tc_cls_act_func_proto`).
pub(super) const TRAFFIC_CONTROL: Set = &[
    "skb_store_bytes",
    "skb_pull_data",
    "csum_diff",
    "csum_update",
    "csum_level",
    "l3_csum_replace",
    "l4_csum_replace",
    "clone_redirect",
    "get_cgroup_classid",
    "skb_vlan_push",
    "skb_vlan_pop",
    "skb_change_proto",
    "skb_change_type",
    "skb_adjust_room",
    "skb_change_tail",
    "skb_change_head",
    "skb_get_tunnel_key",
    "skb_set_tunnel_key",
    "skb_get_tunnel_opt",
    "skb_set_tunnel_opt",
    "redirect",
    "redirect_neigh",
    "redirect_peer",
    "get_route_realm",
    "get_hash_recalc",
    "set_hash_invalid",
    "set_hash",
    "skb_under_cgroup",
    "fib_lookup",
    "check_mtu",
    "skb_cgroup_id",
    "skb_ancestor_cgroup_id",
    "skb_cgroup_classid",
    "skb_get_xfrm_state",
    "skb_set_tstamp",
    "sk_assign",
];

/// What XDP programs may call besides (`xdp_func_proto`).
pub(super) const XDP: Set = &[
    "csum_diff",
    "xdp_adjust_head",
    "xdp_adjust_meta",
    "xdp_adjust_tail",
    "xdp_get_buff_len",
    "xdp_load_bytes",
    "xdp_store_bytes",
    "redirect",
    "redirect_map",
    "fib_lookup",
    "check_mtu",
];

/// What programs of a control group may call on its packets besides
/// (`cg_skb_func_proto`).
pub(super) const CGROUP_SKB: Set = &[
    "get_local_storage",
    "skb_cgroup_id",
    "skb_ancestor_cgroup_id",
    "sk_cgroup_id",
    "sk_ancestor_cgroup_id",
];

/// What every light-weight tunnel may call besides (`lwt_out_func_proto`).
pub(super) const LWT: Set = &[
    "get_route_realm",
    "get_cgroup_classid",
    "skb_load_bytes",
    "skb_pull_data",
    "csum_diff",
    "get_hash_recalc",
    "skb_under_cgroup",
];

/// What a tunnel that transmits may call besides (`lwt_xmit_func_proto`).
pub(super) const LWT_XMIT: Set = &[
    "lwt_push_encap",
    "skb_get_tunnel_key",
    "skb_set_tunnel_key",
    "skb_get_tunnel_opt",
    "skb_set_tunnel_opt",
    "redirect",
    "clone_redirect",
    "skb_change_tail",
    "skb_change_head",
    "skb_store_bytes",
    "csum_update",
    "csum_level",
    "l3_csum_replace",
    "l4_csum_replace",
    "set_hash_invalid",
];

/// What programs on a socket's messages may call besides
/// (`sk_msg_func_proto`).
pub(super) const SK_MSG: Set = &[
    "msg_redirect_map",
    "msg_redirect_hash",
    "msg_apply_bytes",
    "msg_cork_bytes",
    "msg_pull_data",
    "msg_push_data",
    "msg_pop_data",
    "sk_storage_get",
    "sk_storage_delete",
    "get_netns_cookie",
];

/// What programs that trace may call besides (`bpf_tracing_func_proto` and
/// what each kind adds). `probe_write_user` is refused by a kernel that is
/// locked down.
pub(super) const TRACE: Set =
    &["probe_read", "probe_read_str", "probe_write_user", "get_stackid", "get_stack", "get_attach_cookie"];

/// What kprobes may call besides (`kprobe_prog_func_proto`); `override_return`
/// where the kernel lets functions fail at will (`CONFIG_BPF_KPROBE_OVERRIDE`).
pub(super) const KPROBE: Set = &["get_func_ip", "override_return"];

/// What programs on perf events may call besides (`pe_prog_func_proto`).
pub(super) const PERF_EVENT: Set = &["get_stackid@perf_event", "perf_prog_read_value", "read_branch_records"];

/// What programs run by a system call may call besides
/// (`syscall_prog_func_proto`, `tracing_prog_func_proto`).
pub(super) const SYSCALL: Set = &[
    "sys_bpf",
    "sys_close",
    "btf_find_by_name_kind",
    "kallsyms_lookup_name",
    "probe_read",
    "probe_read_str",
    "probe_write_user",
    "get_stackid",
    "get_stack",
    "get_socket_cookie@sock",
    "sock_from_file",
    "skb_output",
    "xdp_output",
    "xdp_get_buff_len@object",
    "skc_to_tcp6_sock",
    "skc_to_tcp_sock",
    "skc_to_tcp_timewait_sock",
    "skc_to_tcp_request_sock",
    "skc_to_udp6_sock",
    "skc_to_unix_sock",
    "skc_to_mptcp_sock",
];

/// What programs on a control group's sockets may call besides
/// (`sock_filter_func_proto`).
pub(super) const CGROUP_SOCK: Set = &[
    "ktime_get_coarse_ns",
    "get_local_storage",
    "get_netns_cookie",
    "get_retval",
    "set_retval",
    "get_socket_cookie",
    "sk_storage_get@ctx",
];

/// What programs on the addresses of sockets may call besides
/// (`sock_addr_func_proto`).
pub(super) const SOCK_ADDR: Set = &[
    "bind",
    "get_local_storage",
    "get_netns_cookie",
    "get_retval",
    "set_retval",
    "get_socket_cookie",
    "getsockopt",
    "setsockopt",
    "sk_storage_get",
    "sk_storage_delete",
];

/// What programs on the life of a connection may call besides
/// (`sock_ops_func_proto`).
pub(super) const SOCK_OPS: Set = &[
    "get_local_storage",
    "get_netns_cookie",
    "get_socket_cookie",
    "getsockopt",
    "setsockopt",
    "load_hdr_opt",
    "store_hdr_opt",
    "reserve_hdr_opt",
    "sk_storage_get",
    "sk_storage_delete",
    "sock_map_update",
    "sock_hash_update",
    "sock_ops_cb_flags_set",
    "tcp_sock",
];

/// What programs on a socket's stream may call besides (`sk_skb_func_proto`).
pub(super) const SK_SKB: Set = &[
    "get_socket_cookie",
    "get_socket_uid",
    "sk_redirect_map",
    "sk_redirect_hash",
    "skb_adjust_room",
    "skb_change_head",
    "skb_change_tail",
    "skb_load_bytes",
    "skb_pull_data",
    "skb_store_bytes",
];

/// What programs on system controls may call besides (`sysctl_func_proto`).
pub(super) const CGROUP_SYSCTL: Set = &[
    "ktime_get_coarse_ns",
    "get_local_storage",
    "get_retval",
    "set_retval",
    "sysctl_get_name",
    "sysctl_get_current_value",
    "sysctl_get_new_value",
    "sysctl_set_new_value",
];

/// What programs on socket options may call besides
/// (`cg_sockopt_func_proto`).
pub(super) const CGROUP_SOCKOPT: Set = &[
    "get_local_storage",
    "get_netns_cookie",
    "get_retval",
    "set_retval",
    "getsockopt@sock",
    "setsockopt@sock",
    "sk_storage_get",
    "sk_storage_delete",
    "tcp_sock",
];

/// What programs that choose a listening socket may call besides
/// (`sk_lookup_func_proto`).
pub(super) const SK_LOOKUP: Set = &["sk_assign@lookup", "sk_release"];

/// What programs that choose among sockets with one port may call besides
/// (`sk_reuseport_func_proto`).
pub(super) const SK_REUSEPORT: Set = &[
    "ktime_get_coarse_ns",
    "get_socket_cookie@sock",
    "sk_select_reuseport",
    "skb_load_bytes",
    "skb_load_bytes_relative",
];

/// These helpers without the one of this name.
pub(super) fn without(mut helpers: BTreeMap<i32, Arc<Proto>>, name: &str) -> BTreeMap<i32, Arc<Proto>> {
    helpers.remove(&helper(name).id);
    helpers
}

/// The helpers of these sets, by number; a later set has the last word.
///
/// # Panics
///
/// Where the table has no helper of a name.
pub(super) fn helpers(sets: &[Set]) -> BTreeMap<i32, Arc<Proto>> {
    let names = sets.iter().flat_map(|set| set.iter());
    names.map(|name| helper(name)).map(|proto| (proto.id, proto)).collect()
}

fn helper(name: &str) -> Arc<Proto> {
    let variant = table::variant(name);
    let row = || table::shared(table::by_name(name)?.id).cloned();
    variant.or_else(row).unwrap_or_else(|| panic!("no helper {name}"))
}
