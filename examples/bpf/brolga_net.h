/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The packet headers that the examples read, as their RFCs draw them. Every
 * multi-byte field is big-endian. */
#ifndef BROLGA_NET_H
#define BROLGA_NET_H

#include "brolga_bpf.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100, /* 802.1Q */
	ETHERTYPE_QINQ = 0x88a8, /* 802.1ad */
	ETHERTYPE_IPV6 = 0x86dd,
};

enum {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AUTH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_NO_NEXT = 59,
	PROTO_DEST_OPTIONS = 60,
};

struct eth_header {
	__u8 to[6];
	__u8 from[6];
	__be16 ethertype;
};

struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

enum { IPV4_MORE_FRAGMENTS = 0x2000, IPV4_FRAGMENT_OFFSET = 0x1fff };

struct ipv4_header {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_len;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__sum16 checksum;
	__be32 from;
	__be32 to;
};

struct ipv6_address {
	__be32 word[4];
};

struct ipv6_header {
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 next;
	__u8 hop_limit;
	struct ipv6_address from;
	struct ipv6_address to;
};

/* The start of every IPv6 extension header that has a length. */
struct ipv6_extension {
	__u8 next;
	__u8 len;
	__be16 fragment; /* in a fragment header: offset in bits 3..15, M in bit 0 */
	__u8 rest[4];
};

struct tcp_header {
	__be16 from_port;
	__be16 to_port;
	__be32 seq;
	__be32 ack;
	__u8 data_offset; /* in words, high four bits */
	__u8 flags;
	__be16 window;
	__sum16 checksum;
	__be16 urgent;
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct udp_header {
	__be16 from_port;
	__be16 to_port;
	__be16 len;
	__sum16 checksum;
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 id;
	__be16 seq;
};

enum { ICMP_ECHO_REPLY = 0, ICMP_ECHO_REQUEST = 8 };

#endif
