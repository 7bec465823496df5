/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* CRC-32 (IEEE) of 1024 bytes by a table of 256 words that stands before them. */
#include "bench.h"

enum { LEN = 1024 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *table = mem;
	const u8 *bytes = (const u8 *)(table + 256);
	u32 crc = ~0u;

	for (int i = 0; i < LEN; i++)
		crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
	return (u32)~crc;
}
