/* Folding and rates, by a clock that only the test moves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "alert/fold.h"
#include "alert/testing.h"
#include "base/cleanup.h"

#define OUT_MAX 256

struct fixture {
	struct catalogue catalogue;
	struct arena arena;
	struct test_event events[8];
	unsigned nevents;
	struct test_rules rules;
	struct alert_form *form;
	struct fold *fold;
	struct alert *out[OUT_MAX];
	size_t nout, shown;
};

static int setup(void **state)
{
	static const struct alert_opts o = { .output = true, .output_fields = true };
	struct fixture *x = calloc(1, sizeof(*x));
	struct buf why = { 0 };

	setenv("TZ", "UTC", 1);
	setenv("PORTHOLE_HOSTNAME", "n", 1);
	x->catalogue = test_alert_catalogue();
	arena_init(&x->arena, 1 << 16);
	field_arena_set(&x->arena);
	test_rule(&x->rules, &x->catalogue, "one", PRIORITY_NOTICE, "p=%proc.name");
	test_rule(&x->rules, &x->catalogue, "two", PRIORITY_ERROR, "p=%proc.name");
	*state = x;
	return alert_form_new(&x->rules.set, &x->catalogue, &o, &x->form, &why);
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	for (size_t i = 0; i < x->nout; i++)
		alert_unref(x->out[i]);
	fold_free(x->fold);
	alert_form_free(x->form);
	test_rules_free(&x->rules);
	arena_free(&x->arena);
	catalogue_free(&x->catalogue);
	free(x);
	return 0;
}

static void got(void *ctx, struct alert *a)
{
	struct fixture *x = ctx;

	assert_non_null(a);
	assert_true(x->nout < OUT_MAX);
	x->out[x->nout++] = a;
}

static void start(struct fixture *x, const char *dedup, const char *per_rule, const char *per_pod)
{
	struct fold_opts o = { dedup, per_rule, per_pod };
	struct buf why = { 0 };

	if (fold_new(&o, &x->catalogue, got, x, &x->fold, &why))
		fail_msg("%.*s", STR_ARG(buf_slice(&why)));
	assert_int_equal(why.n, 0);
	buf_free(&why);
}

static struct test_event *event(struct fixture *x, const char *name, const char *container)
{
	struct test_event *t = &x->events[x->nevents++];

	test_set(t, &x->catalogue, STR("proc.name"), str_of(name));
	if (container)
		test_set(t, &x->catalogue, STR("container.id"), str_of(container));
	return t;
}

/* A match at @ms; whether it is shown. */
static bool match(struct fixture *x, unsigned rule, struct test_event *t, uint64_t ms)
{
	const struct rule *r = &x->rules.rules[rule];
	struct alert *a;

	test_event_time(t, ms * NS_PER_MS);
	if (!fold_pass(x->fold, r, &t->ev))
		return false;
	a = alert_new(x->form, r, &t->ev, STR_NONE);
	fold_shown(x->fold, a);
	alert_unref(a);
	x->shown++;
	return true;
}

static void turn(struct fixture *x, uint64_t ms, bool all)
{
	fold_turn(x->fold, x->form, x->events[0].ev.host, (struct boot_ns){ ms * NS_PER_MS }, all);
}

static struct fold_stats stats(const struct fixture *x)
{
	struct fold_stats s;

	fold_stats(x->fold, &s);
	return s;
}

static void test_off(void **state)
{
	struct fixture *x = *state;
	struct test_event *t;

	start(x, "", NULL, "");
	t = event(x, "sh", NULL);
	for (unsigned i = 0; i < 100; i++)
		assert_true(match(x, 0, t, 1));
	turn(x, 1000000, true);
	assert_int_equal(x->nout, 0);
	assert_int_equal(stats(x).folded, 0);
}

