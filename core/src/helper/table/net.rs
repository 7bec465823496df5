//! XDP, redirection, routes, messages between sockets.

use super::row;
use super::words::{ANY, CTX, IN_OUT, INT, KEY, MAP, MEM, OUT, SIZE, SIZE0};
use crate::helper::{Arg, ArgFlags, Proto};

/// The length of a packet in, the MTU out.
const MTU: Arg = IN_OUT.with(ArgFlags::ALIGNED).sized(4);

pub(super) static ROWS: [Proto; 27] = [
    // XDP.
    row(44, "bpf_xdp_adjust_head", &[CTX, ANY], INT).changes_packet(),
    row(54, "bpf_xdp_adjust_meta", &[CTX, ANY], INT).changes_packet(),
    row(65, "bpf_xdp_adjust_tail", &[CTX, ANY], INT).changes_packet(),
    row(188, "bpf_xdp_get_buff_len", &[CTX], INT),
    row(189, "bpf_xdp_load_bytes", &[CTX, ANY, OUT, SIZE], INT),
    row(190, "bpf_xdp_store_bytes", &[CTX, ANY, MEM, SIZE], INT),
    // Where packets go.
    row(23, "bpf_redirect", &[ANY, ANY], INT),
    row(51, "bpf_redirect_map", &[MAP, ANY, ANY], INT),
    row(152, "bpf_redirect_neigh", &[ANY, MEM.or_null(), SIZE0, ANY], INT),
    row(155, "bpf_redirect_peer", &[ANY, ANY], INT),
    row(69, "bpf_fib_lookup", &[CTX, IN_OUT, SIZE, ANY], INT).gpl(),
    row(163, "bpf_check_mtu", &[CTX, ANY, MTU, ANY, ANY], INT).gpl(),
    // From socket to socket.
    row(52, "bpf_sk_redirect_map", &[CTX, MAP, ANY, ANY], INT),
    row(53, "bpf_sock_map_update", &[CTX, MAP, KEY, ANY], INT).packet_args(),
    row(60, "bpf_msg_redirect_map", &[CTX, MAP, ANY, ANY], INT),
    row(61, "bpf_msg_apply_bytes", &[CTX, ANY], INT),
    row(62, "bpf_msg_cork_bytes", &[CTX, ANY], INT),
    row(63, "bpf_msg_pull_data", &[CTX, ANY, ANY, ANY], INT).changes_packet(),
    row(70, "bpf_sock_hash_update", &[CTX, MAP, KEY, ANY], INT).packet_args(),
    row(71, "bpf_msg_redirect_hash", &[CTX, MAP, KEY, ANY], INT),
    row(72, "bpf_sk_redirect_hash", &[CTX, MAP, KEY, ANY], INT),
    row(82, "bpf_sk_select_reuseport", &[CTX, MAP, KEY, ANY], INT),
    row(90, "bpf_msg_push_data", &[CTX, ANY, ANY, ANY], INT).changes_packet(),
    row(91, "bpf_msg_pop_data", &[CTX, ANY, ANY, ANY], INT).changes_packet(),
    // TCP header options.
    row(142, "bpf_load_hdr_opt", &[CTX, IN_OUT, SIZE, ANY], INT),
    row(143, "bpf_store_hdr_opt", &[CTX, MEM, SIZE, ANY], INT).changes_packet(),
    row(144, "bpf_reserve_hdr_opt", &[CTX, ANY, ANY], INT),
];
