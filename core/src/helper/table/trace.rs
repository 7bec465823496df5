//! Looking at the kernel and at user space: memory, stacks, events, tasks.

use super::row;
use super::words::{ANY, CTX, FUNC, IN_OUT, INT, MAP, MEM, OUT, SIZE, SIZE0, STACK0, TASK, out};
use crate::helper::{Arg, Callback, Proto, Ret, RetKind};

const SEQ_FILE: Arg = Arg::btf("seq_file");

pub(super) static ROWS: [Proto; 47] = [
    // Memory.
    row(4, "bpf_probe_read", &[OUT, SIZE0, ANY], INT).gpl(),
    row(45, "bpf_probe_read_str", &[OUT, SIZE0, ANY], INT).gpl(),
    row(112, "bpf_probe_read_user", &[OUT, SIZE0, ANY], INT).gpl(),
    row(113, "bpf_probe_read_kernel", &[OUT, SIZE0, ANY], INT).gpl(),
    row(114, "bpf_probe_read_user_str", &[OUT, SIZE0, ANY], INT).gpl(),
    row(115, "bpf_probe_read_kernel_str", &[OUT, SIZE0, ANY], INT).gpl(),
    row(36, "bpf_probe_write_user", &[ANY, MEM, SIZE], INT).gpl(),
    row(148, "bpf_copy_from_user", &[OUT, SIZE0, ANY], INT).sleeps(),
    row(191, "bpf_copy_from_user_task", &[OUT, SIZE0, ANY, TASK, ANY], INT).gpl().sleeps(),
    // Events and stacks.
    row(22, "bpf_perf_event_read", &[MAP, ANY], INT).gpl(),
    row(25, "bpf_perf_event_output", &[CTX, MAP, ANY, MEM, SIZE0], INT).gpl(),
    row(55, "bpf_perf_event_read_value", &[MAP, ANY, OUT, SIZE], INT).gpl(),
    row(56, "bpf_perf_prog_read_value", &[CTX, OUT, SIZE], INT).gpl(),
    row(27, "bpf_get_stackid", &[CTX, MAP, ANY], INT).gpl(),
    row(67, "bpf_get_stack", &[CTX, OUT, SIZE0, ANY], INT).gpl(),
    row(141, "bpf_get_task_stack", &[TASK, OUT, SIZE0, ANY], INT),
    row(119, "bpf_read_branch_records", &[CTX, IN_OUT.or_null(), SIZE0, ANY], INT).gpl(),
    row(176, "bpf_get_branch_snapshot", &[OUT, SIZE0], INT).gpl(),
    row(111, "bpf_skb_output", &[Arg::btf("sk_buff"), MAP, ANY, MEM, SIZE0], INT).gpl(),
    row(121, "bpf_xdp_output", &[Arg::btf("xdp_buff"), MAP, ANY, MEM, SIZE0], INT).gpl(),
    // Tasks and signals.
    row(35, "bpf_get_current_task", &[], INT).gpl(),
    row(158, "bpf_get_current_task_btf", &[], task()).gpl(),
    row(175, "bpf_task_pt_regs", &[TASK], Ret { btf: Some("pt_regs"), ..Ret::of(RetKind::BtfId) }).gpl(),
    row(109, "bpf_send_signal", &[ANY], INT),
    row(117, "bpf_send_signal_thread", &[ANY], INT),
    row(180, "bpf_find_vma", &[TASK, ANY, FUNC, STACK0, ANY], INT).runs(Callback::Vma),
    // The place that is traced.
    row(58, "bpf_override_return", &[CTX, ANY], INT).gpl(),
    row(173, "bpf_get_func_ip", &[CTX], INT).gpl(),
    row(174, "bpf_get_attach_cookie", &[CTX], INT),
    row(183, "bpf_get_func_arg", &[CTX, ANY, out(8)], INT),
    row(184, "bpf_get_func_ret", &[CTX, out(8)], INT),
    row(185, "bpf_get_func_arg_cnt", &[CTX], INT),
    // Files and iterators.
    row(126, "bpf_seq_printf", &[SEQ_FILE, MEM, SIZE, MEM.or_null(), SIZE0], INT).gpl(),
    row(127, "bpf_seq_write", &[SEQ_FILE, MEM, SIZE0], INT).gpl(),
    row(150, "bpf_seq_printf_btf", &[SEQ_FILE, MEM, SIZE0, ANY], INT).gpl(),
    row(147, "bpf_d_path", &[Arg::btf("path"), IN_OUT, SIZE0], INT),
    row(162, "bpf_sock_from_file", &[Arg::btf("file")], Ret::btf_or_null("socket")),
    // Security.
    row(159, "bpf_bprm_opts_set", &[Arg::btf("linux_binprm"), ANY], INT),
    row(161, "bpf_ima_inode_hash", &[Arg::btf("inode"), OUT, SIZE], INT).sleeps(),
    row(193, "bpf_ima_file_hash", &[Arg::btf("file"), OUT, SIZE], INT).sleeps(),
    // Casts of sockets to kernel objects.
    cast(136, "bpf_skc_to_tcp6_sock", "tcp6_sock"),
    cast(137, "bpf_skc_to_tcp_sock", "tcp_sock"),
    cast(138, "bpf_skc_to_tcp_timewait_sock", "tcp_timewait_sock"),
    cast(139, "bpf_skc_to_tcp_request_sock", "tcp_request_sock"),
    cast(140, "bpf_skc_to_udp6_sock", "udp6_sock"),
    cast(178, "bpf_skc_to_unix_sock", "unix_sock"),
    row(196, "bpf_skc_to_mptcp_sock", &[super::words::SOCK_COMMON], Ret::btf_or_null("mptcp_sock")),
];

const fn task() -> Ret {
    Ret { btf: Some("task_struct"), ..Ret::of(RetKind::BtfId) }
}

const fn cast(id: i32, name: &'static str, to: &'static str) -> Proto {
    row(id, name, &[super::words::SOCK], Ret::btf_or_null(to))
}
