/* Decoding samples: made records, and damaged ones. */
#include "probe/profile/profile.h"

#include "probe/decode_test.h"
#include "probe/stack.h"

/* A sample in the kernel: two kernel addresses, three of the program in one mapping. */
static void sample_make_interp(struct decode_room *r, uint32_t copy_bytes, unsigned frames)
{
	static const uint64_t addresses[] = { 0xffffffff81000010, 0xffffffff81000020,
					      0x401010 | STACK_EXACT, 0x401020, 0x402030 };
	static const struct rec_vma vma = { { 7, 8, 9 }, 0x401000, 0x402000, 0x1000 };
	struct rec_sample *s = (void *)r->bytes;
	uint8_t *p = r->bytes + sizeof(*s);

	memset(r->bytes, 0, sizeof(r->bytes));
	s->hdr.type = REC_SAMPLE;
	s->stack = (struct rec_stack){ 2, 3, 1, STACK_NO_MAPPING, 0 };
	memcpy(p, addresses, sizeof(addresses));
	p += sizeof(addresses);
	memcpy(p, &vma, sizeof(vma));
	p += sizeof(vma);
	if (frames) {
		struct rec_interp *in = (void *)p;
		struct rec_interp_frame *f = (void *)(in + 1);

		s->stack.flags |= STACK_INTERP;
		*in = (struct rec_interp){ 0x402000,	     256,	  0x30b,
					   (uint16_t)frames, INTERP_DEEP, { 0 } };
		for (unsigned i = 0; i < frames; i++)
			f[i] = (struct rec_interp_frame){ 0x7f0010 + i * 16, 2 * i, INTERP_ENTRY };
		p = (void *)(f + frames);
	}
	if (copy_bytes) {
		struct rec_stack_copy *c = (void *)p;

		s->stack.flags |= STACK_COPY;
		s->stack.end = STACK_NO_TABLE;
		c->sp = 0x7ffff000;
		c->len = copy_bytes;
		p += sizeof(*c) + copy_bytes;
	}
	r->n = (size_t)(p - r->bytes);
	s->hdr.len = (uint32_t)r->n;
}

static void sample_make(struct decode_room *r, uint32_t copy_bytes)
{
	sample_make_interp(r, copy_bytes, 0);
}

static void test_fields(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_profile);
	sample_make(&r, 0);
	assert_int_equal(decode_all(&r), 0);
	assert_true(str_eq(r.ev.type, STR("sample")));
	assert_ptr_equal(r.ev.kind, &kind_table[KIND_SAMPLE]);
	assert_string_equal(decode_field(&r, "sample.mode"), "kernel");
	assert_string_equal(decode_field(&r, "sample.depth"), "3");
	assert_string_equal(decode_field(&r, "sample.kernel_depth"), "2");
	assert_string_equal(decode_field(&r, "sample.end"), "no-mapping");
	assert_string_equal(decode_field(&r, "sample.addresses"), "0x401010,0x40101f,0x40202f");
	((struct rec_sample *)r.bytes)->flags = SAMPLE_USER;
	assert_int_equal(decode_all(&r), 0);
	assert_string_equal(decode_field(&r, "sample.mode"), "user");
	/* No memory: the field is absent, nothing else. */
	r.arena.n = r.arena.cap;
	assert_null(decode_field(&r, "sample.addresses"));
	decode_close(&r);
}

static void test_stack(void **state)
{
	struct decode_room r;
	struct rec_sample *s = (void *)r.bytes;
	struct stack st;

	(void)state;
	decode_open(&r, &probe_profile);
	sample_make(&r, 16);
	assert_int_equal(stack_read(&s->stack, r.n - offsetof(struct rec_sample, stack), &st), 0);
	assert_int_equal(st.nkernel, 2);
	assert_int_equal(st.nuser, 3);
	assert_int_equal(stack_lookup(st.user[0]), 0x401010);
	assert_int_equal(stack_lookup(st.user[1]), 0x40101f);
	assert_ptr_equal(stack_vma(&st, st.user[0]), st.vma);
	assert_null(stack_vma(&st, st.user[2]));
	assert_int_equal(st.copy->len, 16);
	for (enum stack_end e = 0; e < STACK_ENDS; e++)
		assert_true(stack_end_name(e)[0] != '?');
	decode_close(&r);
}

static void test_interp(void **state)
{
	struct decode_room r;
	struct rec_sample *s = (void *)r.bytes;
	struct rec_interp *in;
	struct stack st;

	(void)state;
	decode_open(&r, &probe_profile);
	for (uint32_t copy = 0; copy <= 16; copy += 16) {
		sample_make_interp(&r, copy, 3);
		assert_int_equal(
			stack_read(&s->stack, r.n - offsetof(struct rec_sample, stack), &st), 0);
		assert_int_equal(st.interp->n, 3);
		assert_int_equal(st.frame[2].code, 0x7f0030);
		assert_int_equal(stack_interp_bytes(&st), 72);
		assert_true((copy != 0) == (st.copy != NULL));
		assert_false(stack_in_loop(&st, st.user[1]));
		assert_true(stack_in_loop(&st, st.user[2]));
		assert_int_equal(decode_all(&r), 0);
		assert_string_equal(decode_field(&r, "sample.interp_depth"), "3");
		assert_string_equal(decode_field(&r, "sample.interp_end"), "deep");
		decode_short_refused(&r);
		decode_changed_survives(&r);
	}
	/* More than there may be, more than there are, no end. */
	in = (struct rec_interp *)st.interp;
	in->n = PY_FRAMES_MAX + 1;
	assert_int_equal(decode_part(&r, sizeof(r.bytes)), -EBADMSG);
	in->n = 20;
	assert_int_equal(decode_all(&r), -EBADMSG);
	in->n = 3;
	in->end = INTERP_ENDS;
	assert_int_equal(decode_all(&r), -EBADMSG);
	sample_make(&r, 0);
	assert_int_equal(decode_all(&r), 0);
	assert_null(decode_field(&r, "sample.interp_depth"));
	for (enum interp_end e = 0; e < INTERP_ENDS; e++)
		assert_true(interp_end_name(e)[0] != '?');
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct decode_room r;
	struct rec_sample *s = (void *)r.bytes;

	(void)state;
	decode_open(&r, &probe_profile);
	for (uint32_t copy = 0; copy <= 16; copy += 16) {
		sample_make(&r, copy);
		decode_short_refused(&r);
		decode_changed_survives(&r);
	}
	/* Longer than it says, and more than there may be of each. */
	sample_make(&r, 0);
	r.n += 8;
	assert_int_equal(decode_all(&r), -EBADMSG);
	sample_make(&r, 0);
	s->stack.nkernel = STACK_KERNEL_MAX + 1;
	assert_int_equal(decode_part(&r, sizeof(r.bytes)), -EBADMSG);
	sample_make(&r, 0);
	s->stack.nvma = 0xffff;
	s->stack.nuser = 0xffff;
	assert_int_equal(decode_all(&r), -EBADMSG);
	sample_make(&r, 0);
	s->stack.end = STACK_ENDS;
	assert_int_equal(decode_all(&r), -EBADMSG);
	decode_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_interp),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
