/*
 * Any text as an expression, and what parses against a fixed event. Checks what must hold for all:
 * an error has a position and fits its buffers; a match implies its necessary conditions.
 */
#include <stdlib.h>

#include "lang/judge.h"
#include "lang/testing.h"

static struct catalogue catalogue;
static struct arena arena;
static struct test_event event;

static void event_make(void)
{
	static const struct {
		struct str name, text;
	} fields[] = {
		{ STR("evt.type"), STR("openat") },
		{ STR("evt.kind"), STR("open") },
		{ STR("evt.num"), STR("17") },
		{ STR("evt.arg[flags]"), STR("O_RDONLY|O_CLOEXEC") },
		{ STR("evt.is_open_read"), STR("true") },
		{ STR("proc.name"), STR("nginx") },
		{ STR("proc.aname"), STR("nginx sh systemd") },
		{ STR("proc.argv"), STR("nginx -g -c x") },
		{ STR("proc.env[A]"), STR("YWJj") },
		{ STR("proc.pid"), STR("1") },
		{ STR("proc.duration"), STR("1s") },
		{ STR("fd.name"), STR("/etc/ssl/a") },
	};

	catalogue = test_catalogue();
	if (arena_init(&arena, 1 << 16) < 0)
		abort();
	field_arena_set(&arena);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		test_set(&event, &catalogue, fields[i].name, fields[i].text);
	event.ev.kind = &kind_table[KIND_OPEN];
}

static void must_hold(void *ctx, const struct expr_cond *c)
{
	(void)ctx;
	if (!expr_cond_holds(c, &event.ev))
		abort();
}

static enum judgement all_known(void *ctx, const struct expr_cond *c)
{
	(void)ctx;
	return expr_cond_holds(c, &event.ev) ? JUDGE_YES : JUDGE_NO;
}

static bool any_usable(void *ctx, const struct expr_cond *c)
{
	(void)ctx;
	return c->op != EXPR_REGEX;
}

static void held(void *ctx, const struct expr_cond *c)
{
	*(size_t *)ctx += expr_cond_holds(c, &event.ev);
}

static void judge_try(const struct expr *x, bool matches)
{
	enum judgement j = expr_judge(x, all_known, NULL);
	size_t holding = 0;
	int r = expr_triggers(x, NULL, any_usable, held, &holding);

	if (j != JUDGE_UNKNOWN && matches != (j == JUDGE_YES))
		abort();
	if (matches && (r == -1 || (r == 1 && !holding)))
		abort();
}

static void count(void *ctx, const struct field_ref *ref)
{
	*(size_t *)ctx += ref->field != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct expr_opts opts = { .type_kinds = test_type_kinds };
	struct lang_error e = { 0 };
	struct expr *x = NULL;
	struct buf b = { 0 };
	size_t fields = 0;
	bool matches;

	if (!catalogue.n)
		event_make();
	if (expr_parse(&catalogue, (struct str){ (const char *)data, size }, &opts, &x, &e) < 0) {
		if (!e.line || !e.column || !e.message[0] || x)
			abort();
		lang_error_print(&e, &b);
		buf_free(&b);
		return 0;
	}
	arena_reset(&arena);
	expr_fields(x, count, &fields);
	matches = expr_match(x, &event.ev);
	judge_try(x, matches);
	if (matches) {
		if (!(expr_kinds(x) & KIND_BIT(KIND_OPEN)))
			abort();
		expr_necessary(x, must_hold, NULL);
	}
	expr_free(x);
	return 0;
}
