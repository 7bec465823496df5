/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The greatest common divisors of 8 pairs of 32-bit numbers, by Euclid, who needs
 * at most 47 steps for such. */
#include "bench.h"

enum { PAIRS = 8, MAX_STEPS = 48 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u64 *word = mem;
	u64 mix = 0;

	for (int i = 0; i < PAIRS; i++) {
		u64 a = word[2 * i] & 0xffffffff, b = word[2 * i + 1] & 0xffffffff;

		for (int step = 0; step < MAX_STEPS && b; step++) {
			u64 rest = a % b;

			a = b;
			b = rest;
		}
		mix = mix * 31 + a;
	}
	return mix;
}
