/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kernel functions: iterators over numbers, and sections of code.
 *
 *   clang-19 -target bpf -mcpu=v4 -O2 -g -Wall -fdebug-compilation-dir=. -c kfuncs.c -o kfuncs.o
 */
typedef unsigned int __u32;
typedef unsigned long long __u64;

struct xdp_md {
	__u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

#define SEC(name) __attribute__((section(name), used))
#define __ksym __attribute__((section(".ksyms")))

struct bpf_iter_num {
	__u64 opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;
extern int bpf_iter_task_new(void *it, void *task, __u32 flags) __ksym;

/* The sum of the packet's bytes, each times its place among those of its row. */
SEC("xdp")
int rows(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 sum = 0;
	struct bpf_iter_num outer, inner;
	int *row, *column;

	bpf_rcu_read_lock();
	bpf_iter_num_new(&outer, 0, 1000);
	while ((row = bpf_iter_num_next(&outer))) {
		__u32 r = *row;

		if (r >= 4)
			break;
		bpf_iter_num_new(&inner, 0, 8);
		while ((column = bpf_iter_num_next(&inner))) {
			__u64 at = (r * 8 + *column) & 31;

			if (data + at + 1 > end)
				break;
			sum += data[at] * (*column + 1);
		}
		bpf_iter_num_destroy(&inner);
	}
	bpf_iter_num_destroy(&outer);
	bpf_rcu_read_unlock();
	bpf_preempt_disable();
	sum += 1;
	bpf_preempt_enable();
	return sum;
}

SEC("xdp")
int unknown(struct xdp_md *ctx)
{
	__u64 it = 0;

	return bpf_iter_task_new(&it, 0, 0);
}

char _license[] SEC("license") = "GPL";
