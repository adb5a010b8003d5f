#pragma once
/* What reader.c, vtab.c and functions.c share. Internal to store/. */
#include <sqlite3.h>

#include "store/folder.h"
#include "store/reader.h"

/* Opened slices that are kept so; beyond, one is closed when it has been read. */
#define READER_OPEN_MAX 48

enum slice_state {
	SLICE_NEW,
	SLICE_KNOWN, /* span and columns are */
	SLICE_BAD,
};

struct reader_slice {
	char name[STORE_FILE_BYTES];
	enum slice_state state;
	sqlite3 *db; /* NULL: not open */
	int64_t first, last;
	uint64_t columns[STORE_TABLES]; /* that it has, by bit */
	uint64_t who;			/* likewise */
};

struct store_reader {
	struct store_reader_opts opts;
	char path[4096];
	int dir;
	sqlite3 *db;
	struct reader_slice *slices;
	size_t nslices, nopen;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	struct store_read *read;
	char trouble[160]; /* of a table, for people; "": none */
};

/* Whether the deadline is over: SQLite's progress handler. */
int reader_late(void *ctx);

/* Slice @i, open. False: it is damaged, gone, or of another time. */
bool reader_slice_open(struct store_reader *r, size_t i, int64_t from, int64_t to);
/* Done with it for now. */
void reader_slice_release(struct store_reader *r, size_t i);
void reader_slice_bad(struct store_reader *r, size_t i, bool foreign);

/* Makes the tables and the functions known. SQLite's result code. */
int vtab_register(struct store_reader *r);
int functions_register(struct store_reader *r);
