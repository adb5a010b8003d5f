/*
 * The machine of call frame information. Each instruction is one row of a table: the shapes of its
 * operands and what it does. A row is given out before the location moves on, when something
 * changed; what is known of a location is complete only then.
 *
 * DW_CFA_GNU_window_save does nothing on x86-64, DW_CFA_GNU_args_size only matters to exceptions.
 */
#include "symbol/cfi_run.h"

struct run {
	struct cfi *s;
	const struct cfi_cie *cie;
	struct cfi_state st;
	uint64_t start, loc, end;
	bool changed, bad, past;
	cfi_row_fn *row;
	void *data;
	unsigned depth;
	struct cfi_state kept[CFI_REMEMBERS];
};

/* Operands of one instruction: at most two numbers and a block. */
struct args {
	uint64_t a, b;
	struct cur block;
};

static void give(struct run *r)
{
	if (r->changed && r->row)
		r->row(r->data, r->loc - r->start, &r->st, r->cie);
	r->changed = false;
}

static void move(struct run *r, uint64_t to)
{
	give(r);
	/* Backwards is not allowed (6.4.2.1); behind the end nothing matters any more. */
	if (to < r->loc)
		r->bad = true;
	else if (to >= r->end)
		r->past = true;
	else
		r->loc = to;
}

static void advance(struct run *r, const struct args *x)
{
	uint64_t by, to;

	if (__builtin_mul_overflow(x->a, r->cie->code_align, &by) ||
	    __builtin_add_overflow(r->loc, by, &to))
		r->bad = true;
	else
		move(r, to);
}

static void set_loc(struct run *r, const struct args *x)
{
	move(r, x->a);
}

static int64_t factored(const struct run *r, uint64_t v)
{
	return (int64_t)(v * (uint64_t)r->cie->data_align);
}

static void cfa_is(struct run *r, uint64_t reg, int64_t off)
{
	r->st.cfa = CFI_CFA_REG;
	r->st.reg = reg;
	r->st.off = off;
	r->changed = true;
}

static void def_cfa(struct run *r, const struct args *x)
{
	cfa_is(r, x->a, (int64_t)x->b);
}

static void def_cfa_sf(struct run *r, const struct args *x)
{
	cfa_is(r, x->a, factored(r, x->b));
}

/*
 * After an expression the standard forbids the three below. libgcrypt has them all the same, and
 * libgcc and readelf go on from the register and the offset before it.
 */
static void def_cfa_register(struct run *r, const struct args *x)
{
	r->bad = r->st.cfa == CFI_CFA_UNSET;
	cfa_is(r, x->a, r->st.off);
}

static void def_cfa_offset(struct run *r, const struct args *x)
{
	r->bad = r->st.cfa == CFI_CFA_UNSET;
	cfa_is(r, r->st.reg, (int64_t)x->a);
}

static void def_cfa_offset_sf(struct run *r, const struct args *x)
{
	r->bad = r->st.cfa == CFI_CFA_UNSET;
	cfa_is(r, r->st.reg, factored(r, x->a));
}

static void def_cfa_expression(struct run *r, const struct args *x)
{
	r->st.cfa = CFI_CFA_EXPR;
	r->st.expr = x->block;
	r->changed = true;
}

static struct cfi_reg *slot(struct cfi_state *st, const struct cfi_cie *cie, uint64_t reg)
{
	if (reg == cie->ra)
		return &st->regs[CFI_RA];
	return reg == 6 ? &st->regs[CFI_RBP] : reg == 7 ? &st->regs[CFI_RSP] : NULL;
}

static void reg_is(struct run *r, uint64_t reg, enum cfi_how how, int64_t v)
{
	struct cfi_reg *to = slot(&r->st, r->cie, reg);

	if (!to)
		return;
	*to = (struct cfi_reg){ .how = how, .v = v };
	r->changed = true;
}

static void undefined(struct run *r, const struct args *x)
{
	reg_is(r, x->a, CFI_UNDEFINED, 0);
}

static void same_value(struct run *r, const struct args *x)
{
	reg_is(r, x->a, CFI_SAME, 0);
}

static void offset(struct run *r, const struct args *x)
{
	reg_is(r, x->a, CFI_OFFSET, factored(r, x->b));
}

static void negative_offset(struct run *r, const struct args *x)
{
	reg_is(r, x->a, CFI_OFFSET, (int64_t)(0 - (uint64_t)factored(r, x->b)));
}

static void val_offset(struct run *r, const struct args *x)
{
	reg_is(r, x->a, CFI_VAL_OFFSET, factored(r, x->b));
}

static void in_register(struct run *r, const struct args *x)
{
	reg_is(r, x->a, CFI_REGISTER, (int64_t)x->b);
}

static void expr_is(struct run *r, const struct args *x, enum cfi_how how)
{
	struct cfi_reg *to = slot(&r->st, r->cie, x->a);

	reg_is(r, x->a, how, 0);
	if (to)
		to->expr = x->block;
}

static void expression(struct run *r, const struct args *x)
{
	expr_is(r, x, CFI_EXPR);
}

static void val_expression(struct run *r, const struct args *x)
{
	expr_is(r, x, CFI_VAL_EXPR);
}

static void restore(struct run *r, const struct args *x)
{
	struct cfi_reg *to = slot(&r->st, r->cie, x->a);

	if (!to)
		return;
	*to = r->cie->initial.regs[to - r->st.regs];
	r->changed = true;
}

