#pragma once
/*
 * SQL over the history, by whoever may read its folder; no agent is needed, and one that writes is not
 * disturbed. A statement runs in a database in memory that has nothing but the tables of
 * store/table.h, each a virtual one (store/vtab.c) that walks the slices of its time one after the
 * other. So the number of slices is not bounded by SQLite's limit on attached databases, a damaged
 * slice costs its own rows only, and the statement never gets hold of a file.
 *
 * SQL may be anybody's. An authorizer lets it read these tables and call functions, nothing else;
 * time is bounded by a deadline, memory by SQLite's hard heap limit (of the process), sorting and
 * grouping stay in memory, and texts, expressions and joins have limits (reader.c). SQLite looks at
 * the deadline between steps: a function over texts of STORE_VALUE_MAX takes seconds at most, those
 * known to take longer are refused, and a command should end itself if it takes longer all the same.
 *
 * One thread; one reader in a process at a time, because of the heap limit.
 */
#include "base/buf.h"
#include "store/row.h"

#define STORE_VALUE_MAX	     (512u << 10) /* bytes of a text or blob that a statement makes */
#define STORE_SQL_MAX	     (64u << 10)
#define STORE_MEMORY_DEFAULT (128ull << 20)
#define STORE_MEMORY_MIN     (8ull << 20)

/* Rows of a table that is not in slices. */
struct store_source {
	enum store_table_id table;
	void *ctx;
	/* Rows of time from @from to @to. 0 or -errno. */
	int (*open)(void *ctx, int64_t from, int64_t to, void **ret);
	/* 1: a row (row.h), borrowed until the next call; 0: the end; -errno. */
	int (*next)(void *cursor, struct str *ret);
	void (*close)(void *cursor);
};

struct store_reader_opts {
	const char *directory;
	const struct store_schema *schema;
	int64_t from_ns, to_ns; /* Unix time; only rows from @from to before @to */
	int64_t now_ns;		/* what ago() counts from */
	uint64_t timeout_ns, memory_bytes, rows_max;
	const struct store_source *sources;
	size_t nsources;
};

enum store_value_type {
	STORE_NULL,
	STORE_INT,
	STORE_REAL,
	STORE_TEXT,
	STORE_BLOB,
};

struct store_value {
	enum store_value_type type;
	int64_t i64;
	double real;
	struct str str;
};

/* @types: TIME, DURATION, ... where a column is one of a table's, else NULL. Nonzero ends it. */
struct store_result {
	void *ctx;
	int (*head)(void *ctx, size_t n, const char *const *names, const char *const *types);
	int (*row)(void *ctx, size_t n, const struct store_value *values);
};

struct store_read {
	size_t slices;		  /* that were looked into */
	size_t damaged, foreign;  /* that could not be read, or are not ours */
	char first_bad[64];	  /* the first of them */
	uint64_t rows, rows_seen; /* of the result; of the tables */
	bool cut;		  /* there was more than rows_max */
};

struct store_reader;

/* 0 or -errno with a line in @why. -ENOENT: there is no such folder. */
int store_reader_open(const struct store_reader_opts *o, struct store_reader **ret, struct buf *why);
void store_reader_close(struct store_reader *r);

/*
 * One statement. 0; -EINVAL: it is wrong, or not allowed; -ETIME: the deadline; -ENOMEM: the limit of
 * memory; -ECANCELED: the result's callback ended it; another -errno. Lines for people in @why.
 */
int store_reader_query(struct store_reader *r, struct str sql, const struct store_result *to,
		       struct store_read *ret, struct buf *why);
