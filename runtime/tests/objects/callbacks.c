/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Callbacks, and global functions with their types.
 *
 *   clang-19 -target bpf -mcpu=v4 -O2 -g -Wall -fdebug-compilation-dir=. -c callbacks.c -o callbacks.o
 */
typedef unsigned int __u32;
typedef unsigned long long __u64;

struct xdp_md {
	__u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name

static long (*const bpf_loop)(__u32 nr, void *callback, void *ctx, __u64 flags) = (void *)181;
static long (*const bpf_for_each_map_elem)(void *map, void *callback, void *ctx, __u64 flags) = (void *)164;

struct {
	__uint(type, 2);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} squares SEC(".maps");

struct sum {
	__u64 total;
	__u32 most;
};

static long set(void *map, const __u32 *key, __u64 *value, void *ctx)
{
	*value = (__u64)*key * *key;
	return 0;
}

static long add(void *map, const __u32 *key, __u64 *value, struct sum *sum)
{
	sum->total += *value;
	return *key == sum->most;
}

static long count(__u64 index, struct sum *sum)
{
	sum->total += index;
	return 0;
}

__attribute__((noinline)) int twice(struct sum *sum, int by)
{
	if (!sum)
		return -1;
	sum->total *= 2;
	return sum->total + by;
}

__attribute__((noinline)) int length(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}

SEC("xdp") int sums(struct xdp_md *ctx)
{
	struct sum sum = { .most = 4 };

	bpf_for_each_map_elem(&squares, set, 0, 0);
	bpf_for_each_map_elem(&squares, add, &sum, 0); /* 0 + 1 + 4 + 9 + 16 */
	bpf_loop(10, count, &sum, 0); /* 45 */
	return twice(&sum, length(ctx)); /* 150 and the length */
}

char _license[] SEC("license") = "GPL";
