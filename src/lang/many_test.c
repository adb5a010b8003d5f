/*
 * Many expressions at once must say what each says alone: random sets of random expressions over
 * random events, few and many, so that gates, index and shared nodes are all used; parts of strings
 * in numbers that make groups of the automaton's bits; more types than are prepared.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lang/many.h"
#include "lang/testing_random.h"

#define LIST_MAX 400

static struct catalogue catalogue;
static struct arena arena;

struct list {
	struct expr *x[LIST_MAX];
	size_t n;
	struct many *many;
};

struct got {
	uint32_t place[LIST_MAX];
	size_t n, max;
};

static void list_end(struct list *l)
{
	many_free(l->many);
	for (size_t i = 0; i < l->n; i++)
		expr_free(l->x[i]);
}

static void list_add(struct list *l, struct str text)
{
	assert_true(l->n < LIST_MAX);
	assert_int_equal(expr_parse(&catalogue, text, NULL, &l->x[l->n++], NULL), 0);
}

static void list_ready(struct list *l)
{
	assert_int_equal(many_new((const struct expr *const *)l->x, l->n, &l->many), 0);
}

static bool hit(void *ctx, uint32_t place)
{
	struct got *g = ctx;

	g->place[g->n++] = place;
	return g->n < g->max;
}

/* All places, and only the first. */
static unsigned event_try(struct list *l, const struct event *ev)
{
	struct got all = { .max = LIST_MAX + 1 }, first = { .max = 1 };
	size_t n = many_match(l->many, ev, hit, &all), at = 0;

	assert_int_equal(n, all.n);
	assert_int_equal(many_match(l->many, ev, hit, &first), all.n != 0);
	if (all.n)
		assert_int_equal(first.place[0], all.place[0]);
	for (uint32_t i = 0; i < l->n; i++) {
		bool matched = at < all.n && all.place[at] == i;

		assert_int_equal(matched, expr_match(l->x[i], ev));
		at += matched;
	}
	assert_int_equal(at, all.n);
	return (unsigned)all.n;
}

static unsigned events_try(struct list *l, unsigned events)
{
	unsigned matched = 0;

	for (unsigned i = 0; i < events; i++) {
		struct test_event t;

		random_event(&t, &catalogue);
		arena_reset(&arena);
		matched += event_try(l, &t.ev);
	}
	return matched;
}

/* Expressions that share parts, as those made of macros do. */
static void random_rule(struct buf *b, const struct buf *parts, unsigned nparts)
{
	unsigned n = 1 + test_pick(3);

	random_expr(b, &catalogue, test_pick(3));
	for (unsigned i = 0; i < n; i++) {
		struct str part = buf_slice(&parts[test_pick(nparts)]);

		buf_printf(b, " and %s(%.*s)", test_pick(3) ? "" : "not ", STR_ARG(part));
	}
}

static void lists_try(unsigned n, unsigned *matched)
{
	_cleanup_(list_end) struct list l = { .n = 0 };
	struct buf parts[4] = { 0 };

	for (unsigned i = 0; i < 4; i++)
		random_expr(&parts[i], &catalogue, 2);
	for (unsigned i = 0; i < n; i++) {
		_cleanup_(buf_free) struct buf b = { 0 };

		if (test_pick(2))
			random_rule(&b, parts, 4);
		else
			random_expr(&b, &catalogue, 1 + test_pick(3));
		list_add(&l, buf_slice(&b));
	}
	list_ready(&l);
	*matched += events_try(&l, 60);
	for (unsigned i = 0; i < 4; i++)
		buf_free(&parts[i]);
}

static void test_random(void **state)
{
	unsigned matched = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		lists_try(test_pick(12), &matched);
	for (unsigned i = 0; i < 20; i++)
		lists_try(100 + test_pick(LIST_MAX - 100), &matched);
	print_message("%u matches\n", matched);
	assert_true(matched > 10000);
}

static const char *const pieces[] = { "/etc/", "etc", "ssl", "/", "passwd", "a", "x/y", ".so" };

static void random_path(struct buf *b)
{
	for (unsigned i = 0, n = 1 + test_pick(4); i < n; i++)
		buf_str(b, str_of(TEST_PICK(pieces)));
}

