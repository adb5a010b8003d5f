/* The unwinder's arithmetic, as the kernel has it, over stacks made by hand. */
#include "agent/unwind_walk.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <string.h>

#define SP    0x7ffe0000ull
#define WORDS 64

struct row {
	uint64_t pc;
	struct unwind_rule rule;
};

struct room {
	struct rec_stack_copy copy;
	uint64_t stack[WORDS];
	uint64_t got[WORDS];
	const struct row *rows;
	struct unwind_walk w;
};

static const struct unwind_rule *row_find(void *ctx, uint64_t pc, enum stack_end *ret_end)
{
	const struct room *r = ctx;

	for (const struct row *row = r->rows; row->pc; row++)
		if (row->pc == pc)
			return &row->rule;
	*ret_end = STACK_NO_TABLE;
	return NULL;
}

static void room_open(struct room *r, const struct row *rows)
{
	memset(r, 0, sizeof(*r));
	r->rows = rows;
	r->copy.sp = SP;
	r->copy.len = sizeof(r->stack);
	r->copy.regs = (struct unwind_regs){ .ip = 0x1000, .sp = SP, .bp = SP + 256, .exact = 1 };
	r->got[0] = r->copy.regs.ip | STACK_EXACT;
	r->w = (struct unwind_walk){
		&r->copy, (const uint8_t *)r->stack, r->got, 1, WORDS, row_find, r
	};
}

#define SIMPLE(off_) { .off = (off_), .ra_off = -8, .cfa = UW_REG, .reg = 7 }
#define STOP(pc_)                      \
	{                              \
		pc_,                   \
		{                      \
			.cfa = UW_STOP \
		}                      \
	}

static void test_chain(void **state)
{
	static const struct row rows[] = {
		{ 0x1000, SIMPLE(16) },
		/* Saves rbp; then a frame by rbp. Looked up a byte before the return address. */
		{ 0x1fff,
		  { .off = 32, .rbp_off = -16, .ra_off = -8, .cfa = UW_REG, .reg = 7, .rbp = UW_RBP_CFA } },
		{ 0x2fff,
		  { .off = 16, .rbp_off = -16, .ra_off = -8, .cfa = UW_REG, .reg = 6, .rbp = UW_RBP_CFA } },
		STOP(0x3fff),
		{ 0, SIMPLE(0) },
	};
	struct room r;

	(void)state;
	room_open(&r, rows);
	r.stack[1] = 0x2000;
	r.stack[4] = SP + 160; /* rbp */
	r.stack[5] = 0x3000;
	r.stack[20] = 0;
	r.stack[21] = 0x4000;
	assert_int_equal(unwind_walk(&r.w), STACK_WHOLE);
	assert_int_equal(r.w.n, 4);
	assert_int_equal(r.got[0], 0x1000 | STACK_EXACT);
	assert_int_equal(r.got[1], 0x2000);
	assert_int_equal(r.got[2], 0x3000);
	assert_int_equal(r.got[3], 0x4000);
	/* No room for all of them. */
	r.w.n = 1;
	r.w.max = 2;
	assert_int_equal(unwind_walk(&r.w), STACK_DEEP);
	assert_int_equal(r.w.n, 2);
}

static void test_kinds(void **state)
{
	static const struct row rows[] = {
		/* vfork: the return address is in rdi and nothing was pushed. */
		{ 0x1000, { .off = 0, .ra_off = 5, .cfa = UW_REG, .reg = 7, .ra = UW_RA_REG } },
		/* Stack realignment: the frame address was kept at rbp - 8. */
		{ 0x1fff,
		  { .off = -8,
		    .add = 0,
		    .rbp_off = 0,
		    .ra_off = -8,
		    .cfa = UW_DEREF,
		    .reg = 6,
		    .rbp = UW_RBP_FRAME } },
		{ 0x2fff, { .off = 11, .ra_off = -8, .cfa = UW_PLT } },
		{ 0x3fff, { .cfa = UW_FRAME } },
		STOP(0x4fff),
		{ 0, SIMPLE(0) },
	};
	struct room r;

	(void)state;
	room_open(&r, rows);
	r.copy.regs.reg[5] = 0x2000;
	r.stack[31] = SP + 64; /* at rbp - 8 */
	r.stack[32] = SP + 400;
	r.stack[7] = 0x3000;
	r.stack[8] = 0x4000; /* linkage table, ip & 15 = 0: CFA = rsp + 8 */
	r.stack[50] = 0x123;
	r.stack[51] = 0x5000;
	assert_int_equal(unwind_walk(&r.w), STACK_WHOLE);
	assert_int_equal(r.w.n, 5);
	assert_int_equal(r.got[4], 0x5000);
}

