/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* 48 stores into this processor's values of an array; returns how many were found. */
#include "../../examples/bpf/brolga_bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("socket")
int map_percpu(struct __sk_buff *skb __attribute__((unused)))
{
	int found = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 48; i++) {
		__u32 key = i * 5 & 63;
		__u64 *value = bpf_map_lookup_elem(&counts, &key);

		if (value) {
			*value += 1;
			found++;
		}
	}
	return found;
}
