#pragma once
/*
 * A slice: an SQLite database with the rows of some minutes. Written by one thread, in WAL mode
 * with synchronous=NORMAL: what was committed survives kill -9, and power loss costs at most the last
 * seconds, never the file. A finished slice has its log put in, and nothing beside it: it is read
 * as a file that does not change, without locks or helpers.
 *
 *	subjects(id INTEGER PRIMARY KEY, columns of who)    each different one once
 *	TABLE(own columns, subject)                         one for each table kept here
 *	span(first, last)                                   of all its rows' times
 *
 * application_id and user_version say what it is. Columns are found by name, so that a slice of a
 * porthole with other columns can be read.
 */
#include <sqlite3.h>

#include "store/row.h"

#define SLICE_APPLICATION 0x50485331 /* "PHS1" */
#define SLICE_VERSION	  1

struct slice;

/*
 * Makes the file @path, which is not there yet. @log_pages: how long its log may grow. 0 or -errno;
 * what SQLite says is appended to @why.
 */
int slice_new(const char *path, const struct store_schema *s, unsigned log_pages,
	      struct slice **ret, struct buf *why);

int slice_begin(struct slice *g, struct buf *why);
int slice_put(struct slice *g, const struct row_head *h, struct cur own, struct cur who,
	      struct buf *why);
int slice_commit(struct slice *g, struct buf *why);

/* Ends it; @whole: nothing failed, so it is finished. Gives up what is not committed. */
void slice_close(struct slice *g, bool whole);

/* Finishes one that another process left. 0 or -errno: it is left as it is. */
int slice_tidy(const char *path);

/* SQLite's result code as -errno. */
int slice_errno(int rc);
