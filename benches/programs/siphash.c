/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* SipHash-2-4: 16 bytes of key, then 256 bytes of message. */
#include "bench.h"

enum { WORDS = 32 };

struct sip {
	u64 a, b, c, d;
};

INLINE void sip_round(struct sip *s)
{
	s->a += s->b; s->b = rotl64(s->b, 13) ^ s->a; s->a = rotl64(s->a, 32);
	s->c += s->d; s->d = rotl64(s->d, 16) ^ s->c;
	s->a += s->d; s->d = rotl64(s->d, 21) ^ s->a;
	s->c += s->b; s->b = rotl64(s->b, 17) ^ s->c; s->c = rotl64(s->c, 32);
}

INLINE void absorb(struct sip *s, u64 word)
{
	s->d ^= word;
	sip_round(s);
	sip_round(s);
	s->a ^= word;
}

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u64 *key = mem, *word = key + 2;
	struct sip s;

	s.a = key[0] ^ 0x736f6d6570736575ULL;
	s.b = key[1] ^ 0x646f72616e646f6dULL;
	s.c = key[0] ^ 0x6c7967656e657261ULL;
	s.d = key[1] ^ 0x7465646279746573ULL;
	for (int i = 0; i < WORDS; i++)
		absorb(&s, word[i]);
	absorb(&s, (u64)(WORDS * 8 & 255) << 56);
	s.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}
