/* Pieces and their origins. Origins are in the order of the text; a place is found by bisection. */
#include "rule/trace.h"

#include <errno.h>

#include "base/utf8.h"

/* The pool gives nothing back, so growing by half costs up to twice the text. */
static void *grown(struct pool *pool, void *old, size_t used, size_t bytes)
{
	void *p = pool_alloc(pool, bytes);

	if (p && used)
		memcpy(p, old, used);
	return p;
}

static bool room(struct trace *t, size_t n)
{
	size_t cap = t->cap ? t->cap : 128;
	char *p;

	t->too_long |= n > TRACE_BYTES_MAX - t->n;
	if (t->too_long || t->no_memory)
		return false;
	while (cap < t->n + n)
		cap *= 2;
	if (cap == t->cap)
		return true;
	p = grown(t->pool, t->p, t->n, cap);
	t->no_memory = !p;
	if (!p)
		return false;
	t->p = p;
	t->cap = cap;
	return true;
}

static void add(struct trace *t, struct str s, struct origin o)
{
	struct origin *more;

	if (s.n == 0 || !room(t, s.n))
		return;
	if (t->norigins == t->origins_cap) {
		t->origins_cap = t->origins_cap ? t->origins_cap * 2 : 2;
		more = grown(t->pool, t->origins, t->norigins * sizeof(*more),
			     t->origins_cap * sizeof(*more));
		t->no_memory = !more;
		if (!more)
			return;
		t->origins = more;
	}
	o.at = (uint32_t)t->n;
	t->origins[t->norigins++] = o;
	memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
}

void trace_part(struct trace *t, const struct node *node, size_t from, size_t n)
{
	add(t, (struct str){ node->text.p + from, n },
	    (struct origin){ .off = (uint32_t)from, .node = node });
}

void trace_node(struct trace *t, const struct node *node)
{
	trace_part(t, node, 0, node->text.n);
}

void trace_words(struct trace *t, struct str words, const struct node *node)
{
	add(t, words, (struct origin){ .fixed = true, .node = node });
}

void trace_trace(struct trace *t, const struct trace *other, size_t from, size_t n)
{
	add(t, (struct str){ other->p + from, n },
	    (struct origin){ .off = (uint32_t)from, .trace = other });
}

void trace_value(struct trace *t, const struct node *node)
{
	struct str s = node->text;
	bool quote = s.n == 0 || (memchr(s.p, ' ', s.n) && s.p[0] != '"' && s.p[0] != '\'');

	if (quote)
		trace_words(t, STR("\""), node);
	trace_node(t, node);
	if (quote)
		trace_words(t, STR("\""), node);
}

int trace_check(const struct trace *t)
{
	return t->no_memory ? -ENOMEM : t->too_long ? -E2BIG : 0;
}

/* The piece that holds @off: the last that starts at or before it. */
static const struct origin *origin_of(const struct trace *t, size_t off)
{
	size_t lo = 0, hi = t->norigins;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (t->origins[mid].at <= off)
			lo = mid;
		else
			hi = mid;
	}
	return t->norigins ? &t->origins[lo] : NULL;
}

struct place trace_place(const struct trace *t, size_t off)
{
	const struct origin *o = origin_of(t, off);

	while (o && o->trace) {
		off = o->off + (off - o->at);
		t = o->trace;
		o = origin_of(t, off);
	}
	if (!o)
		return (struct place){ NULL, PLACE_WHOLE };
	if (o->fixed || o->node->kind != NODE_SCALAR)
		return (struct place){ o->node->file, o->node->at };
	return (struct place){ o->node->file, node_offset(o->node, o->off + (off - o->at)) };
}

size_t text_offset(struct str text, unsigned line, unsigned column)
{
	size_t at = 0, len;

	while (line > 1 && at < text.n)
		line -= text.p[at++] == '\n';
	for (; column > 1 && at < text.n; column--) {
		len = utf8_char((const uint8_t *)text.p + at, text.n - at);
		at += len ? len : 1;
	}
	return at;
}
