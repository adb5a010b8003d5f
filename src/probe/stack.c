/* Stacks out of records: every count is checked against what is there. */
#include "probe/stack.h"

#include <errno.h>
#include <stdio.h>

#include "base/arena.h"

static const char *const end_names[STACK_ENDS] = {
	[STACK_WHOLE] = "whole",	   [STACK_NONE] = "none",	  [STACK_DEEP] = "deep",
	[STACK_NO_MAPPING] = "no-mapping", [STACK_NO_TABLE] = "no-table", [STACK_NO_ROW] = "no-row",
	[STACK_FAULT] = "unreadable",	   [STACK_REGISTER] = "register", [STACK_STUCK] = "stuck",
};

static const char *const interp_end_names[INTERP_ENDS] = {
	[INTERP_WHOLE] = "whole",
	[INTERP_NO_THREAD] = "no-thread",
	[INTERP_FAULT] = "unreadable",
	[INTERP_DEEP] = "deep",
};

const char *stack_end_name(enum stack_end end)
{
	return (unsigned)end < STACK_ENDS ? end_names[end] : "?";
}

const char *interp_end_name(enum interp_end end)
{
	return (unsigned)end < INTERP_ENDS ? interp_end_names[end] : "?";
}

bool stack_in_loop(const struct stack *s, uint64_t address)
{
	return s->interp && stack_lookup(address) - s->interp->loop < s->interp->loop_n;
}

size_t stack_interp_bytes(const struct stack *s)
{
	return s->interp ? sizeof(*s->interp) + s->interp->n * sizeof(*s->frame) : 0;
}

/* Within @left bytes. */
static int interp_read(const void *at, size_t left, struct stack *ret)
{
	const struct rec_interp *r = at;

	if (left < sizeof(*r) || r->n > PY_FRAMES_MAX || r->end >= INTERP_ENDS ||
	    r->n * sizeof(struct rec_interp_frame) > left - sizeof(*r))
		return -EBADMSG;
	ret->interp = r;
	ret->frame = (const void *)(r + 1);
	return 0;
}

/* The copy must end where the record does. */
static int copy_read(const void *at, size_t left, struct stack *ret)
{
	const struct rec_stack_copy *c = at;

	if (left < sizeof(*c) || c->len != left - sizeof(*c) || c->len % 8 || c->len > STACK_COPY_MAX)
		return -EBADMSG;
	ret->copy = c;
	return 0;
}

int stack_read(const struct rec_stack *head, size_t left, struct stack *ret)
{
	struct stack s = { 0 };
	size_t addresses, bytes;
	int err = 0;

	if (left < sizeof(*head) || head->nkernel > STACK_KERNEL_MAX ||
	    head->nuser > STACK_USER_MAX || head->nvma > STACK_VMA_MAX || head->end >= STACK_ENDS ||
	    (head->flags & ~(STACK_COPY | STACK_INTERP)))
		return -EBADMSG;
	left -= sizeof(*head);
	addresses = (size_t)head->nkernel + head->nuser;
	bytes = addresses * sizeof(uint64_t) + head->nvma * sizeof(struct rec_vma);
	if (bytes > left)
		return -EBADMSG;
	s.kernel = (const uint64_t *)(head + 1);
	s.user = s.kernel + head->nkernel;
	s.vma = (const struct rec_vma *)(s.kernel + addresses);
	s.nkernel = head->nkernel;
	s.nuser = head->nuser;
	s.nvma = head->nvma;
	s.end = head->end;
	if (head->flags & STACK_INTERP)
		err = interp_read(s.vma + s.nvma, left - bytes, &s);
	if (err)
		return err;
	bytes += stack_interp_bytes(&s);
	if (head->flags & STACK_COPY)
		err = copy_read((const char *)(head + 1) + bytes, left - bytes, &s);
	else if (bytes != left)
		err = -EBADMSG;
	if (!err)
		*ret = s;
	return err;
}

const struct rec_vma *stack_vma(const struct stack *s, uint64_t address)
{
	uint64_t at = stack_lookup(address);

	for (size_t i = 0; i < s->nvma; i++)
		if (at >= s->vma[i].start && at < s->vma[i].end)
			return &s->vma[i];
	return NULL;
}

#define HEX_BYTES 20 /* "0x", 16 digits, a comma, the last one's NUL */

struct str stack_text(const struct stack *s, struct arena *a)
{
	char *text = s->nuser ? arena_alloc(a, s->nuser * HEX_BYTES) : NULL;
	size_t n = 0;

	for (size_t i = 0; text && i < s->nuser; i++)
		n += (size_t)sprintf(text + n, "%s0x%llx", i ? "," : "",
				     (unsigned long long)stack_lookup(s->user[i]));
	return text ? (struct str){ text, n } : STR_NONE;
}
