/*
 * One row of call frame information as a rule. Expressions are not run but recognized: a register
 * and an offset, at most one load, one more offset; and the one of linkage tables. Compilers,
 * OpenSSL's assembler and glibc write no other but where the frame address lies in an array
 * (bignum code: rsp + 8 + r9 * 8), which only the innermost frame could follow.
 */
#include "symbol/unwind_rule.h"

#define RBP	 6
#define RSP	 7
#define RIP	 16
#define REGS_MAX 15 /* r15; from rip on no register holds a frame address */

/* Of struct ucontext, as the kernel puts it on the stack of a signal frame. */
#define UCONTEXT_RBP 120
#define UCONTEXT_RSP 160
#define UCONTEXT_RIP 168

enum dw_op {
	DW_OP_deref = 0x06,
	DW_OP_const1u = 0x08,
	DW_OP_const1s = 0x09,
	DW_OP_const2u = 0x0a,
	DW_OP_const2s = 0x0b,
	DW_OP_const4u = 0x0c,
	DW_OP_const4s = 0x0d,
	DW_OP_constu = 0x10,
	DW_OP_consts = 0x11,
	DW_OP_and = 0x1a,
	DW_OP_minus = 0x1c,
	DW_OP_plus = 0x22,
	DW_OP_plus_uconst = 0x23,
	DW_OP_shl = 0x24,
	DW_OP_ge = 0x2a,
	DW_OP_lit0 = 0x30,
	DW_OP_lit31 = 0x4f,
	DW_OP_breg0 = 0x70,
	DW_OP_breg31 = 0x8f,
	DW_OP_bregx = 0x92,
};

/* reg + off, or *(reg + off) + add. */
struct place {
	uint64_t reg;
	int64_t off, add;
	bool deref;
};

static bool base(struct cur *c, uint8_t op, struct place *p)
{
	if (op == DW_OP_bregx)
		return cfi_uleb(c, &p->reg) && cfi_sleb(c, &p->off);
	if (op < DW_OP_breg0 || op > DW_OP_breg31)
		return false;
	p->reg = op - DW_OP_breg0;
	return cfi_sleb(c, &p->off);
}

static bool constant(struct cur *c, uint8_t op, int64_t *ret)
{
	uint64_t v = 0;

	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		*ret = op - DW_OP_lit0;
		return true;
	}
	if (op == DW_OP_consts)
		return cfi_sleb(c, ret);
	if (op == DW_OP_constu)
		return cfi_uleb(c, (uint64_t *)ret);
	if (op < DW_OP_const1u || op > DW_OP_const4s)
		return false;
	/* 1, 2 or 4 bytes; the odd ones are signed. */
	unsigned bytes = 1u << ((op - DW_OP_const1u) / 2);

	if (!cur_copy(c, &v, bytes))
		return false;
	*ret = op & 1 ? (int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes) : (int64_t)v;
	return true;
}

/* One operation after the base: a load, or an offset by one or two operations. */
static bool adjust(struct cur *c, struct place *p)
{
	int64_t *to = p->deref ? &p->add : &p->off;
	uint8_t op;
	int64_t v;

	if (!cur_u8(c, &op))
		return false;
	if (op == DW_OP_deref) {
		if (p->deref)
			return false;
		p->deref = true;
		return true;
	}
	if (op == DW_OP_plus_uconst)
		return cfi_uleb(c, (uint64_t *)&v) && !__builtin_add_overflow(*to, v, to);
	if (!constant(c, op, &v) || !cur_u8(c, &op))
		return false;
	if (op == DW_OP_plus)
		return !__builtin_add_overflow(*to, v, to);
	return op == DW_OP_minus && !__builtin_sub_overflow(*to, v, to);
}

static bool place_of(struct cur c, struct place *ret)
{
	struct place p = { 0 };
	uint8_t op;

	if (!cur_u8(&c, &op) || !base(&c, op, &p))
		return false;
	while (cur_left(&c))
		if (!adjust(&c, &p))
			return false;
	*ret = p;
	return true;
}

/* rsp + 8 + ((rip & 15) >= pushed) << 3 */
static bool plt_of(struct cur c, int32_t *ret_pushed)
{
	static const uint8_t before[] = { DW_OP_breg0 + RSP, 8,	       DW_OP_breg0 + RIP, 0,
					  DW_OP_lit0 + 15,   DW_OP_and };
	static const uint8_t after[] = { DW_OP_ge, DW_OP_lit0 + 3, DW_OP_shl, DW_OP_plus };
	uint8_t head[sizeof(before)], tail[sizeof(after)], lit;

	if (!cur_copy(&c, head, sizeof(head)) || !cur_u8(&c, &lit) ||
	    !cur_copy(&c, tail, sizeof(tail)) || cur_left(&c))
		return false;
	if (memcmp(head, before, sizeof(head)) != 0 || memcmp(tail, after, sizeof(tail)) != 0 ||
	    lit < DW_OP_lit0 || lit > DW_OP_lit0 + 15)
		return false;
	*ret_pushed = lit - DW_OP_lit0;
	return true;
}

static bool fits(int64_t v)
{
	return v == (int32_t)v;
}

