/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What every bench program starts with. Each is one function,
 *
 *     SEC("raw") u64 entry(void *mem, u64 len)
 *
 * of Brolga's program type `raw`: its input, scratch space and output are the `len`
 * bytes at `mem`, aligned to 8. How many it needs is a constant (the table in
 * src/programs.rs has it), so it does not look at `len`, which not every engine
 * passes; with `mem` known to be that large, every access can be proven. Running it
 * again on the memory it left gives the same answer in the same number of steps.
 *
 * The same file compiles natively (`cc -O2 -fPIC -shared`), to compare with.
 */
#ifndef BENCH_H
#define BENCH_H

typedef unsigned char u8;
typedef unsigned short u16 __attribute__((may_alias));
typedef unsigned int u32 __attribute__((may_alias));
typedef unsigned long long u64 __attribute__((may_alias));

#ifdef __bpf__
#define SEC(name) __attribute__((section(name), used))
#else
#define SEC(name)
#endif

#define UNUSED __attribute__((unused))
#define NOINLINE static __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))

INLINE u32 rotl32(u32 x, int n)
{
	return x << n | x >> (32 - n);
}

INLINE u64 rotl64(u64 x, int n)
{
	return x << n | x >> (64 - n);
}

/* Byte-wise FNV-1a, by which programs that write much sum up what they wrote. */
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL

INLINE u64 fnv1a(const u8 *bytes, int count)
{
	u64 hash = FNV_OFFSET;

	for (int i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * FNV_PRIME;
	return hash;
}

#endif
