/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* FNV-1a, 64 bits, of 1024 bytes. */
#include "bench.h"

enum { LEN = 1024 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	return fnv1a(mem, LEN);
}
