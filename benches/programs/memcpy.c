/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copies 1024 bytes by words to behind themselves. */
#include "bench.h"

enum { WORDS = 128 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u64 *from = mem;
	u64 *to = (u64 *)mem + WORDS;

	for (int i = 0; i < WORDS; i++)
		to[i] = from[i];
	return to[0] ^ rotl64(to[WORDS - 1], 1);
}
