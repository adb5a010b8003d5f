/* Decoding UDP records. They were recorded on Linux 6.18 from datagrams over loopback. */
#include "probe/decode_test.h"
#include "probe/udp/udp.h"

static const char sent[] =
	"2accec13fa0300008a358801fa0300000100000000000000800000001f000000da3e0000da3e000007000100"
	"00000000707974686f6e330000000000000000007f0000010000000000000000000000007f00000100000000"
	"0000000000000000239fc98302001100020000000000000008000000000000000500000000000000";

static const char received[] =
	"bc174f14fa0300008a358801fa0300000100000000000000800000002a000000da3e0000da3e000007000100"
	"00000000707974686f6e33000000000000000000000000000000000000000000000000010000000000000000"
	"0000000000000001129be3af0a001100020000000000000009000000000000000500000001000000";

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
	assert_int_equal(c->l4, 17);
	assert_int_equal(c->is_server, -1);
	buf_free(&b);
}

static void test_sent(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_udp);
	decode_hex(&r, sent);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("udp_send")));
	assert_ptr_equal(r.ev.kind, &kind_table[KIND_UDP]);
	ends_are(&r, "127.0.0.1 40739 127.0.0.1 33737");
	assert_int_equal(r.ev.fd.type, FD_IPV4);
	assert_string_equal(decode_field(&r, "udp.direction"), "sent");
	assert_string_equal(decode_field(&r, "udp.bytes"), "5");
	assert_string_equal(decode_field(&r, "udp.socket"), "8");
	decode_close(&r);
}

static void test_received(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_udp);
	decode_hex(&r, received);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("udp_receive")));
	ends_are(&r, "::1 39698 ::1 45027");
	assert_int_equal(r.ev.fd.type, FD_IPV6);
	assert_string_equal(decode_field(&r, "udp.direction"), "received");
	assert_true(probe_udp.type_kinds(r.ev.type) == KIND_BIT(KIND_UDP));
	assert_true(probe_udp.type_kinds(STR("openat")) == 0);
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_udp);
	decode_hex(&r, sent);
	decode_short_refused(&r);
	decode_changed_survives(&r);
	((struct rec_udp *)r.bytes)->direction = UDP_DIRECTIONS;
	assert_int_equal(decode_all(&r), -EBADMSG);
	decode_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_received),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
