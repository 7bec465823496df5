/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Adds up decimal numbers with commas between them in 256 bytes of text, and
 * counts them. Other characters are skipped. */
#include "bench.h"

enum { LEN = 256 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *text = mem;
	u64 sum = 0, number = 0, count = 0;

	for (int i = 0; i < LEN; i++) {
		u32 digit = (u32)text[i] - '0';

		if (digit < 10) {
			number = number * 10 + digit;
		} else if (text[i] == ',') {
			sum += number;
			number = 0;
			count++;
		}
	}
	return (sum + number) << 8 | (count & 255);
}
