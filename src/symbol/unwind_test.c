/* Unwind tables of images made by hand: each rule, each thing that goes wrong, hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/guard_test.h"
#include "symbol/unwind.h"
#include "symbol/unwind_image_test.h"

#define CODE 0x3000 /* bytes of code, where nothing else is said */

static struct unwind_table *table_of(struct buf *image)
{
	struct unwind_table *t = NULL;

	assert_false(image->failed);
	assert_int_equal(unwind_table_image(image->p, image->n, &t), 0);
	return t;
}

static struct unwind_table *of_eh(struct str eh, size_t code)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	image_make(&b, STR_NONE, code, eh, NULL, 0);
	return table_of(&b);
}

/* One function of 256 bytes at the start of the code. */
static struct unwind_table *of_program(struct str program, const char *letters)
{
	_cleanup_(buf_free) struct buf eh = { 0 };

	image_fde(&eh, image_cie(&eh, letters, false), false, IMAGE_ADDR(0), 256, program);
	image_u32(&eh, 0);
	return of_eh(buf_slice(&eh), CODE);
}

static const struct unwind_rule *at(const struct unwind_table *t, uint64_t code)
{
	return unwind_table_find(t, IMAGE_CODE + code);
}

static const struct unwind_rule invalid = { .cfa = UW_INVALID };
static const struct unwind_rule stop = { .cfa = UW_STOP };

/* Nothing in force is as good as UW_INVALID: a page's first row is one that says something. */
static void assert_rule(const struct unwind_rule *have, struct unwind_rule want)
{
	have = have ? have : &invalid;
	assert_memory_equal(have, &want, sizeof(want));
}

/* A program, and the rule that holds at a byte of the function. */
struct one {
	struct str program;
	unsigned at;
	struct unwind_rule want;
	int counter; /* that must have counted, or -1 */
};

#define RBP16 { 16, 0, -16, -8, UW_REG, 6, UW_RBP_CFA, UW_RA_CFA }

