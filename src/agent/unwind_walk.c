/* The step needs to know where memory is; it is told through the running thread's walk. */
#include "agent/unwind_walk.h"

#include <string.h>

static __thread const struct unwind_walk *running;

static int copy_read(void *to, size_t n, uint64_t from)
{
	const struct unwind_walk *w = running;
	uint64_t at = from - w->copy->sp;

	if (at > w->copy->len || n > w->copy->len - at)
		return -1;
	memcpy(to, w->bytes + at, n);
	return 0;
}

#define UW_READ(to, bytes, from) copy_read(to, bytes, from)
#include "wire/unwind_step.h"

enum stack_end unwind_walk(struct unwind_walk *w)
{
	struct unwind_regs r = w->copy->regs;

	running = w;
	for (;;) {
		enum stack_end end = STACK_NO_TABLE;
		const struct unwind_rule *rule = w->rule(w->ctx, r.exact ? r.ip : r.ip - 1, &end);

		if (rule)
			end = (enum stack_end)unwind_step(&r, rule);
		if (end != UW_GOES_ON)
			return end;
		if (w->n == w->max)
			return STACK_DEEP;
		w->addresses[w->n++] = r.ip | (r.exact ? STACK_EXACT : 0);
	}
}
