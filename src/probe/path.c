/*
 * Paths out of records: walks turned round, relative paths joined, both bounded by the arena. Pure
 * text: nothing is looked up.
 */
#include "probe/probe.h"

struct str walk_to_path(struct arena *a, struct str walk)
{
	char *out = arena_alloc(a, walk.n + 1), *at;
	size_t i = 0;

	if (!out)
		return STR_NONE;
	if (walk.n == 0) {
		out[0] = '/';
		return (struct str){ out, 1 };
	}
	/* Components go to the end first: each takes its length and a slash. */
	at = out + walk.n + 1;
	while (i < walk.n) {
		size_t n = strnlen(walk.p + i, walk.n - i);

		if (at - out < (ptrdiff_t)(n + 1))
			break;
		at -= n;
		memcpy(at, walk.p + i, n);
		*--at = '/';
		i += n + 1;
	}
	return (struct str){ at, (size_t)(out + walk.n + 1 - at) };
}

/* True when the path has "//", "/./", "/../", or ends in one of them. */
static bool path_odd(struct str p)
{
	for (size_t i = 0; i + 1 < p.n; i++)
		if (p.p[i] == '/' && (p.p[i + 1] == '/' || p.p[i + 1] == '.')) {
			struct str rest = str_skip(p, i + 1);
			size_t dots = rest.n > 1 && rest.p[1] == '.' ? 2 : 1;

			if (rest.p[0] == '/' || rest.n == dots || rest.p[dots] == '/')
				return true;
		}
	return p.n > 1 && p.p[p.n - 1] == '/';
}

/* Appends the components of @p to the normal path out[0..n). */
static size_t path_append(char *out, size_t n, struct str p)
{
	while (p.n) {
		const char *slash = memchr(p.p, '/', p.n);
		struct str part = { p.p, slash ? (size_t)(slash - p.p) : p.n };

		if (str_eq(part, STR(".."))) {
			while (n && out[--n] != '/')
				;
		} else if (part.n && !str_eq(part, STR("."))) {
			out[n++] = '/';
			memcpy(out + n, part.p, part.n);
			n += part.n;
		}
		p = str_skip(p, part.n + (slash != NULL));
	}
	return n;
}

struct str path_resolve(struct arena *a, struct str base, struct str path)
{
	bool absolute = path.n && path.p[0] == '/';
	size_t n;
	char *out;

	if (absolute && !path_odd(path))
		return path;
	if (!absolute && !base.p)
		return path; /* where it starts is not known: as given */
	out = arena_alloc(a, base.n + path.n + 3);
	if (!out)
		return STR_NONE;
	n = absolute ? 0 : path_append(out, 0, base);
	n = path_append(out, n, path);
	if (n == 0)
		out[n++] = '/';
	return (struct str){ out, n };
}
