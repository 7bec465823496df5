/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* CRC-32 (IEEE) of 128 bytes, a bit at a time. */
#include "bench.h"

enum { LEN = 128 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *bytes = mem;
	u32 crc = ~0u;

	for (int i = 0; i < LEN; i++) {
		crc ^= bytes[i];
#pragma GCC unroll 1
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	return (u32)~crc;
}
