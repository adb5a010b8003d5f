#pragma once
/*
 * A row on its way into a table: the values of its columns as bytes, in the table's order.
 *
 *	| u32 bytes | u16 table | u16 values | u32 own | i64 time | own values | values of who |
 *	  bytes: of all of it; own: bytes of the table's own values
 *	value: u8 type, then nothing (ROW_NULL), i64 (ROW_INT), or u32 length and text (ROW_TEXT)
 *
 * Host byte order; rows stay in this process. Text is made valid UTF-8 without NUL when it is put in:
 * bytes that are not become U+FFFD, so that SQL's functions see all of it. Text above STORE_TEXT_MAX
 * is cut at a character and ends in "...". Numbers above INT64_MAX become that.
 */
#include "base/buf.h"
#include "base/cur.h"
#include "store/table.h"

#define STORE_TEXT_MAX (4u << 10)   /* of a field */
#define STORE_JSON_MAX (256u << 10) /* of an alert: longer ones are left out, not cut */

enum row_type {
	ROW_NULL,
	ROW_INT,
	ROW_TEXT,
};

struct row_value {
	enum row_type type;
	int64_t i64;
	struct str str;
};

struct row_head {
	uint32_t bytes;
	uint16_t table, values;
	uint32_t own, zero;
	int64_t time;
};
_Static_assert(sizeof(struct row_head) == 24, "the form of rows");

struct row {
	struct buf *b;
	size_t at; /* of its head */
	uint32_t values;
	uint64_t cut; /* texts that were cut */
};

/* Appends to @b, which the caller keeps. */
struct row row_begin(struct buf *b, enum store_table_id table, int64_t time);
void row_null(struct row *r);
void row_int(struct row *r, int64_t v);
void row_u64(struct row *r, uint64_t v);
void row_text(struct row *r, struct str s); /* absent: NULL */
void row_json(struct row *r, struct str s); /* longer than STORE_JSON_MAX: NULL */
void row_own_end(struct row *r);	    /* the values of who follow */
/* False: it did not fit the buffer, and nothing of it is there. */
bool row_end(struct row *r);

/* The row of an event: all columns of @t. Fields borrow from the running record. */
bool row_event(struct buf *b, const struct store_schema *s, enum store_table_id table,
	       const struct event *ev, uint64_t *cut);

/* The next row of @c: its head, its own values and those of who. False at the end, or damaged. */
bool row_read(struct cur *c, struct row_head *ret, struct cur *ret_own, struct cur *ret_who);
bool row_value_read(struct cur *c, struct row_value *ret);