static void test_signal(void **state)
{
	static const struct row rows[] = {
		{ 0x1000, SIMPLE(8) },
		{ 0x1fff, { .cfa = UW_SIGNAL, .reg = 7 } },
		/* Where it was interrupted: looked up at its own address, all registers known. */
		{ 0x3000, { .off = 8, .ra_off = -8, .cfa = UW_REG, .reg = 12 } },
		STOP(0x4fff),
		{ 0, SIMPLE(0) },
	};
	struct room r;
	uint64_t *g;

	(void)state;
	room_open(&r, rows);
	r.stack[0] = 0x2000;
	g = &r.stack[1 + 5]; /* the ucontext begins at the second word, its registers 40 bytes on */
	g[4] = SP + 320;     /* r12 */
	g[10] = 0x77;	     /* rbp */
	g[15] = SP + 312;    /* rsp */
	g[16] = 0x3000;	     /* rip */
	r.stack[40] = 0x5000;
	assert_int_equal(unwind_walk(&r.w), STACK_WHOLE);
	assert_int_equal(r.w.n, 4);
	assert_int_equal(r.got[2], 0x3000 | STACK_EXACT);
	assert_int_equal(r.got[3], 0x5000);
}

/* Go's systemstack: its caller is on another stack, which may be below. Not more often than UW_SWITCHES. */
static void test_other_stack(void **state)
{
	static const struct row rows[] = {
		{ 0x1000, { .add = 1, .cfa = UW_FRAME } },
		{ 0x1fff, { .add = 1, .cfa = UW_FRAME } },
		{ 0x2fff, { .add = 1, .cfa = UW_FRAME } },
		STOP(0x3fff),
		{ 0, SIMPLE(0) },
	};
	struct row none[] = { { 0x1000, { .cfa = UW_FRAME } }, { 0, SIMPLE(0) } };
	struct room r;

	(void)state;
	room_open(&r, rows);
	r.stack[32] = SP + 64; /* rbp of the caller: below */
	r.stack[33] = 0x2000;
	r.stack[8] = SP + 80;
	r.stack[9] = 0x3000;
	r.stack[10] = 0;
	r.stack[11] = 0x4000;
	r.copy.regs.bp = SP + 256;
	assert_int_equal(unwind_walk(&r.w), STACK_WHOLE);
	assert_int_equal(r.w.n, 4);
	/* A circle. */
	r.w.n = 1;
	r.stack[8] = SP + 256;
	r.stack[9] = 0x2000;
	assert_int_equal(unwind_walk(&r.w), STACK_STUCK);
	assert_in_range(r.w.n, UW_SWITCHES, 2 * UW_SWITCHES + 2);
	/* Other programs have one stack. */
	room_open(&r, none);
	r.copy.regs.bp = SP - 64;
	assert_int_equal(unwind_walk(&r.w), STACK_STUCK);
}

static const struct {
	struct unwind_rule rule;
	enum stack_end end;
} ends[] = {
	{ { .cfa = UW_STOP }, STACK_WHOLE },
	{ { .cfa = UW_INVALID }, STACK_NO_ROW },
	{ { .cfa = 200 }, STACK_NO_ROW },
	{ SIMPLE(0), STACK_STUCK },
	{ SIMPLE(-64), STACK_STUCK },
	{ SIMPLE(16), STACK_WHOLE }, /* return address 0 */
	{ SIMPLE(8 * WORDS + 8), STACK_FAULT },
	{ SIMPLE(0x7fffffff), STACK_FAULT },
	{ { .off = 16, .ra_off = -8, .cfa = UW_REG, .reg = 99 }, STACK_REGISTER },
	{ { .off = 16, .ra_off = 99, .cfa = UW_REG, .reg = 7, .ra = UW_RA_REG }, STACK_REGISTER },
	{ { .off = 1 << 30, .cfa = UW_DEREF, .reg = 7 }, STACK_FAULT },
	{ { .off = 1 << 30, .cfa = UW_SIGNAL, .reg = 7 }, STACK_FAULT },
};

static void test_ends(void **state)
{
	struct row rows[2] = { { .pc = 0x1000 } };
	struct room r;

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		room_open(&r, rows);
		rows[0].rule = ends[i].rule;
		if (unwind_walk(&r.w) != ends[i].end)
			fail_msg("rule %zu", i);
		assert_int_equal(r.w.n, 1);
	}
	/* The outermost frame by the ABI: rbp is 0. And one whose rbp is lost. */
	room_open(&r, rows);
	rows[0].rule = (struct unwind_rule){ .cfa = UW_FRAME };
	r.copy.regs.bp = 0;
	assert_int_equal(unwind_walk(&r.w), STACK_WHOLE);
	r.copy.regs.bp_lost = 1;
	assert_int_equal(unwind_walk(&r.w), STACK_REGISTER);
	/* Registers other than rsp and rbp are the innermost frame's only. */
	room_open(&r, rows);
	rows[0].rule = (struct unwind_rule){ .off = 16, .ra_off = -8, .cfa = UW_REG, .reg = 12 };
	r.copy.regs.exact = 0;
	r.copy.regs.ip++;
	assert_int_equal(unwind_walk(&r.w), STACK_REGISTER);
	rows[0].pc = 0;
	assert_int_equal(unwind_walk(&r.w), STACK_NO_TABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),  cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_signal), cmocka_unit_test(test_other_stack),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
