//! What is done to an skb.

use super::row;
use super::words::{ANY, CTX, INT, MEM, OUT, SIZE};
use crate::helper::Proto;

pub(super) static ROWS: [Proto; 39] = [
    // Bytes and checksums.
    row(9, "bpf_skb_store_bytes", &[CTX, ANY, MEM, SIZE, ANY], INT).changes_packet(),
    row(10, "bpf_l3_csum_replace", &[CTX, ANY, ANY, ANY, ANY], INT).changes_packet(),
    row(11, "bpf_l4_csum_replace", &[CTX, ANY, ANY, ANY, ANY], INT).changes_packet(),
    row(26, "bpf_skb_load_bytes", &[CTX, ANY, OUT, SIZE], INT),
    row(68, "bpf_skb_load_bytes_relative", &[CTX, ANY, OUT, SIZE, ANY], INT),
    row(39, "bpf_skb_pull_data", &[CTX, ANY], INT).changes_packet(),
    row(40, "bpf_csum_update", &[CTX, ANY], INT),
    row(135, "bpf_csum_level", &[CTX, ANY], INT),
    // Shape.
    row(18, "bpf_skb_vlan_push", &[CTX, ANY, ANY], INT).changes_packet(),
    row(19, "bpf_skb_vlan_pop", &[CTX], INT).changes_packet(),
    row(31, "bpf_skb_change_proto", &[CTX, ANY, ANY], INT).changes_packet(),
    row(32, "bpf_skb_change_type", &[CTX, ANY], INT),
    row(38, "bpf_skb_change_tail", &[CTX, ANY, ANY], INT).changes_packet(),
    row(43, "bpf_skb_change_head", &[CTX, ANY, ANY], INT).changes_packet(),
    row(50, "bpf_skb_adjust_room", &[CTX, ANY, ANY, ANY], INT).changes_packet(),
    row(97, "bpf_skb_ecn_set_ce", &[CTX], INT),
    row(192, "bpf_skb_set_tstamp", &[CTX, ANY, ANY], INT),
    // Tunnels.
    row(20, "bpf_skb_get_tunnel_key", &[CTX, OUT, SIZE, ANY], INT),
    row(21, "bpf_skb_set_tunnel_key", &[CTX, MEM, SIZE, ANY], INT),
    row(29, "bpf_skb_get_tunnel_opt", &[CTX, OUT, SIZE], INT),
    row(30, "bpf_skb_set_tunnel_opt", &[CTX, MEM, SIZE], INT),
    row(66, "bpf_skb_get_xfrm_state", &[CTX, ANY, OUT, SIZE, ANY], INT),
    row(73, "bpf_lwt_push_encap", &[CTX, ANY, MEM, SIZE], INT).changes_packet(),
    row(74, "bpf_lwt_seg6_store_bytes", &[CTX, ANY, MEM, SIZE], INT).changes_packet(),
    row(75, "bpf_lwt_seg6_adjust_srh", &[CTX, ANY, ANY], INT).changes_packet(),
    row(76, "bpf_lwt_seg6_action", &[CTX, ANY, MEM, SIZE], INT).changes_packet(),
    // Whose it is.
    row(17, "bpf_get_cgroup_classid", &[CTX], INT),
    row(24, "bpf_get_route_realm", &[CTX], INT),
    row(34, "bpf_get_hash_recalc", &[CTX], INT),
    row(41, "bpf_set_hash_invalid", &[CTX], INT),
    row(48, "bpf_set_hash", &[CTX, ANY], INT),
    row(46, "bpf_get_socket_cookie", &[CTX], INT),
    row(47, "bpf_get_socket_uid", &[CTX], INT),
    row(79, "bpf_skb_cgroup_id", &[CTX], INT),
    row(83, "bpf_skb_ancestor_cgroup_id", &[CTX, ANY], INT),
    row(151, "bpf_skb_cgroup_classid", &[CTX], INT),
    row(122, "bpf_get_netns_cookie", &[CTX.or_null()], INT),
    // Where it goes.
    row(13, "bpf_clone_redirect", &[CTX, ANY, ANY], INT).changes_packet(),
    row(124, "bpf_sk_assign", &[CTX, super::words::SOCK, ANY], INT),
];
