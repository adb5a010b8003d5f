/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * One step of unwinding: from the registers of a frame and its rule to those of its caller. The same
 * code runs in the kernel (bpf/unwind.h) and in user space, over a copy of the stack.
 *
 * Before the include: #define UW_READ(to, bytes, from), which reads @bytes (a constant) of the
 * program's memory at the address @from into the pointer @to and gives 0, or anything else when
 * they are not there.
 *
 * Every step must move the stack pointer up, a signal frame apart, whose stack may be anywhere, and
 * Go's runtime.systemstack, which leaves a goroutine's stack for the thread's a few times at most; who
 * walks bounds the number of steps. Source: System V ABI for x86-64; struct ucontext, struct
 * sigcontext of Linux's user interface.
 */
#include "wire/unwind.h"

#ifndef UW_READ
#define UW_READ(to, bytes, from) ((void)(to), (void)(from), -1) /* nothing is there */
#endif

#define UW_GOES_ON STACK_ENDS /* unwind_step: *r is the caller's */

/* The words of a ucontext that have the registers, from its beginning. */
#define UW_UCONTEXT_REGS 40
enum uw_greg {
	UW_G_R8, /* to r15 */
	UW_G_RDI = 8,
	UW_G_RSI,
	UW_G_RBP,
	UW_G_RBX,
	UW_G_RDX,
	UW_G_RAX,
	UW_G_RCX,
	UW_G_RSP,
	UW_G_RIP,
	UW_GREGS
};

#define UW_RBP 6
#define UW_RSP 7
#define UW_RDI 5

/* All registers as the signal found them. */
static __attribute__((always_inline)) inline int unwind_signal(struct unwind_regs *r, __u64 ucontext)
{
	__u64 g[UW_GREGS];

	if (UW_READ(g, sizeof(g), ucontext + UW_UCONTEXT_REGS) != 0)
		return STACK_FAULT;
	r->reg[0] = g[UW_G_RAX];
	r->reg[1] = g[UW_G_RDX];
	r->reg[2] = g[UW_G_RCX];
	r->reg[3] = g[UW_G_RBX];
	r->reg[4] = g[UW_G_RSI];
	r->reg[5] = g[UW_G_RDI];
	r->reg[8] = g[UW_G_R8];
	r->reg[9] = g[UW_G_R8 + 1];
	r->reg[10] = g[UW_G_R8 + 2];
	r->reg[11] = g[UW_G_R8 + 3];
	r->reg[12] = g[UW_G_R8 + 4];
	r->reg[13] = g[UW_G_R8 + 5];
	r->reg[14] = g[UW_G_R8 + 6];
	r->reg[15] = g[UW_G_R8 + 7];
	r->ip = g[UW_G_RIP];
	r->sp = g[UW_G_RSP];
	r->bp = g[UW_G_RBP];
	r->exact = 1;
	r->bp_lost = 0;
	return UW_GOES_ON;
}

/* UW_GOES_ON with *ret, or why not. */
static __attribute__((always_inline)) inline int unwind_reg(const struct unwind_regs *r, __u32 n,
							    __u64 *ret)
{
	if (n == UW_RSP) {
		*ret = r->sp;
	} else if (n == UW_RBP) {
		if (r->bp_lost)
			return STACK_REGISTER;
		*ret = r->bp;
	} else {
		if (!r->exact || n > 15)
			return STACK_REGISTER;
		*ret = r->reg[n & 15];
	}
	return UW_GOES_ON;
}

static __attribute__((always_inline)) inline int unwind_cfa_of(const struct unwind_regs *r,
							       const struct unwind_rule *rule,
							       __u64 *ret)
{
	__u64 base = 0;
	int end;

	if (rule->cfa == UW_PLT) {
		*ret = r->sp + 8 + ((r->ip & 15) >= (__u64)rule->off ? 8 : 0);
		return UW_GOES_ON;
	}
	end = unwind_reg(r, rule->cfa == UW_FRAME ? UW_RBP : rule->reg, &base);
	if (end != UW_GOES_ON)
		return end;
	if (rule->cfa == UW_FRAME) {
		*ret = base + 16;
		return base ? UW_GOES_ON : STACK_WHOLE; /* the ABI's mark of the outermost frame */
	}
	base += (__u64)(__s64)rule->off;
	if (rule->cfa == UW_DEREF) {
		if (UW_READ(&base, 8, base) != 0)
			return STACK_FAULT;
		base += (__u64)(__s64)rule->add;
	}
	*ret = base;
	return UW_GOES_ON;
}

