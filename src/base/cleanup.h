#pragma once
/*
 * Scope-bound ownership. A local that owns something is declared with _cleanup_(f) and f frees it
 * on every way out; take_ptr and take_fd move the thing out at the point where it escapes.
 *
 * Owners start empty (NULL, -1), and every cleanup function accepts the empty value.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

#define take_ptr(p)                   \
	({                            \
		typeof(p) *_p = &(p); \
		typeof(p) _v = *_p;   \
		*_p = NULL;           \
		_v;                   \
	})

static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}
