/* Any bytes as a function: what is given out is the begin of an instruction that is emulated, inside of it. */
#include <stdlib.h>
#include <string.h>

#include "symbol/code_insn.h"
#include "symbol/code_places.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const uint8_t *code, size_t len, const struct code_place *p)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	ZydisDecoder d;
	size_t at = 0;

	ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (;; at += in.length) {
		if (at >= len ||
		    !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, code + at, len - at, &in, op)))
			abort();
		if (at == p->at)
			break;
	}
	if (!insn_emulated(code + at, in.length) || p->depth > 4 << 20)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *code = malloc(n ? n : 1);
	struct code_places p;

	if (!code)
		abort();
	memcpy(code, data, n);
	if (code_places(code, n, &p) == 0) {
		if (p.n > CODE_RETURNS)
			abort();
		if (p.cheap)
			check(code, n, &p.entry);
		for (size_t i = 0; i < p.n; i++)
			check(code, n, &p.ret[i]);
	}
	free(code);
	return 0;
}
