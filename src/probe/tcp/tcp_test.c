/* Decoding TCP records. They were recorded on Linux 6.18 from connections over loopback. */
#include "probe/decode_test.h"
#include "probe/tcp/tcp.h"

static const char connecting[] =
	"1b28d213fa030000b078bc13fa0300000100000000000000a800000011000000033f0000033f000006000000"
	"00000000707974686f6e330000000000000000007f0000010000000000000000000000007f00000100000000"
	"0000000000000000000075df02000600010200000000000000000000000000000000000000000000f32c0000"
	"000000000000000000000000000000000000000000000000000000000702010000000000";

/* IPv6; 12345 bytes one way, 777 the other. */
static const char closed[] =
	"b0f61414fa030000e50df913fa0300000100000000000000a800000024000000043f0000043f000006000100"
	"00000000707974686f6e33000000000000000000000000000000000000000000000000010000000000000000"
	"0000000000000001ecd1abd10a000600010700000000000039300000000000000903000000000000a9900800"
	"000000004300000006000000040000000000000000000000000000000507010000000000";

/* Nobody listens. */
static const char refused[] =
	"4926ea13fa0300008a358801fa0300000100000000000000a80000001e000000da3e0000da3e000006000100"
	"00000000707974686f6e330000000000000000007f0000010000000000000000000000007f00000100000000"
	"0000000000000000b48f75df02000600010700000000000000000000000000000000000000000000feb30000"
	"0000000000000000010000000100000000000000000000006f0000000207010000000000";

/* An IPv4 client of an IPv6 socket. */
static const char mapped[] =
	"d497ad7a26040000a602b66b260400000100000000000000a800000003000000234a0000234a000006000100"
	"00000000707974686f6e3300000000000000000000000000000000000000ffff7f0000010000000000000000"
	"0000ffff7f00000111c094a60a000600010100000000000000000000000000000000000000000000cc230000"
	"000000002300000000000000020000000000000000000000000000000301020000000000";

static const char listening[] =
	"4f43307a26040000a602b66b260400000100000000000000a800000000000000234a0000234a000006000100"
	"00000000707974686f6e33000000000000000000000000000000000000000000000000000000000000000000"
	"000000000000000011c000000a000600010a00000000000000000000000000000000000000000000574d0000"
	"00000000000000000000000000000000000000000000000000000000070a020000000000";

static void text_is(struct decode_room *r, const char *field, const char *want)
{
	const char *got = decode_field(r, field);

	assert_true((got == NULL) == (want == NULL));
	if (want)
		assert_string_equal(got, want);
}

static void type_is(const struct decode_room *r, const char *want)
{
	assert_true(str_eq(r->ev.type, str_of(want)));
	assert_ptr_equal(r->ev.kind, &kind_table[KIND_TCP]);
	assert_true(probe_tcp.type_kinds(r->ev.type) == KIND_BIT(KIND_TCP));
}

static void ends_are(const struct decode_room *r, const char *want)
{
	const struct conn *c = &r->ev.fd.conn;
	struct buf b = { 0 };

	ip_text(&b, &c->local);
	buf_printf(&b, " %u ", c->lport);
	ip_text(&b, &c->remote);
	buf_printf(&b, " %u", c->rport);
	buf_char(&b, '\0');
	assert_string_equal(b.p, want);
	assert_int_equal(c->l4, 6);
	buf_free(&b);
}

static void test_connect(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_tcp);
	decode_hex(&r, connecting);
	assert_int_equal(decode_all(&r), 0);
	type_is(&r, "tcp_connect");
	ends_are(&r, "127.0.0.1 0 127.0.0.1 57205");
	assert_int_equal(r.ev.fd.type, FD_IPV4);
	assert_int_equal(r.ev.fd.num, -1);
	assert_int_equal(r.ev.fd.conn.is_server, 0);
	assert_false(r.ev.has_ret);
	text_is(&r, "tcp.state", "SYN_SENT");
	text_is(&r, "tcp.oldstate", "CLOSE");
	text_is(&r, "tcp.role", "client");
	text_is(&r, "tcp.bytes_sent", NULL);
	text_is(&r, "tcp.duration", NULL);
	decode_close(&r);
}

