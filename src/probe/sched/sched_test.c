/* Decoding lost time and threads' times: records made by hand, as the kernel program lays them out. */
#include "probe/decode_test.h"
#include "probe/sched/sched.h"

#include <sys/stat.h>

#define FRAMES 5

static const char walk[] = "data\0srv";

/* A sample of a read of /srv/data that took 20 ms, with three kernel and two user addresses. */
static void offcpu_make(struct decode_room *r)
{
	struct rec_offcpu *o = (void *)r->bytes;
	size_t stack = (sizeof(*o) + sizeof(walk) + 7) & ~(size_t)7;
	struct rec_stack *head = (void *)(r->bytes + stack);

	o->hdr.type = REC_OFFCPU;
	o->weight_ns = 20000000;
	o->blocked_ns = 19000000;
	o->waited_ns = 1000000;
	o->ino = 77;
	o->fd = 3;
	o->waker_pid = 10;
	o->waker_tid = 11;
	memcpy(o->waker_comm, "kworker", 7);
	o->nr = 0;
	o->state = SCHED_DISK;
	o->mode = S_IFREG;
	o->file = (struct rec_str){ sizeof(*o), sizeof(walk) };
	memcpy(o->tail, walk, sizeof(walk));
	o->stack_off = (uint16_t)stack;
	*head = (struct rec_stack){ .nkernel = 3, .nuser = 2, .end = STACK_WHOLE };
	((uint64_t *)(head + 1))[3] = 0x1000 | STACK_EXACT;
	((uint64_t *)(head + 1))[4] = 0x2001;
	r->n = stack + sizeof(*head) + FRAMES * 8;
	o->hdr.len = (uint32_t)r->n;
}

static void test_offcpu(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_sched);
	offcpu_make(&r);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("offcpu")));
	assert_ptr_equal(r.ev.kind, &kind_table[KIND_OFFCPU]);
	assert_true(str_eq(r.ev.fd.name, STR("/srv/data")));
	assert_int_equal(r.ev.fd.type, FD_FILE);
	assert_int_equal(r.ev.fd.num, 3);
	assert_string_equal(decode_field(&r, "sched.state"), "disk");
	assert_string_equal(decode_field(&r, "sched.frames"), "5");
	assert_string_equal(decode_field(&r, "sched.end"), "whole");
	assert_string_equal(decode_field(&r, "sched.addresses"), "0x1000,0x2000");
	assert_string_equal(decode_field(&r, "sched.waker.name"), "kworker");
	assert_string_equal(decode_field(&r, "sched.waker.tid"), "11");
	assert_string_equal(decode_field(&r, "sched.syscall"), "0");
	assert_null(decode_field(&r, "sched.futex"));
	assert_null(decode_field(&r, "sched.total"));
	assert_null(decode_field(&r, "sched.taken"));
	decode_close(&r);
}

/* It was not kept: the sample counts all the same. */
static void test_no_stack(void **state)
{
	struct rec_offcpu *o;
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_sched);
	offcpu_make(&r);
	o = (void *)r.bytes;
	o->stack_off = 0;
	o->flags = OFFCPU_NO_STACK;
	assert_int_equal(decode_all(&r), 0);
	assert_string_equal(decode_field(&r, "sched.frames"), "0");
	assert_string_equal(decode_field(&r, "sched.end"), "none");
	assert_null(decode_field(&r, "sched.addresses"));
	decode_close(&r);
}

static void test_no_call(void **state)
{
	struct rec_offcpu *o;
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_sched);
	offcpu_make(&r);
	o = (void *)r.bytes;
	o->nr = SCHED_NO_CALL;
	o->fd = -1;
	o->waker_pid = 0;
	o->state = SCHED_RUNNABLE;
	assert_int_equal(decode_all(&r), 0);
	assert_null(decode_field(&r, "sched.syscall"));
	assert_null(decode_field(&r, "sched.waker.pid"));
	assert_null(decode_field(&r, "sched.waker.name"));
	assert_string_equal(decode_field(&r, "sched.state"), "runnable");
	assert_int_equal(r.ev.fd.num, -1);
	decode_close(&r);
}

static void times_make(struct decode_room *r)
{
	struct rec_sched_times *t = (void *)r->bytes;

	t->hdr.type = REC_SCHED_TIMES;
	t->hdr.time_ns = 5000;
	t->since_ns = 1000;
	t->ns[SCHED_RUNNING] = 1500;
	t->ns[SCHED_LOCK] = 2500;
	t->voluntary = 4;
	t->state = SCHED_LOCK;
	t->ended = 1;
	memcpy(t->comm, "worker-1", 8);
	r->n = sizeof(*t);
}

static void test_times(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_sched);
	times_make(&r);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("thread_times")));
	assert_string_equal(decode_field(&r, "sched.thread"), "worker-1");
	assert_string_equal(decode_field(&r, "sched.state"), "lock");
	assert_string_equal(decode_field(&r, "sched.voluntary"), "4");
	assert_string_equal(decode_field(&r, "sched.ended"), "true");
	assert_non_null(decode_field(&r, "sched.time.lock"));
	assert_null(decode_field(&r, "sched.lost"));
	decode_close(&r);
}

static void test_taken(void **state)
{
	struct rec_sched_taken *t;
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_sched);
	t = (void *)r.bytes;
	t->hdr.type = REC_SCHED_TAKEN;
	t->waiting = 42;
	t->n = 3;
	r.n = sizeof(*t);
	decode_short_refused(&r);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("cpu_taken")));
	assert_string_equal(decode_field(&r, "sched.waiting"), "42");
	assert_string_equal(decode_field(&r, "sched.waits"), "3");
	assert_true(probe_sched.type_kinds(r.ev.type) == KIND_BIT(KIND_OFFCPU));
	assert_true(probe_sched.type_kinds(STR("openat")) == 0);
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct rec_offcpu *o;
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_sched);
	offcpu_make(&r);
	decode_short_refused(&r);
	decode_changed_survives(&r);
	o = (void *)r.bytes;
	o->state = SCHED_STATE_COUNT;
	assert_int_equal(decode_all(&r), -EBADMSG);
	offcpu_make(&r);
	o->stack_off = sizeof(*o) + 4;
	assert_int_equal(decode_all(&r), -EBADMSG);
	offcpu_make(&r);
	((struct rec_stack *)(r.bytes + o->stack_off))->nuser = 3;
	assert_int_equal(decode_all(&r), -EBADMSG);
	offcpu_make(&r);
	o->fd = -2;
	assert_int_equal(decode_all(&r), -EBADMSG);
	decode_close(&r);
}

static void test_damaged_times(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_sched);
	times_make(&r);
	decode_short_refused(&r);
	decode_changed_survives(&r);
	((struct rec_sched_times *)r.bytes)->state = SCHED_STATE_COUNT;
	assert_int_equal(decode_all(&r), -EBADMSG);
	decode_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offcpu),	      cmocka_unit_test(test_no_stack),
		cmocka_unit_test(test_no_call),	      cmocka_unit_test(test_times),
		cmocka_unit_test(test_taken),	      cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_damaged_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
