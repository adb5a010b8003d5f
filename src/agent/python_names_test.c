/* Which interpreted frames stand for which loop; names out of a running interpreter, and of none. */
#include "agent/python_names.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ENTRY INTERP_ENTRY
#define LOOP  0x1010

struct made {
	struct rec_interp interp;
	struct rec_interp_frame frame[8];
	uint64_t user[8];
	struct stack s;
};

/* @kinds: of user frames, 'L' a loop, '.' other; of interpreted ones, 'e' an entry, 'f' another. */
static void stack_make(struct made *m, const char *user, const char *frames)
{
	*m = (struct made){ .interp = { .loop = 0x1000, .loop_n = 0x100, .version = 0x30b } };
	m->s.user = m->user;
	m->s.interp = &m->interp;
	m->s.frame = m->frame;
	for (; user[m->s.nuser]; m->s.nuser++)
		m->user[m->s.nuser] = user[m->s.nuser] == 'L' ? LOOP : 0x2000;
	for (; frames[m->interp.n]; m->interp.n++)
		m->frame[m->interp.n] = (struct rec_interp_frame){
			.code = frames[m->interp.n] == '0' ? 0 : 0x1000,
			.flags = frames[m->interp.n] == 'f' ? 0 : ENTRY,
		};
}

static void test_places(void **state)
{
	struct made m;

	(void)state;
	stack_make(&m, ".L.L.", "ffefe");
	assert_int_equal(python_frames_of_loop(&m.s, 0), 3);
	assert_int_equal(python_frames_of_loop(&m.s, 3), 2);
	assert_int_equal(python_frames_of_loop(&m.s, 5), 0);
	assert_int_equal(python_loops_without(&m.s), 0);
	/* A loop that is being entered. */
	stack_make(&m, "L.L", "fe");
	assert_int_equal(python_loops_without(&m.s), 1);
	m.interp.end = INTERP_FAULT; /* not to be told from frames that are missing */
	assert_int_equal(python_loops_without(&m.s), 0);
	stack_make(&m, "L.L", "0fe");
	assert_int_equal(python_loops_without(&m.s), 0);
	assert_int_equal(python_frames_of_loop(&m.s, 0), 0);
	assert_int_equal(python_frames_of_loop(&m.s, 1), 2);
	/* Frames that go on where the native stack was cut. */
	stack_make(&m, "L.", "fef");
	assert_int_equal(python_frames_of_loop(&m.s, 0), 2);
	assert_int_equal(python_frames_of_loop(&m.s, 2), 1);
	m.s.interp = NULL;
	assert_int_equal(python_frames_of_loop(&m.s, 0), 0);
	assert_int_equal(python_loops_without(&m.s), 0);
}

/* Code objects at addresses of no such thing, in a process that is there and one that is not. */
static void test_unreadable(void **state)
{
	struct python_names *p;
	struct python_names_stats stats;
	struct python_text text;
	struct frame f;
	struct made m;

	(void)state;
	assert_int_equal(python_names_start(&p), 0);
	stack_make(&m, "L", "e");
	m.frame[0].code = (uint64_t)&m;
	python_names_seen(p, (uint32_t)getpid(), 1, &m.s);
	python_names_seen(p, 0x7ffffff0, 1, &m.s);
	python_names_settle(p);
	python_names_stats(p, &stats);
	assert_int_equal(stats.read, 0);
	assert_int_equal(stats.bad, 1);
	assert_int_equal(stats.gone, 1);
	f = python_names_frame(p, (uint32_t)getpid(), 1, 0x30b, &m.frame[0], &text);
	assert_int_equal(f.kind, FRAME_INTERP);
	assert_int_equal(f.function.n, 0);
	assert_int_equal(f.address, m.frame[0].code);
	python_names_stop(p);
	python_names_stop(NULL);
}

/* More than there is room for: all is forgotten, counted, and the memory with it. */
static void test_many(void **state)
{
	struct python_names *p;
	struct python_names_stats stats;
	struct made m;

	(void)state;
	assert_int_equal(python_names_start(&p), 0);
	stack_make(&m, "L", "ffffffff");
	for (uint64_t code = 16; code < 16 * (PYTHON_CODES + 4096); code += 16 * 8) {
		for (size_t i = 0; i < 8; i++)
			m.frame[i].code = code + 16 * i;
		python_names_seen(p, 0x7ffffff0, 1, &m.s);
		if (code % 4096 == 16)
			python_names_settle(p);
	}
	python_names_settle(p);
	python_names_stats(p, &stats);
	assert_true(stats.forgotten >= 1);
	assert_int_equal(stats.read, 0);
	python_names_stop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
