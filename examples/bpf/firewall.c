/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An XDP firewall.
 *
 * A frame goes through three steps: `parse` finds what it carries, `count` adds
 * it to that class's counter, `is_blocked` looks its source address and
 * destination port up in the block lists. Blocked frames are dropped, and so are
 * malformed ones unless the configuration says otherwise.
 *
 * brolga_examples::model is the same firewall in plain Rust, written apart from
 * this file: end-to-end tests compare the two on traffic.pcap.
 */
#include "brolga_bpf.h"
#include "brolga_net.h"

enum { MAX_VLAN_TAGS = 2, MAX_EXTENSIONS = 4 };

/* Indices of `counters`. */
enum class {
	CLASS_NON_IP,
	CLASS_TCP,
	CLASS_UDP,
	CLASS_ICMP,
	CLASS_ICMPV6,
	CLASS_OTHER,     /* an IP protocol that is none of these */
	CLASS_FRAGMENT,  /* a fragment but the first: no transport header */
	CLASS_MALFORMED, /* truncated, or its lengths contradict each other */
	CLASSES,
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct port_key {
	__be16 port;
	__u8 protocol;
	__u8 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32); /* source address as on the wire */
	__type(value, __u64); /* frames blocked by this entry */
} blocked_v4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ipv6_address);
	__type(value, __u64);
} blocked_v6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct port_key); /* destination port */
	__type(value, __u64);
} blocked_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLASSES);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

/* .rodata: fixed before the program is loaded, so a loader that freezes the map
 * lets the verifier fold it. */
const volatile __u8 drop_malformed = 1;

/* .data: may change while the program runs; 0 only reports what it would drop. */
__u32 enforce = 1;

/* .bss */
struct {
	__u64 seen;
	__u64 passed;
	__u64 dropped;
} totals;

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* What `parse` found out. The fields behind `class` hold zero where the frame
 * has no such thing. */
struct summary {
	__u32 class;
	__u32 family; /* 4, 6, or 0 for none */
	__be32 v4;    /* source address */
	struct ipv6_address v6;
	struct port_key port; /* protocol is 0 where there are no ports */
};

/* The part of the frame that is still unread. */
struct cursor {
	void *pos;
	void *end;
};

/* Steps over `len` bytes and returns where they start; null past the end. */
static __always_inline void *take(struct cursor *c, __u32 len)
{
	void *start = c->pos;

	if (start + len > c->end)
		return NULL;
	c->pos = start + len;
	return start;
}

static __always_inline __u32 parse_tcp(struct cursor *c, __u32 len, struct summary *s)
{
	struct tcp_header *tcp = take(c, sizeof(*tcp));
	__u32 header_len;

	if (!tcp)
		return CLASS_MALFORMED;
	header_len = (tcp->data_offset >> 4) * 4;
	if (header_len < sizeof(*tcp) || header_len > len)
		return CLASS_MALFORMED;
	s->port.port = tcp->to_port;
	s->port.protocol = PROTO_TCP;
	return CLASS_TCP;
}

/* The length in a first fragment is the whole datagram's, so it may pass the end. */
static __always_inline __u32 parse_udp(struct cursor *c, __u32 len, int fragmented,
				       struct summary *s)
{
	struct udp_header *udp = take(c, sizeof(*udp));
	__u32 udp_len;

	if (!udp || len < sizeof(*udp))
		return CLASS_MALFORMED;
	udp_len = bpf_ntohs(udp->len);
	if (udp_len < sizeof(*udp) || (udp_len > len && !fragmented))
		return CLASS_MALFORMED;
	s->port.port = udp->to_port;
	s->port.protocol = PROTO_UDP;
	return CLASS_UDP;
}

static __always_inline __u32 parse_icmp(struct cursor *c, __u32 len, __u32 class)
{
	if (!take(c, sizeof(struct icmp_header)) || len < sizeof(struct icmp_header))
		return CLASS_MALFORMED;
	return class;
}

/* `len` is what the IP header leaves for the transport. */
static __always_inline __u32 parse_transport(struct cursor *c, __u8 protocol, __u32 len,
					     int fragmented, struct summary *s)
{
	switch (protocol) {
	case PROTO_TCP:
		return parse_tcp(c, len, s);
	case PROTO_UDP:
		return parse_udp(c, len, fragmented, s);
	case PROTO_ICMP:
		return s->family == 4 ? parse_icmp(c, len, CLASS_ICMP) : CLASS_OTHER;
	case PROTO_ICMPV6:
		return s->family == 6 ? parse_icmp(c, len, CLASS_ICMPV6) : CLASS_OTHER;
	default:
		return CLASS_OTHER;
	}
}

static __always_inline __u32 parse_ipv4(struct cursor *c, struct summary *s)
{
	struct ipv4_header *ip = take(c, sizeof(*ip));
	__u32 header_len, total_len, fragment;

	if (!ip || ip->version_ihl >> 4 != 4)
		return CLASS_MALFORMED;
	header_len = (ip->version_ihl & 15) * 4;
	total_len = bpf_ntohs(ip->total_len);
	if (header_len < sizeof(*ip) || total_len < header_len)
		return CLASS_MALFORMED;
	if ((void *)ip + total_len > c->end)
		return CLASS_MALFORMED;
	s->family = 4;
	s->v4 = ip->from;
	fragment = bpf_ntohs(ip->fragment);
	if (fragment & IPV4_FRAGMENT_OFFSET)
		return CLASS_FRAGMENT;
	c->pos = (void *)ip + header_len;
	return parse_transport(c, ip->protocol, total_len - header_len,
			       fragment & IPV4_MORE_FRAGMENTS, s);
}

