/*
 * Alerts with hostile values: whatever the bytes, the text is one printable line and the JSON is one
 * that Falcosidekick takes, folded ones too. The first input byte picks the options, the rest is
 * split at 0xfe into values.
 */
#include <jansson.h>
#include <stdlib.h>

#include "alert/testing.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#define INPUT_MAX 65536

static const char *const fields[] = { "proc.name",    "proc.cmdline",  "container.id",
				      "k8s.pod.name", "evt.arg[name]", "proc.argv",
				      "proc.env[A]",  "fd.name" };
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_text(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	for (size_t i = 0, n; i < s.n; i += n) {
		n = utf8_char(p + i, s.n - i);
		must(n > 0 && p[i] >= 0x20 && p[i] != 0x7f && !utf8_is_control(p + i, n));
	}
	must(s.p[s.n] == 0);
}

static void check_json(struct str s, bool has_fields)
{
	json_t *o = json_loadb(s.p, s.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	json_t *members = json_object_get(o, "output_fields");
	json_t *pod = json_object_get(members, "k8s.pod.name");

	must(o && !memchr(s.p, '\n', s.n));
	must(json_string_length(json_object_get(o, "rule")) > 0);
	must(json_is_string(json_object_get(o, "time")));
	must(!has_fields || json_object_size(members) > 0);
	must(!pod || json_is_null(pod) || json_is_string(pod));
	json_decref(o);
}

static void check(struct alert *a, bool has_fields)
{
	must(a != NULL);
	check_text(a->text);
	check_json(a->json, has_fields);
	alert_unref(a);
}

/* The values, from the input; strings borrow it. */
static void event_fill(struct test_event *t, const struct catalogue *c, struct str input)
{
	for (size_t i = 0; i < FIELDS && input.n; i++) {
		const char *end = memchr(input.p, 0xfe, input.n);
		size_t n = end ? (size_t)(end - input.p) : input.n;

		if (i == 5) { /* a list: one element is enough for any bytes */
			test_set(t, c, str_of(fields[i]), STR("x"));
			t->entries[t->n - 1].strs[0] = (struct str){ input.p, n };
		} else {
			test_set(t, c, str_of(fields[i]), STR("x"));
			t->entries[t->n - 1].values[0].str = (struct str){ input.p, n };
		}
		input = str_skip(input, n + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char output[] = "x=%proc.name %5proc.name %proc.argv %evt.arg[name] %proc.env[A] "
				     "%toupper(proc.cmdline) %proc.cmdline %fd.name";
	static const struct alert_pair none[1];
	static struct catalogue c;
	static struct arena arena;
	struct test_event t = { 0 };
	struct test_rules rules = { 0 };
	struct alert_form *f = NULL;
	struct buf why = { 0 };
	struct str input = { (const char *)data + 1, size - 1 };
	uint8_t bits = size ? data[0] : 0;
	struct alert_opts o = {
		.iso_time = bits & 1,
		.suggested = bits & 2,
		.output = bits & 4,
		.output_fields = bits & 8,
		.tags = bits & 16,
		.message = bits & 32,
		.hostname = "n",
	};
	struct alert_pair pair = { STR("k"), input };
	struct alert *a;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	if (!c.n) {
		c = test_alert_catalogue();
		must(arena_init(&arena, 1 << 18) == 0);
		field_arena_set(&arena);
	}
	arena_reset(&arena);
	test_rule(&rules, &c, "r", PRIORITY_ALERT, output);
	must(alert_form_new(&rules.set, &c, &o, &f, &why) == 0);
	event_fill(&t, &c, input);
	test_event_time(&t, size);
	a = alert_new(f, &rules.rules[0], &t.ev, bits & 64 ? input : STR_NONE);
	must(a != NULL);
	check(alert_fold(a, size, NS_PER_SEC, (struct wall_ns){ 1 }), o.output_fields);
	check(a, o.output_fields);
	check(alert_internal(f, PRIORITY_DEBUG, (struct wall_ns){ 1 }, input, input,
			     input.n ? &pair : none, input.n ? 1 : 0),
	      true);
	alert_form_free(f);
	test_rules_free(&rules);
	return 0;
}
