/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What objects are made of besides the ordinary: slots filled by definition,
 * inner maps, managed fields, callbacks, several data sections, references that
 * nothing resolves.
 *
 *   clang-19 -target bpf -mcpu=v4 -O2 -g -Wall -fdebug-compilation-dir=. -c parts.c -o parts.o
 */
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, number) int (*name)[number]
#define __type(name, target) __typeof__(target) *name
#define __array(name, target) __typeof__(target) *name[]

typedef unsigned int u32;
typedef unsigned long long u64;

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

static void *(*const map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*const loop)(u32 times, void *callback, void *state, u64 flags) = (void *)181;

int first(struct xdp_md *ctx), second(struct xdp_md *ctx);

struct {
	__uint(type, 3); /* BPF_MAP_TYPE_PROG_ARRAY */
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(struct xdp_md *));
} steps SEC(".maps") = { .values = { [1] = (void *)&first, [3] = (void *)&second } };

struct inner {
	__uint(type, 2);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} inner_a SEC(".maps");

struct {
	__uint(type, 12); /* BPF_MAP_TYPE_ARRAY_OF_MAPS */
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &inner_a } };

struct bpf_spin_lock { u32 val; };
struct bpf_timer { u64 opaque[2]; };

struct managed {
	u64 plain;
	struct bpf_timer timer;
	struct bpf_spin_lock lock;
	u32 rest;
};

struct {
	__uint(type, 1);
	__uint(max_entries, 16);
	__uint(map_flags, 1); /* BPF_F_NO_PREALLOC */
	__type(key, u64);
	__type(value, struct managed);
} managed_elements SEC(".maps");

char LICENSE[] SEC("license") = "GPL";

const volatile u32 limit = 3;
u32 own SEC(".data.own") = 7;
u64 zeros[2];

/* Goes on with slot 1 or 3, by the packet's first byte. */
SEC("xdp") int start(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 1 > end)
		return 0;
	tail_call(ctx, &steps, data[0]);
	return 100 + own;
}

SEC("xdp") int first(struct xdp_md *ctx)
{
	return 1;
}

SEC("xdp") int second(struct xdp_md *ctx)
{
	return 2;
}

static int add(u32 index, u64 *sum)
{
	*sum += index;
	return 0;
}

/* The sum of 0, 1, 2: a callback's address. */
SEC("xdp") int sums(struct xdp_md *ctx)
{
	u64 sum = 0;

	loop(limit, add, &sum, 0);
	zeros[1] = sum;
	return sum;
}

SEC("xdp") int uses_managed(struct xdp_md *ctx)
{
	u64 key = 0;
	struct managed *element = map_lookup_elem(&managed_elements, &key);

	return element ? element->plain : 0;
}

SEC("xdp") int uses_outer(struct xdp_md *ctx)
{
	u32 key = 0;

	return !!map_lookup_elem(&outer, &key);
}

extern int kernel_function(int) SEC(".ksyms");

SEC("xdp") int calls_the_kernel(struct xdp_md *ctx)
{
	return kernel_function(1);
}

extern const int CONFIG_HZ __attribute__((section(".kconfig")));

SEC("xdp") int asks_the_kernel(struct xdp_md *ctx)
{
	return CONFIG_HZ;
}
