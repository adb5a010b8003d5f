#pragma once
/*
 * What `porthole query` does: one SQL statement over what the agent kept (store/reader.h), its
 * profiles included. Needs no agent, and no privilege but to read the folders.
 */
#include "store/reader.h"
#include "store/store.h"

#define RECALL_TIMEOUT_NS (10ull * 1000000000)

struct recall_opts {
	const char *directory; /* NULL: STORE_DIR */
	const char *profiles;  /* NULL: PROFILE_DIR */
	const char *from, *to; /* base/when.h; NULL: no bound */
	uint64_t timeout_ns, memory_bytes, rows_max;
};

/* The tables. NULL: out of memory. Made on first use, never freed. */
const struct store_schema *recall_schema(void);

/* As store_reader_query; -EINVAL also for a wrong option. */
int recall_query(const struct recall_opts *o, struct str sql, const struct store_result *to,
		 struct store_read *ret, struct buf *why);

/* Appends @s as a text of SQL. */
void recall_quote(struct buf *b, struct str s);
