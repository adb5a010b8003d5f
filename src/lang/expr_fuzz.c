/*
 * Any text as an expression, and what parses against a fixed event. Checks what must hold for all:
 * an error has a position and fits its buffers; a match implies its
 * triggers, is what judging with all known says, and the same among other expressions.
 */
#include <stdlib.h>

#include "lang/judge.h"
#include "lang/many.h"
#include "lang/testing.h"

#define OTHERS 8

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
	event.ev.type = STR("openat");
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

/* The same among others that share parts with it and have triggers. */
static const char *const others[OTHERS] = {
	"proc.name = nginx",
	"fd.name startswith /etc/",
	"fd.name startswith /etc/ssl and not proc.name = nginx",
	"proc.aname = systemd and fd.name endswith /a",
	"proc.cmdline contains x",
	"evt.type = openat and fd.name contains ssl",
	"proc.name in (sh, nginx) and proc.pid = 1",
	"not evt.is_open_read = true",
};
static struct expr *other[OTHERS];

static bool others_hit(void *ctx, uint32_t place)
{
	*(uint64_t *)ctx |= 1ull << place;
	return true;
}

static void many_try(const struct expr *x, bool matches)
{
	const struct expr *list[OTHERS + 1] = { [OTHERS] = x };
	uint64_t want = (uint64_t)matches << OTHERS, got = 0;
	struct many *many;

	for (size_t i = 0; i < OTHERS; i++) {
		if (!other[i] && expr_parse(&catalogue, str_of(others[i]), NULL, &other[i], NULL) < 0)
			abort();
		list[i] = other[i];
		want |= (uint64_t)expr_match(other[i], &event.ev) << i;
	}
	arena_reset(&arena);
	if (many_new(list, OTHERS + 1, &many) < 0)
		return;
	many_match(many, &event.ev, others_hit, &got);
	if (got != want)
		abort();
	many_free(many);
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
	many_try(x, matches);
	if (matches && !(expr_kinds(x) & KIND_BIT(KIND_OPEN)))
		abort();
	expr_free(x);
	return 0;
}
