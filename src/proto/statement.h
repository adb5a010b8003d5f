#pragma once
/*
 * Statements in exchanges: what a parser of a database's protocol does with one (proto/sql.h), and the
 * prepared ones of a connection, so that an execution that gives only a name or number can be told as its
 * statement. Bounded by number and bytes; the one longest unused goes first. Who was met midway knows only those
 * prepared since. The table belongs to the parser's state: statements_free in its release. One thread.
 */
#include "proto/exchange.h"
#include "proto/sql.h"

#define STATEMENTS_MAX	 256   /* remembered in one connection */
#define STATEMENTS_BYTES 32768 /* of their texts together */
#define STATEMENT_HOLD \
	8192		  /* bytes of a statement that are worth waiting for; the rest is skipped */
#define STATEMENT_NAME 64 /* bytes of a database's or user's name that are kept */

struct statement;

struct statements {
	struct statement *oldest, *newest; /* by use */
	uint32_t n, bytes;
};

/* method, resource, route, trace, and with io->opts->raw text. @cut: @s is not all of it. */
void statement_set(const struct proto_io *io, struct exchange *x, struct str s,
		   enum sql_dialect dialect, bool cut);

/*
 * error = "@severity: @message". With @quote what stands between the first and the last of it becomes ?, as it may be
 * out of the data or the statement.
 */
void statement_error(struct exchange *x, struct str severity, struct str message, char quote);

/* @x's statement under @key, in place of another; nothing when there is no memory. */
void statement_keep(struct statements *t, uint64_t key, const struct exchange *x);
/* Into @x what is known under @key; false: nothing is. */
bool statement_recall(struct statements *t, uint64_t key, struct exchange *x);
/* Its method alone; absent: not known. */
struct str statement_method(struct statements *t, uint64_t key);
void statement_forget(struct statements *t, uint64_t key);
void statements_free(struct statements *t);
