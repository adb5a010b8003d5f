/*
 * Two passes: the first finds where instructions begin, where jumps lead and whether all that is known; the second
 * walks from the first instruction to the last and keeps the two lines it may be on: that of the entry, and one from
 * a stack protector's jump towards a return.
 */
#include "symbol/code_places.h"

#include <errno.h>
#include <string.h>

#include "symbol/code_insn.h"

#define LINE_MAX  32 /* instructions until an entry */
#define DEPTH_MAX 65536
#define CANARY	  0x28 /* fs:[0x28] */
#define ENDBR64	  "\xf3\x0f\x1e\xfa"

struct walk {
	const uint8_t *code;
	size_t len;
	ZydisDecoder decoder;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	uint8_t begin[CODE_BYTES / 8], target[CODE_BYTES / 8]; /* a bit a byte */
	bool leaves; /* not all that it jumps to is known, or in here */
	/* The line from the first instruction. */
	bool on_line;
	size_t line_n;
	uint64_t depth;
	/* The line from a stack protector's jump, at @jump. */
	bool compared; /* the instruction before looked at the canary */
	bool closing;
	size_t jump;
	uint64_t popped;
	bool open; /* there is a return that none leads to */
	struct code_places found;
};

static void bit_set(uint8_t *bits, size_t at)
{
	bits[at / 8] |= (uint8_t)(1u << at % 8);
}

static bool bit_has(const uint8_t *bits, size_t at)
{
	return bits[at / 8] >> at % 8 & 1;
}

static bool decode(struct walk *w, size_t at)
{
	return ZYAN_SUCCESS(
		ZydisDecoderDecodeFull(&w->decoder, w->code + at, w->len - at, &w->in, w->op));
}

static bool is_jump(const ZydisDecodedInstruction *in)
{
	return in->meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
	       in->meta.category == ZYDIS_CATEGORY_COND_BR;
}

/* Jumps and calls of which the target stands in the instruction. */
static bool is_relative(const ZydisDecodedInstruction *in)
{
	return (is_jump(in) || in->meta.category == ZYDIS_CATEGORY_CALL) &&
	       in->raw.imm[0].is_relative;
}

static uint64_t target_of(const struct walk *w, size_t at)
{
	return at + w->in.length + (uint64_t)w->in.raw.imm[0].value.s;
}

/* --- the first pass --- */

static void jump_note(struct walk *w, size_t at)
{
	uint64_t to;

	if (is_relative(&w->in)) {
		to = target_of(w, at);
		if (to < w->len)
			bit_set(w->target, to);
		else if (is_jump(&w->in))
			w->leaves = true;
	} else if (is_jump(&w->in)) {
		w->leaves = true;
	}
}

static bool survey(struct walk *w)
{
	ZydisInstructionCategory last = ZYDIS_CATEGORY_INVALID;

	for (size_t at = 0; at < w->len; at += w->in.length) {
		if (!decode(w, at))
			return false;
		bit_set(w->begin, at);
		jump_note(w, at);
		last = w->in.meta.category;
	}
	for (size_t i = 0; i < sizeof(w->target); i++)
		if (w->target[i] & ~w->begin[i])
			return false;
	/* What would run on into the next function is left in a way that nobody sees. */
	if (last != ZYDIS_CATEGORY_RET && last != ZYDIS_CATEGORY_UNCOND_BR &&
	    last != ZYDIS_CATEGORY_CALL)
		w->leaves = true;
	return true;
}

/* --- the line from the first instruction --- */

/* Code may come back to anywhere but here. */
static bool is_first(const struct walk *w, size_t at)
{
	return at == 0 || (at == 4 && memcmp(w->code, ENDBR64, 4) == 0);
}

static bool goes_on(const ZydisDecodedInstruction *in)
{
	switch (in->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SYSTEM:
		return false;
	default:
		return true;
	}
}

