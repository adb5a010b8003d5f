#pragma once
/*
 * The catalogue of fields: the one list behind filters, rules, JSON keys, text columns, metric
 * labels, `porthole fields` and the reference page.
 *
 * A field table is an array of struct field ended by a NULL name; rooms export their tables and
 * the agent joins them into one catalogue (agent/catalogue.c). Field functions are pure reads.
 */
#include "event/event.h"

struct field;

/* A field as someone asks for it: with the bracket argument, already parsed. */
struct field_ref {
	const struct field *field;
	bool has_index;
	int64_t index;	/* proc.aname[2] */
	struct str key; /* text in the brackets, when it is not a number */
};

/*
 * The value of a field in an event; false when the event does not have it. Fields that match "any
 * of" (FIELD_ANY: fd.ip is either end, proc.aname any ancestor) are asked with nth = 0, 1, 2...
 * until false; all others only with nth = 0. A string made on the spot is taken from the arena of
 * the running record (field_arena).
 */
typedef bool (*field_get)(const struct event *ev, const struct field_ref *ref, unsigned nth,
			  struct value *ret);

enum field_flag {
	FIELD_DEFAULT = 1, /* part of an event's JSON unless --fields says otherwise */
	FIELD_ANY = 2,	   /* several values: a comparison holds if it does for any (!= for all) */
	FIELD_INDEX = 4,   /* takes [n] or [key] */
	FIELD_SUBJECT = 8, /* depends on ev->proc alone: may be cached by subject_gen() */
	FIELD_ENV = 16,	   /* absent unless environments are captured (session_opts.env) */
	FIELD_FILE = 32,   /* absent unless asked of the kernel: WANT_FILE of wire/ctl.h */
	FIELD_DATA = 64,   /* likewise: WANT_DATA */
	FIELD_BRIEF = 128, /* says in a line of text what the event is about, beside its type */
};

struct field {
	const char *name;
	enum value_type type;
	const char *unit; /* "ns", "bytes", ... or "" */
	uint64_t kinds;	  /* KIND_BITs of the kinds that can have it */
	uint32_t flags;
	field_get get;
	uintptr_t arg; /* for get's own use: an offset, an index, a bit */
	const char *help;
	bool (*has_key)(struct str key); /* FIELD_INDEX: which keys there are; NULL: any */
	uint64_t quiet; /* KIND_BITs of those whose JSON has it only on request, FIELD_DEFAULT or not */
};

/* May the event have the field at all? (One without a kind is made up, to be judged.) Asked first by a get whose source is in other kinds too. */
static inline bool field_of_kind(const struct field_ref *ref, const struct event *ev)
{
	return !ref->field->kinds || !ev->kind || ref->field->kinds & (1ull << ev->kind->id);
}

struct catalogue {
	const struct field *const *fields; /* sorted by name */
	size_t n;
};

/* The field of that name (without brackets), or NULL. */
const struct field *field_find(const struct catalogue *c, struct str name);

/* The known name nearest to @name by edit distance, for "did you mean"; NULL when none is near. */
const struct field *field_nearest(const struct catalogue *c, struct str name);

/*
 * Joins tables (each ended by a NULL name) into one sorted catalogue, owned by the caller.
 * 0, -ENOMEM, or -EEXIST when two tables define one name.
 */
int catalogue_join(const struct field *const *tables, size_t n, struct catalogue *ret);
void catalogue_free(struct catalogue *c);

/* Scratch memory of the running record, for field functions that build strings. */
struct arena;
struct arena *field_arena(void);
void field_arena_set(struct arena *a);