static void test_fold(void **state)
{
	struct fixture *x = *state;
	struct test_event *sh, *ls, *other;

	start(x, "60s by rule, container.id, proc.name", NULL, NULL);
	sh = event(x, "sh", "c1");
	ls = event(x, "ls", "c1");
	other = event(x, "sh", "c2");
	assert_true(match(x, 0, sh, 1000));
	for (unsigned i = 0; i < 41; i++)
		assert_false(match(x, 0, sh, 2000 + i));
	/* Each part makes another key. */
	assert_true(match(x, 1, sh, 3000));
	assert_true(match(x, 0, ls, 3000));
	assert_true(match(x, 0, other, 3000));
	turn(x, 60999, false);
	assert_int_equal(x->nout, 0);
	turn(x, 61000, false);
	assert_int_equal(x->nout, 1);
	assert_string_equal(x->out[0]->text.p,
			    "03:04:06.000000000: Notice p=sh (folded 41 more in 60s)");
	assert_non_null(strstr(x->out[0]->json.p,
			       "\"porthole.folded\":41,"
			       "\"porthole.folded_until\":1767323047040000000,\"proc.name\":\"sh\""));
	/* The next is shown at once again, and ends the other windows, which had nothing. */
	assert_true(match(x, 0, sh, 63001));
	assert_int_equal(x->nout, 1);
	assert_int_equal(stats(x).keys, 1);
	assert_int_equal(stats(x).folded, 41);
	assert_int_equal(stats(x).summaries, 1);
}

/* The window's end comes with the next alert when nobody turned. */
static void test_fold_next(void **state)
{
	struct fixture *x = *state;
	struct test_event *t;

	start(x, "  1m by  proc.name ", NULL, NULL);
	t = event(x, "sh", NULL);
	assert_true(match(x, 0, t, 0));
	assert_false(match(x, 1, t, 59999));
	assert_true(match(x, 0, t, 60000));
	assert_int_equal(x->nout, 1);
	assert_non_null(strstr(x->out[0]->text.p, "(folded 1 more in 60s)"));
	assert_false(match(x, 0, t, 60001));
	turn(x, 60002, true);
	assert_int_equal(x->nout, 2);
	assert_int_equal(stats(x).keys, 0);
}

/* Every alert is either shown or in the count of one that is. */
static void test_fold_sum(void **state)
{
	struct fixture *x = *state;
	struct test_event *t[3];
	unsigned long folded = 0, n;

	start(x, "250ms by rule,proc.name", NULL, NULL);
	t[0] = event(x, "a", NULL);
	t[1] = event(x, "b", NULL);
	t[2] = event(x, "c", NULL);
	for (unsigned i = 0; i < 1000; i++)
		match(x, i % 2, t[i * 7 % 3], i * 3);
	turn(x, 3001, true);
	for (size_t i = 0; i < x->nout; i++) {
		assert_int_equal(sscanf(strstr(x->out[i]->text.p, "(folded "), "(folded %lu", &n), 1);
		folded += n;
	}
	assert_int_equal(x->shown + folded, 1000);
	assert_int_equal(stats(x).folded, folded);
	assert_true(folded > 900);
}

static void test_keys_do_not_mix(void **state)
{
	struct fixture *x = *state;
	struct test_event *a, *b;

	start(x, "60s by proc.name, container.id", NULL, NULL);
	a = event(x, "ab", "c");
	b = event(x, "a", "bc");
	assert_true(match(x, 0, a, 1));
	assert_true(match(x, 0, b, 1));
}

static void test_full(void **state)
{
	struct fixture *x = *state;
	struct test_event *t;
	char name[32];

	start(x, "60s by proc.name", NULL, NULL);
	t = event(x, "x", NULL);
	for (unsigned i = 0; i < FOLD_KEYS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "name%u", i);
		t->entries[0].values[0].str = str_of(name);
		assert_true(match(x, 0, t, 1));
	}
	assert_true(match(x, 0, t, 1)); /* no room: shown again, counted */
	assert_int_equal(stats(x).full, 11);
	assert_int_equal(stats(x).keys, FOLD_KEYS_MAX);
}