/* "add rsp, 8" or "sub rsp, 8": by how much. */
static bool stack_moved(const struct walk *w, ZydisMnemonic how, uint64_t *ret_bytes)
{
	if (w->in.mnemonic != how || w->op[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    w->op[0].reg.value != ZYDIS_REGISTER_RSP ||
	    w->op[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE || w->op[1].imm.value.u > DEPTH_MAX)
		return false;
	*ret_bytes = w->op[1].imm.value.u;
	return true;
}

static bool line_goes_on(struct walk *w)
{
	static const ZydisRegister kept[] = { ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI,
					      ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_RCX };
	uint64_t bytes;

	if (!goes_on(&w->in) || ++w->line_n >= LINE_MAX || w->depth > DEPTH_MAX)
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (insn_writes(&w->in, w->op, kept[i]))
			return false;
	if (stack_moved(w, ZYDIS_MNEMONIC_SUB, &bytes))
		w->depth += bytes;
	else if (insn_writes(&w->in, w->op, ZYDIS_REGISTER_RSP))
		return false; /* a push of a register would have been the place */
	return true;
}

static void line_step(struct walk *w, size_t at)
{
	bool here = w->leaves ? is_first(w, at) : at == 0 || !bit_has(w->target, at);

	if (!w->on_line)
		return;
	if (here && insn_emulated(w->code + at, w->in.length)) {
		w->found.cheap = true;
		w->found.entry = (struct code_place){ (uint32_t)at, (uint32_t)w->depth };
		w->on_line = false;
	} else {
		w->on_line = here && line_goes_on(w);
	}
}

/* --- the line to a return --- */

/* "sub rdx, fs:[0x28]" and its like. */
static bool canary_compared(const struct walk *w)
{
	const ZydisDecodedOperand *m = &w->op[1];

	return (w->in.mnemonic == ZYDIS_MNEMONIC_SUB || w->in.mnemonic == ZYDIS_MNEMONIC_XOR ||
		w->in.mnemonic == ZYDIS_MNEMONIC_CMP) &&
	       w->in.operand_count_visible == 2 && w->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       m->type == ZYDIS_OPERAND_TYPE_MEMORY && m->mem.segment == ZYDIS_REGISTER_FS &&
	       m->mem.base == ZYDIS_REGISTER_NONE && m->mem.index == ZYDIS_REGISTER_NONE &&
	       m->mem.disp.value == CANARY && m->size == 64;
}

/* After such a comparison: a jump to the call of what ends the program. */
static bool canary_jump(const struct walk *w, size_t at)
{
	uint64_t to;

	if (!w->compared || w->in.mnemonic != ZYDIS_MNEMONIC_JNZ ||
	    !insn_emulated(w->code + at, w->in.length) || bit_has(w->target, at))
		return false;
	to = target_of(w, at);
	return to < w->len && (w->code[to] == 0xe8 ||
			       (w->len - to > 1 && w->code[to] == 0xff && w->code[to + 1] == 0x15));
}

static bool close_goes_on(struct walk *w, size_t at)
{
	uint64_t bytes;

	if (bit_has(w->target, at) || !goes_on(&w->in) || w->popped > DEPTH_MAX ||
	    insn_writes(&w->in, w->op, ZYDIS_REGISTER_RAX))
		return false;
	if (stack_moved(w, ZYDIS_MNEMONIC_ADD, &bytes))
		w->popped += bytes;
	else if (w->in.mnemonic == ZYDIS_MNEMONIC_POP && w->in.operand_width == 64 &&
		 w->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		 w->op[0].reg.value != ZYDIS_REGISTER_RSP)
		w->popped += 8;
	else if (insn_writes(&w->in, w->op, ZYDIS_REGISTER_RSP))
		return false;
	return true;
}

static void return_step(struct walk *w, size_t at)
{
	struct code_places *f = &w->found;

	if (w->in.meta.category == ZYDIS_CATEGORY_RET) {
		if (w->in.mnemonic != ZYDIS_MNEMONIC_RET || !w->closing || bit_has(w->target, at) ||
		    f->n == CODE_RETURNS)
			w->open = true;
		else
			f->ret[f->n++] =
				(struct code_place){ (uint32_t)w->jump, (uint32_t)w->popped };
		w->closing = false;
	} else if (canary_jump(w, at)) {
		w->closing = true;
		w->jump = at;
		w->popped = 0;
	} else if (w->closing) {
		w->closing = close_goes_on(w, at);
	}
	w->compared = canary_compared(w);
}

int code_places(const uint8_t *code, size_t len, struct code_places *ret)
{
	struct walk w = { .code = code, .len = len, .on_line = true };

	if (len > CODE_BYTES)
		return -E2BIG;
	if (!len ||
	    !ZYAN_SUCCESS(ZydisDecoderInit(&w.decoder, ZYDIS_MACHINE_MODE_LONG_64,
					   ZYDIS_STACK_WIDTH_64)) ||
	    !survey(&w))
		return -EBADMSG;
	for (size_t at = 0; at < len; at += w.in.length) {
		if (!decode(&w, at))
			return -EBADMSG;
		line_step(&w, at);
		return_step(&w, at);
	}
	if (w.open || w.leaves)
		w.found.n = 0;
	*ret = w.found;
	return 0;
}
