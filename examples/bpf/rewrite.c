/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * XDP programs that write to the packet and keep its checksums right with
 * bpf_csum_diff: `echo` answers pings, `nat` rewrites destination addresses.
 */
#include "brolga_bpf.h"
#include "brolga_net.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __be32);   /* destination address as on the wire */
	__type(value, __be32); /* the address to put in its place */
} nat_table SEC(".maps");

/* .bss */
__u64 answered;
__u64 translated;

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An IPv4 header without options, in an untagged frame, that starts a datagram
 * (not a later fragment of one); null if the frame has none. */
static __always_inline struct ipv4_header *plain_ipv4(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct eth_header *eth = (void *)(long)ctx->data;
	struct ipv4_header *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > end || eth->ethertype != bpf_htons(ETHERTYPE_IPV4))
		return NULL;
	if (ip->version_ihl != 0x45 || ip->fragment & bpf_htons(IPV4_FRAGMENT_OFFSET))
		return NULL;
	return ip;
}

/* The one's complement sum in `sum`, folded to 16 bits and complemented. */
static __always_inline __sum16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* `checksum` after the word `from` under it became `to` (RFC 1624, equation 3). */
static __noinline __u32 changed(__u32 checksum, __be32 from, __be32 to)
{
	return fold(bpf_csum_diff(&from, sizeof(from), &to, sizeof(to), ~checksum & 0xffff));
}

static __always_inline void swap_macs(struct eth_header *eth)
{
	struct eth_header old = *eth;

	__builtin_memcpy(eth->to, old.from, sizeof(eth->to));
	__builtin_memcpy(eth->from, old.to, sizeof(eth->from));
}

/* Turns an ICMP echo request into its reply and sends it back. Swapping the
 * addresses leaves the IP checksum as it was; a fresh TTL does not. */
SEC("xdp")
int echo(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ipv4_header *ip = plain_ipv4(ctx);
	struct icmp_header *icmp;
	__be32 from;

	if (!ip || ip->protocol != PROTO_ICMP)
		return XDP_PASS;
	icmp = (void *)(ip + 1);
	if ((void *)(icmp + 1) > end || icmp->type != ICMP_ECHO_REQUEST || icmp->code != 0)
		return XDP_PASS;
	/* The type is the first byte of its word, the low one on a little-endian CPU. */
	icmp->type = ICMP_ECHO_REPLY;
	icmp->checksum = changed(icmp->checksum, ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY);
	from = ip->from;
	ip->from = ip->to;
	ip->to = from;
	ip->ttl = 64;
	ip->checksum = 0;
	ip->checksum = fold(bpf_csum_diff(NULL, 0, (void *)ip, sizeof(*ip), 0));
	swap_macs((struct eth_header *)ip - 1);
	__sync_fetch_and_add(&answered, 1);
	return XDP_TX;
}

/* The checksum of TCP or UDP in the packet, which covers the addresses too; null
 * where there is none to keep right (a zero UDP checksum means "not computed"). */
static __always_inline __sum16 *transport_checksum(struct ipv4_header *ip, void *end)
{
	struct tcp_header *tcp = (void *)(ip + 1);
	struct udp_header *udp = (void *)(ip + 1);

	if (ip->protocol == PROTO_TCP && (void *)(tcp + 1) <= end)
		return &tcp->checksum;
	if (ip->protocol == PROTO_UDP && (void *)(udp + 1) <= end && udp->checksum)
		return &udp->checksum;
	return NULL;
}

/* Replaces the destination address where nat_table names another. */
SEC("xdp")
int nat(struct xdp_md *ctx)
{
	struct ipv4_header *ip = plain_ipv4(ctx);
	__sum16 *checksum;
	__be32 *to, old;

	if (!ip)
		return XDP_PASS;
	old = ip->to;
	to = bpf_map_lookup_elem(&nat_table, &old);
	if (!to)
		return XDP_PASS;
	ip->to = *to;
	ip->checksum = changed(ip->checksum, old, *to);
	checksum = transport_checksum(ip, (void *)(long)ctx->data_end);
	if (checksum) {
		*checksum = changed(*checksum, old, *to);
		if (!*checksum && ip->protocol == PROTO_UDP)
			*checksum = 0xffff; /* as zero would mean "not computed" */
	}
	__sync_fetch_and_add(&translated, 1);
	return XDP_PASS;
}
