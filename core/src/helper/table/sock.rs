//! Sockets.

use super::row;
use super::words::{
    ANY, CTX, INT, MEM, OUT, PLAIN, SIZE, SIZE0, SOCK, SOCK_COMMON, SOCKET_OR_NULL, released,
};
use crate::helper::{Arg, Proto, RefKind, Ret, RetKind};

const IPV4_HEADER: Arg = PLAIN.sized(20);
const IPV6_HEADER: Arg = PLAIN.sized(40);
const TCP_HEADER: Arg = PLAIN.sized(20);

pub(super) static ROWS: [Proto; 20] = [
    row(49, "bpf_setsockopt", &[CTX, ANY, ANY, MEM, SIZE], INT),
    row(57, "bpf_getsockopt", &[CTX, ANY, ANY, OUT, SIZE], INT),
    row(59, "bpf_sock_ops_cb_flags_set", &[CTX, ANY], INT),
    row(64, "bpf_bind", &[CTX, MEM, SIZE], INT),
    row(84, "bpf_sk_lookup_tcp", &[CTX, MEM, SIZE0, ANY, ANY], SOCKET_OR_NULL)
        .packet_args()
        .acquires(RefKind::Socket),
    row(85, "bpf_sk_lookup_udp", &[CTX, MEM, SIZE0, ANY, ANY], SOCKET_OR_NULL)
        .packet_args()
        .acquires(RefKind::Socket),
    row(99, "bpf_skc_lookup_tcp", &[CTX, MEM, SIZE0, ANY, ANY], Ret::or_null(RetKind::SockCommon))
        .packet_args()
        .acquires(RefKind::Socket),
    row(86, "bpf_sk_release", &[released(SOCK)], INT),
    row(95, "bpf_sk_fullsock", &[SOCK_COMMON], SOCKET_OR_NULL),
    row(96, "bpf_tcp_sock", &[SOCK_COMMON], Ret::or_null(RetKind::TcpSock)),
    row(98, "bpf_get_listener_sock", &[SOCK_COMMON], SOCKET_OR_NULL),
    row(100, "bpf_tcp_check_syncookie", &[SOCK, MEM, SIZE, MEM, SIZE], INT).gpl().packet_args(),
    row(110, "bpf_tcp_gen_syncookie", &[SOCK, MEM, SIZE, MEM, SIZE], INT).gpl().packet_args(),
    row(204, "bpf_tcp_raw_gen_syncookie_ipv4", &[IPV4_HEADER, PLAIN, SIZE0], INT).gpl().packet_args(),
    row(205, "bpf_tcp_raw_gen_syncookie_ipv6", &[IPV6_HEADER, PLAIN, SIZE0], INT).gpl().packet_args(),
    row(206, "bpf_tcp_raw_check_syncookie_ipv4", &[IPV4_HEADER, TCP_HEADER], INT).gpl().packet_args(),
    row(207, "bpf_tcp_raw_check_syncookie_ipv6", &[IPV6_HEADER, TCP_HEADER], INT).gpl().packet_args(),
    row(116, "bpf_tcp_send_ack", &[Arg::btf("tcp_sock"), ANY], INT),
    row(128, "bpf_sk_cgroup_id", &[SOCK], INT),
    row(129, "bpf_sk_ancestor_cgroup_id", &[SOCK, ANY], INT),
];
