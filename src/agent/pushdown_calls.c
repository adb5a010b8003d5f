/*
 * A call is judged with a record made for it: what its decoder says of an empty one is what the call
 * alone decides.
 */
#include "agent/pushdown_calls.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#include "probe/syscall/table.h"

/* A result that no other member of an event has by chance. */
#define RESULT_MARK 1234567

bool clause_possible(const struct clause *c, const struct knowledge *know)
{
	return know_possible(c->c.where, know) && know_possible(c->c.scope, know);
}

static enum judgement cgroup_collect(void *ctx, const struct expr_cond *c)
{
	*(bool *)ctx |= (know_group(c->ref) & (KNOW_CGROUP | KNOW_FACTS)) != 0;
	return JUDGE_UNKNOWN;
}

bool clause_by_cgroup(const struct pushdown_clause *c)
{
	bool any = false;

	if (c->where)
		expr_judge(c->where, cgroup_collect, &any);
	if (c->scope)
		expr_judge(c->scope, cgroup_collect, &any);
	return any;
}

const char *calls_name(uint32_t nr)
{
	return sys_call_find(nr)->name;
}

static bool arg_is_enum(const struct arg_type *t)
{
	return t == &arg_domain || t == &arg_ptrace || t == &arg_bpf;
}

struct call {
	const struct sys_call *row;
	struct event ev;
	bool fd_is_ret;
	int access;		/* argument, -1: none */
	int arg;		/* argument of a few values with names, -1: none */
	struct rec_syscall rec; /* last: it has a tail, which is empty */
};

/* False: no such event. The arena is for what decoding takes; nothing of it is kept. */
static bool call_make(const struct sys_call *row, struct arena *a, struct call *ret)
{
	static const struct event_host host;
	struct decode_stats ignored = { 0 };

	*ret = (struct call){ .row = row, .access = -1, .arg = -1 };
	ret->rec = (struct rec_syscall){
		.hdr = { .len = sizeof(ret->rec), .type = REC_SYSCALL },
		.nr = row->nr,
		.ret = RESULT_MARK,
	};
	if (!decode_record(&ret->rec.hdr, &host, a, &ignored, &ret->ev))
		return false;
	ret->fd_is_ret = ret->ev.fd.num == RESULT_MARK;
	for (int at = 0; at < SYS_ARGS; at++)
		if (row->args[at].name && row->args[at].type == &arg_open_flags &&
		    !(row->flags & SYS_HOW))
			ret->access = at;
		else if (row->args[at].name && arg_is_enum(row->args[at].type))
			ret->arg = at;
	arena_reset(a);
	return true;
}

static const struct {
	int64_t min, max;
} results[RESULT_COUNT] = {
	[RESULT_STDIO] = { 0, 2 },
	[RESULT_MORE] = { 3, INT64_MAX },
	[RESULT_IN_PROGRESS] = { -EINPROGRESS, -EINPROGRESS },
	[RESULT_FAILED] = { INT64_MIN, -1 },
};

static bool call_possible(struct call *c, const struct clause *clause, enum call_result result,
			  unsigned access)
{
	struct knowledge know = {
		.kinds = KIND_BIT(c->row->kind),
		.know = KNOW_TYPE | KNOW_RET,
		.ev = &c->ev,
		.ret_min = results[result].min,
		.ret_max = results[result].max,
	};

	if (c->fd_is_ret)
		know.know |= KNOW_FD_RET;
	/* An open may be of a directory: its flags tell. */
	if (c->ev.fd.type == FD_FILE && c->row->kind != KIND_OPEN)
		know.know |= KNOW_FILE;
	if (c->row->flags & SYS_PEER) {
		know.know |= KNOW_PEER;
		know.peer_new = access;
	} else if (c->access >= 0) {
		know.know |= KNOW_ACCESS;
		know.no_create = !(access & CALL_CREATES);
		c->rec.args[c->access] = (access & 3) | (know.no_create ? 0 : OPEN_CREATES);
	}
	return clause_possible(clause, &know);
}

static uint64_t call_mask(struct call *c, const struct clause *list, size_t n,
			  enum call_result result, unsigned access)
{
	uint64_t kind = KIND_BIT(c->row->kind), mask = 0;

	for (size_t i = 0; i < n; i++)
		if ((list[i].c.kinds & kind) && call_possible(c, &list[i], result, access))
			mask |= list[i].bit;
	return mask;
}

static void call_judge(struct call *c, const struct clause *list, size_t n, uint64_t unused,
		       struct filter_call *ret)
{
	unsigned modes = c->access < 0 ? 1 : CALL_ACCESS;

	*ret = (struct filter_call){ .access = c->access < 0 ? CALL_NO_ARG : (uint8_t)c->access,
				     .arg = CALL_NO_ARG };
	if (c->row->flags & SYS_PEER) {
		ret->access = CALL_BY_PEER;
		modes = 2;
	}
	for (unsigned r = 0; r < RESULT_COUNT; r++)
		for (unsigned a = 0; a < modes; a++)
			ret->mask[r][a] = unused | call_mask(c, list, n, (enum call_result)r, a);
}

uint64_t calls_descriptor_kinds(void)
{
	static struct sys_row rows[SYS_ROWS];
	uint64_t kinds = 0;

	sys_rows_fill(rows);
	for (size_t i = 0; i < SYS_ROWS; i++)
		if (rows[i].used && rows[i].fd != ARG_NONE && !(rows[i].flags & SYS_ENTER))
			kinds |= KIND_BIT(rows[i].kind);
	return kinds;
}