static void test_close(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_tcp);
	decode_hex(&r, closed);
	assert_int_equal(decode_all(&r), 0);
	type_is(&r, "tcp_close");
	ends_are(&r, "::1 53740 ::1 53675");
	assert_int_equal(r.ev.fd.type, FD_IPV6);
	assert_true(r.ev.has_ret);
	assert_int_equal(r.ev.ret, 0);
	text_is(&r, "tcp.state", "CLOSE");
	text_is(&r, "tcp.oldstate", "FIN_WAIT2");
	text_is(&r, "tcp.bytes_sent", "12345");
	text_is(&r, "tcp.bytes_received", "777");
	text_is(&r, "tcp.rtt", "67000");
	text_is(&r, "tcp.retransmits", "0");
	text_is(&r, "tcp.segs_out", "6");
	text_is(&r, "tcp.segs_in", "4");
	text_is(&r, "tcp.duration", "561321");
	decode_close(&r);
}

static void test_refused(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_tcp);
	decode_hex(&r, refused);
	assert_int_equal(decode_all(&r), 0);
	type_is(&r, "tcp_close");
	assert_true(r.ev.has_ret);
	assert_int_equal(r.ev.ret, -ECONNREFUSED);
	text_is(&r, "tcp.rtt", NULL);
	decode_close(&r);
}

static void test_mapped(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_tcp);
	decode_hex(&r, mapped);
	assert_int_equal(decode_all(&r), 0);
	type_is(&r, "tcp_accept");
	ends_are(&r, "127.0.0.1 49169 127.0.0.1 42644");
	assert_int_equal(r.ev.fd.type, FD_IPV4);
	assert_int_equal(r.ev.fd.conn.is_server, 1);
	decode_close(&r);
}

static void test_listen(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_tcp);
	decode_hex(&r, listening);
	assert_int_equal(decode_all(&r), 0);
	type_is(&r, "tcp_listen");
	ends_are(&r, ":: 49169  0");
	assert_int_equal(r.ev.fd.type, FD_IPV6);
	assert_int_equal(r.ev.fd.conn.remote.len, 0);
	text_is(&r, "tcp.segs_in", NULL);
	decode_close(&r);
}

/* Values no kernel sends: refused, not shown. */
static void test_hostile(void **state)
{
	struct decode_room r;
	struct rec_tcp *t = (void *)r.bytes;
	struct rec_tcp good;

	(void)state;
	decode_open(&r, &probe_tcp);
	decode_hex(&r, closed);
	good = *t;
	t->new_state = 0;
	assert_int_equal(decode_all(&r), -EBADMSG);
	t->new_state = 14;
	assert_int_equal(decode_all(&r), -EBADMSG);
	*t = good;
	t->old_state = 255;
	assert_int_equal(decode_all(&r), -EBADMSG);
	*t = good;
	t->role = TCP_ROLES;
	assert_int_equal(decode_all(&r), -EBADMSG);
	*t = good;
	t->error = -1;
	assert_int_equal(decode_all(&r), -EBADMSG);
	*t = good;
	t->error = 4096;
	assert_int_equal(decode_all(&r), -EBADMSG);
	*t = good;
	t->sock.family = 1;
	assert_int_equal(decode_all(&r), 0);
	assert_int_equal(r.ev.fd.type, FD_OTHER);
	assert_int_equal(r.ev.fd.conn.local.len, 0);
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_tcp);
	decode_hex(&r, closed);
	decode_short_refused(&r);
	decode_changed_survives(&r);
	decode_hex(&r, connecting);
	decode_short_refused(&r);
	decode_changed_survives(&r);
	decode_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect), cmocka_unit_test(test_close),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_listen),	cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
