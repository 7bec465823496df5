/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The sum of 128 words of 64 bits. */
#include "bench.h"

enum { WORDS = 128 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u64 *word = mem;
	u64 sum = 0;

	for (int i = 0; i < WORDS; i++)
		sum += word[i];
	return sum;
}
