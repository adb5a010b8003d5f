#pragma once
/*
 * For tests of parsers: a conversation goes through the real reader (reader.h), and each finished request is one
 * line of text (feed_line_test.h) to compare with. Refused messages are lines too: "! reason".
 *
 *	static const struct feed get[] = {
 *		CLIENT("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"),
 *		SERVER("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"),
 *		SERVER_LOST(3),
 *	};
 *	FEED_CHECK(&proto_http, get, "http GET /a 200 ok req=27 resp=43 host=h\n");
 *	FEED_CHECK(&proto_http, get, "...", .midway = true, .times = true);
 *
 * FEED_CHECK runs it as given, a byte at a time, and cut in two at every offset (of long ones some 500), with the same
 * lines each time; then every beginning of it, and with a few bytes lost anywhere, which may say anything but
 * must not crash or leave something behind. Each record's bytes end at an unmapped page; what is held over lies in an allocation of just its size.
 * Item i comes i + 1 ms after boot; the connection is closed one ms after the last.
 *
 * With FEED_CORPUS=DIR in the environment each conversation is also written to DIR, as an input for the
 * fuzzer (feed_fuzz.h): FEED_CORPUS=src/proto/x/x_fuzz.d build/test/proto/x/x_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/guard_test.h"
#include "base/hash.h"
#include "proto/feed_line_test.h"
#include "proto/reader.h"

struct feed {
	enum proto_dir dir;
	struct str bytes;
	uint32_t lost; /* this many bytes were not captured (bytes empty) */
};

#define CLIENT(lit)    { PROTO_TO_SERVER, { (lit), sizeof(lit) - 1 }, 0 }
#define SERVER(lit)    { PROTO_TO_CLIENT, { (lit), sizeof(lit) - 1 }, 0 }
#define CLIENT_LOST(n) { PROTO_TO_SERVER, { NULL, 0 }, (n) }
#define SERVER_LOST(n) { PROTO_TO_CLIENT, { NULL, 0 }, (n) }

struct feed_opts {
	bool raw;      /* proto_opts.raw */
	bool midway;   /* the connection was met after its begin */
	bool datagram; /* each item is a datagram: never cut */
	bool open;     /* not closed at the end: only what was done until then */
	bool times;    /* in the lines */
	bool once;     /* as given and in its beginnings only: the lines depend on how it is cut */
	uint32_t capture; /* of each item only so many bytes are captured (implies once); 0: all */
};

/* How one run is cut: offsets in the bytes of all items together. */
struct feed_cut {
	size_t stop;	     /* nothing from here on; 0: all */
	size_t at;	     /* a record ends here */
	size_t piece;	     /* and after so many bytes; 0: no such end */
	size_t lose, lose_n; /* not captured: from there on, so many */
};

#define FEED_RECORD 16384 /* an item that is longer comes in several records */
#define FEED_SPLITS 500

struct feed_run {
	struct readers env;
	struct reader reader;
	struct guard guard;
	struct buf lines;
	const struct feed_opts *opts;
};

static inline void feed_done(void *ctx, struct window *w, struct exchange *x)
{
	struct feed_run *f = ctx;

	(void)w;
	feed_line(&f->lines, &x->req, f->opts->times);
}

static inline void feed_reject(void *ctx, const struct proto *p, const char *reason)
{
	struct feed_run *f = ctx;

	(void)p;
	buf_printf(&f->lines, "! %s\n", reason);
}

static inline void feed_record(struct feed_run *f, unsigned side, struct str bytes, bool lost,
			       struct boot_ns now)
{
	uint32_t seen = (uint32_t)bytes.n;

	if (lost)
		bytes.n = 0;
	if (f->opts->capture && bytes.n > f->opts->capture)
		bytes.n = f->opts->capture;
	bytes.p = (const char *)guard_put(&f->guard, bytes.p, bytes.n);
	if (f->opts->datagram)
		reader_datagram(&f->reader, side, seen, bytes, now);
	else
		reader_feed_next(&f->reader, side, seen, bytes, now);
}

/* How many of @n bytes at offset @at come in one record. */
static inline size_t feed_take(const struct feed_opts *o, const struct feed_cut *c, size_t at,
			       size_t n)
{
	const size_t ends[] = { c->at, c->stop, c->lose, c->lose + c->lose_n };

	if (o->datagram)
		return n;
	if (n > FEED_RECORD)
		n = FEED_RECORD;
	if (c->piece && n > c->piece)
		n = c->piece;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (at < ends[i] && n > ends[i] - at)
			n = ends[i] - at;
	return n;
}

