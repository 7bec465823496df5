/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls to subprograms, four deep: what a call costs. */
#include "bench.h"

enum { WORDS = 64 };

NOINLINE u64 scramble(u64 x)
{
	return (x ^ x >> 33) * 0xff51afd7ed558ccdULL;
}

NOINLINE u64 pair(u64 a, u64 b)
{
	return scramble(a) + rotl64(scramble(b), 23);
}

NOINLINE u64 choose(u64 mix, u64 word, u64 i)
{
	return i & 1 ? pair(mix, word) : pair(word, mix + i);
}

NOINLINE u64 step(const u64 *word, u64 mix, u64 i)
{
	return choose(mix, word[0], i) ^ word[1];
}

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u64 *word = mem;
	u64 mix = 0;

	for (int i = 0; i < WORDS - 1; i++)
		mix = step(word + i, mix, i);
	return mix;
}
