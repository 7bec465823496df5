//! Packets and sockets.

use super::row;
use super::words::{ANY, CTX, INT, MEM, OUT, SIZE, SIZE0};
use crate::helper::Proto;

pub(super) static ROWS: [Proto; 2] = [
    row(26, "bpf_skb_load_bytes", &[CTX, ANY, OUT, SIZE], INT),
    row(28, "bpf_csum_diff", &[MEM.or_null(), SIZE0, MEM.or_null(), SIZE0, ANY], INT).packet_args(),
];
