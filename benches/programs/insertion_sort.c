/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copies 16 words, sorts the copy in memory, and hashes it. */
#include "bench.h"

enum { WORDS = 16 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *input = mem;
	u32 *sorted = (u32 *)mem + WORDS;

	for (int i = 0; i < WORDS; i++) {
		u32 word = input[i];
		int at = i;

		for (; at > 0 && sorted[at - 1] > word; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = word;
	}
	return fnv1a((const u8 *)sorted, WORDS * 4);
}
