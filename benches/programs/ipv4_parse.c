/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Checks an IPv4 header with options, and packs what it says into one number:
 * source xor destination, total length, protocol, TTL. 0 if it is not sound. */
#include "bench.h"

enum { MAX_HEADER = 60 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *header = mem;
	const u16 *half = mem;
	const u32 *word = mem;
	u32 halves, total, sum = 0;

	if (header[0] >> 4 != 4)
		return 0;
	halves = (header[0] & 15) * 2;
	total = header[2] << 8 | header[3];
	if (halves < 10 || total < halves * 2)
		return 0;
	for (u32 i = 0; i < MAX_HEADER / 2 && i < halves; i++)
		sum += half[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (sum != 0xffff || (half[3] & 0xff3f) != 0)
		return 0;
	return (u64)(word[3] ^ word[4]) << 32 | total << 16 | header[9] << 8 | header[8];
}