/* Conditions that have triggers of every kind. */
static void test_strings(void **state)
{
	static const char *const ops[] = { "=", "startswith", "endswith", "contains", "glob" };
	_cleanup_(list_end) struct list l = { .n = 0 };
	unsigned matched = 0;

	(void)state;
	while (l.n < LIST_MAX) {
		_cleanup_(buf_free) struct buf b = { 0 };

		buf_printf(&b, "%s ", test_pick(3) ? "fd.name" : "proc.aname");
		buf_printf(&b, "%s \"", TEST_PICK(ops));
		random_path(&b);
		buf_printf(&b, "%s", test_pick(8) ? "\"" : "*o\"");
		if (l.n % 50 != 0)
			list_add(&l, buf_slice(&b));
		else
			list_add(&l, STR("fd.port in (1, 17) or fd.sport = 2"));
	}
	list_ready(&l);
	for (unsigned i = 0; i < 2000; i++) {
		_cleanup_(buf_free) struct buf b = { 0 }, c = { 0 };
		struct test_event t = { .ev.kind = &kind_table[KIND_OPEN], .ev.type = STR("open") };

		random_path(&b);
		random_path(&c);
		test_set(&t, &catalogue, STR("fd.name"), buf_slice(&b));
		if (test_pick(2)) {
			buf_str(&c, STR(" x/y "));
			random_path(&c);
			test_set(&t, &catalogue, STR("proc.aname"), buf_slice(&c));
		}
		matched += event_try(&l, &t.ev);
	}
	print_message("%u matches\n", matched);
	assert_true(matched > 10000);
}

/* Longer than MANY_PART_MAX_BYTES: found by a part, decided by the whole. */
static void test_long(void **state)
{
	_cleanup_(list_end) struct list l = { .n = 0 };
	char path[400];

	(void)state;
	memset(path, 'a', sizeof(path));
	for (unsigned i = 0; i < 60; i++) {
		_cleanup_(buf_free) struct buf b = { 0 };
		static const char *const ops[] = { "=", "startswith", "endswith", "contains" };

		buf_printf(&b, "fd.name %s b%.*s%s", ops[i % 4], (int)(100 + i * 3), path,
			   i % 3 ? "" : "b");
		list_add(&l, buf_slice(&b));
	}
	list_ready(&l);
	for (unsigned i = 0; i < 120; i++) {
		_cleanup_(buf_free) struct buf b = { 0 };
		struct test_event t = { .ev.kind = &kind_table[KIND_OPEN], .ev.type = STR("open") };

		buf_printf(&b, "b%.*s%s", (int)(80 + i * 2), path, i % 3 ? "" : "b");
		test_set(&t, &catalogue, STR("fd.name"), buf_slice(&b));
		event_try(&l, &t.ev);
	}
}

static void test_types(void **state)
{
	static char names[MANY_TYPES_MAX + 40][8];
	_cleanup_(list_end) struct list l = { .n = 0 };

	(void)state;
	list_add(&l, STR("evt.type = t3 or evt.type startswith t10"));
	list_add(&l, STR("not evt.type in (t3, t1050) and proc.name exists"));
	list_add(&l, STR("evt.type endswith 50 and not proc.name = a"));
	list_ready(&l);
	for (unsigned again = 0; again < 2; again++)
		for (unsigned i = 0; i < MANY_TYPES_MAX + 40; i++) {
			struct test_event t = { .ev.kind = &kind_table[KIND_OPEN] };

			snprintf(names[i], sizeof(names[i]), "t%u", i);
			t.ev.type = str_of(names[i]);
			test_set(&t, &catalogue, STR("evt.type"), t.ev.type);
			if (i % 2)
				test_set(&t, &catalogue, STR("proc.name"), STR("b"));
			event_try(&l, &t.ev);
		}
}

