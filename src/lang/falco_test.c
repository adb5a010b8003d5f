/*
 * Conditions and outputs of the rules people have (testdata/falco_conditions.tsv): all of them
 * parse and compile, with their macros resolved and a catalogue made of the fields they use. And
 * all at once (many.h) they match what each matches alone, over events made of the values that the
 * conditions themselves compare with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "lang/format.h"
#include "lang/judge.h"
#include "lang/many.h"

#define MACROS_MAX 256
#define RULES_MAX  64
#define FIELDS_MAX 80
#define VALUES_MAX 400
#define EVENTS	   20000

/* Values that the conditions compare a field with. */
struct pool_of {
	struct value v[VALUES_MAX];
	size_t n;
};

/* An event is a number; its fields are drawn by it. 0: it has no fields at all. */
static struct {
	uint64_t number;
	unsigned absent; /* one field of so many */
	struct pool_of pools[FIELDS_MAX];
	struct arena arena;
} events;

static size_t field_place(const struct field *f);

/* Two values in one, so that starts, ends and parts are met too. */
static bool value_join(const struct value *a, const struct value *b, struct value *ret)
{
	char *to = arena_alloc(&events.arena, a->str.n + b->str.n);

	if (!to)
		return false;
	memcpy(to, a->str.p, a->str.n);
	memcpy(to + a->str.n, b->str.p, b->str.n);
	*ret = *a;
	ret->str = (struct str){ to, a->str.n + b->str.n };
	return true;
}

static bool drawn(const struct event *ev, const struct field_ref *ref, unsigned nth, struct value *ret)
{
	size_t place = field_place(ref->field);
	const struct pool_of *pool = &events.pools[place];
	uint64_t h = hash_u64(events.number * 1000 + place) ^ hash_str(ref->key);

	h = hash_u64(h + (uint64_t)ref->index * 7 + nth);
	if (strcmp(ref->field->name, "evt.type") == 0) {
		*ret = (struct value){ .type = VALUE_STR, .str = ev->type };
		return nth == 0;
	}
	if (!events.number || !pool->n || h % events.absent == 0 || nth > h % 4)
		return false;
	*ret = pool->v[(h >> 8) % pool->n];
	if (ret->type != VALUE_STR || (h >> 4) % 3)
		return true;
	return value_join(ret, &pool->v[(h >> 32) % pool->n], ret);
}

#define F(name, type, flags) { name, VALUE_##type, "", KINDS_ALL, flags, drawn, 0, "" }
static const struct field fields[] = {
	F("container.id", STR, 0),
	F("container.image.repository", STR, 0),
	F("container.mount.dest", STR, FIELD_INDEX),
	F("container.privileged", BOOL, 0),
	F("container.start_ts", TIME, 0),
	F("evt.arg", STR, FIELD_INDEX),
	F("evt.args", STR, 0),
	F("evt.buffer", STR, 0),
	F("evt.is_open_exec", BOOL, 0),
	F("evt.is_open_read", BOOL, 0),
	F("evt.is_open_write", BOOL, 0),
	F("evt.num", U64, 0),
	F("evt.rawres", I64, 0),
	F("evt.res", STR, 0),
	F("evt.type", STR, 0),
	F("fd.cip", IP, 0),
	F("fd.cip.name", STR, 0),
	F("fd.cnet", IP, 0),
	F("fd.connected", BOOL, 0),
	F("fd.directory", STR, 0),
	F("fd.filename", STR, 0),
	F("fd.ip", IP, FIELD_ANY),
	F("fd.l4proto", STR, 0),
	F("fd.lip.name", STR, 0),
	F("fd.lport", PORT, 0),
	F("fd.name", STR, 0),
	F("fd.name_changed", BOOL, 0),
	F("fd.nameraw", STR, 0),
	F("fd.net", IP, FIELD_ANY),
	F("fd.num", I64, 0),
	F("fd.port", PORT, FIELD_ANY),
	F("fd.rip", IP, 0),
	F("fd.rip.name", STR, 0),
	F("fd.rnet", IP, 0),
	F("fd.rport", PORT, 0),
	F("fd.sip", IP, 0),
	F("fd.sip.name", STR, 0),
	F("fd.snet", IP, 0),
	F("fd.sockfamily", STR, 0),
	F("fd.sport", PORT, 0),
	F("fd.type", STR, 0),
	F("fd.typechar", STR, 0),
	F("group.gid", U64, 0),
	F("group.name", STR, 0),
	F("k8s.ns.name", STR, 0),
	F("k8s.pod.name", STR, 0),
	F("proc.aexe", STR, FIELD_ANY | FIELD_INDEX),
	F("proc.aexepath", STR, FIELD_ANY | FIELD_INDEX),
	F("proc.aname", STR, FIELD_ANY | FIELD_INDEX),
	F("proc.args", STR, 0),
	F("proc.cmdline", STR, 0),
	F("proc.cwd", STR, 0),
	F("proc.duration", DURATION, 0),
	F("proc.env", STR, FIELD_INDEX),
	F("proc.exe", STR, 0),
	F("proc.exe_ino.ctime", TIME, 0),
	F("proc.exe_ino.ctime_duration_proc_start", TIME, 0),
	F("proc.exe_ino.mtime", TIME, 0),
	F("proc.exepath", STR, 0),
	F("proc.is_exe_from_memfd", BOOL, 0),
	F("proc.is_exe_upper_layer", BOOL, 0),
	F("proc.is_vpgid_leader", BOOL, 0),
	F("proc.name", STR, 0),
	F("proc.pcmdline", STR, 0),
	F("proc.pexe", STR, 0),
	F("proc.pexepath", STR, 0),
	F("proc.pname", STR, 0),
	F("proc.sname", STR, 0),
	F("proc.tty", U64, 0),
	F("proc.vpid", I64, 0),
	F("thread.cap_effective", STR, 0),
	F("thread.cap_permitted", STR, 0),
	F("user.loginname", STR, 0),
	F("user.loginuid", I64, 0),
	F("user.name", STR, 0),
	F("user.uid", U64, 0),
	{ 0 },
};
#undef F

