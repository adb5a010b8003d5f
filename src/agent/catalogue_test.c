/*
 * The catalogue over real events (test/captures): a field has values only in events of the kinds it
 * names, because early filtering and the matcher rely on that; and of the type it names.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/catalogue.h"
#include "agent/pipeline.h"
#include "base/cleanup.h"
#include "source/capture.h"

struct seen {
	uint64_t events, values;
	uint64_t kinds;
};

static void field_check(struct seen *s, const struct event *ev, const struct field *f)
{
	struct field_ref ref = { .field = f };
	struct value v;

	if (!f->get(ev, &ref, 0, &v))
		return;
	s->values++;
	if (f->kinds && !(f->kinds & KIND_BIT(ev->kind->id)))
		fail_msg("%s has a value in an event of kind %s, which it does not name", f->name,
			 ev->kind->name.p);
	if (v.type != f->type)
		fail_msg("%s is of type %s, its value of %s", f->name, value_type_name(f->type),
			 value_type_name(v.type));
}

static void event_check(void *ctx, const struct event *ev)
{
	const struct catalogue *c = catalogue_get();
	struct seen *s = ctx;

	s->events++;
	s->kinds |= KIND_BIT(ev->kind->id);
	for (size_t i = 0; i < c->n; i++)
		field_check(s, ev, c->fields[i]);
}

static void capture_check(const char *path, struct seen *s)
{
	struct subscription sub = { .kinds = KINDS_ALL, .event = event_check, .ctx = s };
	const struct rec_hdr *h;
	struct source *source;
	struct pipeline *p = calloc(1, sizeof(*p));
	const char *why;

	assert_non_null(p);
	assert_int_equal(capture_open(path, &source, &why), 0);
	assert_int_equal(pipeline_init(p, &source->host), 0);
	pipeline_subscribe(p, &sub);
	while (source_next(source, &h) == 1)
		pipeline_record(p, h);
	pipeline_free(p);
	source_close(source);
	free(p);
}

static void values_as_declared(void **state)
{
	struct seen s = { 0 };
	glob_t files;

	(void)state;
	assert_int_equal(glob("test/captures/*.cap", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		capture_check(files.gl_pathv[i], &s);
	globfree(&files);
	assert_true(s.events > 300);
	assert_true(s.values > 20 * s.events);
	/* What the captures have, so that the check cannot become an empty one unnoticed. */
	assert_true(__builtin_popcountll(s.kinds) >= 15);
}

/* Names are sorted, unique, and lower case with dots, as expressions need them. */
static void names(void **state)
{
	const struct catalogue *c = catalogue_get();

	(void)state;
	for (size_t i = 0; i < c->n; i++) {
		const char *n = c->fields[i]->name;

		assert_int_equal(strspn(n, "abcdefghijklmnopqrstuvwxyz0123456789_."), strlen(n));
		assert_non_null(strchr(n, '.'));
		if (i)
			assert_true(strcmp(c->fields[i - 1]->name, n) < 0);
		assert_ptr_equal(field_find(c, str_of(n)), c->fields[i]);
	}
}

/* Every field and event type that Falco's official rules use is known here. */
static void test_falco(void **state)
{
	FILE *f = fopen("test/rules/falco_fields.txt", "r");
	size_t fields = 0, both = 0, events = 0, missing = 0;
	char what[16], name[64], line[128], seen[128][64];

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		bool is_event, again = false;

		if (line[0] == '#' || sscanf(line, "%15s %63s", what, name) != 2)
			continue;
		is_event = strcmp(what, "event") == 0;
		events += is_event;
		for (size_t i = 0; !is_event && i < fields; i++)
			again |= strcmp(seen[i], name) == 0;
		both += again;
		if (!is_event && !again && fields < 128)
			memcpy(seen[fields++], name, sizeof(name));
		if (is_event ? !catalogue_type_kinds(str_of(name)) :
			       !field_find(catalogue_get(), str_of(name))) {
			print_error("%s %s is not known\n", what, name);
			missing++;
		}
	}
	fclose(f);
	assert_int_equal(missing, 0);
	assert_int_equal(fields, 90);
	assert_int_equal(both, 71 + 56 - 90);
	assert_int_equal(events, 41);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_as_declared),
		cmocka_unit_test(names),
		cmocka_unit_test(test_falco),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
