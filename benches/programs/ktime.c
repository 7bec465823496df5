/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* 16 readings of the clock; returns how many are not before the one before. */
#include "../../examples/bpf/brolga_bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("socket")
int ktime(struct __sk_buff *skb __attribute__((unused)))
{
	__u64 last = 0;
	int in_order = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 16; i++) {
		__u64 now = bpf_ktime_get_ns();

		in_order += now >= last;
		last = now;
	}
	return in_order;
}
