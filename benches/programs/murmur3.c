/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* MurmurHash3, 32 bits, with seed 0 of 512 bytes. */
#include "bench.h"

enum { WORDS = 128 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *word = mem;
	u32 hash = 0;

	for (int i = 0; i < WORDS; i++) {
		u32 k = rotl32(word[i] * 0xcc9e2d51, 15) * 0x1b873593;

		hash = rotl32(hash ^ k, 13) * 5 + 0xe6546b64;
	}
	hash ^= WORDS * 4;
	hash = (hash ^ hash >> 16) * 0x85ebca6b;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35;
	return hash ^ hash >> 16;
}
