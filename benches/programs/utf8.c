/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Counts the characters in 256 bytes of UTF-8; 0 if the text is malformed (only
 * what the lead and continuation bits say is checked). */
#include "bench.h"

enum { LEN = 256 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *text = mem;
	u32 expected = 0;
	u64 count = 0;

	for (int i = 0; i < LEN; i++) {
		u8 byte = text[i];

		if (expected) {
			if ((byte & 0xc0) != 0x80)
				return 0;
			expected--;
			continue;
		}
		count++;
		if (byte < 0x80)
			continue;
		if ((byte & 0xe0) == 0xc0)
			expected = 1;
		else if ((byte & 0xf0) == 0xe0)
			expected = 2;
		else if ((byte & 0xf8) == 0xf0)
			expected = 3;
		else
			return 0;
	}
	return expected ? 0 : count;
}
