/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* RC4: 16 bytes of key, 64 of output, then the 256 of its state. */
#include "bench.h"

enum { KEY = 16, OUT = 64 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *key = mem;
	u8 *out = (u8 *)mem + KEY, *state = out + OUT, i = 0, j = 0;

	for (int n = 0; n < 256; n++)
		state[n] = n;
	for (int n = 0; n < 256; n++) {
		u8 old = state[n];

		j += old + key[n % KEY];
		state[n] = state[j];
		state[j] = old;
	}
	j = 0;
	for (int n = 0; n < OUT; n++) {
		u8 old = state[++i];

		j += old;
		state[i] = state[j];
		state[j] = old;
		out[n] = state[(u8)(state[i] + old)];
	}
	return fnv1a(out, OUT);
}
