//! Helpers that some kinds of programs have otherwise than the rest.

use super::row;
use super::words::{ANY, CTX, INT, MAP, SOCK};
use crate::helper::{Arg, Proto};

pub(super) static ROWS: [(&str, Proto); 4] = [
    // Of the task that runs, not of a packet.
    ("get_cgroup_classid@task", row(17, "bpf_get_cgroup_classid", &[], INT)),
    // Of a socket or none, not of the context.
    ("get_socket_cookie@sock", row(46, "bpf_get_socket_cookie", &[SOCK.or_null()], INT)),
    // Of the kernel's object, not of the context.
    ("xdp_get_buff_len@object", row(188, "bpf_xdp_get_buff_len", &[Arg::btf("xdp_buff")], INT)),
    // For every licence.
    ("get_stackid@perf_event", row(27, "bpf_get_stackid", &[CTX, MAP, ANY], INT)),
];