static size_t field_place(const struct field *f)
{
	return (size_t)(f - fields);
}

static struct expr *rules[RULES_MAX];
static size_t nrules;

struct macros {
	struct {
		struct str name;
		struct ast *ast;
	} list[MACROS_MAX];
	size_t n;
	bool known;
};

static const struct ast *macro_find(void *ctx, struct str name)
{
	const struct macros *m = ctx;

	for (size_t i = m->n; i > 0; i--) /* the second file has some of the first's again */
		if (str_eq(m->list[i - 1].name, name))
			return m->list[i - 1].ast;
	return NULL;
}

static struct str unescape(char *s)
{
	char *to = s;

	for (const char *p = s; *p; p++) {
		if (*p == '\\' && p[1]) {
			p++;
			*to++ = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p;
		} else {
			*to++ = *p;
		}
	}
	return (struct str){ s, (size_t)(to - s) };
}

/* Fails the test, showing the error, unless @r is 0. */
static void must(int r, const char *name, const struct lang_error *e)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	if (r == 0)
		return;
	lang_error_print(e, &b);
	print_error("%s\n%.*s", name, (int)b.n, b.p);
	assert_int_equal(r, 0);
}

static void macro_add(struct macros *m, const char *name, struct str text)
{
	struct lang_error e;

	assert_true(m->n < MACROS_MAX);
	must(ast_parse(text, &m->list[m->n].ast, &e), name, &e);
	m->list[m->n++].name = str_of(strdup(name));
}

static void rule_compile(const struct catalogue *c, struct macros *m, const char *name,
			 struct str text)
{
	struct expr_opts opts = { .ident = macro_find, .ctx = m };
	struct expr *x = NULL;
	struct event ev = { 0 };
	struct lang_error e;

	must(expr_parse(c, text, &opts, &x, &e), name, &e);
	assert_true(expr_checks(x) > 0);
	expr_match(x, &ev);
	assert_true(nrules < RULES_MAX);
	rules[nrules++] = x;
}

static void output_compile(const struct catalogue *c, const char *name, struct str text)
{
	_cleanup_(format_freep) struct format *f = NULL;
	struct lang_error e;

	must(format_parse(c, text, &f, &e), name, &e);
	assert_true(format_count(f) > 5);
}

struct counts {
	unsigned rules, outputs;
};

