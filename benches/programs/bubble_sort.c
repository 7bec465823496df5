/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sorts 16 words on the stack, and hashes them. */
#include "bench.h"

enum { WORDS = 16 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u64 *input = mem;
	u64 sorted[WORDS], hash = FNV_OFFSET;

	for (int i = 0; i < WORDS; i++)
		sorted[i] = input[i];
#pragma GCC unroll 1
	for (int end = WORDS - 1; end > 0; end--) {
#pragma GCC unroll 1
		for (int i = 0; i < end; i++) {
			u64 a = sorted[i], b = sorted[i + 1];

			if (a > b) {
				sorted[i] = b;
				sorted[i + 1] = a;
			}
		}
	}
	for (int i = 0; i < WORDS; i++)
		hash = (hash ^ sorted[i]) * FNV_PRIME;
	return hash;
}
