/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads an HTTP/1.x request line of at most 256 bytes: method, how long the
 * path and the whole target are, the minor version. 0 if it is none. */
#include "bench.h"

enum { LEN = 256, LONGEST_METHOD = 8 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *line = mem;
	u64 method = 0;
	u32 pos = 0, start, path;

	for (; pos < LONGEST_METHOD && line[pos] != ' '; pos++) {
		if (line[pos] < 'A' || line[pos] > 'Z')
			return 0;
		method = method * 26 + (line[pos] - 'A');
	}
	start = pos + 1;
	if (line[pos] != ' ' || line[start] != '/')
		return 0;
	for (pos = start; pos < LEN - 10 && line[pos] != ' ' && line[pos] != '?'; pos++)
		if (line[pos] < '!' || line[pos] > '~')
			return 0;
	path = pos - start;
	for (; pos < LEN - 10 && line[pos] != ' '; pos++)
		if (line[pos] < '!' || line[pos] > '~')
			return 0;
	if (line[pos] != ' ' || line[pos + 1] != 'H' || line[pos + 2] != 'T' ||
	    line[pos + 3] != 'T' || line[pos + 4] != 'P' || line[pos + 5] != '/' ||
	    line[pos + 6] != '1' || line[pos + 7] != '.' || line[pos + 9] != '\r')
		return 0;
	return method << 24 | (u64)path << 16 | (pos - start) << 8 | line[pos + 8];
}
