/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bob Jenkins' lookup3 over 63 words; the 64th is the seed. */
#include "bench.h"

enum { WORDS = 63 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *word = mem;
	u32 a, b, c;

	a = b = c = 0xdeadbeef + WORDS * 4 + word[WORDS];
	for (int i = 0; i < WORDS - 3; i += 3) {
		a += word[i];
		b += word[i + 1];
		c += word[i + 2];
		a -= c; a ^= rotl32(c, 4); c += b;
		b -= a; b ^= rotl32(a, 6); a += c;
		c -= b; c ^= rotl32(b, 8); b += a;
		a -= c; a ^= rotl32(c, 16); c += b;
		b -= a; b ^= rotl32(a, 19); a += c;
		c -= b; c ^= rotl32(b, 4); b += a;
	}
	a += word[WORDS - 3];
	b += word[WORDS - 2];
	c += word[WORDS - 1];
	c ^= b; c -= rotl32(b, 14);
	a ^= c; a -= rotl32(c, 11);
	b ^= a; b -= rotl32(a, 25);
	c ^= b; c -= rotl32(b, 16);
	a ^= c; a -= rotl32(c, 4);
	b ^= a; b -= rotl32(a, 14);
	c ^= b; c -= rotl32(b, 24);
	return c;
}
