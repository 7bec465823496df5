/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* 48 lookups in an array map of u32 -> u64; returns the sum's low half. */
#include "../../examples/bpf/brolga_bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("socket")
int map_array(struct __sk_buff *skb __attribute__((unused)))
{
	__u64 sum = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 48; i++) {
		__u32 key = i * 5 & 63;
		__u64 *value = bpf_map_lookup_elem(&values, &key);

		if (value)
			sum += *value;
	}
	return sum;
}
