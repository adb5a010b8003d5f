#pragma once
/*
 * A statement without its literals: what may leave the node, and what equal statements have in common.
 *
 *   SELECT a FROM t JOIN u WHERE x IN (1, 'b')   statement, any bytes
 *   SELECT a FROM t JOIN u WHERE x IN (?)        shape
 *   SELECT t u                                   summary: operations and what they are done to
 *   SELECT                                       method
 *
 * As OpenTelemetry's semantic conventions have it (database spans, "sanitization of db.query.text" and
 * "generating a summary"; their test cases are in test/sql): literals become `?`, a sign before a number belongs
 * to it, comments go, other white space and case stay. Beyond that: placeholders ($1, ?2) become `?` too, so that a
 * statement has one shape in whichever way it is sent; lists after IN and equal rows after VALUES are folded to
 * the first; names that WITH defines are no targets; MySQL's executable comments count as statement.
 *
 * One pass, no memory; the shape is never longer than the statement and well-formed UTF-8. What cannot be told from a
 * literal is treated as one: what is not closed, and quoted names longer than a name can be. It does not know
 * the session: with sql_mode ANSI_QUOTES MySQL's quoted names become `?`; with PostgreSQL's
 * standard_conforming_strings off (not the default since 9.1) a backslash before a quote misleads it.
 */
#include "base/str.h"

#define SQL_SHAPE_MAX	512
#define SQL_SUMMARY_MAX 128   /* only whole words */
#define SQL_READ_MAX	16384 /* bytes of a statement that are looked at */

enum sql_dialect {
	SQL_ANSI,
	SQL_POSTGRES, /* dollar quotes, E'', nested comments */
	SQL_MYSQL,    /* "" and backslashes in strings, #, -- only before a space */
};

struct sql {
	struct str method; /* verb in capitals: static; "OTHER" for one not known; absent: no statement */
	struct str trace; /* traceparent in a comment (sqlcommenter); borrowed from the statement */
	bool cut;	  /* shape or summary are not all */
	uint16_t shape_n, summary_n;
	char summary[SQL_SUMMARY_MAX];
	char shape[2 * SQL_SHAPE_MAX]; /* at most SQL_SHAPE_MAX when done */
};

void sql_read(struct str statement, enum sql_dialect dialect, struct sql *ret);

static inline struct str sql_shape(const struct sql *s)
{
	return (struct str){ s->shape, s->shape_n };
}

static inline struct str sql_summary(const struct sql *s)
{
	return (struct str){ s->summary, s->summary_n };
}
