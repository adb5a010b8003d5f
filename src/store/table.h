#pragma once
/*
 * The tables of the node's recent history: what `porthole query` can ask. A table is a row in
 * tables.c: its name, the kinds of events it keeps, and names of fields of the catalogue; types,
 * units and meanings come from there. A column is called as its field, with underscores for dots, and
 * evt.time is `time`.
 *
 * The columns of who did it (process, container, pod) are the same for all kinds; equal ones are
 * stored once in each slice (store/slice.h). Tables that are not made of events have columns of
 * their own: alerts as their JSON has them, profiles out of the profiles' files (agent/history.h).
 *
 * Fields that the catalogue does not have are left out. Read-only once made; any thread.
 */
#include "event/field.h"

#define STORE_COLUMNS_MAX 63 /* SQLite tells the columns in use as bits of a word */
#define STORE_TABLES_MAX  8
#define STORE_NAME_BYTES  48

struct store_column {
	char name[STORE_NAME_BYTES];
	enum value_type type;
	const char *unit, *help;
	const struct field *field; /* NULL: the table's own */
	const char *expr;	   /* SQL over the stored columns; NULL: it is stored itself */
};

/* A column that no field is behind. */
struct store_own {
	const char *name; /* NULL ends the list */
	enum value_type type;
	const char *unit, *help, *expr;
};

struct store_def {
	const char *name, *help;
	uint64_t kinds;		     /* KIND_BITs; 0: not of events */
	const char *where;	     /* expression that its events fulfil; NULL: all */
	const char *const *fields;   /* ended by NULL; NULL: none */
	const struct store_own *own; /* NULL: none */
	bool elsewhere;		     /* its rows are not in slices */
};

/* Columns 0 to nown - 1 are the table's, from there on those of who; the first is always `time`. */
struct store_table {
	const struct store_def *def;
	struct store_column columns[STORE_COLUMNS_MAX];
	size_t n, nown;
};

enum store_table_id {
	STORE_REQUESTS,
	STORE_CONNECTIONS,
	STORE_PROCESSES,
	STORE_ALERTS,
	STORE_PROFILES,
	STORE_TABLES,
};

struct store_schema {
	struct store_table tables[STORE_TABLES];
	struct store_table who; /* its name is `subjects`; all its columns are stored */
};

/* 0 or -ENOMEM. Free with free(). */
int store_schema_new(const struct catalogue *c, struct store_schema **ret);

/* NULL: there is none of that name. */
const struct store_table *store_table_find(const struct store_schema *s, struct str name);

/* SQL's name of a type: TIME, DURATION, INTEGER, BOOLEAN, TEXT. */
const char *store_type_name(enum value_type t);
