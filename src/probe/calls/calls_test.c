/* Decoding totals of system calls: records made by hand, every short length, every byte changed. */
#include "probe/calls/calls.h"
#include "probe/calls/names.h"
#include "probe/decode_test.h"

static void record_put(struct decode_room *r, const void *rec, size_t n)
{
	memcpy(r->bytes, rec, n);
	r->n = n;
}

static const struct rec_calls failing = {
	.hdr = { .len = sizeof(failing), .type = REC_CALLS, .pid = 7, .comm = "app" },
	.count = 12,
	.nr = 257,
	.error = 2,
};

static const struct rec_calls_io written = {
	.hdr = { .len = sizeof(written), .type = REC_CALLS_IO, .pid = 7, .comm = "app" },
	.calls = 3,
	.bytes = 300,
	.fd = 5,
	.writes = 1,
};

static void test_calls(void **state)
{
	struct rec_calls other = failing;
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_calls);
	record_put(&r, &failing, sizeof(failing));
	assert_int_equal(decode_all(&r), 0);
	assert_ptr_equal(r.ev.kind, &kind_table[KIND_CALLS]);
	assert_string_equal(decode_field(&r, "calls.name"), "openat");
	assert_string_equal(decode_field(&r, "calls.error"), "ENOENT");
	assert_string_equal(decode_field(&r, "calls.count"), "12");
	other.error = CALLS_NOTHING;
	record_put(&r, &other, sizeof(other));
	assert_int_equal(decode_all(&r), 0);
	assert_string_equal(decode_field(&r, "calls.error"), "nothing");
	other.error = 0;
	record_put(&r, &other, sizeof(other));
	assert_int_equal(decode_all(&r), 0);
	assert_string_equal(decode_field(&r, "calls.error"), "SUCCESS");
	decode_close(&r);
}

static void test_io(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_calls);
	record_put(&r, &written, sizeof(written));
	assert_int_equal(decode_all(&r), 0);
	assert_int_equal(r.ev.fd.num, 5);
	assert_string_equal(decode_field(&r, "calls.name"), "writes");
	assert_string_equal(decode_field(&r, "calls.bytes"), "300");
	assert_null(decode_field(&r, "calls.error"));
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_calls);
	record_put(&r, &failing, sizeof(failing));
	decode_short_refused(&r);
	decode_changed_survives(&r);
	record_put(&r, &written, sizeof(written));
	decode_short_refused(&r);
	decode_changed_survives(&r);
	decode_close(&r);
}

static void test_names(void **state)
{
	char text[64];

	(void)state;
	assert_true(call_name(0, text, sizeof(text)));
	assert_string_equal(text, "read");
	assert_true(call_name(60000, text, sizeof(text)));
	assert_string_equal(text, "syscall_60000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
