#pragma once
/*
 * For tests of decoders: records from hexadecimal text, put against a guard page so that a byte too
 * many is a crash; every short length; every byte changed. One thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/guard_test.h"
#include "probe/probe.h"

struct decode_room {
	struct guard guard;
	struct arena arena;
	const struct probe *probe;
	uint8_t bytes[GUARD_PAGE];
	size_t n;
	struct event ev;
	char text[256];
};

/* Call decode_close on the result's room. */
static inline void decode_open(struct decode_room *r, const struct probe *probe)
{
	memset(r, 0, sizeof(*r));
	r->guard = guard_make();
	r->probe = probe;
	assert_int_equal(arena_init(&r->arena, 1 << 16), 0);
	field_arena_set(&r->arena);
}

static inline void decode_close(struct decode_room *r)
{
	arena_free(&r->arena);
	guard_free(&r->guard);
}

/* Takes the record that @hex spells. */
static inline void decode_hex(struct decode_room *r, const char *hex)
{
	unsigned byte;

	for (r->n = 0; sscanf(hex + 2 * r->n, "%2x", &byte) == 1; r->n++)
		r->bytes[r->n] = (uint8_t)byte;
	assert_int_equal(strlen(hex), 2 * r->n);
}

/* Decodes the first @n bytes as a record of that length. */
static inline int decode_part(struct decode_room *r, size_t n)
{
	/* Records are 8-aligned; those of odd length end up to 7 bytes before the page. */
	struct rec_hdr *h = (void *)guard_put(&r->guard, r->bytes, (n + 7) & ~(size_t)7);

	h->len = (uint32_t)n;
	arena_reset(&r->arena);
	r->ev = (struct event){ .hdr = h, .body = h };
	for (const struct probe_decoder *d = r->probe->decoders; d->decode; d++)
		if (d->type == h->type)
			return d->decode(h, &r->arena, &r->ev);
	return -ENOENT;
}

static inline int decode_all(struct decode_room *r)
{
	return decode_part(r, r->n);
}

/* A field of the decoded event as text, or NULL when the event lacks it. */
static inline const char *decode_field(struct decode_room *r, const char *name)
{
	for (const struct field *f = r->probe->fields; f->name; f++) {
		struct field_ref ref = { .field = f };
		struct buf b = { 0 };
		struct value v;

		if (strcmp(f->name, name) != 0)
			continue;
		if (!f->get(&r->ev, &ref, 0, &v))
			return NULL;
		assert_int_equal(v.type, f->type);
		value_text(&b, &v);
		snprintf(r->text, sizeof(r->text), "%.*s", (int)b.n, b.p);
		buf_free(&b);
		return r->text;
	}
	fail_msg("no field %s", name);
	return NULL;
}

static inline void decode_fields_read(struct decode_room *r)
{
	for (const struct field *f = r->probe->fields; f->name; f++)
		decode_field(r, f->name);
}

/* Every record shorter than the whole is refused. */
static inline void decode_short_refused(struct decode_room *r)
{
	for (size_t n = sizeof(struct rec_hdr); n < r->n; n++)
		assert_int_equal(decode_part(r, n), -EBADMSG);
	assert_int_equal(decode_all(r), 0);
}

/* Each byte behind the header takes each value: refused, or all fields can be read. */
static inline void decode_changed_survives(struct decode_room *r)
{
	for (size_t at = sizeof(struct rec_hdr); at < r->n; at++) {
		uint8_t was = r->bytes[at];

		for (unsigned v = 0; v < 256; v++) {
			int err;

			r->bytes[at] = (uint8_t)v;
			err = decode_all(r);
			assert_true(err == 0 || err == -EBADMSG);
			if (!err)
				decode_fields_read(r);
		}
		r->bytes[at] = was;
	}
}
