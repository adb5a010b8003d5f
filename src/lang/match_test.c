/*
 * What a match costs: prints nanoseconds per event for expressions of several shapes. The fields
 * here only load a member, as the cheap ones of the catalogue do. Asserts answers, never time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lang/expr.h"

#define EVENTS 256
#define ROUNDS 2000

struct flat {
	struct event ev;
	struct value name, path, pid, ip;
};

static bool get_flat(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	*ret = *(const struct value *)((const char *)ev + ref->field->arg);
	return nth == 0;
}

static const struct field fields[] = {
	{ "proc.name", VALUE_STR, "", KINDS_ALL, 0, get_flat, offsetof(struct flat, name), "" },
	{ "fd.name", VALUE_STR, "", KINDS_ALL, 0, get_flat, offsetof(struct flat, path), "" },
	{ "proc.pid", VALUE_I64, "", KINDS_ALL, 0, get_flat, offsetof(struct flat, pid), "" },
	{ "fd.ip", VALUE_IP, "", KINDS_ALL, FIELD_ANY, get_flat, offsetof(struct flat, ip), "" },
	{ 0 },
};

static const struct {
	const char *text;
	unsigned matches; /* of EVENTS */
} rows[] = {
	{ "proc.pid>100", EVENTS },
	{ "proc.name=nginx", EVENTS / 4 },
	{ "fd.name startswith /etc/", EVENTS / 2 },
	{ "proc.name=nginx and fd.name startswith /etc/ and proc.pid>100", EVENTS / 4 },
	{ "proc.pid>100 and not proc.name=bash and fd.name startswith /etc/", EVENTS / 4 },
	{ "proc.name in (a, b, c, d, e, f, g, h, i, j, k, l, m, nginx, redis-server, sshd)",
	  EVENTS / 2 },
	{ "fd.ip in (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16)", EVENTS },
	{ "fd.name contains passwd", EVENTS / 2 },
	{ "fd.name icontains PASSWD", EVENTS / 2 },
	{ "fd.name glob /etc/*", EVENTS / 2 },
	{ "fd.name pmatch (/usr/lib, /etc)", EVENTS },
	{ "fd.name regex \"/etc/.*\"", EVENTS / 2 },
};

static void test_cost(void **state)
{
	static const struct field *const tables[] = { fields };
	static const struct str names[] = { STR("nginx"), STR("redis-server"), STR("bash"),
					    STR("kube-proxy") };
	static struct flat events[EVENTS];
	struct catalogue c;

	(void)state;
	assert_int_equal(catalogue_join(tables, 1, &c), 0);
	for (unsigned i = 0; i < EVENTS; i++) {
		events[i].name = (struct value){ .type = VALUE_STR, .str = names[i % 4] };
		events[i].path = (struct value){ .type = VALUE_STR };
		events[i].path.str = i % 2 ? STR("/usr/lib/x86_64-linux-gnu/libc.so.6") :
					     STR("/etc/security/passwd.conf");
		events[i].pid = (struct value){ .type = VALUE_I64, .i64 = 1000 + i };
		events[i].ip = (struct value){ .type = VALUE_IP, .ip = { { 192, 168, 1, 1 }, 4 } };
	}
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		_cleanup_(expr_freep) struct expr *x = NULL;
		uint64_t hits = 0, start, ns;

		assert_int_equal(expr_parse(&c, str_of(rows[r].text), NULL, &x, NULL), 0);
		start = clock_read_ns(CLOCK_MONOTONIC);
		for (unsigned i = 0; i < ROUNDS; i++)
			for (unsigned k = 0; k < EVENTS; k++)
				hits += expr_match(x, &events[k].ev);
		ns = clock_read_ns(CLOCK_MONOTONIC) - start;
		assert_int_equal(hits, (uint64_t)rows[r].matches * ROUNDS);
		print_message("%7.1f ns an event  %s\n", (double)ns / ((double)ROUNDS * EVENTS),
			      rows[r].text);
	}
	catalogue_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cost) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