/* clang-format off */
static const struct one ones[] = {
	{ STR(""), 0, { 8, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x41\x0e\x10\x86\x02\x43\x0d\x06"), 1, { 16, 0, -16, -8, UW_REG, 7, UW_RBP_CFA, 0 }, -1 },
	{ STR("\x41\x0e\x10\x86\x02\x43\x0d\x06"), 4, RBP16, -1 },
	/* advance by 1, 2, 4 and 8 bytes' worth of delta */
	{ STR("\x02\x05\x0e\x10"), 5, { 16, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x03\x05\x00\x0e\x10"), 5, { 16, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x04\x05\x00\x00\x00\x0e\x10"), 5, { 16, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x1d\x05\0\0\0\0\0\0\0\x0e\x10"), 5, { 16, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x01\x05\x10\x40\0\0\0\0\0\x0e\x10"), 5, { 16, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	/* a frame of 262,192 bytes */
	{ STR("\x41\x0e\xb0\x80\x10"), 1, { 262192, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x41\x0e\x80\x80\x80\x80\x10"), 1, { .cfa = UW_INVALID }, UNWIND_N_cfa_far },
	/* signed and factored: def_cfa_sf r6 -2 (16), def_cfa_offset_sf -3 (24) */
	{ STR("\x12\x06\x7e"), 0, { 16, 0, 0, -8, UW_REG, 6, 0, 0 }, -1 },
	{ STR("\x13\x7d"), 0, { 24, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	/* rbp at CFA - 16 in four spellings, then restored, undefined, the same, somewhere else */
	{ STR("\x86\x02"), 0, { 8, 0, -16, -8, UW_REG, 7, UW_RBP_CFA, 0 }, -1 },
	{ STR("\x05\x06\x02"), 0, { 8, 0, -16, -8, UW_REG, 7, UW_RBP_CFA, 0 }, -1 },
	{ STR("\x11\x06\x02"), 0, { 8, 0, -16, -8, UW_REG, 7, UW_RBP_CFA, 0 }, -1 },
	{ STR("\x10\x06\x02\x77\x78"), 0, { 8, 0, -16, -8, UW_REG, 7, UW_RBP_CFA, 0 }, -1 },
	{ STR("\x2f\x06\x02"), 0, { 8, 0, 16, -8, UW_REG, 7, UW_RBP_CFA, 0 }, -1 },
	{ STR("\x86\x02\x41\xc6"), 1, { 8, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x86\x02\x41\x06\x06"), 1, { 8, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x07\x06"), 0, { 8, 0, 0, -8, UW_REG, 7, UW_RBP_UNDEF, 0 }, -1 },
	{ STR("\x08\x06"), 0, { 8, 0, 0, -8, UW_REG, 7, UW_RBP_SAME, 0 }, -1 },
	{ STR("\x09\x06\x09"), 0, { 8, 0, 0, -8, UW_REG, 7, UW_RBP_UNDEF, 0 }, UNWIND_N_rbp_lost },
	{ STR("\x14\x06\x02"), 0, { 8, 0, 0, -8, UW_REG, 7, UW_RBP_UNDEF, 0 }, UNWIND_N_rbp_lost },
	{ STR("\x16\x06\x02\x77\x00"), 0, { 8, 0, 0, -8, UW_REG, 7, UW_RBP_UNDEF, 0 }, UNWIND_N_rbp_lost },
	/* -mstackrealign: CFA in r10; rbp at rbp + 0 and CFA = *(rbp - 8) */
	{ STR("\x41\x0c\x0a\x00"), 1, { 0, 0, 0, -8, UW_REG, 10, 0, 0 }, -1 },
	{ STR("\x41\x0f\x03\x76\x78\x06\x10\x06\x02\x76\x00"), 1, { -8, 0, 0, -8, UW_DEREF, 6, UW_RBP_FRAME, 0 }, -1 },
	/* OpenSSL: CFA = *(rsp + 40) + 8, also by lit8; plus and by const1s -8; minus */
	{ STR("\x0f\x05\x77\x28\x06\x23\x08"), 0, { 40, 8, 0, -8, UW_DEREF, 7, 0, 0 }, -1 },
	{ STR("\x0f\x05\x77\x28\x06\x38\x22"), 0, { 40, 8, 0, -8, UW_DEREF, 7, 0, 0 }, -1 },
	{ STR("\x0f\x06\x77\x28\x06\x09\xf8\x1c"), 0, { 40, 8, 0, -8, UW_DEREF, 7, 0, 0 }, -1 },
	{ STR("\x0f\x03\x92\x07\x10"), 0, { 16, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	/* rsp + 8 + r9 * 8; two loads; half an expression; a register that is none */
	{ STR("\x0f\x0a\x77\x08\x79\x00\x38\x1e\x22\x06\x23\x08"), 0, { .cfa = UW_INVALID }, UNWIND_N_cfa_expr },
	{ STR("\x0f\x04\x77\x08\x06\x06"), 0, { .cfa = UW_INVALID }, UNWIND_N_cfa_expr },
	{ STR("\x0f\x01\x77"), 0, { .cfa = UW_INVALID }, UNWIND_N_cfa_expr },
	{ STR("\x0f\x00"), 0, { .cfa = UW_INVALID }, UNWIND_N_cfa_expr },
	{ STR("\x0c\x10\x08"), 0, { .cfa = UW_INVALID }, UNWIND_N_cfa_reg },
	/* linkage table */
	{ STR("\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22"), 0, { 11, 0, 0, -8, UW_PLT, 7, 0, 0 }, -1 },
	{ STR("\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x39\x2a\x33\x24\x22"), 0, { 9, 0, 0, -8, UW_PLT, 7, 0, 0 }, -1 },
	{ STR("\x0f\x0b\x77\x10\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22"), 0, { .cfa = UW_INVALID }, UNWIND_N_cfa_expr },
	/* return address: undefined, in rdi (vfork), elsewhere, unknown */
	{ STR("\x07\x10"), 0, { .cfa = UW_STOP }, -1 },
	{ STR("\x41\x0e\x00\x09\x10\x05"), 1, { 0, 0, 0, 5, UW_REG, 7, 0, UW_RA_REG }, -1 },
	{ STR("\x90\x03"), 0, { 8, 0, 0, -24, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x08\x10"), 0, { .cfa = UW_INVALID }, UNWIND_N_ra_odd },
	{ STR("\x16\x10\x02\x77\x00"), 0, { .cfa = UW_INVALID }, UNWIND_N_ra_odd },
	/* the caller's rsp is not the CFA (longjmp) */
	{ STR("\x09\x07\x08"), 0, { .cfa = UW_INVALID }, UNWIND_N_rsp_odd },
	{ STR("\x14\x07\x00"), 0, { 8, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	/* remembered and restored; several at one place; what does not matter here */
	{ STR("\x0a\x41\x0e\x20\x86\x02\x41\x0b"), 1, { 32, 0, -16, -8, UW_REG, 7, UW_RBP_CFA, 0 }, -1 },
	{ STR("\x0a\x41\x0e\x20\x86\x02\x41\x0b"), 2, { 8, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x41\x0e\x10\x40\x0e\x18"), 1, { 24, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	{ STR("\x2e\x10\x2d\x00\x83\x02\x10\x03\x02\x77\x00"), 0, { 8, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	/* libgcrypt: a register, or an offset, after an expression */
	{ STR("\x0e\x38\x41\x0f\x02\x76\x08\x41\x0d\x06"), 2, { 56, 0, 0, -8, UW_REG, 6, 0, 0 }, -1 },
	{ STR("\x41\x0f\x02\x76\x08\x41\x0e\x10"), 2, { 16, 0, 0, -8, UW_REG, 7, 0, 0 }, -1 },
	/* behind the function's end, by far too */
	{ STR("\x03\x00\x01\x0e\x10"), 256, { .cfa = UW_INVALID }, -1 },
	{ STR("\x1d\xff\xff\xff\xff\xff\xff\xff\xff\x0e\x10"), 255, { .cfa = UW_INVALID }, UNWIND_N_lost_op },
	/* what cannot be read is not described from there on */
	{ STR("\x41\x0e\x10\x41\x3f\x41\x0e\x18"), 1, { 16, 0, 0, -8, UW_REG, 7, 0, 0 }, UNWIND_N_lost_op },
	{ STR("\x41\x0e\x10\x41\x3f\x41\x0e\x18"), 2, { .cfa = UW_INVALID }, UNWIND_N_lost_op },
	{ STR("\x41\x0b"), 1, { .cfa = UW_INVALID }, UNWIND_N_lost_op },
	{ STR("\x41\x0e"), 1, { .cfa = UW_INVALID }, UNWIND_N_lost_op },
	{ STR("\x41\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1, { .cfa = UW_INVALID }, UNWIND_N_lost_op },
	{ STR("\x41\x0f\x7f\x77"), 1, { .cfa = UW_INVALID }, UNWIND_N_lost_op },
	{ STR("\x41\x01\0\0\0\0\0\0\0\0"), 1, { .cfa = UW_INVALID }, UNWIND_N_lost_op }, /* backwards */
	{ STR("\x41\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a"), 1, { .cfa = UW_INVALID }, UNWIND_N_lost_op },
};
/* clang-format on */

static void programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++) {
		_cleanup_(unwind_table_freep) struct unwind_table *t =
			of_program(ones[i].program, "zR");
		const struct unwind_rule *have = at(t, ones[i].at);

		if (memcmp(have ? have : &invalid, &ones[i].want, sizeof(*have)) != 0)
			print_message("program %zu\n", i);
		assert_rule(have, ones[i].want);
		for (int c = UNWIND_N_lost_cie; c < UNWIND_COUNTERS_N; c++)
			assert_int_equal(t->counts[c] != 0, c == ones[i].counter);
		assert_null(at(t, 0x10000));
	}
}

/* glibc's __restore_rt, of which three of the expressions matter. */
static void signal_frame(void **state)
{
	static const struct str program = STR("\x0f\x04\x77\xa0\x01\x06"
					      "\x10\x06\x03\x77\xf8\x00"
					      "\x10\x07\x03\x77\xa0\x01"
					      "\x10\x10\x03\x77\xa8\x01");
	static const struct str shifted = STR("\x0f\x04\x77\xa8\x01\x06"
					      "\x10\x06\x03\x77\x80\x01"
					      "\x10\x10\x03\x77\xb0\x01");
	static const struct str odd = STR("\x0f\x04\x77\xa0\x01\x06"
					  "\x10\x06\x03\x77\x80\x01"
					  "\x10\x10\x03\x77\xa8\x01");
	_cleanup_(unwind_table_freep) struct unwind_table *t = of_program(program, "zRS");
	_cleanup_(unwind_table_freep) struct unwind_table *u = of_program(shifted, "zRS");
	_cleanup_(unwind_table_freep) struct unwind_table *v = of_program(odd, "zRS");

	(void)state;
	assert_rule(at(t, 0), (struct unwind_rule){ .cfa = UW_SIGNAL, .reg = 7 });
	assert_rule(at(u, 0), (struct unwind_rule){ .cfa = UW_SIGNAL, .reg = 7, .off = 8 });
	assert_rule(at(v, 0), invalid);
	assert_int_equal(v->counts[UNWIND_N_signal_odd], 1);
}

/* Functions at offsets of the code, of some bytes, with CFA = rsp + off from their first byte on. */
struct function {
	uint64_t start, len;
	uint8_t off;
};

static void add_functions(struct buf *eh, bool debug, const struct function *f, size_t n)
{
	uint32_t cie = image_cie(eh, debug ? "" : "zR", debug);

	for (size_t i = 0; i < n; i++)
		image_fde(eh, cie, debug, IMAGE_ADDR(f[i].start), f[i].len,
			  (struct str){ (char[]){ 0x0e, (char)f[i].off }, 2 });
}

static struct unwind_table *of_functions(const struct function *f, size_t n, size_t code)
{
	_cleanup_(buf_free) struct buf eh = { 0 };

	add_functions(&eh, false, f, n);
	return of_eh(buf_slice(&eh), code);
}

static int off_at(const struct unwind_table *t, uint64_t code)
{
	const struct unwind_rule *r = at(t, code);

	return !r ? -1 : r->cfa == UW_REG ? r->off : -2;
}

static void gaps_and_order(void **state)
{
	static const struct function f[] = {
		{ 0x300, 0x10, 32 },				 /* not in order */
		{ 0x10, 0x11, 8 },				 /* then 15 bytes of padding */
		{ 0x30, 0x10, 16 },				 /* then 16 */
		{ 0x50, 0x10, 24 },	    { 0x300, 0x20, 40 }, /* a second of the same start */
		{ 0x400, 0x100, 48 },				 /* cut by the next */
		{ 0x440, 0x10, 56 },	    { 0x500, 0, 64 },	 /* empty */
		{ 0x10000000, 0x10, 64 },			 /* nowhere */
		{ CODE - 8, 1u << 30, 72 },			 /* beyond the end */
	};
	_cleanup_(unwind_table_freep) struct unwind_table *t =
		of_functions(f, sizeof(f) / sizeof(f[0]), CODE);

	(void)state;
	assert_int_equal(off_at(t, 0xf), -1);
	assert_int_equal(off_at(t, 0x10), 8);
	assert_int_equal(off_at(t, 0x2f), 8);
	assert_int_equal(off_at(t, 0x30), 16);
	assert_int_equal(off_at(t, 0x3f), 16);
	assert_int_equal(off_at(t, 0x40), -2);
	assert_int_equal(off_at(t, 0x50), 24);
	assert_int_equal(off_at(t, 0x30f), 32);
	assert_int_equal(off_at(t, 0x310), -2);
	assert_int_equal(off_at(t, 0x43f), 48);
	assert_int_equal(off_at(t, 0x440), 56);
	assert_int_equal(off_at(t, 0x450), -2);
	assert_int_equal(off_at(t, CODE - 1), 72);
	assert_int_equal(off_at(t, CODE), -2);
	assert_int_equal(t->counts[UNWIND_N_fdes], 10);
	assert_int_equal(t->counts[UNWIND_N_gaps_joined], 1);
	assert_int_equal(t->counts[UNWIND_N_duplicates], 1);
	assert_int_equal(t->counts[UNWIND_N_overlaps], 1);
	assert_int_equal(t->counts[UNWIND_N_empty], 1);
	assert_int_equal(t->counts[UNWIND_N_outside], 1);
}

/* What is in force is repeated at each page's start; pages with nothing are not there. */
static void pages(void **state)
{
	static const struct function f[] = {
		{ 0, 0x24000, 8 },     /* offsets 0x1000 to 0x25000: pages 0, 1, 2 */
		{ 0x5f000, 0x20, 16 }, /* the first bytes of page 6 */
		{ 0x6efff, 1, 24 },    /* the last byte of page 6 */
		{ 0x6f000, 0x10, 24 }, /* goes on in page 7 */
	};
	_cleanup_(unwind_table_freep) struct unwind_table *t = of_functions(f, 4, 0x80000);
	static const uint32_t want[] = { 0, 1, 2, 6, 7 };

	(void)state;
	assert_int_equal(t->npages, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(t->pages[i].page, want[i]);
	assert_int_equal(t->rows[t->pages[0].first].pc, 0x1000);
	assert_int_equal(t->pages[1].n, 1);
	assert_int_equal(t->rows[t->pages[1].first].pc, 0);
	assert_int_equal(t->pages[2].n, 2);
	assert_int_equal(off_at(t, 0x1ffff), 8);
	assert_int_equal(off_at(t, 0x24000), -2);
	assert_int_equal(off_at(t, 0x3f000), -1);
	assert_int_equal(off_at(t, 0x5f000), 16);
	assert_int_equal(off_at(t, 0x6efff), 24);
	assert_int_equal(off_at(t, 0x6f000), 24);
	assert_int_equal(off_at(t, 0x6f010), -2);
}

/* More rows than a page can have: its rest is not described, the next page is. */
static void full_page(void **state)
{
	_cleanup_(buf_free) struct buf eh = { 0 }, program = { 0 };
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;

	(void)state;
	for (int i = 0; i < 70000; i++)
		buf_add(&program, i & 1 ? "\x41\x0e\x10" : "\x41\x0e\x18", 3);
	image_fde(&eh, image_cie(&eh, "zR", false), false, IMAGE_ADDR(0), 80000, buf_slice(&program));
	t = of_eh(buf_slice(&eh), 80000);
	assert_int_equal(t->pages[0].n, UW_BLOCK_ROWS);
	assert_int_equal(off_at(t, UW_BLOCK_ROWS - 2), 16);
	assert_int_equal(off_at(t, UW_BLOCK_ROWS - 1), -2);
	assert_int_equal(off_at(t, 0xefff), -2);
	assert_int_equal(off_at(t, 0xf000), 16);
	assert_int_equal(off_at(t, 0xf001), 24);
	assert_true(t->counts[UNWIND_N_page_full] > 60000 - UW_BLOCK_ROWS);
}

static void too_many_rules(void **state)
{
	_cleanup_(buf_free) struct buf eh = { 0 }, program = { 0 };
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;

	(void)state;
	for (uint32_t i = 0; i < UW_RULES + 100; i++) {
		uint8_t step[] = { 0x50, 0x0e, (uint8_t)(i | 0x80), (uint8_t)(i >> 7 | 0x80),
				   (uint8_t)(i >> 14) };

		buf_add(&program, step, sizeof(step));
	}
	image_fde(&eh, image_cie(&eh, "zR", false), false, IMAGE_ADDR(0), 1u << 20,
		  buf_slice(&program));
	t = of_eh(buf_slice(&eh), 1u << 20);
	assert_int_equal(t->nrules, UW_RULES);
	/* Rule 8 came first already: that and UW_INVALID are two of them. */
	assert_int_equal(t->counts[UNWIND_N_rules_full], 101);
	assert_int_equal(off_at(t, 16 * 1000), 999);
	assert_int_equal(off_at(t, 16 * (UW_RULES + 50)), -2);
}

/* A common entry with a long program, used by many functions in turn with another. */
static void too_much_work(void **state)
{
	_cleanup_(buf_free) struct buf eh = { 0 };
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
	uint32_t cies[CODE / 16], n = 0, length;

	(void)state;
	for (; n < CODE / 16; n++) {
		cies[n] = image_cie(&eh, "zR", false);
		for (int j = 0; j < 4096; j++)
			buf_char(&eh, 0);
		memcpy(&length, eh.p + cies[n], 4);
		length += 4096;
		memcpy(eh.p + cies[n], &length, 4);
	}
	for (uint32_t round = 0; round < 40; round++)
		for (uint32_t i = 0; i < n; i++)
			image_fde(&eh, cies[i], false, IMAGE_ADDR(i * 16), 16, STR(""));
	t = of_eh(buf_slice(&eh), CODE);
	assert_true(t->counts[UNWIND_N_lost_cie] > 0);
	assert_int_equal(t->counts[UNWIND_N_fdes] + t->counts[UNWIND_N_lost_cie], 40 * n);
}

static void debug_frame_fills(void **state)
{
	static const struct function both[] = { { 0, 16, 16 }, { 0x20, 16, 24 } };
	static const struct function more[] = { { 8, 8, 32 }, { 0x20, 16, 40 }, { 0x100, 16, 48 } };
	_cleanup_(buf_free) struct buf eh = { 0 }, frame = { 0 }, image = { 0 };
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
	struct image_section s = { .name = ".debug_frame" };

	(void)state;
	add_functions(&eh, false, both, 2);
	add_functions(&frame, true, more, 3);
	s.bytes = buf_slice(&frame);
	image_make(&image, STR_NONE, CODE, buf_slice(&eh), &s, 1);
	t = table_of(&image);
	assert_int_equal(off_at(t, 8), 16);
	assert_int_equal(off_at(t, 0x20), 24);
	assert_int_equal(off_at(t, 0x100), 48);
	assert_int_equal(t->counts[UNWIND_N_duplicates], 2);
}

/* The same section deflated, with a header of each kind; then with a wrong size, then cut. */
static void debug_frame_deflated(void **state)
{
	static const struct function f[] = { { 0x100, 16, 48 } };
	_cleanup_(buf_free) struct buf frame = { 0 };
	uint8_t small[4096];

	(void)state;
	add_functions(&frame, true, f, 1);
	for (int kind = 0; kind < 4; kind++) {
		_cleanup_(buf_free) struct buf packed = { 0 }, image = { 0 };
		_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
		Elf64_Chdr h = { .ch_type = ELFCOMPRESS_ZLIB, .ch_size = frame.n + (kind == 2) };
		uint64_t be = __builtin_bswap64(frame.n);
		uLongf n = sizeof(small);
		struct image_section s = { .name = kind == 1 ? ".zdebug_frame" : ".debug_frame",
					   .flags = kind == 1 ? 0 : SHF_COMPRESSED };

		assert_int_equal(compress(small, &n, (const Bytef *)frame.p, frame.n), Z_OK);
		if (kind == 1) {
			buf_add(&packed, "ZLIB", 4);
			buf_add(&packed, &be, 8);
		} else {
			buf_add(&packed, &h, sizeof(h));
		}
		buf_add(&packed, small, n - (kind == 3));
		s.bytes = buf_slice(&packed);
		image_make(&image, STR_NONE, CODE, STR_NONE, &s, 1);
		t = table_of(&image);
		assert_int_equal(off_at(t, 0x100), kind < 2 ? 48 : -2);
		assert_int_equal(t->counts[UNWIND_N_lost_section], kind >= 2);
	}
}

static void no_cfi(void **state)
{
	_cleanup_(buf_free) struct buf plain = { 0 }, go = { 0 };
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
	_cleanup_(unwind_table_freep) struct unwind_table *u = NULL;
	static const struct function c[] = { { 0x100, 16, 48 } };
	_cleanup_(buf_free) struct buf eh = { 0 };
	struct image_section s = { .name = ".gopclntab", .bytes = STR("x") };

	(void)state;
	image_make(&plain, STR_NONE, CODE, STR_NONE, NULL, 0);
	t = table_of(&plain);
	assert_int_equal(t->flags, UNWIND_NO_CFI);
	assert_int_equal(at(t, 0)->cfa, UW_FRAME);
	assert_int_equal(at(t, CODE - 1)->cfa, UW_FRAME);
	assert_int_equal(at(t, CODE)->cfa, UW_INVALID);
	assert_null(unwind_table_find(t, 0xfff));

	add_functions(&eh, false, c, 1);
	image_make(&go, STR_NONE, CODE, buf_slice(&eh), &s, 1);
	u = table_of(&go);
	assert_int_equal(u->flags, UNWIND_GO);
	assert_int_equal(at(u, 0xff)->cfa, UW_FRAME);
	assert_int_equal(off_at(u, 0x100), 48);
	assert_int_equal(at(u, 0x110)->cfa, UW_FRAME);
	assert_int_equal(at(t, 0)->add, 0);
	assert_int_equal(at(u, 0x110)->add, 1); /* may leave its stack for another */
}

/* V8's builtins in a program that is otherwise described: enough such functions in enough code. */
static void generated_code(void **state)
{
	static const struct {
		uint32_t bytes, each;
		bool kept;
	} cases[] = {
		{ 0x20000, 0x1000, true },  { 0x20000, 0x400, true },	{ 0x10000, 0x1000, true },
		{ 0x20000, 0x1100, false }, { 0x20000, 0x8000, false }, { 0xf000, 0x400, false },
	};
	static const struct function c[] = { { 0, 16, 48 } };
	_cleanup_(buf_free) struct buf eh = { 0 };

	(void)state;
	add_functions(&eh, false, c, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(buf_free) struct buf image = { 0 };
		_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;

		image_make(&image, STR_NONE, 16 + cases[i].bytes, buf_slice(&eh), NULL, 0);
		for (uint32_t off = 16; off < 16 + cases[i].bytes; off += cases[i].each)
			memcpy(image.p + IMAGE_CODE + off, "\x55\x48\x89\xe5", 4);
		t = table_of(&image);
		assert_int_equal(t->flags, 0);
		assert_int_equal(off_at(t, 0), 48);
		assert_int_equal(t->counts[UNWIND_N_frames_made], cases[i].kept);
		if (!cases[i].kept) {
			assert_rule(at(t, 0x8000), invalid);
			continue;
		}
		assert_int_equal(at(t, 16)->cfa, UW_FRAME);
		assert_int_equal(at(t, 0x8000)->cfa, UW_FRAME);
		assert_int_equal(at(t, 0x8000)->add, 0);
		assert_rule(at(t, 16 + cases[i].bytes), invalid);
	}
}

#define PLT0   "\xff\x35\1\2\3\4\xff\x25\1\2\3\4\x0f\x1f\x40\0"
#define PLT(x) "\xff\x25" x "\2\3\4\x68\1\0\0\0\xe9\1\2\3\4"

/* lld's linkage table: the entry point, which comes first in the code, is not in it. */
static void linkage_table(void **state)
{
	static const struct str stub =
		STR("\x31\xed\x49\x89\xd1\x48\x83\xe4\xf0\xe8\1\2\3\4\xf4\x90");
	static const struct function c[] = { { 0x100, 16, 48 } };
	_cleanup_(buf_free) struct buf eh = { 0 };

	(void)state;
	add_functions(&eh, false, c, 1);
	for (int broken = 0; broken < 2; broken++) {
		_cleanup_(buf_free) struct buf code = { 0 }, image = { 0 };
		_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
		struct image_section s = {
			.name = ".plt", .flags = SHF_EXECINSTR, .at = IMAGE_CODE + 16, .size = 48
		};

		buf_str(&code, stub);
		buf_str(&code, STR(PLT0 PLT("\1") PLT("\2")));
		if (broken)
			code.p[16 + 38] = 0x12;
		image_make(&image, buf_slice(&code), CODE, buf_slice(&eh), &s, 1);
		t = table_of(&image);
		assert_rule(at(t, 0), stop);
		assert_int_equal(t->counts[UNWIND_N_entry_made], 1);
		assert_int_equal(t->counts[UNWIND_N_plt_made], !broken);
		assert_int_equal(off_at(t, 16), broken ? -2 : 16);
		if (broken)
			continue;
		assert_int_equal(off_at(t, 22), 24);
		assert_int_equal(at(t, 32)->cfa, UW_PLT);
		assert_int_equal(at(t, 63)->off, 11);
		assert_rule(at(t, 64), invalid);
	}
}

static void small_image(struct buf *image)
{
	static const struct function c[] = { { 0x10, 16, 48 }, { 0x20, 16, 8 } };
	_cleanup_(buf_free) struct buf eh = { 0 }, frame = { 0 };
	struct image_section s[2] = {
		{ .name = ".debug_frame" },
		{ .name = ".plt", .flags = SHF_EXECINSTR, .at = IMAGE_CODE + 0x40, .size = 16 }
	};

	add_functions(&eh, false, c, 2);
	add_functions(&frame, true, c, 2);
	s[0].bytes = buf_slice(&frame);
	image_make(image, STR_NONE, 0x100, buf_slice(&eh), s, 2);
}

/* Every prefix ends at an unmapped page. */
static void cut_anywhere(void **state)
{
	_cleanup_(buf_free) struct buf image = { 0 };
	struct guard g = guard_make();

	(void)state;
	small_image(&image);
	for (size_t n = 0; n <= image.n; n++) {
		_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
		int err = unwind_table_image(guard_put(&g, image.p, n), n, &t);

		assert_true(err == 0 || err == -ENOEXEC);
		assert_true(!err == (t != NULL));
		assert_true(n < image.n || !err);
	}
	guard_free(&g);
}

/* Every byte of headers and entries set to what hurts: no crash, no endless work. */
static void any_byte_wrong(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	_cleanup_(buf_free) struct buf image = { 0 };
	struct guard g = guard_make();
	unsigned built = 0;

	(void)state;
	small_image(&image);
	for (size_t i = 0; i < image.n; i++) {
		if (i >= 64 + 3 * 56 && i < IMAGE_CODE)
			continue;
		for (size_t v = 0; v < sizeof(values); v++) {
			_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
			char was = image.p[i];

			image.p[i] = (char)values[v];
			built += unwind_table_image(guard_put(&g, image.p, image.n), image.n, &t) ==
				 0;
			image.p[i] = was;
		}
	}
	assert_true(built > 1000);
	guard_free(&g);
}

static void other_machines(void **state)
{
	_cleanup_(buf_free) struct buf image = { 0 };
	struct unwind_table *t = NULL;
	Elf64_Ehdr *h;

	(void)state;
	small_image(&image);
	h = (Elf64_Ehdr *)image.p;
	h->e_machine = EM_AARCH64;
	assert_int_equal(unwind_table_image(image.p, image.n, &t), -EOPNOTSUPP);
	h->e_machine = EM_X86_64;
	h->e_type = ET_REL;
	assert_int_equal(unwind_table_image(image.p, image.n, &t), -EOPNOTSUPP);
	h->e_type = ET_DYN;
	h->e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(unwind_table_image(image.p, image.n, &t), -EOPNOTSUPP);
	h->e_ident[0] = 'x';
	assert_int_equal(unwind_table_image(image.p, image.n, &t), -ENOEXEC);
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs),
		cmocka_unit_test(signal_frame),
		cmocka_unit_test(gaps_and_order),
		cmocka_unit_test(pages),
		cmocka_unit_test(full_page),
		cmocka_unit_test(too_many_rules),
		cmocka_unit_test(too_much_work),
		cmocka_unit_test(debug_frame_fills),
		cmocka_unit_test(debug_frame_deflated),
		cmocka_unit_test(no_cfi),
		cmocka_unit_test(generated_code),
		cmocka_unit_test(linkage_table),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(any_byte_wrong),
		cmocka_unit_test(other_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
