#pragma once
/*
 * The board for people and for scripts: a screenful, one line, JSON. Pure: rows in, text out, no
 * clock, no terminal. Names come from the machine's users; control characters in them are escaped
 * (base/buf.h, base/json.h), so one row stays one line. Columns count characters, not the double
 * width of East Asian ones.
 */
#include "agg/board.h"
#include "base/buf.h"

/* What is not in the board itself. */
struct board_about {
	struct str host;
	struct str clock; /* "12:03:04" */
	struct wall_ns now;
	uint64_t up_ns;	      /* since the start */
	uint64_t interval_ns; /* 0: the first tick, nothing can be said yet */
	uint64_t lost;	      /* events, since the start */
	uint64_t self_cpu_ns; /* of porthole's own process, in this interval */
	uint64_t self_rss_bytes;
};

/* "shop/cart/app", "pod 1b2c.../app", "nginx.service", "/a/plain/cgroup". */
void board_name(const struct board_row *r, struct buf *b);

/*
 * At most @height lines of at most @width (3 or more) characters, each ended by a newline: two of summary, a
 * blank one, column heads, rows. Columns that do not fit are left out, the least important first.
 */
void board_screen(const struct board_row *rows, size_t n, const struct board_row *sum,
		  const struct board_about *about, unsigned width, unsigned height, struct buf *b);

/* The interval in one line, its busiest rows at the end. */
void board_line(const struct board_row *rows, size_t n, const struct board_row *sum,
		const struct board_about *about, struct buf *b);

/*
 * One object and a newline; @type is "row", "node" (all rows together) or "totals" (the same since
 * the start). count.KIND are events of this interval, errors.KIND those that failed.
 */
void board_json(const struct board_row *r, const char *type, const struct board_about *about,
		struct buf *b);

/* "1.5 MiB", "3m 20s", for other words around the board. */
void board_bytes(uint64_t bytes, struct buf *b);
void board_time(uint64_t ns, struct buf *b);
