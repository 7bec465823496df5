/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where the byte 0 first stands in 1024 bytes. */
#include "bench.h"

enum { LEN = 1024 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *bytes = mem;

	for (int i = 0; i < LEN; i++)
		if (bytes[i] == 0)
			return i;
	return LEN;
}