/* Bytes in an extension header; 0 if `next` is not one that we step over. */
static __always_inline __u32 extension_len(__u8 next, __u8 len)
{
	switch (next) {
	case PROTO_HOP_BY_HOP:
	case PROTO_ROUTING:
	case PROTO_DEST_OPTIONS:
		return (len + 1) * 8;
	case PROTO_AUTH:
		return (len + 2) * 4;
	case PROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static __always_inline int is_extension(__u8 next)
{
	return next == PROTO_HOP_BY_HOP || next == PROTO_ROUTING || next == PROTO_FRAGMENT ||
	       next == PROTO_AUTH || next == PROTO_DEST_OPTIONS;
}

static __always_inline __u32 parse_ipv6(struct cursor *c, struct summary *s)
{
	struct ipv6_header *ip = take(c, sizeof(*ip));
	int fragmented = 0;
	__u32 left;
	__u8 next;

	if (!ip || (ip->version_class_flow & 0xf0) != 0x60)
		return CLASS_MALFORMED;
	left = bpf_ntohs(ip->payload_len);
	if (c->pos + left > c->end)
		return CLASS_MALFORMED;
	s->family = 6;
	s->v6 = ip->from;
	next = ip->next;
#pragma clang loop unroll(disable)
	for (int i = 0; i < MAX_EXTENSIONS && is_extension(next); i++) {
		struct ipv6_extension *ext = c->pos;
		__u32 len;

		if ((void *)(ext + 1) > c->end)
			return CLASS_MALFORMED;
		len = extension_len(next, ext->len);
		if (len > left)
			return CLASS_MALFORMED;
		if (next == PROTO_FRAGMENT) {
			if (ext->fragment & bpf_htons(0xfff8))
				return CLASS_FRAGMENT;
			fragmented |= ext->fragment & bpf_htons(1);
		}
		left -= len;
		next = ext->next;
		c->pos += len;
	}
	if (is_extension(next))
		return CLASS_MALFORMED;
	return parse_transport(c, next, left, fragmented, s);
}

static __always_inline __u32 parse(struct cursor *c, struct summary *s)
{
	struct eth_header *eth = take(c, sizeof(*eth));
	__be16 ethertype;

	if (!eth)
		return CLASS_MALFORMED;
	ethertype = eth->ethertype;
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag *tag;

		if (ethertype != bpf_htons(ETHERTYPE_VLAN) &&
		    ethertype != bpf_htons(ETHERTYPE_QINQ))
			break;
		tag = take(c, sizeof(*tag));
		if (!tag)
			return CLASS_MALFORMED;
		ethertype = tag->ethertype;
	}
	switch (ethertype) {
	case bpf_htons(ETHERTYPE_IPV4):
		return parse_ipv4(c, s);
	case bpf_htons(ETHERTYPE_IPV6):
		return parse_ipv6(c, s);
	default:
		return CLASS_NON_IP;
	}
}

static __noinline int count(__u32 class, __u64 bytes)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &class);

	if (!counter)
		return -1;
	__sync_fetch_and_add(&counter->packets, 1);
	__sync_fetch_and_add(&counter->bytes, bytes);
	return 0;
}

static __noinline int is_blocked(const struct summary *s)
{
	__u64 *hits = NULL;

	if (s->family == 4)
		hits = bpf_map_lookup_elem(&blocked_v4, &s->v4);
	else if (s->family == 6)
		hits = bpf_map_lookup_elem(&blocked_v6, &s->v6);
	if (!hits && s->port.protocol)
		hits = bpf_map_lookup_elem(&blocked_ports, &s->port);
	if (!hits)
		return 0;
	__sync_fetch_and_add(hits, 1);
	return 1;
}

static __always_inline struct cursor frame(struct xdp_md *ctx)
{
	return (struct cursor){ (void *)(long)ctx->data, (void *)(long)ctx->data_end };
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	struct cursor c = frame(ctx);
	struct summary s = {};
	int drop;

	__sync_fetch_and_add(&totals.seen, 1);
	s.class = parse(&c, &s);
	count(s.class, ctx->data_end - ctx->data);
	drop = is_blocked(&s) || (s.class == CLASS_MALFORMED && drop_malformed);
	if (drop)
		__sync_fetch_and_add(&totals.dropped, 1);
	else
		__sync_fetch_and_add(&totals.passed, 1);
	return drop && enforce ? XDP_DROP : XDP_PASS;
}

/* Counts like the firewall, and blocks nothing. */
SEC("xdp")
int count_only(struct xdp_md *ctx)
{
	struct cursor c = frame(ctx);
	struct summary s = {};

	count(parse(&c, &s), ctx->data_end - ctx->data);
	return XDP_PASS;
}

/* The least that an XDP program can be. */
SEC("xdp")
int pass_all(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}