/* The macros, or, when they are known, the rest. */
static void each_line(FILE *file, const struct catalogue *c, struct macros *m, struct counts *n)
{
	static char line[65536];

	while (fgets(line, sizeof(line), file)) {
		char *rest = line, *what = strsep(&rest, "\t"), *name = strsep(&rest, "\t");
		bool macro = strcmp(what, "macro") == 0;
		struct str text;

		if (!rest || line[0] == '#' || macro == m->known)
			continue;
		rest[strcspn(rest, "\n")] = 0;
		text = unescape(rest);
		if (macro)
			macro_add(m, name, text);
		else if (strcmp(what, "rule") == 0 && ++n->rules)
			rule_compile(c, m, name, text);
		else if (++n->outputs)
			output_compile(c, name, text);
	}
}

static void test_all(void **state)
{
	static const struct field *const tables[] = { fields };
	static struct macros m;
	char path[4096];
	uint64_t start = clock_read_ns(CLOCK_MONOTONIC);
	_cleanup_(fclosep) FILE *file = NULL;
	struct counts counts = { 0 };
	struct catalogue c;

	(void)state;
	snprintf(path, sizeof(path), "%.*s/testdata/falco_conditions.tsv",
		 (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(catalogue_join(tables, 1, &c), 0);
	each_line(file, &c, &m, &counts); /* rules use macros that stand behind them */
	rewind(file);
	m.known = true;
	each_line(file, &c, &m, &counts);
	print_message("%zu macros, %u rules, %u outputs in %.1f ms\n", m.n, counts.rules,
		      counts.outputs, (double)(clock_read_ns(CLOCK_MONOTONIC) - start) / 1e6);
	assert_int_equal(m.n, 169);
	assert_int_equal(counts.rules, 56);
	assert_int_equal(counts.outputs, 56);
	for (size_t i = 0; i < m.n; i++) {
		free((char *)m.list[i].name.p);
		ast_free(m.list[i].ast);
	}
	catalogue_free(&c);
}

/* Keeps every value that a condition names. */
static enum judgement values_keep(void *ctx, const struct expr_cond *c)
{
	struct pool_of *pool = &events.pools[field_place(c->ref->field)];

	(void)ctx;
	for (size_t i = 0; i < c->n && pool->n < VALUES_MAX; i++)
		pool->v[pool->n++] = c->values[i].v;
	return JUDGE_UNKNOWN;
}

struct hits {
	bool hit[RULES_MAX];
};

static bool hit(void *ctx, uint32_t place)
{
	struct hits *h = ctx;

	h->hit[place] = true;
	return true;
}

static void test_many(void **state)
{
	const struct pool_of *types = &events.pools[0];
	unsigned matches = 0, matched[RULES_MAX] = { 0 }, kinds_of_rules = 0;
	struct many *many;

	(void)state;
	assert_int_equal(many_new((const struct expr *const *)rules, nrules, &many), 0);
	for (size_t i = 0; i < nrules; i++)
		expr_judge(rules[i], values_keep, NULL);
	for (size_t i = 0; fields[i].name; i++)
		if (strcmp(fields[i].name, "evt.type") == 0)
			types = &events.pools[i];
	for (events.number = 1; events.number <= EVENTS; events.number++) {
		struct event ev = { .kind = &kind_table[0] };
		struct hits h = { 0 };

		events.absent = events.number % 2 ? 4 : 50;
		ev.type = types->v[hash_u64(events.number) % types->n].str;
		arena_reset(&events.arena);
		many_match(many, &ev, hit, &h);
		for (size_t i = 0; i < nrules; i++) {
			arena_reset(&events.arena);
			assert_int_equal(h.hit[i], expr_match(rules[i], &ev));
			matched[i] += h.hit[i];
		}
	}
	for (size_t i = 0; i < nrules; i++) {
		matches += matched[i];
		kinds_of_rules += matched[i] != 0;
	}
	print_message("%u matches, of %u rules\n", matches, kinds_of_rules);
	assert_true(matches > 1000 && kinds_of_rules > 30);
	many_free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all), cmocka_unit_test(test_many) };
	int r;

	if (arena_init(&events.arena, 1 << 16) < 0)
		return 1;
	field_arena_set(&events.arena);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < nrules; i++)
		expr_free(rules[i]);
	arena_free(&events.arena);
	return r;
}
