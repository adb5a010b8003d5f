/* Alerts against golden text and JSON, and against what Falcosidekick asks of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>
#include <time.h>

#include "alert/testing.h"
#include "base/cleanup.h"

struct fixture {
	struct catalogue catalogue;
	struct arena arena;
	struct test_event event;
	struct test_rules rules;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	setenv("TZ", "UTC", 1);
	unsetenv("FALCO_HOSTNAME");
	unsetenv("PORTHOLE_HOSTNAME");
	x->catalogue = test_alert_catalogue();
	arena_init(&x->arena, 1 << 16);
	field_arena_set(&x->arena);
	test_event_time(&x->event, 123456789);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	test_rules_free(&x->rules);
	arena_free(&x->arena);
	catalogue_free(&x->catalogue);
	free(x);
	return 0;
}

static void set(struct fixture *x, const char *name, const char *text)
{
	test_set(&x->event, &x->catalogue, str_of(name), str_of(text));
}

static struct alert_form *form(struct fixture *x, const struct alert_opts *o)
{
	struct alert_form *f = NULL;
	struct buf why = { 0 };

	if (alert_form_new(&x->rules.set, &x->catalogue, o, &f, &why))
		fail_msg("%.*s", STR_ARG(buf_slice(&why)));
	buf_free(&why);
	return f;
}

static void expect(struct fixture *x, struct alert_opts o, const char *text, const char *json)
{
	_cleanup_(alert_form_freep) struct alert_form *f = form(x, &o);
	_cleanup_(alert_unrefp) struct alert *a =
		alert_new(f, &x->rules.rules[0], &x->event.ev, STR_NONE);

	assert_non_null(a);
	if (text)
		assert_string_equal(a->text.p, text);
	if (json)
		assert_string_equal(a->json.p, json);
	assert_int_equal(a->text.n, strlen(a->text.p));
	assert_int_equal(a->json.n, strlen(a->json.p));
}

static const struct alert_opts plain = { .output = true, .output_fields = true, .tags = true };

static void test_standard(void **state)
{
	static const struct str tags[] = { STR("container"), STR("shell") };
	static const struct alert_opts standard = ALERT_OPTS_STANDARD;
	struct fixture *x = *state;
	struct rule *r = test_rule(&x->rules, &x->catalogue, "Terminal \"shell\"", PRIORITY_NOTICE,
				   "A shell (proc=%proc.name parent=%proc.pname pid=%proc.pid)");

	r->tags = tags;
	r->ntags = 2;
	set(x, "proc.name", "bash");
	set(x, "proc.pid", "42");
	set(x, "container.id", "0123456789ab");
	set(x, "container.name", "web");
	set(x, "k8s.pod.name", "web-0");
	expect(x, standard,
	       "03:04:05.123456789: Notice A shell (proc=bash parent=<NA> pid=42)"
	       " container_id=0123456789ab container_name=web container_image_repository=<NA>"
	       " container_image_tag=<NA> k8s_pod_name=web-0 k8s_ns_name=<NA>",
	       "{\"hostname\":\"node-1\",\"output\":\"03:04:05.123456789: Notice A shell (proc=bash "
	       "parent=<NA> pid=42) container_id=0123456789ab container_name=web "
	       "container_image_repository=<NA> container_image_tag=<NA> k8s_pod_name=web-0 "
	       "k8s_ns_name=<NA>\",\"output_fields\":{\"container.id\":\"0123456789ab\","
	       "\"container.image.repository\":null,\"container.image.tag\":null,"
	       "\"container.name\":\"web\",\"evt.time\":1767323045123456789,"
	       "\"k8s.ns.name\":null,\"k8s.pod.name\":\"web-0\",\"proc.name\":\"bash\","
	       "\"proc.pid\":42,\"proc.pname\":null},\"priority\":\"Notice\","
	       "\"rule\":\"Terminal \\\"shell\\\"\",\"source\":\"syscall\","
	       "\"tags\":[\"container\",\"shell\"],\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
}

static void test_types(void **state)
{
	struct fixture *x = *state;

	test_rule(&x->rules, &x->catalogue, "r", PRIORITY_INFORMATIONAL,
		  "%proc.aname[2] %proc.argv %fd.ip:%fd.sport %evt.is_open_read %fd.num "
		  "%k8s.ns.name %tolower(proc.name) %5proc.name| %evt.time %evt.arg.flags");
	set(x, "proc.aname", "a b c");
	set(x, "proc.argv", "ls -l");
	set(x, "fd.ip", "10.0.0.1 ::1");
	set(x, "fd.sport", "443");
	set(x, "evt.is_open_read", "true");
	set(x, "fd.num", "-100");
	set(x, "k8s.ns.name", "prod");
	set(x, "proc.name", "LS");
	set(x, "evt.time", "1767323045000000001");
	expect(x, plain,
	       "03:04:05.123456789: Informational c (ls,-l) 10.0.0.1:443 true -100 (prod) ls LS   | "
	       "03:04:05.000000001 <NA>",
	       "{\"hostname\":\"node-1\",\"output\":\"03:04:05.123456789: Informational c (ls,-l) "
	       "10.0.0.1:443 true -100 (prod) ls LS   | 03:04:05.000000001 <NA>\","
	       "\"output_fields\":{\"evt.arg.flags\":null,\"evt.is_open_read\":true,"
	       "\"evt.time\":1767323045123456789,\"fd.ip\":\"10.0.0.1\",\"fd.num\":-100,"
	       "\"fd.sport\":443,\"k8s.ns.name\":\"(prod)\",\"proc.aname[2]\":\"c\","
	       "\"proc.argv\":[\"ls\",\"-l\"],\"proc.name\":\"LS\"},"
	       "\"priority\":\"Informational\",\"rule\":\"r\",\"source\":\"syscall\",\"tags\":[],"
	       "\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
}

static void test_hostile(void **state)
{
	struct fixture *x = *state;

	test_rule(&x->rules, &x->catalogue, "r", PRIORITY_ALERT, "x=%proc.cmdline");
	set(x, "proc.cmdline",
	    "a\n\t\x01\x1b[2J\x7f \"q\" \\n \xff\xc3 \xc2\x9b \xe2\x80\xae \xc3\xa9");
	expect(x, plain,
	       "03:04:05.123456789: Alert x=a\\n\\t\\u0001\\u001b[2J\\u007f \"q\" \\n "
	       "\xef\xbf\xbd\xef\xbf\xbd \\u009b \\u202e \xc3\xa9",
	       "{\"hostname\":\"node-1\",\"output\":\"03:04:05.123456789: Alert x=a\\n\\t\\u0001"
	       "\\u001b[2J\\u007f \\\"q\\\" \\\\n \xef\xbf\xbd\xef\xbf\xbd \xc2\x9b \xe2\x80\xae "
	       "\xc3\xa9\",\"output_fields\":{\"evt.time\":1767323045123456789,"
	       "\"proc.cmdline\":\"a\\n\\t\\u0001\\u001b[2J\\u007f \\\"q\\\" \\\\n "
	       "\xef\xbf\xbd\xef\xbf\xbd \xc2\x9b \xe2\x80\xae \xc3\xa9\"},"
	       "\"priority\":\"Alert\",\"rule\":\"r\",\"source\":\"syscall\",\"tags\":[],"
	       "\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
}

static void test_options(void **state)
{
	static const struct alert_extra extras[] = { { "proc.pid", NULL },
						     { "where", "%proc.name on rack 7" },
						     { "a", "b" } };
	struct fixture *x = *state;

	test_rule(&x->rules, &x->catalogue, "r", PRIORITY_EMERGENCY, "m %proc.name");
	set(x, "proc.name", "sh");
	set(x, "proc.pid", "7");
	expect(x, (struct alert_opts){ .message = true }, "03:04:05.123456789: Emergency m sh",
	       "{\"hostname\":\"node-1\",\"message\":\"m sh\",\"priority\":\"Emergency\","
	       "\"rule\":\"r\",\"source\":\"syscall\",\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
	setenv("FALCO_HOSTNAME", "from-falco", 1);
	expect(x,
	       (struct alert_opts){ .output_fields = true,
				    .append = "pid=%proc.pid",
				    .extras = extras,
				    .nextras = 3 },
	       "03:04:05.123456789: Emergency m sh pid=7",
	       "{\"hostname\":\"from-falco\",\"output_fields\":{\"a\":\"b\","
	       "\"evt.time\":1767323045123456789,\"proc.name\":\"sh\",\"proc.pid\":7,"
	       "\"where\":\"sh on rack 7\"},\"priority\":\"Emergency\",\"rule\":\"r\","
	       "\"source\":\"syscall\",\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
	setenv("PORTHOLE_HOSTNAME", "from-us", 1);
	expect(x, (struct alert_opts){ 0 }, NULL,
	       "{\"hostname\":\"from-us\",\"priority\":\"Emergency\",\"rule\":\"r\","
	       "\"source\":\"syscall\",\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
	setenv("TZ", "XYZ-5:30", 1);
	expect(x, (struct alert_opts){ .hostname = "given", .iso_time = true, .output_fields = true },
	       "2026-01-02T08:34:05.123456789+0530: Emergency m sh",
	       "{\"hostname\":\"given\",\"output_fields\":{\"evt.time.iso8601\":"
	       "1767323045123456789,\"proc.name\":\"sh\"},\"priority\":\"Emergency\","
	       "\"rule\":\"r\",\"source\":\"syscall\",\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
}

static void test_options_wrong(void **state)
{
	static const struct {
		struct alert_extra extra;
		const char *append, *why;
	} wrong[] = {
		{ { "proc.nam", NULL }, NULL, "did you mean proc.name" },
		{ { "proc.names", NULL }, NULL, "not the name of a field" },
		{ { "", NULL }, NULL, "no name" },
		{ { "k", "%nothing" }, NULL, "k: \"%nothing\": column 2" },
		{ { "k", "ok" }, "%", "appended output: \"%\"" },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct alert_opts o = { .extras = &wrong[i].extra,
					.nextras = 1,
					.append = wrong[i].append };
		struct alert_form *f = NULL;
		struct buf why = { 0 };

		assert_int_equal(alert_form_new(&x->rules.set, &x->catalogue, &o, &f, &why), -EINVAL);
		assert_null(f);
		buf_char(&why, 0);
		if (!strstr(why.p, wrong[i].why))
			fail_msg("\"%s\" has no \"%s\"", why.p, wrong[i].why);
		buf_free(&why);
	}
}

static void test_capture_and_fold(void **state)
{
	struct alert_opts o = plain;
	struct fixture *x = *state;
	_cleanup_(alert_form_freep) struct alert_form *f = NULL;
	_cleanup_(alert_unrefp) struct alert *a = NULL;
	_cleanup_(alert_unrefp) struct alert *b = NULL;

	test_rule(&x->rules, &x->catalogue, "r", PRIORITY_DEBUG, "m %user.uid");
	set(x, "user.uid", "5");
	o.message = true;
	f = form(x, &o);
	a = alert_new(f, &x->rules.rules[0], &x->event.ev, STR("/c/1"));
	assert_string_equal(a->text.p, "03:04:05.123456789: Debug m 5 capture=/c/1");
	assert_non_null(strstr(a->json.p, "\"evt.time\":1767323045123456789,"
					  "\"porthole.capture\":\"/c/1\",\"user.uid\":5}"));
	b = alert_fold(a, 41, 60 * NS_PER_SEC, (struct wall_ns){ 99 });
	assert_string_equal(b->text.p,
			    "03:04:05.123456789: Debug m 5 capture=/c/1 (folded 41 more in 60s)");
	assert_string_equal(
		b->json.p,
		"{\"hostname\":\"node-1\",\"message\":\"m 5 capture=/c/1 (folded 41 more in 60s)\","
		"\"output\":\"03:04:05.123456789: Debug m 5 capture=/c/1 (folded 41 more in 60s)\","
		"\"output_fields\":{\"evt.time\":1767323045123456789,\"porthole.capture\":\"/c/1\","
		"\"porthole.folded\":41,\"porthole.folded_until\":99,\"user.uid\":5},"
		"\"priority\":\"Debug\",\"rule\":\"r\",\"source\":\"syscall\",\"tags\":[],"
		"\"time\":\"2026-01-02T03:04:05.123456789Z\"}");
}

static void test_internal(void **state)
{
	static const struct alert_pair pairs[] = { { STR("a"), STR("1") },
						   { STR("b"), STR("x\"\n") } };
	struct wall_ns now = { TEST_TIME_S * NS_PER_SEC };
	struct fixture *x = *state;
	_cleanup_(alert_form_freep) struct alert_form *f = form(x, &plain);
	_cleanup_(alert_unrefp) struct alert *a = NULL;
	_cleanup_(alert_unrefp) struct alert *b = NULL;

	setenv("PORTHOLE_HOSTNAME", "n", 1);
	alert_form_free(f);
	f = form(x, &plain);
	a = alert_internal(f, PRIORITY_WARNING, now, STR("events lost"), STR("3 lost"), pairs, 2);
	assert_string_equal(a->text.p, "03:04:05.000000000: Warning 3 lost (a=\"1\" b=\"x\"\\n\")");
	assert_string_equal(a->json.p,
			    "{\"hostname\":\"n\",\"output\":\"3 lost\",\"output_fields\":{\"a\":\"1\","
			    "\"b\":\"x\\\"\\n\"},\"priority\":\"Warning\","
			    "\"rule\":\"porthole internal: events lost\",\"source\":\"internal\","
			    "\"time\":\"2026-01-02T03:04:05.000000000Z\"}");
	b = alert_internal(f, PRIORITY_WARNING, now, STR("x"), STR("y"), NULL, 0);
	assert_non_null(strstr(b->json.p, "\"output_fields\":{\"evt.time\":1767323045000000000}"));
}

/* What Falcosidekick refuses with 400, or falls over: types/types.go, handlers.go. */
static void sidekick_accepts(const char *json)
{
	static const char *const known[] = { "Emergency", "Alert",  "Critical",	     "Error",
					     "Warning",	  "Notice", "Informational", "Debug" };
	static const char *const names[] = { "k8s.ns.name", "k8s.pod.name" };
	json_t *o = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	json_t *fields = json_object_get(o, "output_fields");
	const char *priority = json_string_value(json_object_get(o, "priority"));
	const char *time = json_string_value(json_object_get(o, "time"));
	bool found = false;
	struct tm tm;

	assert_non_null(o);
	for (size_t i = 0; i < 8; i++)
		found |= priority && strcmp(priority, known[i]) == 0;
	assert_true(found);
	assert_true(json_string_length(json_object_get(o, "rule")) > 0);
	assert_true(json_is_string(json_object_get(o, "source")));
	assert_true(json_is_string(json_object_get(o, "hostname")));
	assert_non_null(strptime(time, "%Y-%m-%dT%H:%M:%S.", &tm));
	assert_true(json_object_size(fields) > 0);
	for (size_t i = 0; i < 2; i++) {
		json_t *v = json_object_get(fields, names[i]);

		assert_true(!v || json_is_null(v) || json_is_string(v));
	}
	json_decref(o);
}

