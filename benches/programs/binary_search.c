/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* 16 searches in 256 sorted words, without a branch on what is found, as a verifier
 * would have to follow both sides of each; sums up where the keys would go. */
#include "bench.h"

enum { WORDS = 256, KEYS = 16 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *sorted = mem, *keys = sorted + WORDS;
	u64 sum = 0;

	for (u32 k = 0; k < KEYS; k++) {
		u32 at = 0;

		for (u32 step = WORDS / 2; step; step /= 2) {
			u64 below = (u64)sorted[(at + step - 1) & (WORDS - 1)] - keys[k];

			at += step & (u32)(below >> 32);
		}
		sum = sum * 31 + at;
	}
	return sum;
}