static void test_long_keys(void **state)
{
	static char one[10000], two[10000];
	struct fixture *x = *state;
	struct test_event *a, *b;

	memset(one, 'a', sizeof(one) - 1);
	memset(two, 'a', sizeof(two) - 1);
	two[sizeof(two) - 2] = 'b';
	start(x, "60s by proc.name", NULL, NULL);
	a = event(x, one, NULL);
	b = event(x, two, NULL);
	assert_true(match(x, 0, a, 1));
	assert_true(match(x, 0, b, 1));
	assert_false(match(x, 0, a, 1));
}

static void test_rate(void **state)
{
	struct fixture *x = *state;
	struct test_event *t;
	unsigned n = 0;

	start(x, NULL, "10/s burst 20", NULL);
	t = event(x, "sh", NULL);
	for (unsigned i = 0; i < 100; i++)
		n += match(x, 0, t, 1000);
	assert_int_equal(n, 20);
	assert_true(match(x, 1, t, 1000)); /* another rule has its own */
	for (unsigned i = 0; i < 1000; i++)
		n += match(x, 0, t, 1000 + i);
	assert_int_equal(n, 29); /* one each 100 ms */
	assert_int_equal(stats(x).limited_rule, 1100 - 29);
	turn(x, 2500, false);
	assert_int_equal(x->nout, 0); /* still felt */
	turn(x, 5000, false);
	assert_int_equal(x->nout, 1);
	assert_string_equal(x->out[0]->text.p,
			    "03:04:06.999000000: Notice 1071 alerts held back by the rate per rule "
			    "in 4s: one (alerts.held=\"1071\" alerts.of=\"one\" "
			    "alerts.rate=\"rule\")");
	assert_string_equal(x->out[0]->rule.p, "porthole internal: alerts limited");
	turn(x, 60000, true);
	assert_int_equal(x->nout, 1);
	assert_int_equal(x->fold ? stats(x).full : 1, 0);
}

/* A limit that is always felt is reported each minute. */
static void test_rate_minute(void **state)
{
	struct fixture *x = *state;
	struct test_event *t;
	unsigned long held = 0, n;

	start(x, NULL, "1/m", NULL);
	t = event(x, "sh", NULL);
	for (unsigned s = 0; s < 300; s++) {
		match(x, 1, t, s * 1000);
		turn(x, s * 1000, false);
	}
	assert_true(x->nout >= 4);
	turn(x, 300000, true);
	for (size_t i = 0; i < x->nout; i++) {
		assert_int_equal(x->out[i]->priority, PRIORITY_ERROR);
		assert_int_equal(sscanf(x->out[i]->text.p, "%*s Error %lu", &n), 1);
		held += n;
	}
	assert_int_equal(x->shown + held, 300);
	assert_int_equal(x->shown, 5);
}

static void test_rate_pod(void **state)
{
	struct pod pod = { .uid = STR("u-1"), .ns = STR("prod"), .name = STR("web-0") };
	struct container c = { .id = STR("cid"), .pod = &pod }, bare = { .id = STR("bare") };
	struct cgroup in_pod = { .container = &c }, in_bare = { .container = &bare }, host = { 0 };
	struct proc p[3] = { { .cgroup = &in_pod }, { .cgroup = &in_bare }, { .cgroup = &host } };
	struct fixture *x = *state;
	struct test_event *t[3];

	start(x, NULL, NULL, "1/h");
	for (unsigned i = 0; i < 3; i++) {
		t[i] = event(x, "sh", NULL);
		t[i]->ev.proc = &p[i];
		assert_true(match(x, 0, t[i], i));
		assert_false(match(x, 1, t[i], i));
	}
	assert_int_equal(stats(x).limited_pod, 3);
	turn(x, 1000, true);
	assert_int_equal(x->nout, 3);
	for (unsigned i = 0; i < 3; i++) {
		const char *names[] = { "prod/web-0", "bare", "host" };
		unsigned found = 0;

		for (unsigned k = 0; k < 3; k++)
			found += strstr(x->out[k]->text.p, names[i]) != NULL;
		assert_int_equal(found, 1);
	}
}

