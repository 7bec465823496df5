/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * All that Brolga's example programs need of the eBPF ABI: types, section and
 * map-definition macros, context structs and helper numbers. The names, numbers
 * and layouts are the kernel's ABI, so objects built with this header load on
 * Linux too; it needs neither kernel nor libbpf headers.
 */
#ifndef BROLGA_BPF_H
#define BROLGA_BPF_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;

/* Big-endian values: same bits, and the name says that they need swapping. */
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u16 __sum16;
typedef __u32 __wsum;

#define SEC(name) __attribute__((section(name), used))
#define __noinline __attribute__((noinline))
#define __always_inline inline __attribute__((always_inline))
#define NULL ((void *)0)

/* Fields of a BTF map definition: a number travels as an array's length, a type
 * as a pointer's target. The loader reads both from BTF; nothing is stored. */
#define __uint(name, number) int (*name)[number]
#define __type(name, target) __typeof__(target) *name

/* The map definition of before BTF: one record per map in section "maps". */
struct bpf_map_def {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
};

enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_ARRAY = 6 };
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };
enum { TC_ACT_UNSPEC = -1, TC_ACT_OK = 0, TC_ACT_SHOT = 2 };

/* Context of an XDP program. data, data_end and data_meta are 32 bits wide here
 * and become packet pointers when loaded. */
struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

/* Context of socket filters and tc classifiers; offsets in bytes at the right. */
struct __sk_buff {
	__u32 len;             /*   0: bytes in the packet */
	__u32 pkt_type;        /*   4 */
	__u32 mark;            /*   8 */
	__u32 queue_mapping;   /*  12 */
	__u32 protocol;        /*  16: EtherType, big-endian in the low 16 bits */
	__u32 vlan_present;    /*  20 */
	__u32 vlan_tci;        /*  24 */
	__u32 vlan_proto;      /*  28 */
	__u32 priority;        /*  32 */
	__u32 ingress_ifindex; /*  36 */
	__u32 ifindex;         /*  40 */
	__u32 tc_index;        /*  44 */
	__u32 cb[5];           /*  48: scratch space of the program */
	__u32 hash;            /*  68 */
	__u32 tc_classid;      /*  72 */
	__u32 data;            /*  76 */
	__u32 data_end;        /*  80 */
	__u32 napi_id;         /*  84 */
	__u32 family;          /*  88 */
	__u32 remote_ip4;      /*  92 */
	__u32 local_ip4;       /*  96 */
	__u32 remote_ip6[4];   /* 100 */
	__u32 local_ip6[4];    /* 116 */
	__u32 remote_port;     /* 132 */
	__u32 local_port;      /* 136 */
	__u32 data_meta;       /* 140 */
	__u64 flow_keys;       /* 144: a pointer, for flow dissectors only */
	__u64 tstamp;          /* 152 */
	__u32 wire_len;        /* 160 */
	__u32 gso_segs;        /* 164 */
	__u64 sk;              /* 168: a pointer to a socket, or null */
	__u32 gso_size;        /* 176 */
	__u8 tstamp_type;      /* 180 */
	__u8 unused[3];
	__u64 hwtstamp;        /* 184 */
};

_Static_assert(sizeof(struct xdp_md) == 24, "xdp_md has the kernel's layout");
_Static_assert(__builtin_offsetof(struct __sk_buff, data_end) == 80, "__sk_buff: data_end");
_Static_assert(__builtin_offsetof(struct __sk_buff, hwtstamp) == 184, "__sk_buff: hwtstamp");

/* A helper is called through a constant "pointer" that holds its number. */
#define HELPER(number) ((void *)(number))

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = HELPER(1);
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
					 __u64 flags) = HELPER(2);
static long (*const bpf_map_delete_elem)(void *map, const void *key) = HELPER(3);
static __u64 (*const bpf_ktime_get_ns)(void) = HELPER(5);
static long (*const bpf_trace_printk)(const char *fmt, __u32 fmt_size, ...) = HELPER(6);
static __u32 (*const bpf_get_prandom_u32)(void) = HELPER(7);
static __u32 (*const bpf_get_smp_processor_id)(void) = HELPER(8);
static long (*const bpf_skb_load_bytes)(const void *skb, __u32 offset, void *to,
					__u32 len) = HELPER(26);
static __s64 (*const bpf_csum_diff)(const void *from, __u32 from_size, const void *to,
				    __u32 to_size, __wsum seed) = HELPER(28);

/* The packet loads of classic BPF (LD_ABS and LD_IND): big-endian on the wire,
 * host order in the result; outside the packet they end the program with 0. */
__u64 load_byte(void *skb, __u64 offset) __asm__("llvm.bpf.load.byte");
__u64 load_half(void *skb, __u64 offset) __asm__("llvm.bpf.load.half");
__u64 load_word(void *skb, __u64 offset) __asm__("llvm.bpf.load.word");

#define bpf_htons(x) ((__be16)__builtin_bswap16((__u16)(x)))
#define bpf_ntohs(x) ((__u16)__builtin_bswap16((__u16)(x)))
#define bpf_htonl(x) ((__be32)__builtin_bswap32((__u32)(x)))
#define bpf_ntohl(x) ((__u32)__builtin_bswap32((__u32)(x)))

#endif