/* False, with the reason counted, when there is no rule for the frame address. */
static bool cfa_rule(const struct cfi_state *st, struct unwind_rule *rule, uint64_t *counts)
{
	struct place p = { .reg = st->reg, .off = st->off };

	if (st->cfa == CFI_CFA_EXPR && plt_of(st->expr, &rule->off)) {
		*rule = unwind_rule_plt(rule->off);
		return true;
	}
	if (st->cfa == CFI_CFA_UNSET || (st->cfa == CFI_CFA_EXPR && !place_of(st->expr, &p))) {
		counts[UNWIND_N_cfa_expr]++;
		return false;
	}
	if (p.reg > REGS_MAX) {
		counts[UNWIND_N_cfa_reg]++;
		return false;
	}
	if (!fits(p.off) || !fits(p.add)) {
		counts[UNWIND_N_cfa_far]++;
		return false;
	}
	rule->cfa = p.deref ? UW_DEREF : UW_REG;
	rule->reg = (uint8_t)p.reg;
	rule->off = (int32_t)p.off;
	rule->add = (int32_t)p.add;
	return true;
}

/* Where a register is saved, as an offset from the CFA: by expressions too, from the same base. */
static bool saved_at(const struct cfi_reg *r, const struct unwind_rule *rule, int64_t *ret)
{
	struct place p;

	if (r->how == CFI_OFFSET && fits(r->v)) {
		*ret = r->v;
		return true;
	}
	if (r->how != CFI_EXPR || !place_of(r->expr, &p) || p.deref || !fits(p.off) ||
	    rule->cfa != UW_REG || rule->reg != p.reg || !fits(p.off - rule->off))
		return false;
	*ret = p.off - rule->off;
	return true;
}

static void rbp_rule(const struct cfi_reg *r, struct unwind_rule *rule, uint64_t *counts)
{
	struct place p;
	int64_t off;

	if (r->how == CFI_UNSET || r->how == CFI_SAME)
		return;
	rule->rbp = UW_RBP_UNDEF;
	if (r->how == CFI_UNDEFINED)
		return;
	if (saved_at(r, rule, &off)) {
		rule->rbp = UW_RBP_CFA;
		rule->rbp_off = (int32_t)off;
	} else if (r->how == CFI_EXPR && place_of(r->expr, &p) && !p.deref && p.reg == RBP &&
		   fits(p.off)) {
		rule->rbp = UW_RBP_FRAME;
		rule->rbp_off = (int32_t)p.off;
	} else {
		counts[UNWIND_N_rbp_lost]++;
	}
}

static bool ra_rule(const struct cfi_reg *r, struct unwind_rule *rule, uint64_t *counts)
{
	int64_t off;

	if (saved_at(r, rule, &off)) {
		rule->ra = UW_RA_CFA;
		rule->ra_off = (int32_t)off;
		return true;
	}
	if (r->how == CFI_REGISTER && r->v >= 0 && r->v <= REGS_MAX) {
		rule->ra = UW_RA_REG;
		rule->ra_off = (int32_t)r->v;
		return true;
	}
	counts[UNWIND_N_ra_odd]++;
	return false;
}

static bool at_rsp(const struct cfi_reg *r, int64_t off)
{
	struct place p;

	return r->how == CFI_EXPR && place_of(r->expr, &p) && !p.deref && p.reg == RSP &&
	       p.off == off;
}

/* glibc's: every register by an expression over rsp, which points to the ucontext. */
static bool signal_rule(const struct cfi_state *st, struct unwind_rule *rule)
{
	struct place p;
	int64_t off;

	if (!place_of(st->expr, &p) || p.reg != RSP || !p.deref || p.add || !fits(p.off) ||
	    !fits(p.off - UCONTEXT_RSP))
		return false;
	off = p.off - UCONTEXT_RSP;
	if (!at_rsp(&st->regs[CFI_RBP], off + UCONTEXT_RBP) ||
	    !at_rsp(&st->regs[CFI_RA], off + UCONTEXT_RIP))
		return false;
	*rule = (struct unwind_rule){ .cfa = UW_SIGNAL, .reg = RSP, .off = (int32_t)off };
	return true;
}

struct unwind_rule unwind_rule_of(const struct cfi_state *st, const struct cfi_cie *cie,
				  uint64_t counts[UNWIND_COUNTERS_N])
{
	const struct unwind_rule invalid = { .cfa = UW_INVALID };
	const struct cfi_reg *rsp = &st->regs[CFI_RSP];
	struct unwind_rule rule = invalid;

	if (st->regs[CFI_RA].how == CFI_UNDEFINED)
		return (struct unwind_rule){ .cfa = UW_STOP };
	if (cie->signal && st->cfa == CFI_CFA_EXPR && st->regs[CFI_RA].how == CFI_EXPR) {
		counts[UNWIND_N_signal_odd] += !signal_rule(st, &rule);
		return rule;
	}
	/* The caller's rsp is the CFA unless something else is said. */
	if (rsp->how != CFI_UNSET && !(rsp->how == CFI_VAL_OFFSET && rsp->v == 0)) {
		counts[UNWIND_N_rsp_odd]++;
		return invalid;
	}
	if (!cfa_rule(st, &rule, counts) || !ra_rule(&st->regs[CFI_RA], &rule, counts))
		return invalid;
	rbp_rule(&st->regs[CFI_RBP], &rule, counts);
	return rule;
}

struct unwind_rule unwind_rule_frame(bool go)
{
	return (struct unwind_rule){ .cfa = UW_FRAME,
				     .reg = RBP,
				     .off = 16,
				     .add = go,
				     .rbp = UW_RBP_CFA,
				     .rbp_off = -16,
				     .ra_off = -8 };
}

struct unwind_rule unwind_rule_rsp(int32_t off)
{
	return (struct unwind_rule){ .cfa = UW_REG, .reg = RSP, .off = off, .ra_off = -8 };
}

struct unwind_rule unwind_rule_plt(int32_t pushed)
{
	return (struct unwind_rule){ .cfa = UW_PLT, .reg = RSP, .off = pushed, .ra_off = -8 };
}
