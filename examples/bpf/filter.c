/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Socket filters: what they return is how many bytes of the packet the socket
 * gets, 0 for none. The packet starts with its Ethernet header, as on a packet
 * socket.
 */
#include "brolga_bpf.h"
#include "brolga_net.h"

enum { L2 = sizeof(struct eth_header), SNAP_LEN = 128, WHOLE_PACKET = 0x40000, PORT_DNS = 53 };

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* DNS over UDP over IPv4, from either side, with the packet loads of classic
 * BPF: one that passes the packet's end ends the program with 0. */
SEC("socket")
int dns(struct __sk_buff *skb)
{
	__u32 transport;

	if (load_half(skb, 12) != ETHERTYPE_IPV4)
		return 0;
	if (load_byte(skb, L2 + 9) != PROTO_UDP)
		return 0;
	if (load_half(skb, L2 + 6) & IPV4_FRAGMENT_OFFSET)
		return 0;
	transport = L2 + (load_byte(skb, L2) & 15) * 4;
	if (load_half(skb, transport) == PORT_DNS || load_half(skb, transport + 2) == PORT_DNS)
		return SNAP_LEN;
	return 0;
}

/* Packets that open a TCP connection over IPv4 or IPv6, whole. */
SEC("socket")
int tcp_syn(struct __sk_buff *skb)
{
	struct tcp_header tcp;
	struct ipv4_header ip;
	__u32 transport = L2 + sizeof(struct ipv6_header);
	__be16 ethertype;
	__u8 next;

	if (bpf_skb_load_bytes(skb, 12, &ethertype, sizeof(ethertype)))
		return 0;
	if (ethertype == bpf_htons(ETHERTYPE_IPV4)) {
		if (bpf_skb_load_bytes(skb, L2, &ip, sizeof(ip)))
			return 0;
		if (ip.fragment & bpf_htons(IPV4_FRAGMENT_OFFSET))
			return 0;
		transport = L2 + (ip.version_ihl & 15) * 4;
		next = ip.protocol;
	} else if (ethertype != bpf_htons(ETHERTYPE_IPV6) ||
		   bpf_skb_load_bytes(skb, L2 + 6, &next, sizeof(next))) {
		return 0;
	}
	if (next != PROTO_TCP || bpf_skb_load_bytes(skb, transport, &tcp, sizeof(tcp)))
		return 0;
	return (tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? WHOLE_PACKET : 0;
}
