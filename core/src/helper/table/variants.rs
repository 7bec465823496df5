//! Helpers that some kinds of programs have otherwise than the rest.

use super::row;
use super::words::{ANY, CTX, INT, MAP, MEM, OUT, SIZE, SOCK, VALUE, VALUE_OR_NULL};
use crate::helper::{Arg, ArgKind, Proto};

pub(super) static ROWS: [(&str, Proto); 8] = [
    // Of the task that runs, not of a packet.
    ("get_cgroup_classid@task", row(17, "bpf_get_cgroup_classid", &[], INT)),
    // Of a socket or none, not of the context.
    ("get_socket_cookie@sock", row(46, "bpf_get_socket_cookie", &[SOCK.or_null()], INT)),
    // Of the kernel's object, not of the context.
    ("xdp_get_buff_len@object", row(188, "bpf_xdp_get_buff_len", &[Arg::btf("xdp_buff")], INT)),
    // Of the context, which is a socket.
    ("sk_storage_get@ctx", row(107, "bpf_sk_storage_get", &[MAP, CTX, VALUE.or_null(), ANY], VALUE_OR_NULL)),
    // Of a full socket or none, which the lookup then gives.
    ("sk_assign@lookup", row(124, "bpf_sk_assign", &[CTX, Arg::of(ArgKind::Socket).or_null(), ANY], INT)),
    // Of a socket, not of the context.
    ("setsockopt@sock", row(49, "bpf_setsockopt", &[SOCK, ANY, ANY, MEM, SIZE], INT)),
    ("getsockopt@sock", row(57, "bpf_getsockopt", &[SOCK, ANY, ANY, OUT, SIZE], INT)),
    // For every licence.
    ("get_stackid@perf_event", row(27, "bpf_get_stackid", &[CTX, MAP, ANY], INT)),
];