static void test_sidekick(void **state)
{
	static const struct alert_opts standard = ALERT_OPTS_STANDARD;
	struct fixture *x = *state;
	_cleanup_(alert_form_freep) struct alert_form *f = NULL;

	for (unsigned p = 0; p < PRIORITIES; p++)
		test_rule(&x->rules, &x->catalogue, "r", (enum priority)p,
			  "%proc.name %proc.name %k8s.ns.name %evt.time");
	set(x, "k8s.ns.name", "a b");
	f = form(x, &standard);
	for (unsigned p = 0; p < PRIORITIES; p++) {
		_cleanup_(alert_unrefp) struct alert *a =
			alert_new(f, &x->rules.rules[p], &x->event.ev, STR_NONE);
		_cleanup_(alert_unrefp) struct alert *b =
			alert_fold(a, 1, NS_PER_SEC, (struct wall_ns){ 1 });

		sidekick_accepts(a->json.p);
		sidekick_accepts(b->json.p);
		assert_int_equal(a->priority, p);
	}
}

static void test_cut(void **state)
{
	_cleanup_(freep) char *big = malloc(400000);
	struct fixture *x = *state;
	char output[200] = "";

	memset(big, 0x01, 399999);
	big[399999] = 0;
	for (int i = 0; i < 10; i++)
		strcat(output, "%proc.cmdline ");
	strcat(output, "%proc.env[A]");
	test_rule(&x->rules, &x->catalogue, "r", PRIORITY_ERROR, output);
	set(x, "proc.cmdline", big);
	{
		_cleanup_(alert_form_freep) struct alert_form *f = form(x, &plain);
		_cleanup_(alert_unrefp) struct alert *a =
			alert_new(f, &x->rules.rules[0], &x->event.ev, STR_NONE);

		assert_non_null(a);
		assert_int_equal(alert_form_cut(f), 1);
		assert_true(str_ends(a->text, STR("...")));
		assert_true(a->json.n <= ALERT_JSON_MAX_BYTES);
		sidekick_accepts(a->json.p);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_standard), T(test_types),	 T(test_hostile),
		T(test_options),  T(test_options_wrong), T(test_capture_and_fold),
		T(test_internal), T(test_sidekick),	 T(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
