/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A flow counter for tc: packets, bytes and the last time seen of every IP
 * 5-tuple. It lets everything through.
 */
#include "brolga_bpf.h"
#include "brolga_net.h"

enum { MAX_FLOWS = 4096, SIZE_BUCKETS = 32 };

/* 40 bytes without padding. IPv4 addresses stand in word 0, the others are zero. */
struct flow_key {
	struct ipv6_address from;
	struct ipv6_address to;
	__be16 from_port;
	__be16 to_port;
	__u8 protocol;
	__u8 family; /* 4 or 6 */
	__u16 zero;
};

struct flow {
	__u64 packets;
	__u64 bytes;
	__u64 last_seen_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FLOWS);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/* sizes[i] counts packets of 2^i up to 2^(i+1) - 1 bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZE_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} sizes SEC(".maps");

/* .bss */
__u64 skipped;    /* packets without a flow: not IP, or too short */
__u64 table_full; /* packets whose flow found no room */

char LICENSE[] SEC("license") = "GPL"; /* bpf_trace_printk asks for it */

/* Where the network header starts, and what it is (big-endian); skb->protocol
 * names the outermost tag, if the packet carries tags in its data. */
struct network {
	__u32 offset;
	__be16 ethertype;
};

static __always_inline struct network network_header(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct network net = { sizeof(struct eth_header), skb->protocol };

	for (int i = 0; i < 2; i++) {
		struct vlan_tag *tag = data + net.offset;

		if (net.ethertype != bpf_htons(ETHERTYPE_VLAN) &&
		    net.ethertype != bpf_htons(ETHERTYPE_QINQ))
			break;
		if ((void *)(tag + 1) > end)
			break;
		net.offset += sizeof(*tag);
		net.ethertype = tag->ethertype;
	}
	return net;
}

static __noinline int read_ports(struct __sk_buff *skb, __u32 offset, struct flow_key *key)
{
	__be16 ports[2];

	if (key->protocol != PROTO_TCP && key->protocol != PROTO_UDP)
		return 0;
	if (bpf_skb_load_bytes(skb, offset, ports, sizeof(ports)))
		return -1;
	key->from_port = ports[0];
	key->to_port = ports[1];
	return 0;
}

/* A fragment but the first has no ports: its flow has them zero. */
static __always_inline int read_ipv4(struct __sk_buff *skb, __u32 offset, struct flow_key *key)
{
	struct ipv4_header ip;

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
		return -1;
	key->family = 4;
	key->protocol = ip.protocol;
	key->from.word[0] = ip.from;
	key->to.word[0] = ip.to;
	if (ip.fragment & bpf_htons(IPV4_FRAGMENT_OFFSET))
		return 0;
	return read_ports(skb, offset + (ip.version_ihl & 15) * 4, key);
}

/* Extension headers are not walked: their number is the flow's protocol. */
static __always_inline int read_ipv6(struct __sk_buff *skb, __u32 offset, struct flow_key *key)
{
	struct ipv6_header ip;

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
		return -1;
	key->family = 6;
	key->protocol = ip.next;
	key->from = ip.from;
	key->to = ip.to;
	return read_ports(skb, offset + sizeof(ip), key);
}

static __always_inline int read_key(struct __sk_buff *skb, struct flow_key *key)
{
	struct network net = network_header(skb);

	if (net.ethertype == bpf_htons(ETHERTYPE_IPV4))
		return read_ipv4(skb, net.offset, key);
	if (net.ethertype == bpf_htons(ETHERTYPE_IPV6))
		return read_ipv6(skb, net.offset, key);
	return -1;
}

/* Another CPU may add the same flow between our lookup and our update: with
 * BPF_NOEXIST one of us fails, and both then find the entry. */
static __noinline struct flow *find_or_add(const struct flow_key *key)
{
	static const char message[] = "flows: table full";
	struct flow *flow = bpf_map_lookup_elem(&flows, key);
	struct flow fresh = {};

	if (flow)
		return flow;
	bpf_map_update_elem(&flows, key, &fresh, BPF_NOEXIST);
	flow = bpf_map_lookup_elem(&flows, key);
	if (!flow && __sync_fetch_and_add(&table_full, 1) == 0)
		bpf_trace_printk(message, sizeof(message));
	return flow;
}

SEC("tc")
int count_flows(struct __sk_buff *skb)
{
	struct flow_key key = {};
	struct flow *flow;

	if (read_key(skb, &key)) {
		__sync_fetch_and_add(&skipped, 1);
		return TC_ACT_UNSPEC;
	}
	flow = find_or_add(&key);
	if (flow) {
		__sync_fetch_and_add(&flow->packets, 1);
		__sync_fetch_and_add(&flow->bytes, skb->len);
		flow->last_seen_ns = bpf_ktime_get_ns();
	}
	return TC_ACT_OK;
}

/* A histogram of packet lengths, by the older name of the section. */
SEC("classifier")
int size_histogram(struct __sk_buff *skb)
{
	__u32 bucket = 0;
	__u64 *packets;

	for (__u32 len = skb->len; len > 1 && bucket < SIZE_BUCKETS - 1; len >>= 1)
		bucket++;
	packets = bpf_map_lookup_elem(&sizes, &bucket);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	return TC_ACT_OK;
}
