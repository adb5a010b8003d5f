#pragma once
/*
 * The stack in a record's tail, as views into it: checked once, borrowed as long as the record is.
 * Layout and meaning: wire/unwind.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "wire/python.h"
#include "wire/unwind.h"

struct stack {
	const uint64_t *kernel, *user; /* leaf first; of user see stack_lookup() */
	const struct rec_vma *vma;
	size_t nkernel, nuser, nvma;
	enum stack_end end;
	const struct rec_interp *interp;      /* NULL: no interpreter was met */
	const struct rec_interp_frame *frame; /* interp->n of them */
	const struct rec_stack_copy *copy;    /* NULL: none; its bytes follow it */
};

/*
 * @head lies, with what follows up to the record's end, in @left bytes, 8 bytes aligned. 0, or -EBADMSG for what cannot be a stack.
 */
int stack_read(const struct rec_stack *head, size_t left, struct stack *ret);

/* The mapping that a user address is in (by stack_lookup), or NULL. */
const struct rec_vma *stack_vma(const struct stack *s, uint64_t address);

/* "0x55..,0x7f..": the user addresses to look up, innermost first; in @a. Empty: none, or no memory. */
struct arena;
struct str stack_text(const struct stack *s, struct arena *a);

/* Whether a user address is in the interpreter's loop, so that it runs some of the frames. */
bool stack_in_loop(const struct stack *s, uint64_t address);

/* Bytes of s->interp with its frames; 0: there is none. */
size_t stack_interp_bytes(const struct stack *s);

/* "whole", "no-table", ...: how users see it. */
const char *stack_end_name(enum stack_end end);
const char *interp_end_name(enum interp_end end);