static const char *const alike[] = {
	"proc.argv in (x, -g)",
	"proc.argv intersects (x, -g)",
	"proc.name in (nginx)",
	"proc.name in (nginx, a)",
	"proc.name = nginx",
	"proc.name != nginx",
	"proc.pname = nginx",
	"proc.name = oneof (nginx, nginx)",
	"proc.name = anyof (nginx, nginx)",
	"proc.name = val(proc.pname)",
	"proc.name = val(proc.cmdline)",
	"proc.env[A] = nginx",
	"proc.env[B] = nginx",
	"proc.aname[1] = nginx",
	"proc.aname[2] = nginx",
	"proc.aname = nginx",
	"tolower(proc.name) = nginx",
	"toupper(proc.name) = nginx",
	"tolower(proc.pname) = nginx",
	"concat(proc.name, 'a') = nginxa",
	"concat(proc.name, 'b') = nginxa",
	"concat(proc.pname, 'a') = nginxa",
	"concat(proc.name, 'a', 'a') = nginxa",
	"getopt(proc.argv, 'gc')[g] exists",
	"getopt(proc.argv, 'gc')[c] exists",
	"getopt(proc.argv, 'g:c')[g] exists",
	"getopt(proc.argv, 'g:c')[g] = x",
	"getopt(proc.argv, 'gx')[g] = x",
	"fd.ip = 10.0.0.0/8",
	"fd.ip = 10.0.0.0/16",
	"fd.ip = 10.0.0.0",
	"proc.pid = 1",
	"proc.ppid = 1",
	"proc.pid >= 1",
};
static const char *const alike_events[][2] = {
	{ "proc.name", "nginx" },
	{ "proc.pname", "nginx" },
	{ "proc.argv", "nginx -g x" },
	{ "proc.argv", "nginx -c -g" },
	{ "proc.env[A]", "nginx" },
	{ "proc.env[B]", "nginx" },
	{ "proc.aname", "nginx sh" },
	{ "proc.aname", "sh nginx" },
	{ "fd.ip", "10.1.0.0 10.0.0.1" },
	{ "fd.ip", "10.0.0.0" },
	{ "proc.pid", "1" },
	{ "proc.pid", "2" },
	{ "proc.cmdline", "nginx" },
	{ "proc.argv", "x -g" },
	{ "proc.name", "NGINX" },
};

/* Comparisons that differ in one thing only must stay apart. */
static void test_alike(void **state)
{
	_cleanup_(list_end) struct list l = { .n = 0 };
	size_t n = sizeof(alike_events) / sizeof(alike_events[0]);

	(void)state;
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
		list_add(&l, str_of(alike[i]));
	list_ready(&l);
	for (size_t i = 0; i < n * n; i++) {
		struct test_event t = { .ev.kind = &kind_table[KIND_CONNECT],
					.ev.type = STR("connect") };

		arena_reset(&arena);
		test_set(&t, &catalogue, str_of(alike_events[i % n][0]),
			 str_of(alike_events[i % n][1]));
		test_set(&t, &catalogue, str_of(alike_events[i / n][0]),
			 str_of(alike_events[i / n][1]));
		event_try(&l, &t.ev);
	}
}

static void test_none(void **state)
{
	_cleanup_(list_end) struct list l = { .n = 0 };

	(void)state;
	list_ready(&l);
	assert_int_equal(events_try(&l, 20), 0);
}

/* Cost: what gates and triggers rule out is not looked at. */
static void test_looked(void **state)
{
	_cleanup_(list_end) struct list l = { .n = 0 };
	struct test_event t = { .ev.kind = &kind_table[KIND_OPEN], .ev.type = STR("open") };

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		_cleanup_(buf_free) struct buf b = { 0 };

		buf_printf(&b, "evt.is_open_read = true and fd.name startswith /p%02u", i);
		list_add(&l, buf_slice(&b));
	}
	list_add(&l, STR("evt.is_open_read = true and proc.pid < 5"));
	list_ready(&l);
	test_set(&t, &catalogue, STR("evt.is_open_read"), STR("true"));
	test_set(&t, &catalogue, STR("fd.name"), STR("/p17/x"));
	assert_int_equal(event_try(&l, &t.ev), 1);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(many_looked(l.many, i), i == 17 ? 2 : 0);
	assert_int_equal(many_looked(l.many, 100), 1); /* not after the first hit */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_strings),
		cmocka_unit_test(test_long),   cmocka_unit_test(test_types),
		cmocka_unit_test(test_alike),  cmocka_unit_test(test_none),
		cmocka_unit_test(test_looked),
	};
	int r;

	catalogue = test_catalogue();
	if (arena_init(&arena, 1 << 16) < 0)
		return 1;
	field_arena_set(&arena);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(&arena);
	catalogue_free(&catalogue);
	return r;
}
