/*
 * Judging with half the knowledge must never say what the whole event denies, and a matching event
 * must always satisfy a trigger: random expressions against random events. And golden rows for
 * triggers, for what an index would be useless without.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lang/judge.h"
#include "lang/testing_random.h"

#define EXPRESSIONS 6000
#define EVENTS	    30

static struct catalogue catalogue;
static struct arena arena;

/* An event of which only some fields are known. */
struct partial {
	const struct event *ev;
	uint64_t known; /* a bit for each field, by its place in the catalogue */
	unsigned held, triggers;
};

static bool is_known(const struct partial *p, const struct expr_cond *c)
{
	size_t at = 0;

	while (catalogue.fields[at] != c->ref->field)
		at++;
	return p->known >> (at % 64) & 1;
}

static enum judgement partial_judge(void *ctx, const struct expr_cond *c)
{
	struct partial *p = ctx;

	if (!is_known(p, c))
		return JUDGE_UNKNOWN;
	return expr_cond_holds(c, p->ev) ? JUDGE_YES : JUDGE_NO;
}

static bool partial_usable(void *ctx, const struct expr_cond *c)
{
	struct partial *p = ctx;

	return !is_known(p, c) && c->op != EXPR_REGEX && (c->op != EXPR_GLOB || p->known & 2);
}

static void partial_add(void *ctx, const struct expr_cond *c)
{
	struct partial *p = ctx;

	assert_true(partial_usable(p, c));
	p->triggers++;
	p->held += expr_cond_holds(c, p->ev);
}

static uint64_t random_known(void)
{
	return test_pick(8) == 0 ? UINT64_MAX :
				   (uint64_t)test_pick(UINT32_MAX) << 32 | test_pick(UINT32_MAX);
}

static void test_sound(void **state)
{
	unsigned decided = 0, triggered = 0, never = 0;

	(void)state;
	for (unsigned i = 0; i < EXPRESSIONS; i++) {
		_cleanup_(expr_freep) struct expr *x = NULL;
		_cleanup_(buf_free) struct buf b = { 0 };

		random_expr(&b, &catalogue, 1 + test_pick(3));
		assert_int_equal(expr_parse(&catalogue, buf_slice(&b), NULL, &x, NULL), 0);
		for (unsigned k = 0; k < EVENTS; k++) {
			struct test_event t;
			struct partial p = { .ev = &t.ev, .known = random_known() };
			enum judgement j;
			bool matches;
			int r;

			random_event(&t, &catalogue);
			arena_reset(&arena);
			matches = expr_match(x, &t.ev);
			j = expr_judge(x, partial_judge, &p);
			if (j != JUDGE_UNKNOWN)
				assert_int_equal(matches, j == JUDGE_YES);
			decided += j != JUDGE_UNKNOWN;
			r = expr_triggers(x, partial_judge, partial_usable, partial_add, &p);
			assert_true(r >= -1 && r <= 1 && (r == 1) == (p.triggers > 0));
			assert_int_equal(r == -1, j == JUDGE_NO);
			if (matches && r == 1 && !p.held)
				print_error("%.*s\n", STR_ARG(buf_slice(&b)));
			if (matches && r == 1)
				assert_true(p.held);
			triggered += r == 1;
			never += r == -1;
		}
	}
	print_message("of %u: %u decided, %u had triggers, %u never\n", EXPRESSIONS * EVENTS,
		      decided, triggered, never);
	assert_true(decided > EXPRESSIONS && triggered > EXPRESSIONS && never > EXPRESSIONS);
}

/* Golden rows: evt.type is openat, strings by EQ and parts are usable. */
static enum judgement openat_judge(void *ctx, const struct expr_cond *c)
{
	(void)ctx;
	if (strcmp(c->ref->field->name, "evt.type") != 0)
		return JUDGE_UNKNOWN;
	for (size_t i = 0; i < c->n; i++)
		if ((c->op == EXPR_EQ) && str_eq(c->values[i].v.str, STR("openat")))
			return JUDGE_YES;
	return c->op == EXPR_EQ ? JUDGE_NO : JUDGE_UNKNOWN;
}

static bool str_usable(void *ctx, const struct expr_cond *c)
{
	(void)ctx;
	return c->ref->field->type == VALUE_STR && (c->op == EXPR_EQ || c->op == EXPR_STARTSWITH ||
						    c->op == EXPR_ENDSWITH || c->op == EXPR_CONTAINS);
}

static void trigger_show(void *ctx, const struct expr_cond *c)
{
	struct buf *b = ctx;

	buf_printf(b, "%s%s %s", b->n ? "; " : "", c->ref->field->name, op_name(c->op));
	for (size_t i = 0; i < c->n; i++) {
		buf_char(b, i ? ',' : ' ');
		value_text(b, &c->values[i].v);
	}
}

