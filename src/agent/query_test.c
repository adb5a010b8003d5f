/* Options to expressions: what they mean, and that a value cannot become a part of the language. */
#include "agent/stream_test.h"

#include <errno.h>

#include "agent/subject.h"

/* A process to ask about, in a container of a pod. */
struct who {
	struct pod pod;
	struct container container;
	struct cgroup cgroup;
	struct program program;
	struct proc proc, parent;
	struct event_host host;
	struct subject_event e;
	struct arena arena;
};

static void who_open(struct who *w, uint32_t pid, const char *ns, const char *pod, const char *name)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(arena_init(&w->arena, 1 << 14), 0);
	field_arena_set(&w->arena);
	w->pod = (struct pod){ .ns = str_of(ns), .name = str_of(pod) };
	w->container = (struct container){
		.id = STR("4fe1c8a09b7d6e5f30214c3b2a19088f7e6d5c4b3a2918070f1e2d3c4b5a6978"),
		.id12 = STR("4fe1c8a09b7d"),
		.name = str_of(name),
		.pod = &w->pod
	};
	w->cgroup = (struct cgroup){
		.id = 5, .path = STR("/x"), .container = &w->container, .pod = &w->pod
	};
	w->parent = (struct proc){ .pid = pid - 1, .start.ns = 1, .program = &w->program };
	w->proc = (struct proc){ .pid = pid,
				 .start.ns = 2,
				 .program = &w->program,
				 .cgroup = &w->cgroup,
				 .parent = &w->parent };
	subject_event_init(&w->e, &w->proc, &w->host, (struct boot_ns){ 100 });
}

static bool query_holds(const struct query_opts *o, const struct who *w)
{
	struct buf why = { 0 };
	struct query q;
	bool ok;

	assert_int_equal(query_make(o, &q, &why), 0);
	assert_int_equal(why.n, 0);
	ok = (!q.scope || expr_match(q.scope, &w->e.ev)) &&
	     (!q.where || expr_match(q.where, &w->e.ev));
	query_free(&q);
	buf_free(&why);
	return ok;
}

static void test_scope(void **state)
{
	static const struct {
		struct query_opts o;
		bool want;
	} cases[] = {
		{ { 0 }, true },
		{ { .pod = "shop/cart" }, true },
		{ { .pod = "cart" }, true },
		{ { .pod = "other/cart" }, false },
		{ { .pod = "shop/car" }, false },
		{ { .pod = "shop/" }, false },
		{ { .pod = "/cart" }, false },
		{ { .container = "web" }, true },
		{ { .container = "we" }, false },
		{ { .container = "4fe1c8a09b7d" }, true },
		{ { .container = "4fe1c8a09b7d6e5f30214c3b2a19088f7e6d5c4b3a2918070f1e2d3c4b5a6978" },
		  true },
		{ { .container = "fe1c8a09b7d" }, false },
		{ { .pid = 40 }, true },
		{ { .pid = 39 }, false },
		{ { .pid = 39, .tree = true }, true },
		{ { .pid = 40, .tree = true }, true },
		{ { .pid = 41, .tree = true }, false },
		{ { .pod = "shop/cart", .container = "web", .pid = 40, .where = "proc.pid=40" },
		  true },
		{ { .pod = "shop/cart", .container = "db", .pid = 40 }, false },
		{ { .pod = "shop/cart", .where = "proc.pid=41" }, false },
	};
	struct who w;

	(void)state;
	who_open(&w, 40, "shop", "cart", "web");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (query_holds(&cases[i].o, &w) != cases[i].want)
			fail_msg("case %zu", i);
	arena_free(&w.arena);
}

