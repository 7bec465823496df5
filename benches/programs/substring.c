/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where the 8 bytes at the start first stand in the 256 after them. */
#include "bench.h"

enum { NEEDLE = 8, LEN = 256 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *needle = mem, *hay = needle + NEEDLE;

	for (int i = 0; i <= LEN - NEEDLE; i++) {
		int same = 0;

		while (same < NEEDLE && hay[i + same] == needle[same])
			same++;
		if (same == NEEDLE)
			return i;
	}
	return LEN;
}
