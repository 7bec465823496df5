//! Maps, time, numbers, text, control: what nearly every kind of program may
//! call.

use super::row;
use super::words::{
    ANY, CTX, FUNC, IN_OUT, INT, KEY, MAP, MEM, OUT, PLAIN, SIZE, SIZE0, STACK0, STR, VALUE, VALUE_OR_NULL,
    VOID, out,
};
use crate::helper::{ArgFlags, Callback, Proto, Ret, RetKind};

pub(super) static ROWS: [Proto; 46] = [
    // No helper: the number that a call is born with.
    row(0, "bpf_unspec", &[], INT),
    // Maps.
    row(1, "bpf_map_lookup_elem", &[MAP, KEY], VALUE_OR_NULL).packet_args(),
    row(2, "bpf_map_update_elem", &[MAP, KEY, VALUE, ANY], INT).packet_args(),
    row(3, "bpf_map_delete_elem", &[MAP, KEY], INT).packet_args(),
    row(87, "bpf_map_push_elem", &[MAP, VALUE, ANY], INT).packet_args(),
    row(88, "bpf_map_pop_elem", &[MAP, VALUE.with(ArgFlags::UNINIT).with(ArgFlags::WRITE)], INT),
    row(89, "bpf_map_peek_elem", &[MAP, VALUE.with(ArgFlags::UNINIT).with(ArgFlags::WRITE)], INT),
    row(195, "bpf_map_lookup_percpu_elem", &[MAP, KEY, ANY], VALUE_OR_NULL).packet_args(),
    row(164, "bpf_for_each_map_elem", &[MAP, FUNC, STACK0, ANY], INT).runs(Callback::MapElem),
    // Time.
    row(5, "bpf_ktime_get_ns", &[], INT),
    row(118, "bpf_jiffies64", &[], INT),
    row(125, "bpf_ktime_get_boot_ns", &[], INT),
    row(160, "bpf_ktime_get_coarse_ns", &[], INT),
    row(208, "bpf_ktime_get_tai_ns", &[], INT),
    // The machine.
    row(7, "bpf_get_prandom_u32", &[], INT),
    row(8, "bpf_get_smp_processor_id", &[], Ret::of(RetKind::Processor)),
    row(42, "bpf_get_numa_node_id", &[], INT),
    // Text and bytes.
    row(6, "bpf_trace_printk", &[MEM, SIZE], INT).gpl(),
    row(177, "bpf_trace_vprintk", &[MEM, SIZE, MEM.or_null(), SIZE0], INT).gpl(),
    row(165, "bpf_snprintf", &[IN_OUT.or_null(), SIZE0, STR, MEM.or_null(), SIZE0], INT).gpl(),
    row(149, "bpf_snprintf_btf", &[IN_OUT, SIZE, MEM, SIZE, ANY], INT),
    row(105, "bpf_strtol", &[MEM, SIZE, ANY, out(8)], INT),
    row(106, "bpf_strtoul", &[MEM, SIZE, ANY, out(8)], INT),
    row(182, "bpf_strncmp", &[MEM, SIZE, STR], INT),
    row(28, "bpf_csum_diff", &[MEM.or_null(), SIZE0, MEM.or_null(), SIZE0, ANY], INT).packet_args(),
    // Control.
    // Where it succeeds it does not return: the packet is as it was after it,
    // but not after the subprogram that it ended.
    row(12, "bpf_tail_call", &[CTX, MAP, ANY], VOID),
    row(181, "bpf_loop", &[ANY, FUNC, STACK0, ANY], INT).runs(Callback::Loop),
    // The task that runs.
    row(14, "bpf_get_current_pid_tgid", &[], INT),
    row(15, "bpf_get_current_uid_gid", &[], INT),
    row(16, "bpf_get_current_comm", &[OUT, SIZE], INT),
    row(80, "bpf_get_current_cgroup_id", &[], INT),
    row(123, "bpf_get_current_ancestor_cgroup_id", &[ANY], INT),
    row(120, "bpf_get_ns_current_pid_tgid", &[ANY, ANY, OUT, SIZE], INT),
    // The system.
    row(166, "bpf_sys_bpf", &[ANY, MEM, SIZE], INT),
    row(167, "bpf_btf_find_by_name_kind", &[MEM, SIZE, ANY, ANY], INT).sleeps(),
    row(168, "bpf_sys_close", &[ANY], INT),
    row(179, "bpf_kallsyms_lookup_name", &[PLAIN, SIZE0, ANY, out(8)], INT),
    // Control groups' hooks.
    row(186, "bpf_get_retval", &[], INT),
    row(187, "bpf_set_retval", &[ANY], INT),
    row(101, "bpf_sysctl_get_name", &[CTX, IN_OUT, SIZE, ANY], INT),
    row(102, "bpf_sysctl_get_current_value", &[CTX, OUT, SIZE], INT),
    row(103, "bpf_sysctl_get_new_value", &[CTX, OUT, SIZE], INT),
    row(104, "bpf_sysctl_set_new_value", &[CTX, MEM, SIZE], INT),
    // Remote controls.
    row(77, "bpf_rc_repeat", &[CTX], INT).gpl(),
    row(78, "bpf_rc_keydown", &[CTX, ANY, ANY, ANY], INT).gpl(),
    row(92, "bpf_rc_pointer_rel", &[CTX, ANY, ANY], INT).gpl(),
];
