/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Adler-32 of 1024 bytes, few enough to reduce but once. */
#include "bench.h"

enum { LEN = 1024 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *bytes = mem;
	u32 a = 1, b = 0;

	for (int i = 0; i < LEN; i++) {
		a += bytes[i];
		b += a;
	}
	return (b % 65521) << 16 | a % 65521;
}