static const struct {
	const char *text;
	int r;
	const char *triggers;
} rows[] = {
	{ "proc.name=a", 1, "proc.name = a" },
	{ "not proc.name=a", 0, "" },
	{ "not not proc.name=a", 1, "proc.name = a" },
	{ "not (not proc.name=a or proc.pid=1)", 1, "proc.name = a" },
	{ "proc.name!=a", 0, "" },
	{ "proc.pid=1", 0, "" },
	{ "proc.name exists", 0, "" },
	{ "proc.name=a or proc.pid=1", 0, "" },
	{ "proc.name=a or proc.pname=b", 1, "proc.name = a; proc.pname = b" },
	{ "proc.name=a and proc.pname=b", 1, "proc.name = a" },
	{ "proc.name in (a, b) and fd.name startswith /etc", 1, "fd.name startswith /etc" },
	{ "proc.name in (a, b) and not fd.name startswith /etc", 1, "proc.name = a,b" },
	{ "(proc.name=a or proc.name=b or proc.name=c) and proc.pname in (x, y)", 1,
	  "proc.pname = x,y" },
	{ "proc.name intersects (a, b)", 1, "proc.name = a,b" },
	{ "evt.type=openat and fd.name contains x", 1, "fd.name contains x" },
	{ "evt.type=open and fd.name contains x", -1, "" },
	{ "evt.type=open or fd.name contains x", 1, "fd.name contains x" },
	{ "evt.type=openat or fd.name contains x", 0, "" },
	{ "not evt.type=openat", -1, "" },
	{ "not evt.type=open and proc.name=a", 1, "proc.name = a" },
	{ "(evt.type=open and proc.name=a) or (evt.type in (x, openat) and proc.pname=b)", 1,
	  "proc.pname = b" },
	{ "evt.num=0 or proc.name=a", 1, "proc.name = a" },
	{ "evt.num=0 and proc.name=a", -1, "" },
	{ "not evt.num=0", 0, "" },
	{ "proc.name in ()", -1, "" },
	{ "proc.argv in (a)", 0, "" },
	{ "proc.name startswith oneof (a, b)", 1, "proc.name startswith a; proc.name startswith b" },
	{ "proc.name startswith allof (a, ab)", 1, "proc.name startswith a" },
	{ "proc.name = allof (a)", 1, "proc.name = a" },
	{ "proc.name bcontains 6162", 1, "proc.name contains ab" },
	{ "proc.name bstartswith 6162", 1, "proc.name startswith ab" },
	{ "proc.name glob \"ab*c\"", 1, "proc.name startswith ab" },
	{ "proc.name glob \"a*bc\"", 1, "proc.name endswith bc" },
	{ "proc.name glob \"a*bcd*e\"", 1, "proc.name contains bcd" },
	{ "proc.name glob \"*a*\"", 1, "proc.name contains a" },
	{ "proc.name glob abc", 1, "proc.name = abc" },
	{ "proc.name glob \"a[bcd]efg\"", 1, "proc.name endswith efg" },
	{ "proc.name glob \"a?[bcdefg]*\"", 1, "proc.name startswith a" },
	{ "proc.name glob \"ab[cd\"", 1, "proc.name startswith ab" },
	{ "proc.name glob \"[ab]*\"", 0, "" },
	{ "proc.name glob \"*\"", 1, "proc.name endswith " },
	{ "proc.name iglob ab", 0, "" },
	{ "proc.name regex ab", 0, "" },
	{ "tolower(proc.name)=a", 0, "" },
	{ "tolower(proc.name)=a and proc.pname=a", 1, "proc.pname = a" },
	{ "proc.name=val(proc.pname)", 0, "" },
};

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(expr_freep) struct expr *x = NULL;
		_cleanup_(buf_free) struct buf b = { 0 };
		int r;

		assert_int_equal(expr_parse(&catalogue, str_of(rows[i].text), NULL, &x, NULL), 0);
		r = expr_triggers(x, openat_judge, str_usable, trigger_show, &b);
		buf_char(&b, 0);
		if (r != rows[i].r || strcmp(b.p, rows[i].triggers) != 0)
			print_error("%s: %d %s\n", rows[i].text, r, b.p);
		assert_int_equal(r, rows[i].r);
		assert_string_equal(b.p, rows[i].triggers);
	}
}

static const struct {
	const char *text;
	enum judgement comes_to; /* evt.type is openat */
} judged[] = {
	{ "evt.type=openat", JUDGE_YES },
	{ "not evt.type=openat", JUDGE_NO },
	{ "evt.type=openat and proc.name=a", JUDGE_UNKNOWN },
	{ "evt.type=openat or proc.name=a", JUDGE_YES },
	{ "evt.type=open and proc.name=a", JUDGE_NO },
	{ "evt.type=open or proc.name=a", JUDGE_UNKNOWN },
	{ "evt.type in (open, openat)", JUDGE_YES },
	{ "evt.type = anyof (open, openat)", JUDGE_YES },
	{ "evt.type = oneof (openat, openat)", JUDGE_NO },
	{ "evt.type = oneof (open, openat)", JUDGE_YES },
	{ "evt.type = allof (open, openat)", JUDGE_NO },
	{ "evt.type = allof (openat)", JUDGE_YES },
	{ "evt.type glob openat", JUDGE_YES },
	{ "evt.type contains open", JUDGE_UNKNOWN },
	{ "proc.name = val(proc.pname)", JUDGE_UNKNOWN },
	{ "tolower(evt.type) = open", JUDGE_UNKNOWN },
	{ "evt.num = 0", JUDGE_NO },
	{ "proc.name in ()", JUDGE_NO },
	{ "proc.name in (\"\")", JUDGE_UNKNOWN },
};

static void test_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		_cleanup_(expr_freep) struct expr *x = NULL;
		int r = expr_parse(&catalogue, str_of(judged[i].text), NULL, &x, NULL);

		if (r < 0 || expr_judge(x, openat_judge, NULL) != judged[i].comes_to)
			print_error("%s\n", judged[i].text);
		assert_int_equal(r, 0);
		assert_int_equal(expr_judge(x, openat_judge, NULL), judged[i].comes_to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_judged),
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
