/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One ChaCha20 block (RFC 8439): 64 bytes of state, then 64 of key stream. Its 16
 * words are more than BPF has registers. */
#include "bench.h"

#define QUARTER(a, b, c, d)                      \
	do {                                     \
		a += b; d = rotl32(d ^ a, 16);   \
		c += d; b = rotl32(b ^ c, 12);   \
		a += b; d = rotl32(d ^ a, 8);    \
		c += d; b = rotl32(b ^ c, 7);    \
	} while (0)

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *in = mem;
	u32 *out = (u32 *)mem + 16, x[16];

	for (int i = 0; i < 16; i++)
		x[i] = in[i];
	for (int i = 0; i < 10; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (int i = 0; i < 16; i++)
		out[i] = x[i] + in[i];
	return (u64)out[15] << 32 | out[0];
}
