/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The product of two 8x8 matrices of words, written behind them. */
#include "bench.h"

enum { N = 8 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u32 *a = mem, *b = a + N * N;
	u32 *c = (u32 *)mem + 2 * N * N, trace = 0, edge = 0;

	for (int row = 0; row < N; row++) {
		for (int col = 0; col < N; col++) {
			u32 sum = 0;

			for (int i = 0; i < N; i++)
				sum += a[row * N + i] * b[i * N + col];
			c[row * N + col] = sum;
		}
	}
	for (int i = 0; i < N; i++) {
		trace += c[i * N + i];
		edge ^= c[i * N + N - 1];
	}
	return (u64)edge << 32 | trace;
}
