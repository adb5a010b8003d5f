/*
 * The samples in cgroup_path.tsv and cgroup_path_hostile.tsv, every prefix of each against a guard
 * page, and the invariants that hold for any input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "enrich/cgroup_path.h"

#define COLUMNS	       8
#define LINE_MAX_BYTES 16384

struct sample {
	struct str path;
	char *col[COLUMNS];
	unsigned line;
};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10;
}

/* \\ \t \n \xHH in place; returns the new length. */
static size_t unescape(char *s)
{
	char *to = s;

	for (char *p = s; *p; p++) {
		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		p++;
		if (*p == 'x') {
			*to++ = (char)(hex_digit(p[1]) * 16 + hex_digit(p[2]));
			p += 2;
		} else {
			*to++ = *p == 't' ? '\t' : *p == 'n' ? '\n' : *p;
		}
	}
	*to = '\0';
	return (size_t)(to - s);
}

/* Calls @f for each line of the file @name beside this source; returns how many. */
static unsigned each_sample(const char *name, void (*f)(const struct sample *))
{
	_cleanup_(freep) char *line = malloc(LINE_MAX_BYTES);
	_cleanup_(fclosep) FILE *file = NULL;
	char path[512];
	unsigned n = 0, number = 0;

	snprintf(path, sizeof(path), "%.*s/%s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__,
		 name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: run from the root of the repository", path);
	while (fgets(line, LINE_MAX_BYTES, file)) {
		struct sample s = { .line = ++number };
		char *rest = line;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		for (size_t i = 0; i < COLUMNS; i++) {
			s.col[i] = strsep(&rest, "\t");
			if (!s.col[i])
				fail_msg("%s:%u: %zu columns", name, number, i);
		}
		s.path = (struct str){ s.col[0], unescape(s.col[0]) };
		unescape(s.col[2]);
		unescape(s.col[5]);
		f(&s);
		n++;
	}
	return n;
}

static void expect(const struct sample *s, const char *what, struct str got, const char *want)
{
	if (!str_eq(got, strcmp(want, "-") == 0 ? STR_NONE : str_of(want)))
		fail_msg("line %u: %s is \"%.*s\", should be \"%s\"\n%.*s", s->line, what,
			 STR_ARG(got), want, STR_ARG(s->path));
}

/* The value of NAME= in the column of marks, or "-". */
static const char *mark(const struct sample *s, const char *name, char *buf, size_t size)
{
	const char *at = strstr(s->col[6], name);

	if (!at)
		return "-";
	snprintf(buf, size, "%.*s", (int)strcspn(at + strlen(name), ","), at + strlen(name));
	return buf;
}

static void check_sample(const struct sample *s)
{
	struct cgroup_who who, *untouched = &who;
	char buf[300];

	memset(&who, 0x5a, sizeof(who));
	if (strcmp(s->col[1], "!") == 0) {
		assert_false(cgroup_path_parse(s->path, &who));
		assert_int_equal(*(unsigned char *)untouched, 0x5a);
		return;
	}
	if (!cgroup_path_parse(s->path, &who))
		fail_msg("line %u: refused", s->line);
	expect(s, "runtime", str_of(who.shape->runtime), s->col[1]);
	expect(s, "container", who.container_id, s->col[2]);
	expect(s, "pod", who.pod_uid, s->col[3]);
	expect(s, "qos", str_of(cgroup_qos_name(who.qos)), s->col[4]);
	expect(s, "unit", who.unit, s->col[5]);
	expect(s, "monitor_of", who.monitor_of, mark(s, "monitor=", buf, sizeof(buf)));
	assert_int_equal(who.nested, strstr(s->col[6], "nested") != NULL);
	assert_int_equal(who.relative, strstr(s->col[6], "relative") != NULL);
	expect(s, "outer_id", who.outer_id,
	       who.nested ? mark(s, "outer=", buf, sizeof(buf)) : s->col[2]);
	if (!who.nested) {
		assert_true(str_eq(who.outer_pod_uid, who.pod_uid));
		if (who.pod_uid.p)
			assert_true(str_eq(who.pod_container_id, who.container_id));
	}
}

static void test_samples(void **state)
{
	(void)state;
	assert_true(each_sample("cgroup_path.tsv", check_sample) >= 80);
	assert_true(each_sample("cgroup_path_hostile.tsv", check_sample) >= 40);
}

static bool inside(struct str part, struct str whole)
{
	return !part.p || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* What holds for any answer. */
static void check_invariants(struct str path)
{
	struct cgroup_who who;

	if (!cgroup_path_parse(path, &who))
		return;
	assert_non_null(who.shape);
	assert_true(inside(who.container_id, path) && inside(who.pod_uid, path));
	assert_true(inside(who.unit, path) && inside(who.monitor_of, path));
	assert_true(inside(who.outer_id, path) && inside(who.outer_pod_uid, path));
	assert_true(inside(who.pod_container_id, path));
	assert_true(!who.container_id.p || who.outer_id.p);
	assert_true(!who.pod_uid.p || who.outer_pod_uid.p);
	assert_true(who.qos == CGROUP_QOS_NONE || who.pod_uid.p);
	assert_true(!who.nested || who.outer_id.p || who.outer_pod_uid.p);
	assert_true(!who.pod_uid.p || who.pod_uid.n == 36 || who.pod_uid.n == 32);
}

static char *guard_end; /* first byte of a page that may not be read */

static void check_prefixes(const struct sample *s)
{
	size_t max = s->path.n < 400 ? s->path.n : 400;

	for (size_t n = 0; n <= max; n++) {
		memcpy(guard_end - n, s->path.p, n);
		check_invariants((struct str){ guard_end - n, n });
	}
	check_invariants(s->path);
}

static void test_prefixes(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(p != MAP_FAILED);
	assert_int_equal(mprotect(p + page, page, PROT_NONE), 0);
	guard_end = p + page;
	each_sample("cgroup_path.tsv", check_prefixes);
	each_sample("cgroup_path_hostile.tsv", check_prefixes);
	munmap(p, 2 * page);
}

/* kind: the identity is the inner pod and container, the node is the outer one. */
static void test_layers(void **state)
{
	struct str node = STR("3350ade4226f0adcd9e4e9545d7c2a16a5aa362d12315f2a88e2024cea1246cf");
	struct str inner = STR("679f3691f7f1b20198548be43b86f265f9fff9be0ac4c973638f5ee89decbca9");
	struct str dind = STR("879cad1db756b9ad43a72088cd3eea787f093fb82d8e49d1e4d275ede4c31538");
	struct cgroup_who who;
	char path[600];

	(void)state;
	snprintf(path, sizeof(path),
		 "/docker/%s/kubelet/kubepods/pod91a8fc3a-0ecf-48b4-81bf-78a7275d348c/%s/docker/%s",
		 node.p, inner.p, dind.p);
	assert_true(cgroup_path_parse(str_of(path), &who));
	assert_true(str_eq(who.container_id, dind) && str_eq(who.outer_id, node));
	assert_true(str_eq(who.pod_container_id, inner));
	assert_true(str_eq(who.pod_uid, STR("91a8fc3a-0ecf-48b4-81bf-78a7275d348c")));
	assert_true(str_eq(who.outer_pod_uid, who.pod_uid));
	assert_true(who.nested);
	assert_int_equal(who.qos, CGROUP_QOS_GUARANTEED);
}

static void test_pod_uid(void **state)
{
	char buf[CGROUP_POD_UID_LEN];
	struct str s;

	(void)state;
	s = cgroup_pod_uid(STR("0125ec2f_b64a_4868_8f5b_94b56cbab864"), buf);
	assert_true(str_eq(s, STR("0125ec2f-b64a-4868-8f5b-94b56cbab864")));
	s = cgroup_pod_uid(STR("0125ec2f-b64a-4868-8f5b-94b56cbab864"), buf);
	assert_true(str_eq(s, STR("0125ec2f-b64a-4868-8f5b-94b56cbab864")));
	s = cgroup_pod_uid(STR("187bff14cccb94f179e943eacce55bb3"), buf);
	assert_true(str_eq(s, STR("187bff14cccb94f179e943eacce55bb3")));
	assert_null(cgroup_pod_uid(STR_NONE, buf).p);
	assert_null(cgroup_pod_uid(STR("0125ec2f-b64a-4868-8f5b-94b56cbab8640"), buf).p);
	assert_string_equal(cgroup_qos_name(CGROUP_QOS_NONE), "");
	assert_string_equal(cgroup_qos_name((enum cgroup_qos)99), "");
}

static struct {
	uint64_t ns;
	unsigned n;
} cost;

static void time_sample(const struct sample *s)
{
	struct cgroup_who who;
	uint64_t from = clock_boot().ns;

	for (int i = 0; i < 2000; i++) {
		struct str path = s->path;

		__asm__ volatile("" : "+r"(path.p));
		if (!cgroup_path_parse(path, &who))
			continue;
		__asm__ volatile("" : : "r"(&who) : "memory");
	}
	cost.ns += clock_boot().ns - from;
	cost.n += 2000;
}

/* The figure is printed for people; the bound only catches a slip of an order of magnitude. */
static void test_cost(void **state)
{
	(void)state;
	each_sample("cgroup_path.tsv", time_sample);
	print_message("cgroup_path_parse: %.0f ns a path\n", (double)cost.ns / cost.n);
	assert_true(cost.ns / cost.n < 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_layers),	cmocka_unit_test(test_pod_uid),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
