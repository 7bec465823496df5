/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* CRC-32 (IEEE) of 1024 bytes by a table of 16 words in .rodata: this object needs
 * its loader to make a map of that section. */
#include "bench.h"

enum { LEN = 1024 };

static const u32 table[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
	0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *bytes = mem;
	u32 crc = ~0u;

	for (int i = 0; i < LEN; i++) {
		crc ^= bytes[i];
		crc = table[crc & 15] ^ crc >> 4;
		crc = table[crc & 15] ^ crc >> 4;
	}
	return (u32)~crc;
}
