#pragma once
/* For tests of the store: a catalogue of two tables' fields, and events that have values for them. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/reader.h"
#include "store/store.h"

static const struct proc *store_test_name(const struct event *ev)
{
	return ev->proc;
}

static bool store_test_time(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	(void)ref;
	*ret = (struct value){ VALUE_TIME, .u64 = ev->time.ns };
	return nth == 0;
}

static bool store_test_comm(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	(void)ref;
	*ret = (struct value){ VALUE_STR, .str = str_of(store_test_name(ev)->comm) };
	return nth == 0;
}

static bool store_test_pid(const struct event *ev, const struct field_ref *ref, unsigned nth,
			   struct value *ret)
{
	(void)ref;
	*ret = (struct value){ VALUE_U64, .u64 = ev->proc->pid };
	return nth == 0;
}

/* The event's number stands for what a kind has of its own; odd ones lack it. */
static bool store_test_code(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	(void)ref;
	*ret = (struct value){ VALUE_U64, .u64 = ev->num };
	return nth == 0 && ev->num % 2 == 0;
}

static bool store_test_text(const struct event *ev, const struct field_ref *ref, unsigned nth,
			    struct value *ret)
{
	(void)ref;
	*ret = (struct value){ VALUE_STR, .str = ev->type };
	return nth == 0;
}

static const struct field store_test_fields[] = {
	{ "evt.time", VALUE_TIME, "ns", KINDS_ALL, 0, store_test_time, 0, "when" },
	{ "exit.code", VALUE_U64, "", KINDS_ALL, 0, store_test_code, 0, "code" },
	{ "evt.kind", VALUE_STR, "", KINDS_ALL, 0, store_test_text, 0, "text" },
	{ "proc.name", VALUE_STR, "", KINDS_ALL, 0, store_test_comm, 0, "who" },
	{ "proc.pid", VALUE_U64, "", KINDS_ALL, 0, store_test_pid, 0, "pid" },
	{ NULL },
};

static inline struct store_schema *store_test_schema(void)
{
	const struct field *const tables[] = { store_test_fields };
	struct store_schema *s = NULL;
	struct catalogue c;

	if (catalogue_join(tables, 1, &c) != 0 || store_schema_new(&c, &s) != 0)
		abort();
	catalogue_free(&c);
	return s;
}

static inline void store_test_put(struct store *st, uint64_t num, uint64_t time_ns,
				  const char *comm, struct str text)
{
	struct proc p = { .pid = (uint32_t)(num % 7) };
	const struct event ev = { .num = num, .time = { time_ns }, .proc = &p, .type = text };

	snprintf(p.comm, sizeof(p.comm), "%s", comm);
	store_event(st, STORE_PROCESSES, &ev);
}
