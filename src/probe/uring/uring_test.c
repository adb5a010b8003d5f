/*
 * What io_uring tells as system calls: its records go through the syscall probe's decoder, its fields tell
 * where they came from, and both probes agree on the kinds of the calls.
 */
#include "probe/uring/uring.h"

#include <asm/unistd_64.h>

#include "probe/decode_test.h"
#include "probe/sys_record.h"

/* openat(AT_FDCWD, "/etc/shadow", O_RDONLY) with the result and the way it came. */
static void openat_make(struct decode_room *room, int64_t res, uint16_t via)
{
	static const char path[] = "/etc/shadow";
	struct rec_syscall r = {
		.hdr = { .type = REC_SYSCALL, .pid = 7, .tid = 7 },
		.args = { (uint64_t)-100 },
		.ret = res,
		.nr = __NR_openat,
		.info = via,
		.piece[SYS_PATH0] = { sizeof(r), sizeof(path) - 1 },
	};

	memcpy(room->bytes, &r, sizeof(r));
	memcpy(room->bytes + sizeof(r), path, sizeof(path) - 1);
	room->n = sizeof(r) + sizeof(path) - 1;
	room->probe = &probe_syscall;
	assert_int_equal(decode_all(room), 0);
	room->probe = &probe_uring;
}

static void field_is(struct decode_room *r, const char *name, const char *want)
{
	const char *got = decode_field(r, name);

	assert_non_null(got);
	assert_string_equal(got, want);
}

static void test_same_event(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	openat_make(&r, 5, SYS_VIA_URING);
	assert_ptr_equal(r.ev.kind, &kind_table[KIND_OPEN]);
	assert_true(str_eq(r.ev.type, STR("openat")));
	assert_true(str_eq(r.ev.fd.name, STR("/etc/shadow")));
	assert_int_equal(r.ev.fd.num, 5);
	assert_true(r.ev.has_ret);
	assert_int_equal(r.ev.ret, 5);
	field_is(&r, "evt.io_uring", "true");
	field_is(&r, "evt.io_uring.assumed", "false");
	r.probe = &probe_syscall;
	field_is(&r, "evt.is_open_read", "true");
	field_is(&r, "evt.arg.name", "/etc/shadow");
	decode_close(&r);
}

static void test_failed(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	openat_make(&r, -EACCES, SYS_VIA_URING);
	assert_int_equal(r.ev.ret, -EACCES);
	assert_int_equal(r.ev.fd.num, FD_FAILED);
	field_is(&r, "evt.io_uring", "true");
	decode_close(&r);
}

/* A result that nobody told is success, so that rules which ask for success match. */
static void test_assumed(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	openat_make(&r, 0, SYS_VIA_URING | SYS_VIA_ASSUMED);
	assert_true(r.ev.has_ret);
	assert_int_equal(r.ev.ret, 0);
	assert_int_equal(r.ev.fd.num, 0);
	field_is(&r, "evt.io_uring", "true");
	field_is(&r, "evt.io_uring.assumed", "true");
	decode_close(&r);
}

static void test_system_call(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_syscall);
	openat_make(&r, 5, 0);
	field_is(&r, "evt.io_uring", "false");
	field_is(&r, "evt.io_uring.assumed", "false");
	decode_close(&r);
}

/* Of an event that is no system call there is nothing to say. */
static void test_other_record(void **state)
{
	struct rec_hdr h = { .type = REC_TCP, .len = sizeof(h) };
	struct event ev = { .hdr = &h, .body = &h };
	struct value v;

	(void)state;
	for (const struct field *f = probe_uring.fields; f->name; f++) {
		struct field_ref ref = { .field = f };

		assert_false(f->get(&ev, &ref, 0, &v));
	}
}

static void test_values_end(void **state)
{
	struct decode_room r;
	struct value v;

	(void)state;
	decode_open(&r, &probe_syscall);
	openat_make(&r, 5, SYS_VIA_URING);
	for (const struct field *f = probe_uring.fields; f->name; f++) {
		struct field_ref ref = { .field = f };

		assert_false(f->get(&r.ev, &ref, 1, &v));
	}
	decode_close(&r);
}

/* One type is one kind, whichever way it comes; a kind that is not the system call's would be lost. */
static void test_kinds_agree(void **state)
{
	static const char *const types[] = {
		"accept4", "connect",	"openat",   "openat2", "renameat2", "unlinkat",
		"mkdirat", "symlinkat", "linkat",   "bind",    "listen",    "socket",
		"sendto",  "sendmsg",	"recvfrom", "recvmsg",
	};
	uint64_t all = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		uint64_t kinds = probe_uring.type_kinds(str_of(types[i]));

		assert_true(kinds != 0);
		assert_true(kinds == probe_syscall.type_kinds(str_of(types[i])));
		all |= kinds;
	}
	assert_true(all == probe_uring.kinds);
	assert_true(probe_uring.type_kinds(STR("open")) == 0);
	assert_true(probe_uring.type_kinds(STR("")) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_event),   cmocka_unit_test(test_failed),
		cmocka_unit_test(test_assumed),	     cmocka_unit_test(test_system_call),
		cmocka_unit_test(test_other_record), cmocka_unit_test(test_values_end),
		cmocka_unit_test(test_kinds_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
