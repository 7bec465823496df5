/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs a native build of a bench program twice over the same memory: driver
 * NAME.so NAME.in prints the result, and fails if the second run's differs. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t entry_fn(void *mem, uint64_t len);

int main(int argc, char **argv)
{
	static _Alignas(8) unsigned char mem[1 << 16];
	void *program = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
	entry_fn *entry = program ? (entry_fn *)dlsym(program, "entry") : NULL;
	FILE *input = argc == 3 ? fopen(argv[2], "rb") : NULL;
	uint64_t len, first;

	if (!entry || !input)
		return fprintf(stderr, "usage: driver NAME.so NAME.in\n"), 2;
	len = fread(mem, 1, sizeof(mem), input);
	first = entry(mem, len);
	printf("%#llx\n", (unsigned long long)first);
	return entry(mem, len) == first ? 0 : 1;
}
