/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How often each byte occurs in 512 bytes, in 256 counters behind them; returns the
 * counters' hash. */
#include "bench.h"

enum { LEN = 512 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *bytes = mem;
	u16 *count = (u16 *)((u8 *)mem + LEN);
	u64 hash = FNV_OFFSET;

	for (int i = 0; i < 256; i++)
		count[i] = 0;
	for (int i = 0; i < LEN; i++)
		count[bytes[i]]++;
	for (int i = 0; i < 256; i++)
		hash = (hash ^ count[i]) * FNV_PRIME;
	return hash;
}
