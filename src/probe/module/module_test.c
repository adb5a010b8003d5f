/* Decoding module records, made by hand: this needs a kernel with modules to record. */
#include "probe/decode_test.h"
#include "probe/module/module.h"

static void record_make(struct decode_room *r, uint32_t op)
{
	const struct rec_module m = {
		.hdr = { .time_ns = 5, .pid = 7, .tid = 7, .type = REC_MODULE, .comm = "modprobe" },
		.taints = 1ull << 12 | 1ull << 13,
		.op = op,
		.name = "dummy",
	};

	memcpy(r->bytes, &m, sizeof(m));
	r->n = sizeof(m);
}

static void test_load(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_module);
	record_make(&r, MODULE_LOAD);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("module_load")));
	assert_ptr_equal(r.ev.kind, &kind_table[KIND_MODULE]);
	assert_string_equal(decode_field(&r, "module.name"), "dummy");
	assert_string_equal(decode_field(&r, "module.out_of_tree"), "true");
	assert_string_equal(decode_field(&r, "module.unsigned"), "true");
	assert_string_equal(decode_field(&r, "module.forced"), "false");
	record_make(&r, MODULE_FREE);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("module_free")));
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct decode_room r;
	struct rec_module *m = (void *)r.bytes;

	(void)state;
	decode_open(&r, &probe_module);
	record_make(&r, MODULE_LOAD);
	decode_short_refused(&r);
	decode_changed_survives(&r);
	m->op = MODULE_OPS;
	assert_int_equal(decode_all(&r), -EBADMSG);
	m->op = MODULE_LOAD;
	memset(m->name, 'x', sizeof(m->name));
	assert_int_equal(decode_all(&r), 0);
	assert_int_equal(strlen(decode_field(&r, "module.name")), sizeof(m->name));
	m->name[0] = '\0';
	assert_int_equal(decode_all(&r), 0);
	assert_null(decode_field(&r, "module.name"));
	decode_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
