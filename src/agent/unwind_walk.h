#pragma once
/*
 * A walk that the kernel ended for want of a table, carried on over the stack that it copied: the same
 * step (wire/unwind_step.h) over those bytes. Pure but for the callback; any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "wire/unwind.h"

struct unwind_walk {
	const struct rec_stack_copy *copy;
	const uint8_t *bytes; /* copy->len of them */
	uint64_t *addresses;  /* as in a record; the first is already there: copy->regs.ip */
	size_t n, max;
	/* The rule for the code at @pc, or NULL with the reason why the walk ends there. */
	const struct unwind_rule *(*rule)(void *ctx, uint64_t pc, enum stack_end *ret_end);
	void *ctx;
};

/* Adds the frames to w->addresses. Why it ended. */
enum stack_end unwind_walk(struct unwind_walk *w);
