/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copies 16 words, sorts the copy by selection, and hashes it. Where the smallest
 * stands decides an address, so a verifier that enumerates follows every choice. */
#include "bench.h"

enum { WORDS = 16 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *input = mem;
	u32 *sorted = (u32 *)mem + WORDS;

	for (int i = 0; i < WORDS; i++)
		sorted[i] = input[i];
#pragma GCC unroll 1
	for (u32 i = 0; i < WORDS - 1; i++) {
		u32 least = i, word;

#pragma GCC unroll 1
		for (u32 at = i + 1; at < WORDS; at++)
			if (sorted[at] < sorted[least])
				least = at;
		word = sorted[least];
		sorted[least] = sorted[i];
		sorted[i] = word;
	}
	return fnv1a((const u8 *)sorted, WORDS * 4);
}