static void remember_state(struct run *r, const struct args *x)
{
	(void)x;
	if (r->depth == CFI_REMEMBERS)
		r->bad = true;
	else
		r->kept[r->depth++] = r->st;
}

static void restore_state(struct run *r, const struct args *x)
{
	(void)x;
	if (r->depth == 0) {
		r->bad = true;
		return;
	}
	r->st = r->kept[--r->depth];
	r->changed = true;
}

static void nothing(struct run *r, const struct args *x)
{
	(void)r;
	(void)x;
}

/* Operands: u ULEB, s SLEB, 1 2 4 8 bytes, a encoded address, b block with its length. */
struct op {
	const char *operands;
	void (*run)(struct run *r, const struct args *x);
};

/* clang-format off */
static const struct op ops[64] = {
	[0x00] = { "",   nothing },
	[0x01] = { "a",  set_loc },
	[0x02] = { "1",  advance },
	[0x03] = { "2",  advance },
	[0x04] = { "4",  advance },
	[0x05] = { "uu", offset },
	[0x06] = { "u",  restore },
	[0x07] = { "u",  undefined },
	[0x08] = { "u",  same_value },
	[0x09] = { "uu", in_register },
	[0x0a] = { "",   remember_state },
	[0x0b] = { "",   restore_state },
	[0x0c] = { "uu", def_cfa },
	[0x0d] = { "u",  def_cfa_register },
	[0x0e] = { "u",  def_cfa_offset },
	[0x0f] = { "b",  def_cfa_expression },
	[0x10] = { "ub", expression },
	[0x11] = { "us", offset },
	[0x12] = { "us", def_cfa_sf },
	[0x13] = { "s",  def_cfa_offset_sf },
	[0x14] = { "uu", val_offset },
	[0x15] = { "us", val_offset },
	[0x16] = { "ub", val_expression },
	[0x1d] = { "8",  advance },
	[0x2d] = { "",   nothing },         /* GNU_window_save */
	[0x2e] = { "u",  nothing },         /* GNU_args_size */
	[0x2f] = { "uu", negative_offset }, /* GNU_negative_offset_extended */
};

/* Those with their first operand in the low six bits, by the high two. */
static const struct op short_ops[4] = {
	[1] = { "",  advance },
	[2] = { "u", offset },
	[3] = { "",  restore },
};
/* clang-format on */

static bool number(struct run *r, struct cur *c, char kind, uint64_t *ret)
{
	uint64_t v = 0;

	switch (kind) {
	case 'u':
		return cfi_uleb(c, ret);
	case 's':
		return cfi_sleb(c, (int64_t *)ret);
	case 'a':
		return cfi_address(r->s, c, r->cie->encoding, ret);
	default: /* little-endian, as every x86-64 file is */
		if (!cur_copy(c, &v, (size_t)(kind - '0')))
			return false;
		*ret = v;
		return true;
	}
}

static bool operands(struct run *r, struct cur *c, const char *kinds, struct args *x, unsigned filled)
{
	uint64_t n;

	for (; *kinds; kinds++, filled++) {
		if (*kinds == 'b') {
			if (!cfi_uleb(c, &n) || !cur_sub(c, n, &x->block))
				return false;
		} else if (!number(r, c, *kinds, filled ? &x->b : &x->a)) {
			return false;
		}
	}
	return true;
}

static bool step(struct run *r, struct cur *c)
{
	struct args x = { 0 };
	const struct op *op;
	uint8_t byte;

	if (!cur_u8(c, &byte))
		return false;
	op = byte >> 6 ? &short_ops[byte >> 6] : &ops[byte];
	x.a = byte >> 6 ? byte & 63 : 0;
	if (!op->run || !operands(r, c, op->operands, &x, byte >> 6 != 0))
		return false;
	op->run(r, &x);
	return !r->bad;
}

static enum cfi_end run(struct run *r, struct cur program)
{
	uint64_t most = CFI_WORK * (uint64_t)cur_left(&r->s->data);

	while (cur_left(&program) && !r->past) {
		if (r->s->work++ >= most)
			return CFI_TIRED;
		if (!step(r, &program))
			return CFI_BAD;
	}
	if (!r->past)
		give(r);
	return CFI_OK;
}

bool cfi_initial(struct cfi *s, struct cfi_cie *cie)
{
	struct run r = { .s = s, .cie = cie, .end = UINT64_MAX };

	if (run(&r, cie->program) != CFI_OK)
		return false;
	cie->initial = r.st;
	return true;
}

enum cfi_end cfi_program(struct cfi *s, const struct cfi_cie *cie, const struct cfi_fde *fde,
			 struct cur program, cfi_row_fn *row, void *data, uint64_t *ret_bad)
{
	struct run r;
	enum cfi_end end;

	/* Without kept[], which is large and written before it is read. */
	memset(&r, 0, offsetof(struct run, kept));
	r.s = s;
	r.cie = cie;
	r.st = cie->initial;
	r.start = r.loc = fde->start;
	r.changed = true;
	r.row = row;
	r.data = data;
	if (__builtin_add_overflow(fde->start, fde->len, &r.end))
		r.end = UINT64_MAX;
	end = run(&r, program);
	if (end != CFI_OK)
		*ret_bad = r.loc - r.start;
	return end;
}