static void families_judge(const struct clause *list, size_t n, uint64_t unused, uint64_t *ret)
{
	uint64_t kinds = calls_descriptor_kinds();

	for (int f = 0; f < FAMILY_COUNT; f++) {
		struct knowledge know = { .know = KNOW_FAMILY, .family = f };

		ret[f] = unused;
		for (size_t i = 0; i < n; i++) {
			know.kinds = list[i].c.kinds & kinds;
			if (!know.kinds || clause_possible(&list[i], &know))
				ret[f] |= list[i].bit;
		}
	}
}

/* Arguments by value */

struct collect {
	const char *name;
	uint32_t values[FILTER_ARGS / 4];
	size_t n;
	bool full;
};

static void value_add(struct collect *v, uint64_t value)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->values[i] == (uint32_t)value)
			return;
	if (v->n < sizeof(v->values) / sizeof(v->values[0]))
		v->values[v->n++] = (uint32_t)value;
	else
		v->full = true;
}

/* The numbers that stand in conditions on the argument, as numbers or as text. */
static enum judgement value_collect(void *ctx, const struct expr_cond *c)
{
	struct collect *v = ctx;

	if (!know_is_arg(c->ref->field, v->name))
		return JUDGE_UNKNOWN;
	for (size_t i = 0; i < c->n; i++) {
		struct str s = c->values[i].v.str;
		uint64_t n = 0;

		if (c->values[i].v.type != VALUE_STR) {
			value_add(v, c->values[i].v.u64);
			continue;
		}
		for (size_t at = 0; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++)
			n = n * 10 + (uint64_t)(s.p[at] - '0');
		value_add(v, n);
	}
	return JUDGE_UNKNOWN;
}

/* Every value that has a name, and those of the clauses. */
static void values_collect(const struct call *c, const struct clause *list, size_t n,
			   struct collect *ret)
{
	const struct sys_arg *arg = &c->row->args[c->arg];

	*ret = (struct collect){ .name = arg->name };
	for (const struct flag_name *f = arg->type->flags; f->name; f++)
		value_add(ret, f->bits);
	for (size_t i = 0; i < n; i++) {
		if (!(list[i].c.kinds & KIND_BIT(c->row->kind)))
			continue;
		if (list[i].c.where)
			expr_judge(list[i].c.where, value_collect, ret);
		if (list[i].c.scope)
			expr_judge(list[i].c.scope, value_collect, ret);
	}
}

/* @value: NULL for every other one. */
static uint64_t value_mask(struct call *c, const struct clause *list, size_t n, const char *name,
			   const uint32_t *value)
{
	struct knowledge know = {
		.kinds = KIND_BIT(c->row->kind),
		.know = KNOW_TYPE,
		.ev = &c->ev,
		.arg = name,
		.arg_other = !value,
	};
	uint64_t mask = 0, bits = 0;

	c->rec.args[c->arg] = value ? *value : 0;
	for (size_t i = 0; i < n; i++) {
		if (!(list[i].c.kinds & know.kinds))
			continue;
		bits |= list[i].bit;
		if (clause_possible(&list[i], &know))
			mask |= list[i].bit;
		/* What was rendered; without room a field would count as absent. */
		arena_reset(field_arena());
	}
	return mask | ~bits;
}

/* Enters what the argument's values leave, unless it is the same for all. 0 or -ENOMEM. */
static int arg_judge(struct call *c, const struct clause *list, size_t n, struct call_masks *m)
{
	_cleanup_(freep) struct collect *v = malloc(sizeof(*v));
	struct filter_call *f = &m->call[m->n - 1].filter;
	size_t before = m->narg;
	uint64_t other, clears;

	if (!v)
		return -ENOMEM;
	values_collect(c, list, n, v);
	if (v->full || m->narg + v->n > sizeof(m->arg) / sizeof(m->arg[0]))
		return 0;
	other = value_mask(c, list, n, v->name, NULL);
	clears = ~other;
	for (size_t i = 0; i < v->n; i++) {
		uint64_t mask = value_mask(c, list, n, v->name, &v->values[i]);

		clears |= ~mask;
		if (mask != other)
			m->arg[m->narg++] = (struct call_arg){ c->row->nr, v->values[i], mask };
	}
	if (!clears) {
		m->narg = before;
		return 0;
	}
	m->args |= clears;
	f->arg = (uint8_t)c->arg;
	f->arg_other = other;
	return 0;
}

const char *calls_arg_name(uint32_t nr, uint32_t value)
{
	const struct sys_call *c = sys_call_find(nr);
	const struct flag_name *f = NULL;

	for (int at = 0; at < SYS_ARGS; at++)
		if (c->args[at].name && arg_is_enum(c->args[at].type))
			f = c->args[at].type->flags;
	while (f && f->name && f->bits != value)
		f++;
	return f ? f->name : NULL;
}

struct call_masks *calls_judge(const struct clause *list, size_t n, uint64_t used)
{
	struct call_masks *m = calloc(1, sizeof(*m) + sys_calls_n * sizeof(m->call[0]));
	struct arena arena = { 0 }, *before = field_arena();
	struct call c;
	int err = 0;

	if (!m || arena_init(&arena, sizeof(struct rec_syscall) * 16) != 0) {
		free(m);
		return NULL;
	}
	families_judge(list, n, ~used, m->family);
	field_arena_set(&arena);
	for (size_t i = 0; i < sys_calls_n && !err; i++)
		if (call_make(&sys_calls[i], &arena, &c)) {
			m->call[m->n].nr = sys_calls[i].nr;
			call_judge(&c, list, n, ~used, &m->call[m->n++].filter);
			err = c.arg < 0 ? 0 : arg_judge(&c, list, n, m);
		}
	field_arena_set(before);
	arena_free(&arena);
	if (err) {
		free(m);
		return NULL;
	}
	return m;
}
