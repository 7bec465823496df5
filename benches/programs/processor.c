/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* 16 questions for the processor; returns how many answers may be one. */
#include "../../examples/bpf/brolga_bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("socket")
int processor(struct __sk_buff *skb __attribute__((unused)))
{
	int possible = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 16; i++)
		possible += bpf_get_smp_processor_id() < 65536;
	return possible;
}
