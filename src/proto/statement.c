/* Statements of exchanges, and the prepared ones. A list by use: tables are short, and the one just used is first. */
#include "proto/statement.h"

#include <stdlib.h>

#define ERROR_ROOM 192 /* bytes of an error that are kept: raw text leaves so many for it */

struct statement {
	struct statement *newer, *older;
	uint64_t key;
	struct str method; /* static */
	uint16_t flags;	   /* REQ_CUT */
	uint16_t n[4];	   /* resource, route, trace, text; UINT16_MAX: absent */
	char texts[];
};

static struct str *part(struct request *r, unsigned i)
{
	struct str *const parts[] = { &r->resource, &r->route, &r->trace, &r->text };

	return parts[i];
}

void statement_set(const struct proto_io *io, struct exchange *x, struct str s,
		   enum sql_dialect dialect, bool cut)
{
	struct sql sql;

	if (!x)
		return;
	sql_read(s, dialect, &sql);
	x->req.method = sql.method;
	exchange_set(x, &x->req.resource, sql_shape(&sql));
	if (sql.summary_n)
		exchange_set(x, &x->req.route, sql_summary(&sql));
	if (sql.trace.n)
		exchange_set(x, &x->req.trace, sql.trace);
	if (sql.cut || cut)
		x->req.flags |= REQ_CUT;
	if (!io->opts->raw)
		return;
	if (s.n + ERROR_ROOM + x->used > EXCHANGE_TEXT) {
		s.n = EXCHANGE_TEXT - ERROR_ROOM > x->used ? EXCHANGE_TEXT - ERROR_ROOM - x->used : 0;
		x->req.flags |= REQ_CUT;
	}
	exchange_set(x, &x->req.text, s);
}

void statement_error(struct exchange *x, struct str severity, struct str message, char quote)
{
	char text[ERROR_ROOM];
	const char *a = quote && message.n ? memchr(message.p, quote, message.n) : NULL;
	const char *b = a ? memrchr(message.p, quote, message.n) : NULL;
	const struct str parts[] = {
		severity,
		severity.n ? STR(": ") : STR_NONE,
		a ? (struct str){ message.p, (size_t)(a - message.p) } : message,
		a ? STR("?") : STR_NONE,
		a ? str_skip(message, (size_t)(b + 1 - message.p)) : STR_NONE,
	};
	size_t n = 0;

	if (!x)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		size_t take = parts[i].n < sizeof(text) - n ? parts[i].n : sizeof(text) - n;

		if (take)
			memcpy(text + n, parts[i].p, take);
		n += take;
		if (take < parts[i].n)
			x->req.flags |= REQ_CUT;
	}
	exchange_set(x, &x->req.error, (struct str){ text, n });
}

static void list_remove(struct statements *t, struct statement *e)
{
	*(e->newer ? &e->newer->older : &t->newest) = e->older;
	*(e->older ? &e->older->newer : &t->oldest) = e->newer;
}

static void list_add(struct statements *t, struct statement *e)
{
	e->newer = NULL;
	e->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = e;
	t->newest = e;
}

static struct statement *find(const struct statements *t, uint64_t key)
{
	struct statement *e = t->newest;

	while (e && e->key != key)
		e = e->older;
	return e;
}

static uint32_t size_of(const struct statement *e)
{
	uint32_t n = sizeof(*e);

	for (unsigned i = 0; i < 4; i++)
		n += e->n[i] == UINT16_MAX ? 0 : e->n[i];
	return n;
}

static void drop(struct statements *t, struct statement *e)
{
	list_remove(t, e);
	t->n--;
	t->bytes -= size_of(e);
	free(e);
}

void statement_forget(struct statements *t, uint64_t key)
{
	struct statement *e = find(t, key);

	if (e)
		drop(t, e);
}

void statement_keep(struct statements *t, uint64_t key, const struct exchange *x)
{
	struct request r;
	struct statement *e;
	size_t n = 0;

	statement_forget(t, key);
	if (!x)
		return;
	r = x->req;
	for (unsigned i = 0; i < 4; i++)
		n += part(&r, i)->n;
	e = malloc(sizeof(*e) + n);
	if (!e)
		return;
	*e = (struct statement){ .key = key, .method = r.method, .flags = r.flags & REQ_CUT };
	n = 0;
	for (unsigned i = 0; i < 4; i++) {
		const struct str *s = part(&r, i);

		e->n[i] = s->p ? (uint16_t)s->n : UINT16_MAX;
		if (s->n)
			memcpy(e->texts + n, s->p, s->n);
		n += s->n;
	}
	list_add(t, e);
	t->n++;
	t->bytes += size_of(e);
	while (t->n > STATEMENTS_MAX || (t->bytes > STATEMENTS_BYTES && t->n > 1))
		drop(t, t->oldest);
}

bool statement_recall(struct statements *t, uint64_t key, struct exchange *x)
{
	struct statement *e = find(t, key);
	size_t at = 0;

	if (!e || !x)
		return false;
	list_remove(t, e);
	list_add(t, e);
	x->req.method = e->method;
	x->req.flags |= e->flags;
	for (unsigned i = 0; i < 4; i++) {
		if (e->n[i] == UINT16_MAX)
			continue;
		exchange_set(x, part(&x->req, i), (struct str){ e->texts + at, e->n[i] });
		at += e->n[i];
	}
	return true;
}

struct str statement_method(struct statements *t, uint64_t key)
{
	const struct statement *e = find(t, key);

	return e ? e->method : STR_NONE;
}

void statements_free(struct statements *t)
{
	while (t->oldest)
		drop(t, t->oldest);
}
