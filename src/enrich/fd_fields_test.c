/* fd.*: of made-up events, what each field says; names of addresses, either end, what is absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "enrich/enrich.h"

struct room {
	struct arena arena;
	struct rec_hdr hdr;
	struct proc proc;
	struct event ev;
	char text[256];
};

static void room_open(struct room *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(arena_init(&r->arena, 1 << 16), 0);
	field_arena_set(&r->arena);
	r->hdr.tid = 77;
	r->ev.hdr = &r->hdr;
	r->ev.proc = &r->proc;
	r->ev.kind = &kind_table[KIND_CONNECT];
	r->ev.fd.num = 4;
}

/* All values of a field, joined by blanks; NULL when there is none. */
static const char *values(struct room *r, const char *name)
{
	const struct field *f = enrich_fd_fields;
	struct buf b = { 0 };
	struct value v;

	while (f->name && strcmp(f->name, name) != 0)
		f++;
	assert_non_null(f->name);
	for (unsigned nth = 0; nth < 8; nth++) {
		struct field_ref ref = { .field = f };

		if (!f->get(&r->ev, &ref, nth, &v))
			break;
		assert_int_equal(v.type, f->type);
		if (b.n)
			buf_char(&b, ' ');
		value_text(&b, &v);
	}
	snprintf(r->text, sizeof(r->text), "%.*s", (int)b.n, b.p ? b.p : "");
	buf_free(&b);
	return r->text[0] ? r->text : NULL;
}

static void is(struct room *r, const char *name, const char *want)
{
	const char *got = values(r, name);

	if (!want)
		assert_null(got);
	else if (!got)
		fail_msg("%s is absent, not %s", name, want);
	else
		assert_string_equal(got, want);
}

static struct ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct ip){ .b = { a, b, c, d }, .len = 4 };
}

static void connection(struct room *r)
{
	r->ev.fd.type = FD_IPV4;
	r->ev.fd.conn = (struct conn){
		.local = ip4(10, 1, 0, 5),
		.remote = ip4(10, 96, 0, 1),
		.lport = 40000,
		.rport = 443,
		.l4 = IPPROTO_TCP,
	};
}

static void test_connection(void **state)
{
	struct room r;

	(void)state;
	room_open(&r);
	connection(&r);
	r.ev.fd.connected = true;
	is(&r, "fd.name", "10.1.0.5:40000->10.96.0.1:443");
	is(&r, "fd.type", "ipv4");
	is(&r, "fd.typechar", "4");
	is(&r, "fd.sockfamily", "ip");
	is(&r, "fd.ip", "10.1.0.5 10.96.0.1");
	is(&r, "fd.port", "40000 443");
	is(&r, "fd.sport", "443");
	is(&r, "fd.sproto", "https");
	is(&r, "fd.cproto", "40000");
	is(&r, "fd.connected", "true");
	is(&r, "fd.name_changed", "false");
	is(&r, "fd.is_server", "false");
	is(&r, "fd.uid", "774");
	is(&r, "fd.containername", "host:10.1.0.5:40000->10.96.0.1:443");
	is(&r, "fd.directory", NULL);
	is(&r, "fd.ino", NULL);
	r.ev.fd.conn.is_server = 1;
	is(&r, "fd.sip", "10.1.0.5");
	is(&r, "fd.cip", "10.96.0.1");
	is(&r, "fd.is_server", "true");
	r.ev.fd.conn.is_server = -1;
	is(&r, "fd.is_server", NULL);
	arena_free(&r.arena);
}

/* A datagram socket's own address is the wildcard: it must not stand for an end. */
static void test_wildcard(void **state)
{
	struct room r;

	(void)state;
	room_open(&r);
	connection(&r);
	r.ev.fd.conn.local = ip4(0, 0, 0, 0);
	is(&r, "fd.ip", "10.96.0.1 10.96.0.1");
	is(&r, "fd.lip", "0.0.0.0");
	r.ev.fd.conn.remote.len = 0;
	is(&r, "fd.ip", "0.0.0.0");
	is(&r, "fd.name", "0.0.0.0:40000");
	r.ev.fd.conn.lport = 0;
	is(&r, "fd.name", NULL);
	arena_free(&r.arena);
}

static void test_names(void **state)
{
	struct room r;

	(void)state;
	room_open(&r);
	connection(&r);
	is(&r, "fd.sip.name", "10.96.0.1");
	is(&r, "fd.cip.name", "10.1.0.5");
	r.ev.fd.peer = (struct peer){ STR("service"), STR("default"), STR("kubernetes") };
	is(&r, "fd.sip.name",
	   "kubernetes.default.svc.cluster.local kubernetes.default.svc kubernetes.default kubernetes "
	   "10.96.0.1");
	is(&r, "fd.rip.name",
	   "kubernetes.default.svc.cluster.local kubernetes.default.svc kubernetes.default kubernetes "
	   "10.96.0.1");
	is(&r, "fd.cip.name", "10.1.0.5");
	is(&r, "fd.lip.name", "10.1.0.5");
	r.ev.fd.peer.kind = STR("pod");
	r.ev.fd.peer.name = STR("web-0");
	is(&r, "fd.sip.name",
	   "10-96-0-1.default.pod.cluster.local 10-96-0-1.default.pod web-0 10.96.0.1");
	r.ev.fd.peer = (struct peer){ STR("node"), STR_NONE, STR("node-1") };
	is(&r, "fd.sip.name", "node-1 10.96.0.1");
	r.ev.fd.conn.remote.len = 0;
	is(&r, "fd.sip.name", NULL);
	arena_free(&r.arena);
}

static void test_file(void **state)
{
	struct room r;

	(void)state;
	room_open(&r);
	r.ev.kind = &kind_table[KIND_OPEN];
	r.ev.fd.type = FD_FILE;
	r.ev.fd.name = STR("/etc/ssh/config");
	r.ev.fd.nameraw = STR("config");
	is(&r, "fd.name", "/etc/ssh/config");
	is(&r, "fd.nameraw", "config");
	is(&r, "fd.directory", "/etc/ssh");
	is(&r, "fd.filename", "config");
	is(&r, "fd.containerdirectory", "host:/etc/ssh");
	is(&r, "fd.connected", NULL);
	r.ev.fd.num = FD_FAILED;
	is(&r, "fd.num", "-1");
	r.ev.fd.num = -1;
	is(&r, "fd.num", NULL);
	is(&r, "fd.realpath", NULL);
	is(&r, "fd.sip.name", NULL);
	is(&r, "fd.sockfamily", NULL);
	r.ev.fd.realpath = STR("/run/config");
	r.ev.fd.ino = 12;
	r.ev.fd.dev = 8 << 20 | 1;
	r.ev.fd.layer = EXE_OVERLAY;
	is(&r, "fd.is_upper_layer", "false");
	is(&r, "fd.is_lower_layer", "true");
	is(&r, "fd.realpath", "/run/config");
	is(&r, "fd.ino", "12");
	is(&r, "fd.dev", "2049");
	is(&r, "fd.dev.major", "8");
	is(&r, "fd.dev.minor", "1");
	r.ev.fd.name = STR("/top");
	is(&r, "fd.directory", "/");
	r.ev.fd.type = FD_PIPE;
	r.ev.fd.name = STR_NONE;
	is(&r, "fd.name", NULL);
	is(&r, "fd.typechar", "p");
	arena_free(&r.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_wildcard),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