/* The lines stay valid until feed_end. */
static inline struct str feed_begin(struct feed_run *f, const struct proto *p,
				    const struct feed_opts *o, const struct feed *items, size_t n,
				    const struct feed_cut *c)
{
	size_t at = 0, i, stop = c->stop ? c->stop : SIZE_MAX;

	*f = (struct feed_run){ .opts = o, .guard = guard_make() };
	f->env = (struct readers){
		.opts.raw = o->raw, .held.max = 64u << 20, .reject = feed_reject, .ctx = f
	};
	f->env.pool.done = feed_done;
	f->env.pool.ctx = f;
	reader_init(&f->reader, &f->env, f);
	f->reader.midway = o->midway;
	assert_int_equal(reader_start(&f->reader, p, 0), 0);
	for (i = 0; i < n && at < stop; i++) {
		struct boot_ns now = { (i + 1) * NS_PER_MS };
		unsigned side = items[i].dir == PROTO_TO_CLIENT;
		struct str left = items[i].bytes;

		if (items[i].lost)
			reader_feed_next(&f->reader, side, items[i].lost, STR_NONE, now);
		while (left.n && at < stop) {
			size_t take = feed_take(o, c, at, left.n);

			feed_record(f, side, (struct str){ left.p, take },
				    at >= c->lose && at < c->lose + c->lose_n, now);
			left = str_skip(left, take);
			at += take;
		}
	}
	if (!o->open || c->stop || c->lose_n)
		reader_close(&f->reader, (struct boot_ns){ (i + 1) * NS_PER_MS });
	assert_false(f->lines.failed);
	return buf_slice(&f->lines);
}

/* Nothing may be left. */
static inline void feed_end(struct feed_run *f)
{
	reader_free(&f->reader);
	assert_int_equal(f->env.pool.n, 0);
	assert_int_equal(f->env.held.used, 0);
	exchange_pool_free(&f->env.pool);
	buf_free(&f->lines);
	guard_free(&f->guard);
}

static inline void feed_compare(const struct proto *p, const struct feed_opts *o,
				const struct feed *items, size_t n, struct feed_cut c,
				const char *golden)
{
	struct feed_run f;
	struct str got = feed_begin(&f, p, o, items, n, &c);

	if (!str_eq(got, str_of(golden))) {
		print_error("%s, cut at %zu, pieces of %zu:\n%.*s--- and not:\n%s", p->name, c.at,
			    c.piece, STR_ARG(got), golden);
		fail();
	}
	feed_end(&f);
}

/* Only that it survives. */
static inline void feed_try(const struct proto *p, const struct feed_opts *o,
			    const struct feed *items, size_t n, struct feed_cut c)
{
	struct feed_run f;

	feed_begin(&f, p, o, items, n, &c);
	feed_end(&f);
}

static inline size_t feed_total(const struct feed *items, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += items[i].bytes.n;
	return total;
}

/* In the form that feed_fuzz.h reads. */
static inline void feed_store(const char *dir, const struct feed_opts *o, const struct feed *items,
			      size_t n)
{
	struct buf b = { 0 };
	char path[512];
	FILE *f;

	buf_char(&b, (char)(o->raw | o->datagram << 1 | o->midway << 2));
	for (size_t i = 0; i < n; i++) {
		uint32_t root = 0;

		while (items[i].lost && root < 255 && root * root < items[i].lost)
			root++;
		if (root) {
			buf_char(&b, (char)(items[i].dir | 2));
			buf_char(&b, (char)root);
		}
		for (struct str left = items[i].bytes; left.n;) {
			size_t take = left.n < 8191 ? left.n : 8191;

			buf_char(&b, (char)(items[i].dir | (take >> 8) << 3));
			buf_char(&b, (char)take);
			buf_add(&b, left.p, take);
			left = str_skip(left, take);
		}
	}
	snprintf(path, sizeof(path), "%s/case-%016" PRIx64, dir, hash_str(buf_slice(&b)));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
	assert_int_equal(fclose(f), 0);
	buf_free(&b);
}

static inline void feed_check(const struct proto *p, const struct feed_opts *o,
			      const struct feed *items, size_t n, const char *golden)
{
	size_t total = feed_total(items, n), step = total / FEED_SPLITS + 1;
	const char *dir = getenv("FEED_CORPUS");

	if (dir)
		feed_store(dir, o, items, n);
	feed_compare(p, o, items, n, (struct feed_cut){ 0 }, golden);
	if (!o->once && !o->datagram && !o->capture) {
		feed_compare(p, o, items, n, (struct feed_cut){ .piece = 1 }, golden);
		feed_compare(p, o, items, n, (struct feed_cut){ .piece = 7 }, golden);
		for (size_t cut = 1; cut < total; cut += step)
			feed_compare(p, o, items, n, (struct feed_cut){ .at = cut }, golden);
	}
	for (size_t at = 0; at < total; at += step) {
		feed_try(p, o, items, n, (struct feed_cut){ .stop = at });
		feed_try(p, o, items, n, (struct feed_cut){ .lose = at, .lose_n = 1 });
		feed_try(p, o, items, n, (struct feed_cut){ .lose = at, .lose_n = 9 });
	}
}

#define FEED_CHECK(p, items, golden, ...)                                  \
	feed_check((p), &(const struct feed_opts){ __VA_ARGS__ }, (items), \
		   sizeof(items) / sizeof((items)[0]), (golden))
