/*
 * Conditions and outputs of the rules people have (testdata/falco_conditions.tsv): all of them
 * parse and compile, with their macros resolved and a catalogue made of the fields they use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lang/expr.h"
#include "lang/format.h"

#define MACROS_MAX 256

static bool never(const struct event *ev, const struct field_ref *ref, unsigned nth, struct value *ret)
{
	(void)ev, (void)ref, (void)nth, (void)ret;
	return false;
}

#define F(name, type, flags) { name, VALUE_##type, "", KINDS_ALL, flags, never, 0, "" }
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
	_cleanup_(expr_freep) struct expr *x = NULL;
	struct event ev = { 0 };
	struct lang_error e;

	must(expr_parse(c, text, &opts, &x, &e), name, &e);
	assert_true(expr_checks(x) > 0);
	expr_match(x, &ev);
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
