/*
 * Decoding OOM records. Recorded on Linux 6.18: a program in a memory cgroup of 16 MiB that wanted
 * 100 MiB.
 */
#include "probe/decode_test.h"
#include "probe/oom/oom.h"

static const char killed[] =
	"59fe2f97150400004edfae8e1504000001000000000000008000000000000000de480000de48000009000100"
	"00000000707974686f6e330000000000000000004edfae8e1504000000e04207000000000000fa0000000000"
	"00d06400000000000000000000000000de480000f4010100707974686f6e33000000000000000000";

static void test_killed(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_oom);
	decode_hex(&r, killed);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("oom_kill")));
	assert_ptr_equal(r.ev.kind, &kind_table[KIND_OOM]);
	assert_string_equal(decode_field(&r, "oom.total_vm"), "121823232");
	assert_string_equal(decode_field(&r, "oom.anon_rss"), "16384000");
	assert_string_equal(decode_field(&r, "oom.file_rss"), "6606848");
	assert_string_equal(decode_field(&r, "oom.shmem_rss"), "0");
	assert_string_equal(decode_field(&r, "oom.score_adj"), "500");
	assert_string_equal(decode_field(&r, "oom.trigger.pid"), "18654");
	assert_string_equal(decode_field(&r, "oom.trigger.name"), "python3");
	decode_close(&r);
}

/* What an old kernel tells: a number. Sizes are absent, not zero. */
static void test_unknown(void **state)
{
	struct decode_room r;
	struct rec_oom *o = (void *)r.bytes;

	(void)state;
	decode_open(&r, &probe_oom);
	decode_hex(&r, killed);
	o->known = 0;
	assert_int_equal(decode_all(&r), 0);
	assert_null(decode_field(&r, "oom.total_vm"));
	assert_null(decode_field(&r, "oom.anon_rss"));
	assert_null(decode_field(&r, "oom.score_adj"));
	assert_non_null(decode_field(&r, "oom.trigger.pid"));
	o->known = 1;
	o->score_adj = -1000;
	assert_int_equal(decode_all(&r), 0);
	assert_string_equal(decode_field(&r, "oom.score_adj"), "-1000");
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_oom);
	decode_hex(&r, killed);
	decode_short_refused(&r);
	decode_changed_survives(&r);
	decode_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
