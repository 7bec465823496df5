/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A machine with an accumulator and a register: runs 128 steps of a program of
 * 64 instructions (opcode, operand). */
#include "bench.h"

enum { STEPS = 128, INSNS = 64 };

SEC("raw") u64 entry(void *mem, u64 len UNUSED)
{
	const u8 *code = mem;
	u64 acc = 1, x = 0;
	u32 pc = 0;

	for (int step = 0; step < STEPS; step++) {
		u8 op = code[pc * 2], operand = code[pc * 2 + 1];

		pc = (pc + 1) & (INSNS - 1);
		switch (op & 15) {
		case 0: acc += operand; break;
		case 1: acc -= operand; break;
		case 2: acc *= operand | 1; break;
		case 3: acc ^= x; break;
		case 4: x = acc; break;
		case 5: acc += x; break;
		case 6: acc = acc << 7 | acc >> 57; break;
		case 7: acc = ~acc; break;
		case 8: x += operand; break;
		case 9: acc >>= operand & 7; break;
		case 10: pc = operand & (INSNS - 1); break;
		case 11: if (acc & 1) pc = operand & (INSNS - 1); break;
		case 12: if (x > acc) pc = (pc + 1) & (INSNS - 1); break;
		case 13: acc |= operand; break;
		case 14: acc = acc / (operand | 1); break;
		default: x ^= acc; break;
		}
	}
	return acc ^ x << 1;
}
