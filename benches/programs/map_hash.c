/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* 48 lookups in a hash map of u32 -> u64, of which half find something; returns
 * the sum's low half. */
#include "../../examples/bpf/brolga_bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("xdp")
int map_hash(struct xdp_md *ctx __attribute__((unused)))
{
	__u64 sum = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 48; i++) {
		__u32 key = i * 7;
		__u64 *value = bpf_map_lookup_elem(&table, &key);

		if (value)
			sum += *value;
	}
	return sum;
}