/* The caller's rbp and return address, of a rule that has a CFA. */
static __attribute__((always_inline)) inline int unwind_saved(struct unwind_regs *r,
							      const struct unwind_rule *rule,
							      __u64 cfa, __u64 *ret_ip)
{
	__u64 pair[2], at = cfa + (__u64)(__s64)rule->ra_off;
	int frame = rule->cfa == UW_FRAME;
	__u64 bp_at = (rule->rbp == UW_RBP_FRAME ? r->bp : cfa) + (__u64)(__s64)rule->rbp_off;
	int saved = rule->rbp == UW_RBP_CFA || rule->rbp == UW_RBP_FRAME;

	if (frame) {
		at = cfa - 8;
		bp_at = cfa - 16;
		saved = 1;
	}
	if (rule->rbp == UW_RBP_FRAME && r->bp_lost && !frame)
		return STACK_REGISTER;
	if (rule->ra == UW_RA_REG && !frame) {
		if (!r->exact || rule->ra_off < 0 || rule->ra_off > 15)
			return STACK_REGISTER;
		*ret_ip = r->reg[rule->ra_off & 15];
		if (saved && UW_READ(&r->bp, 8, bp_at) != 0)
			return STACK_FAULT;
	} else if (saved && bp_at + 8 == at) { /* the usual case: one read */
		if (UW_READ(pair, sizeof(pair), bp_at) != 0)
			return STACK_FAULT;
		r->bp = pair[0];
		*ret_ip = pair[1];
	} else {
		if (UW_READ(ret_ip, 8, at) != 0)
			return STACK_FAULT;
		if (saved && UW_READ(&r->bp, 8, bp_at) != 0)
			return STACK_FAULT;
	}
	if (saved)
		r->bp_lost = 0;
	else if (rule->rbp == UW_RBP_UNDEF)
		r->bp_lost = 1;
	return UW_GOES_ON;
}

/* Whether the caller's frame may be at @cfa: above, or on another stack. */
static __attribute__((always_inline)) inline int unwind_moves(struct unwind_regs *r,
							      const struct unwind_rule *rule,
							      __u64 cfa)
{
	/* One whose return address is in a register may have pushed nothing. */
	if (rule->ra == UW_RA_REG ? cfa >= r->sp : cfa > r->sp)
		return 1;
	if (rule->cfa != UW_FRAME || !rule->add || r->switches >= UW_SWITCHES)
		return 0;
	r->switches++;
	return 1;
}

/* UW_GOES_ON and *r is the caller's, or the reason (enum stack_end) and *r is of no more use. */
static __attribute__((always_inline)) inline int unwind_step(struct unwind_regs *r,
							     const struct unwind_rule *rule)
{
	__u64 cfa = 0, ip = 0;
	int end;

	if (rule->cfa == UW_STOP)
		return STACK_WHOLE;
	if (rule->cfa == UW_INVALID || rule->cfa > UW_FRAME)
		return STACK_NO_ROW;
	if (rule->cfa == UW_SIGNAL)
		return unwind_signal(r, r->sp + (__u64)(__s64)rule->off);
	end = unwind_cfa_of(r, rule, &cfa);
	if (end != UW_GOES_ON)
		return end;
	if (!unwind_moves(r, rule, cfa))
		return STACK_STUCK;
	end = unwind_saved(r, rule, cfa, &ip);
	if (end != UW_GOES_ON)
		return end;
	r->ip = ip;
	r->sp = cfa;
	r->exact = 0;
	return ip ? UW_GOES_ON : STACK_WHOLE;
}
