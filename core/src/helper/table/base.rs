//! Maps, time, numbers, printing: what nearly every kind of program may call.

use super::row;
use super::words::{ANY, CTX, INT, KEY, MAP, MEM, SIZE, VALUE};
use crate::helper::{Proto, Ret};

pub(super) static ROWS: [Proto; 8] = [
    row(1, "bpf_map_lookup_elem", &[MAP, KEY], Ret::MAP_VALUE_OR_NULL).packet_args(),
    row(2, "bpf_map_update_elem", &[MAP, KEY, VALUE, ANY], INT).packet_args(),
    row(3, "bpf_map_delete_elem", &[MAP, KEY], INT).packet_args(),
    row(5, "bpf_ktime_get_ns", &[], INT),
    row(6, "bpf_trace_printk", &[MEM, SIZE], INT).gpl(),
    row(7, "bpf_get_prandom_u32", &[], INT),
    row(8, "bpf_get_smp_processor_id", &[], INT),
    row(12, "bpf_tail_call", &[CTX, MAP, ANY], Ret::VOID),
];