/* Whatever a name holds, it is compared, never parsed. */
static void test_quoting(void **state)
{
	static const char *const names[] = {
		"a\" or proc.pid>0 or k8s.pod.name=\"b",
		"back\\slash",
		"\\",
		"\"",
		"a b",
		"(x)",
		"$x",
		"'",
		"a\\\"b",
		"x\" and \"y",
		"new\nline",
		"%s%n",
	};
	struct who w;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct query_opts pod = { .pod = names[i] }, container = { .container = names[i] };

		who_open(&w, 40, "shop", names[i], names[i]);
		assert_true(query_holds(&pod, &w));
		assert_true(query_holds(&container, &w));
		arena_free(&w.arena);
		who_open(&w, 40, "shop", "another", "another");
		assert_false(query_holds(&pod, &w));
		assert_false(query_holds(&container, &w));
		arena_free(&w.arena);
	}
}

static uint64_t kinds_of(const char *kinds, const char *where)
{
	struct query_opts o = { .kinds = kinds, .where = where };
	struct buf why = { 0 };
	struct query q;
	uint64_t set;

	assert_int_equal(query_make(&o, &q, &why), 0);
	set = q.kinds;
	query_free(&q);
	return set;
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(kinds_of(NULL, NULL), KINDS_USUAL);
	assert_int_equal(kinds_of("all", NULL), KINDS_USUAL);
	/* What is many and dear comes only to who names it. */
	assert_int_equal(kinds_of(NULL, "proc.name=x"), KINDS_USUAL);
	assert_int_equal(kinds_of(NULL, "evt.kind!=exec"), KINDS_USUAL & ~KIND_BIT(KIND_EXEC));
	assert_int_equal(kinds_of(NULL, "evt.kind=sample"), KIND_BIT(KIND_SAMPLE));
	assert_int_equal(kinds_of(NULL, "sample.mode=user"), KIND_BIT(KIND_SAMPLE));
	assert_int_equal(kinds_of("sample,exec", "proc.name=x"),
			 KIND_BIT(KIND_SAMPLE) | KIND_BIT(KIND_EXEC));
	assert_int_equal(kinds_of("exec,open", NULL), KIND_BIT(KIND_EXEC) | KIND_BIT(KIND_OPEN));
	assert_int_equal(kinds_of(NULL, "evt.kind=open"), KIND_BIT(KIND_OPEN));
	assert_int_equal(kinds_of(NULL, "evt.type=procexit"), KIND_BIT(KIND_EXIT));
	assert_int_equal(kinds_of(NULL, "exit.code=1 or evt.kind=fork"),
			 KIND_BIT(KIND_EXIT) | KIND_BIT(KIND_FORK));
	assert_int_equal(kinds_of("exec,exit", "exit.code=1"), KIND_BIT(KIND_EXIT));
	assert_int_equal(kinds_of("exec", "exit.code=1"), 0);
	assert_int_equal(kinds_of("open", "proc.name=x"), KIND_BIT(KIND_OPEN));
	assert_true(kinds_of(NULL, "fd.name=/x") & KIND_BIT(KIND_OPEN));
	assert_false(kinds_of(NULL, "fd.name=/x") & KIND_BIT(KIND_EXIT));
}

static void test_errors(void **state)
{
	static const struct {
		struct query_opts o;
		const char *said;
	} cases[] = {
		{ { .kinds = "exec,opn" }, "\"opn\"" },	       { { .kinds = "" }, "unknown kind" },
		{ { .kinds = "exec,\033[31m" }, "\\x1b[31m" }, { { .where = "" }, "^" },
		{ { .where = "proc.nam=x" }, "proc.name" },    { { .where = "proc.pid=" }, "^" },
		{ { .where = "proc.pid=1 and" }, "^" },	       { { .where = "proc.pid=x" }, "^" },
		{ { .kinds = "exec", .where = "(" }, "^" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct query q = { .pid = 77 };
		struct buf why = { 0 };

		if (query_make(&cases[i].o, &q, &why) != -EINVAL)
			fail_msg("case %zu is taken", i);
		buf_char(&why, '\0');
		if (!strstr(why.p, cases[i].said))
			fail_msg("case %zu says: %s", i, why.p);
		assert_null(memchr(why.p, '\033', why.n));
		assert_int_equal(q.pid, 77); /* untouched */
		buf_free(&why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