/* Folded alerts take nothing from the rate, and one that is held back opens no window. */
static void test_both(void **state)
{
	struct fixture *x = *state;
	struct test_event *a, *b;

	start(x, "10s by proc.name", "1/h", NULL);
	a = event(x, "a", NULL);
	b = event(x, "b", NULL);
	assert_true(match(x, 0, a, 0));
	for (unsigned i = 0; i < 10; i++)
		assert_false(match(x, 0, a, 1));
	assert_false(match(x, 0, b, 2));
	assert_int_equal(stats(x).limited_rule, 1);
	assert_int_equal(stats(x).folded, 10);
	assert_int_equal(stats(x).keys, 1);
}

static void test_wrong(void **state)
{
	static const struct {
		struct fold_opts o;
		const char *why;
	} wrong[] = {
		{ { "60s", NULL, NULL }, "dedup: \"60s\": expected a time, \"by\" and names" },
		{ { "60 by rule", NULL, NULL }, "dedup: \"60 by rule\": expected" },
		{ { "0s by rule", NULL, NULL }, "expected a time" },
		{ { "25h by rule", NULL, NULL }, "expected a time" },
		{ { "99999999999999999999s by rule", NULL, NULL }, "expected a time" },
		{ { " by rule", NULL, NULL }, "expected a time" },
		{ { "60s by ", NULL, NULL }, "expected a time" },
		{ { "60s by rule,", NULL, NULL }, "dedup: \"\": expected a field" },
		{ { "60s by rules", NULL, NULL }, "dedup: \"rules\": no field is called rules" },
		{ { "60s by proc.nam", NULL, NULL }, "did you mean proc.name" },
		{ { "60s by proc.name proc.pid", NULL, NULL }, "not the name of a field" },
		{ { "60s by proc.name,proc.pid,fd.num,fd.name,proc.tty,evt.num,evt.res,proc.ppid,"
		    "evt.type",
		    NULL, NULL },
		  "more than 8 fields" },
		{ { NULL, "10", NULL }, "rate per rule: \"10\": expected a number, a slash" },
		{ { NULL, "0/s", NULL }, "rate per rule" },
		{ { NULL, "10/", NULL }, "rate per rule" },
		{ { NULL, "10/s burst", NULL }, "rate per rule" },
		{ { NULL, "10/s burst 0", NULL }, "rate per rule" },
		{ { NULL, "10/s burst 5x", NULL }, "rate per rule" },
		{ { NULL, "-1/s", NULL }, "rate per rule" },
		{ { NULL, "10000000/s", NULL }, "rate per rule" },
		{ { NULL, NULL, "10 / s" }, "rate per pod: \"10 / s\"" },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf why = { 0 };

		assert_int_equal(fold_new(&wrong[i].o, &x->catalogue, got, x, &x->fold, &why),
				 -EINVAL);
		assert_null(x->fold);
		buf_char(&why, 0);
		if (!strstr(why.p, wrong[i].why))
			fail_msg("\"%s\" has no \"%s\"", why.p, wrong[i].why);
		buf_free(&why);
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "1ms", 1000000 },
		{ "s", NS_PER_SEC },
		{ "60s", 60 * NS_PER_SEC },
		{ "5m", 300 * NS_PER_SEC },
		{ "24h", 86400 * NS_PER_SEC },
	};
	static const char *const bad[] = { "",	 "5",	"0h",	     "1d",  "1s ",
					   "s1", "25h", "1000001ms", "1.5s" };
	uint64_t ns = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(limit_time(str_of(good[i].text), &ns));
		assert_int_equal(ns, good[i].ns);
	}
	ns = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(limit_time(str_of(bad[i]), &ns));
	assert_int_equal(ns, 7);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_off),
		T(test_fold),
		T(test_fold_next),
		T(test_fold_sum),
		T(test_keys_do_not_mix),
		T(test_full),
		T(test_long_keys),
		T(test_rate),
		T(test_rate_minute),
		T(test_rate_pod),
		T(test_both),
		T(test_wrong),
		T(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
