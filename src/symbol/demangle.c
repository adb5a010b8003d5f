/*
 * libiberty's demanglers, by callback: that form of the C++ one takes no memory, so that leaving it
 * in the midst of an endless answer leaks nothing. The Rust one may hold the decoded bytes of one
 * identifier then (at most DEMANGLE_IN_MAX * 4); it is left that way only for names that were made
 * to be endless, and at most RUST_LEFT_MAX times.
 */
#include "symbol/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>

#define RUST_LEFT_MAX 64

struct sink {
	char *p;
	size_t n, max;
	jmp_buf full;
};

static void sink_add(const char *p, size_t n, void *opaque)
{
	struct sink *s = opaque;
	size_t room = s->max - 1 - s->n;
	size_t take = n < room ? n : room;

	memcpy(s->p + s->n, p, take);
	s->n += take;
	if (n > room)
		longjmp(s->full, 1);
}

static bool is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R' ||
				  (name[1] == '_' && (name[2] == 'Z' || name[2] == 'R')));
}

static size_t rust(const char *name, struct sink *s)
{
	static unsigned left;

	if (left >= RUST_LEFT_MAX)
		return 0;
	if (setjmp(s->full)) {
		left++;
		return s->n;
	}
	return rust_demangle_callback(name, DMGL_NO_OPTS, sink_add, s) ? s->n : 0;
}

static size_t cplus(const char *name, struct sink *s)
{
	if (setjmp(s->full))
		return s->n;
	return cplus_demangle_v3_callback(name, DMGL_NO_OPTS, sink_add, s) ? s->n : 0;
}

size_t demangle(const char *name, char *ret, size_t max)
{
	struct sink s = { .p = ret, .max = max };
	size_t n;

	if (!is_mangled(name) || strnlen(name, DEMANGLE_IN_MAX) == DEMANGLE_IN_MAX)
		return 0;
	n = rust(name, &s);
	if (n == 0) {
		s.n = 0;
		n = cplus(name, &s);
	}
	ret[n] = '\0';
	return n;
}
