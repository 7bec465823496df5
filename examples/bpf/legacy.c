/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Map definitions as they were before BTF: records in section "maps". libbpf 1.0
 * and later refuse such an object; aya and older loaders take it. It is built
 * without -g, as such objects mostly were: it has no BTF at all.
 */
#include "brolga_bpf.h"
#include "brolga_net.h"

struct bpf_map_def SEC("maps") ethertypes = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 64,
};

struct bpf_map_def SEC("maps") lengths = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 2, /* the shortest frame, the longest */
};

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void count(__u32 ethertype)
{
	__u64 one = 1, *frames = bpf_map_lookup_elem(&ethertypes, &ethertype);

	if (frames)
		__sync_fetch_and_add(frames, 1);
	else
		bpf_map_update_elem(&ethertypes, &ethertype, &one, BPF_ANY);
}

/* Counts frames by EtherType and notes the shortest and the longest. */
SEC("xdp/ethertype_count")
int ethertype_count(struct xdp_md *ctx)
{
	__u64 frame_len = ctx->data_end - ctx->data;
	struct eth_header *eth = (void *)(long)ctx->data;
	__u32 shortest = 0, longest = 1;
	__u64 *len;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	count(bpf_ntohs(eth->ethertype));
	len = bpf_map_lookup_elem(&lengths, &shortest);
	if (len && (*len == 0 || frame_len < *len))
		*len = frame_len;
	len = bpf_map_lookup_elem(&lengths, &longest);
	if (len && frame_len > *len)
		*len = frame_len;
	return XDP_PASS;
}
