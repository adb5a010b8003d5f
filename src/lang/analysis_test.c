/*
 * Push-down must never change an answer: random expressions against random events. Whenever an
 * expression matches, the event's kind is in expr_kinds. The same run checks the program with its jumps against a plain walk of the tree as written. And golden
 * rows, for what push-down would be useless without.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lang/testing_random.h"

#define EXPRESSIONS 6000
#define EVENTS	    40

static struct catalogue catalogue;
static struct arena arena;
static const struct expr_opts opts = { .type_kinds = test_type_kinds };

/* The tree as written, leaf by leaf, each compiled alone: no jumps, no shared program. */
static bool walk(const struct ast *a, const struct ast_node *n, const struct event *ev)
{
	struct ast leaf = { .text = a->text, .root = (struct ast_node *)n };
	_cleanup_(expr_freep) struct expr *x = NULL;
	bool and = n->kind == AST_AND;

	if (n->kind == AST_NOT)
		return !walk(a, n->child, ev);
	if (n->kind == AST_CHECK) {
		assert_int_equal(expr_compile(&catalogue, &leaf, NULL, &x, NULL), 0);
		assert_int_equal(expr_checks(x), 1);
		return expr_match(x, ev);
	}
	for (const struct ast_node *c = n->child; c; c = c->next)
		if (walk(a, c, ev) != and)
			return !and;
	return and;
}

static void test_sound(void **state)
{
	unsigned matched = 0, narrowed = 0;

	(void)state;
	for (unsigned i = 0; i < EXPRESSIONS; i++) {
		_cleanup_(ast_freep) struct ast *a = NULL;
		_cleanup_(expr_freep) struct expr *x = NULL;
		_cleanup_(buf_free) struct buf b = { 0 };
		uint64_t set;

		random_expr(&b, &catalogue, 1 + test_pick(3));
		assert_int_equal(ast_parse(buf_slice(&b), &a, NULL), 0);
		assert_int_equal(expr_compile(&catalogue, a, &opts, &x, NULL), 0);
		set = expr_kinds(x);
		narrowed += set != KINDS_ALL;
		for (unsigned k = 0; k < EVENTS; k++) {
			struct test_event t;
			bool matches;

			random_event(&t, &catalogue);
			arena_reset(&arena);
			matches = expr_match(x, &t.ev);
			if (k % 8 == 0)
				assert_int_equal(matches, walk(a, a->root, &t.ev));
			if (!matches)
				continue;
			matched++;
			assert_true(set & KIND_BIT(t.ev.kind->id));
		}
	}
	print_message("matched %u of %u, %u expressions narrow the kinds\n", matched,
		      EXPRESSIONS * EVENTS, narrowed);
	assert_true(matched > EXPRESSIONS && narrowed > EXPRESSIONS / 20);
}

#define K(id) KIND_BIT(KIND_##id)

static const struct {
	const char *text;
	uint64_t kinds;
} rows[] = {
	{ "proc.name=a", KINDS_ALL },
	{ "proc.name=a or proc.name=b", KINDS_ALL },
	{ "proc.name in (a, b) or proc.name=c", KINDS_ALL },
	{ "proc.name=a and proc.pid>1", KINDS_ALL },
	{ "proc.name=a or proc.pid=1", KINDS_ALL },
	{ "not proc.name=a", KINDS_ALL },
	{ "not (not proc.name=a or proc.pid=1)", KINDS_ALL },
	{ "not not proc.name=a", KINDS_ALL },
	{ "proc.name!=a", KINDS_ALL },
	{ "proc.name!=a or proc.name!=b", KINDS_ALL },
	{ "proc.name=a or proc.name startswith b", KINDS_ALL },
	{ "proc.name startswith a or proc.name endswith b", KINDS_ALL },
	{ "proc.name=a or tolower(proc.name)=b", KINDS_ALL },
	{ "proc.pid<5 or proc.pid=9", KINDS_ALL },
	{ "proc.aname[1]=a or proc.aname[2]=a", KINDS_ALL },
	{ "proc.aname[1]=a or proc.aname[1]=b", KINDS_ALL },
	{ "proc.env[A]=a or proc.env[B]=a", KINDS_ALL },
	{ "(proc.name=a and proc.pid=1) or (proc.pid=2 and proc.name=b)", KINDS_ALL },
	{ "proc.name glob \"ab*c\"", KINDS_ALL },
	{ "proc.name glob abc", KINDS_ALL },
	{ "proc.name glob \"*c\"", KINDS_ALL },
	{ "proc.name regex \"a.*\" and proc.argv in (a)", KINDS_ALL },
	{ "proc.name startswith oneof (a, b)", KINDS_ALL },
	{ "proc.name=val(proc.pname)", KINDS_ALL },
	{ "fd.name startswith /etc/", TEST_FILE | TEST_NET },
	{ "fd.name startswith /etc/ and evt.is_open_read=true", TEST_FILE },
	{ "fd.name startswith /etc/ or fd.sport=1", TEST_FILE | TEST_NET },
	{ "not fd.name startswith /etc/", KINDS_ALL },
	{ "fd.ip in (10.0.0.0/8, 1.1.1.1)", TEST_NET },
	{ "fd.sip=::1", TEST_NET },
	{ "evt.type=open", K(OPEN) },
	{ "evt.type in (open, openat, execve)", K(OPEN) | K(EXEC) },
	{ "evt.type=creat", K(OPEN) | K(CREATE) },
	{ "evt.type=creat and fd.sport=1", 0 },
	{ "evt.type=nope", 0 },
	{ "evt.type!=open", KINDS_ALL },
	{ "not evt.type=open", KINDS_ALL },
	{ "evt.type=open or proc.name=a", KINDS_ALL },
	{ "evt.type startswith op", KINDS_ALL },
	{ "evt.kind=exec", K(EXEC) },
	{ "evt.kind!=exec", KINDS_ALL & ~K(EXEC) },
	{ "not evt.kind in (exec, open)", KINDS_ALL & ~(K(EXEC) | K(OPEN)) },
	{ "evt.kind in (exec, connect) and fd.sport=1", K(CONNECT) },
	{ "(evt.type=openat and fd.name startswith /etc/) or (evt.type=connect and fd.sport=22)",
	  K(OPEN) | K(CONNECT) },
	{ "evt.num=0", 0 },
	{ "evt.num=0 and evt.type=open", 0 },
	{ "evt.num=0 or evt.type=open", K(OPEN) },
	{ "not evt.num=0", KINDS_ALL },
	{ "proc.name in ()", 0 },
};

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(expr_freep) struct expr *x = NULL;

		assert_int_equal(expr_parse(&catalogue, str_of(rows[i].text), &opts, &x, NULL), 0);
		if (expr_kinds(x) != rows[i].kinds)
			print_error("%s: kinds %lx\n", rows[i].text, (long)expr_kinds(x));
		assert_int_equal(expr_kinds(x), rows[i].kinds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_sound),
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
