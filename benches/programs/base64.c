/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Base64 (RFC 4648) of 96 bytes, written behind them as 128 characters; the
 * alphabet is computed, not looked up. */
#include "bench.h"

enum { LEN = 96, OUT = LEN / 3 * 4 };

INLINE u8 letter(u32 six)
{
	if (six < 26)
		return 'A' + six;
	if (six < 52)
		return 'a' + six - 26;
	if (six < 62)
		return '0' + six - 52;
	return six == 62 ? '+' : '/';
}

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *in = mem;
	u8 *out = (u8 *)mem + LEN;

	for (int i = 0; i < LEN / 3; i++) {
		u32 group = in[i * 3] << 16 | in[i * 3 + 1] << 8 | in[i * 3 + 2];

		out[i * 4] = letter(group >> 18);
		out[i * 4 + 1] = letter(group >> 12 & 63);
		out[i * 4 + 2] = letter(group >> 6 & 63);
		out[i * 4 + 3] = letter(group & 63);
	}
	return fnv1a(out, OUT);
}
