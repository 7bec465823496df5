/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Population count, leading zeros and bit reversal of 64 words, without the
 * instructions that a CPU has for them. */
#include "bench.h"

enum { WORDS = 64 };

INLINE u64 ones(u64 x)
{
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return x * 0x0101010101010101ULL >> 56;
}

INLINE u64 leading_zeros(u64 x)
{
	x |= x >> 1;
	x |= x >> 2;
	x |= x >> 4;
	x |= x >> 8;
	x |= x >> 16;
	x |= x >> 32;
	return 64 - ones(x);
}

INLINE u64 reversed(u64 x)
{
	x = (x >> 1 & 0x5555555555555555ULL) | (x & 0x5555555555555555ULL) << 1;
	x = (x >> 2 & 0x3333333333333333ULL) | (x & 0x3333333333333333ULL) << 2;
	x = (x >> 4 & 0x0f0f0f0f0f0f0f0fULL) | (x & 0x0f0f0f0f0f0f0f0fULL) << 4;
	x = (x >> 8 & 0x00ff00ff00ff00ffULL) | (x & 0x00ff00ff00ff00ffULL) << 8;
	x = (x >> 16 & 0x0000ffff0000ffffULL) | (x & 0x0000ffff0000ffffULL) << 16;
	return x >> 32 | x << 32;
}

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u64 *word = mem;
	u64 mix = 0;

	for (int i = 0; i < WORDS; i++)
		mix = rotl64(mix, 1) ^ (reversed(word[i]) + ones(word[i]) * 67 + leading_zeros(word[i]));
	return mix;
}
