/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* XXH64 with seed 0 of 1024 bytes. */
#include "bench.h"

enum { LEN = 1024 };

#define P1 0x9e3779b185ebca87ULL
#define P2 0xc2b2ae3d27d4eb4fULL
#define P3 0x165667b19e3779f9ULL
#define P4 0x85ebca77c2b2ae63ULL

INLINE u64 lane(u64 acc, u64 input)
{
	return rotl64(acc + input * P2, 31) * P1;
}

INLINE u64 merge(u64 hash, u64 acc)
{
	return (hash ^ lane(0, acc)) * P1 + P4;
}

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u64 *word = mem;
	u64 a = P1 + P2, b = P2, c = 0, d = -P1, hash;

	for (int i = 0; i < LEN / 8; i += 4) {
		a = lane(a, word[i]);
		b = lane(b, word[i + 1]);
		c = lane(c, word[i + 2]);
		d = lane(d, word[i + 3]);
	}
	hash = rotl64(a, 1) + rotl64(b, 7) + rotl64(c, 12) + rotl64(d, 18);
	hash = merge(merge(merge(merge(hash, a), b), c), d) + LEN;
	hash = (hash ^ hash >> 33) * P2;
	hash = (hash ^ hash >> 29) * P3;
	return hash ^ hash >> 32;
}
