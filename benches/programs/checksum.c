/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The internet checksum (RFC 1071) of 1480 bytes, a word at a time. */
#include "bench.h"

enum { WORDS = 370 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *word = mem;
	u64 sum = 0;

	for (int i = 0; i < WORDS; i++)
		sum += word[i];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}
