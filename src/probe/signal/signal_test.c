/* Decoding signal records. They were recorded on Linux 6.18. */
#include "probe/decode_test.h"
#include "probe/signal/signal.h"

/* A process ended its child. */
static const char terminated[] =
	"b8465914fa0300008a358801fa0300000100000000000000780000002d000000da3e0000da3e000008000100"
	"00000000707974686f6e33000000000000000000be665514fa0300000100000000000000053f0000053f0000"
	"0f000000000000000001000000000000707974686f6e33000000000000000000";

/* setitimer(2). */
static const char alarm_rang[] =
	"906c5717fa030000000000000000000000000000000000007800000030000000000000000000000008000100"
	"ffffffff000000000000000000000000000000008a358801fa0300000100000000000000da3e0000da3e0000"
	"0e000000000000000001010000000000707974686f6e33000000000000000000";

static void test_sent(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_signal);
	decode_hex(&r, terminated);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("signal")));
	assert_ptr_equal(r.ev.kind, &kind_table[KIND_SIGNAL]);
	assert_string_equal(decode_field(&r, "signal.name"), "SIGTERM");
	assert_string_equal(decode_field(&r, "signal.number"), "15");
	assert_string_equal(decode_field(&r, "signal.sender"), "process");
	assert_string_equal(decode_field(&r, "signal.result"), "delivered");
	assert_string_equal(decode_field(&r, "signal.thread"), "false");
	assert_string_equal(decode_field(&r, "signal.target.pid"), "16133");
	assert_string_equal(decode_field(&r, "signal.target.tid"), "16133");
	assert_string_equal(decode_field(&r, "signal.target.name"), "python3");
	decode_close(&r);
}

static void test_kernel(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_signal);
	decode_hex(&r, alarm_rang);
	assert_int_equal(decode_all(&r), 0);
	assert_int_equal(r.ev.hdr->pid, 0);
	assert_string_equal(decode_field(&r, "signal.name"), "SIGALRM");
	assert_string_equal(decode_field(&r, "signal.sender"), "kernel");
	decode_close(&r);
}

static void test_names(void **state)
{
	static const struct {
		int number;
		const char *name;
	} known[] = { { 1, "SIGHUP" },	{ 9, "SIGKILL" }, { 11, "SIGSEGV" }, { 17, "SIGCHLD" },
		      { 31, "SIGSYS" }, { 32, "SIGRT0" }, { 34, "SIGRT2" },  { 64, "SIGRT32" } };
	struct decode_room r;
	struct rec_signal *s = (void *)r.bytes;

	(void)state;
	decode_open(&r, &probe_signal);
	decode_hex(&r, terminated);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		s->number = known[i].number;
		assert_int_equal(decode_all(&r), 0);
		assert_string_equal(decode_field(&r, "signal.name"), known[i].name);
	}
	/* No memory for a made name: the field is absent, nothing else. */
	r.arena.n = r.arena.cap;
	assert_null(decode_field(&r, "signal.name"));
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct decode_room r;
	struct rec_signal *s = (void *)r.bytes;

	(void)state;
	decode_open(&r, &probe_signal);
	decode_hex(&r, terminated);
	decode_short_refused(&r);
	decode_changed_survives(&r);
	s->number = 0;
	assert_int_equal(decode_all(&r), -EBADMSG);
	s->number = 65;
	assert_int_equal(decode_all(&r), -EBADMSG);
	s->number = -9;
	assert_int_equal(decode_all(&r), -EBADMSG);
	s->number = 9;
	s->result = SIGNAL_RESULTS;
	assert_int_equal(decode_all(&r), -EBADMSG);
	/* A name without its NUL ends where its room ends. */
	s->result = SIGNAL_IGNORED;
	memset(s->target_comm, 'x', sizeof(s->target_comm));
	assert_int_equal(decode_all(&r), 0);
	assert_int_equal(strlen(decode_field(&r, "signal.target.name")), 16);
	decode_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
