#pragma once
/*
 * Two questions about one instruction, for those who choose where a probe stands.
 *
 * The kernel replaces the first byte of the probed instruction by a breakpoint, and when that was hit it has the
 * original done: a few kinds it emulates, the others it runs out of line and single-steps, for which a virtual machine
 * may have to leave the guest: 12 us instead of 1 us were measured. Emulated on every kernel since 4.18
 * (arch/x86/kernel/uprobes.c, branch_setup_xol_ops and push_setup_xol_ops), and counted here:
 *
 *     50..57, 41 50..57   push of a register
 *     90                  nop of one byte
 *     eb, e9              jump
 *     70..7f, 0f 80..8f   jump on a condition
 *
 * None with a prefix; the kernel refuses or steps some of them. A call is emulated too, but what it leaves on a shadow
 * stack is not certain on each kernel, so it does not count.
 */
#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The @len bytes at @p are one whole instruction. */
static inline bool insn_emulated(const uint8_t *p, size_t len)
{
	if (len == 1)
		return p[0] == 0x90 || (p[0] & 0xf8) == 0x50;
	if (len == 2)
		return p[0] == 0xeb || (p[0] & 0xf0) == 0x70 ||
		       (p[0] == 0x41 && (p[1] & 0xf8) == 0x50);
	if (len == 5)
		return p[0] == 0xe9;
	return len == 6 && p[0] == 0x0f && (p[1] & 0xf0) == 0x80;
}

/* Whether it writes to @reg, one of 64 bits, or to a part of it. */
static inline bool insn_writes(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op,
			       ZydisRegister reg)
{
	for (size_t i = 0; i < in->operand_count; i++)
		if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
		    ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op[i].reg.value) ==
			    reg)
			return true;
	return false;
}
