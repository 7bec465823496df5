/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Counts the primes below 256 whose byte of the input is even; the sieve stands
 * behind the input. */
#include "bench.h"

enum { LIMIT = 256 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *wanted = mem;
	u8 *composite = (u8 *)mem + LIMIT;
	u64 count = 0;

	for (int i = 0; i < LIMIT; i++)
		composite[i] = wanted[i] & 1;
	for (int prime = 2; prime < 16; prime++)
		for (int at = prime * prime; at < LIMIT; at += prime)
			composite[at] = 1;
	for (int i = 2; i < LIMIT; i++)
		count += composite[i] == 0;
	return count;
}
