#pragma once
/*
 * For tests and fuzzers: a finished request as one line of text.
 *
 *	http GET /a?x 200 ok req=27 resp=43 host=h flags=midway
 *
 * Protocol, method, resource, status, ok; sizes; then what is there: lost, items, code (when the status does not
 * say it), route, host, agent, error, answer, trace, text; with times: from first byte, to answer, to end, in ms; flags. Absent:
 * "-"; a text with blanks, or an empty one, stands in quotes; control characters and bad UTF-8 as buf_text has them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "event/request.h"

static inline void feed_text(struct buf *b, struct str s)
{
	bool quote = s.p && (s.n == 0 || memchr(s.p, ' ', s.n));

	if (!s.p)
		buf_char(b, '-');
	if (quote)
		buf_char(b, '"');
	buf_text(b, s);
	if (quote)
		buf_char(b, '"');
}

static inline void feed_named(struct buf *b, const char *name, struct str s)
{
	if (!s.p)
		return;
	buf_printf(b, " %s=", name);
	feed_text(b, s);
}

static inline void feed_flags(struct buf *b, uint16_t flags)
{
	static const char *const names[] = { "cut", "lost",   "unanswered", "oneway",
					     "tls", "midway", "stream" };
	const char *before = " flags=";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (flags & (1u << i)) {
			buf_printf(b, "%s%s", before, names[i]);
			before = ",";
		}
}

static inline void feed_after(struct buf *b, struct boot_ns start, struct boot_ns t)
{
	int64_t ns = (int64_t)(t.ns - start.ns);

	if (t.ns)
		buf_printf(b, "+%" PRId64, ns / (int64_t)NS_PER_MS);
	else
		buf_printf(b, "+none");
}

static inline void feed_line(struct buf *b, const struct request *r, bool times)
{
	static const char *const ok[] = { "unknown", "ok", "error" };
	char code[24];
	const struct str head[] = { r->protocol, r->method, r->resource, r->status };

	for (size_t i = 0; i < 4; i++) {
		feed_text(b, head[i]);
		buf_char(b, ' ');
	}
	buf_printf(b, "%s req=%" PRIu64 " resp=%" PRIu64, ok[r->ok], r->request_bytes,
		   r->response_bytes);
	if (r->lost_bytes)
		buf_printf(b, " lost=%" PRIu64, r->lost_bytes);
	if (r->items)
		buf_printf(b, " items=%" PRIu64, r->items);
	snprintf(code, sizeof(code), "%" PRId64, r->code);
	if (r->code != -1 && !str_eq(r->status, str_of(code)))
		buf_printf(b, " code=%s", code);
	feed_named(b, "route", r->route);
	feed_named(b, "host", r->host);
	feed_named(b, "agent", r->agent);
	feed_named(b, "error", r->error);
	feed_named(b, "answer", r->answer);
	feed_named(b, "trace", r->trace);
	feed_named(b, "text", r->text);
	if (times) {
		buf_printf(b, " times=%" PRIu64, (uint64_t)(r->start.ns / NS_PER_MS));
		feed_after(b, r->start, r->answered);
		feed_after(b, r->start, r->end);
	}
	feed_flags(b, r->flags);
	buf_char(b, '\n');
}
