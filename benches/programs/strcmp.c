/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compares two strings of at most 255 bytes; the first byte in which they differ
 * decides, and the answer also says where that is. */
#include "bench.h"

enum { LEN = 256 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *a = mem, *b = a + LEN;

	for (int i = 0; i < LEN; i++) {
		if (a[i] != b[i])
			return (u64)i << 8 | (a[i] > b[i]) | 2;
		if (a[i] == 0)
			return (u64)i << 8;
	}
	return LEN << 8;
}
