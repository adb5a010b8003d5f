/*
 * Each condition is judged by the group of its field: asked of the event where the value is known,
 * compared with a range where only that is, by its operator alone where the value is some other.
 */
#include "agent/pushdown_judge.h"

#include <errno.h>

#include "agent/catalogue.h"
#include "wire/ctl.h"

static const struct {
	const char *field;
	uint32_t group;
} groups[] = {
	{ "evt.type", KNOW_TYPE },
	{ "evt.dir", KNOW_TYPE },
	{ "syscall.type", KNOW_TYPE },
	{ "evt.is_open_read", KNOW_ACCESS },
	{ "evt.is_open_write", KNOW_ACCESS },
	{ "evt.rawres", KNOW_RET },
	{ "evt.res", KNOW_RET },
	{ "evt.failed", KNOW_RET },
	{ "fd.num", KNOW_FD_RET },
	{ "fd.type", KNOW_FILE | KNOW_FAMILY },
	{ "fd.typechar", KNOW_FILE | KNOW_FAMILY },
	{ "fd.sockfamily", KNOW_FAMILY },
	{ "fd.name_changed", KNOW_PEER },
	{ "proc.pid", KNOW_PID },
	{ "user.uid", KNOW_UID },
	{ "proc.name", KNOW_COMM },
	{ "fd.name", KNOW_NAME },
	{ "fd.directory", KNOW_NAME },
	{ "fd.filename", KNOW_NAME },
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* The fields themselves: they are compared by address. */
static const struct field *const *group_fields(void)
{
	static const struct field *fields[GROUPS];

	if (!fields[0])
		for (size_t i = 0; i < GROUPS; i++)
			fields[i] = field_find(catalogue_get(), str_of(groups[i].field));
	return fields;
}

/* Is this field decided by the cgroup alone? Times go on by themselves. */
static bool field_of_cgroup(const struct field *f)
{
	return (strncmp(f->name, "container.", 10) == 0 || strncmp(f->name, "k8s.", 4) == 0) &&
	       f->type != VALUE_DURATION && f->type != VALUE_TIME;
}

/* Of those: is it told by the cgroup's path? The rest comes from files and the cluster, later. */
static bool field_of_path(const struct field *f)
{
	static const char *const names[] = { "container.id", "container.full_id", "container.type",
					     "k8s.pod.uid", "k8s.pod.id" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(f->name, names[i]) == 0)
			return true;
	return false;
}

uint32_t know_group(const struct field_ref *ref)
{
	const struct field *const *fields = group_fields();

	if (field_of_cgroup(ref->field))
		return field_of_path(ref->field) ? KNOW_CGROUP : KNOW_FACTS;
	if (ref->has_index || ref->key.p)
		return 0;
	for (size_t i = 0; i < GROUPS; i++)
		if (fields[i] == ref->field)
			return groups[i].group;
	return 0;
}

static enum judgement judged(bool holds)
{
	return holds ? JUDGE_YES : JUDGE_NO;
}

/* evt.kind and evt.type when only a set of kinds is known. */
static enum judgement kinds_judge(const struct knowledge *k, const struct expr_cond *c)
{
	bool by_kind = strcmp(c->ref->field->name, "evt.kind") == 0;
	uint64_t named = 0;

	if (c->op != EXPR_EQ || strcmp(c->ref->field->name, "evt.dir") == 0)
		return JUDGE_UNKNOWN;
	for (size_t i = 0; i < c->n; i++) {
		const struct kind *kind = by_kind ? kind_find(c->values[i].v.str) : NULL;

		named |= kind	 ? KIND_BIT(kind->id) :
			 by_kind ? 0 :
				   catalogue_type_kinds(c->values[i].v.str);
	}
	if (!(named & k->kinds))
		return JUDGE_NO;
	return by_kind && !(k->kinds & ~named) ? JUDGE_YES : JUDGE_UNKNOWN;
}

/* A whole number of which the range is known. */
static enum judgement range_judge(const struct knowledge *k, const struct expr_cond *c)
{
	int64_t v = c->n ? c->values[0].v.i64 : 0, min = k->ret_min, max = k->ret_max;
	bool some = false;

	switch (c->op) {
	case EXPR_EQ:
		for (size_t i = 0; i < c->n; i++)
			some |= c->values[i].v.i64 >= min && c->values[i].v.i64 <= max;
		return !some ? JUDGE_NO : min == max ? JUDGE_YES : JUDGE_UNKNOWN;
	case EXPR_NE:
		return v < min || v > max ? JUDGE_YES : min == max ? JUDGE_NO : JUDGE_UNKNOWN;
	case EXPR_LT:
		return max < v ? JUDGE_YES : min >= v ? JUDGE_NO : JUDGE_UNKNOWN;
	case EXPR_LE:
		return max <= v ? JUDGE_YES : min > v ? JUDGE_NO : JUDGE_UNKNOWN;
	case EXPR_GT:
		return min > v ? JUDGE_YES : max <= v ? JUDGE_NO : JUDGE_UNKNOWN;
	case EXPR_GE:
		return min >= v ? JUDGE_YES : max < v ? JUDGE_NO : JUDGE_UNKNOWN;
	case EXPR_EXISTS:
		return JUDGE_YES;
	default:
		return JUDGE_UNKNOWN;
	}
}

/* The names of results that have a class of their own. */
static bool res_is_class(struct str name)
{
	return str_eq(name, STR("SUCCESS")) || str_eq(name, STR("EINPROGRESS"));
}

static enum judgement ret_judge(const struct knowledge *k, const struct expr_cond *c)
{
	struct event ev = { .has_ret = true, .ret = k->ret_min };

	if (c->ref->field->type == VALUE_I64)
		return range_judge(k, c);
	/* Its sign is enough for evt.failed, and SUCCESS has one name. */
	if (c->ref->field->type == VALUE_BOOL || k->ret_min >= 0 || k->ret_min == k->ret_max)
		return judged(expr_cond_holds(c, &ev));
	if (c->op != EXPR_EQ)
		return JUDGE_UNKNOWN;
	for (size_t i = 0; i < c->n; i++)
		if (!res_is_class(c->values[i].v.str))
			return JUDGE_UNKNOWN;
	return JUDGE_NO;
}

static enum judgement fd_ret_judge(const struct knowledge *k, const struct expr_cond *c)
{
	struct knowledge failed = *k;

	if (k->ret_max >= 0)
		return range_judge(k, c);
	failed.ret_min = failed.ret_max = -1;
	return range_judge(&failed, c);
}

static enum judgement type_judge(const struct expr_cond *c, enum fd_type type)
{
	struct event ev = { .fd.type = type };

	return judged(expr_cond_holds(c, &ev));
}

/* A descriptor that is no socket may be of many types, but of no socket's. */
static enum judgement no_socket_judge(const struct expr_cond *c)
{
	/* "u" is a userfaultfd too. */
	static const char *const sockets[] = { "ipv4", "ipv6", "unix", "4", "6" };

	if (strcmp(c->ref->field->name, "fd.sockfamily") == 0)
		return JUDGE_NO;
	if (c->op != EXPR_EQ)
		return JUDGE_UNKNOWN;
	for (size_t i = 0; i < c->n; i++) {
		bool socket = false;

		for (size_t n = 0; n < sizeof(sockets) / sizeof(sockets[0]); n++)
			socket |= str_eq(c->values[i].v.str, str_of(sockets[n]));
		if (!socket)
			return JUDGE_UNKNOWN;
	}
	return JUDGE_NO;
}

static enum judgement family_judge(const struct knowledge *k, const struct expr_cond *c)
{
	enum judgement four;

	switch ((enum sock_family)k->family) {
	case FAMILY_IPV4:
		return type_judge(c, FD_IPV4);
	case FAMILY_IPV6:
		four = type_judge(c, FD_IPV4);
		return four == type_judge(c, FD_IPV6) ? four : JUDGE_UNKNOWN;
	case FAMILY_UNIX:
		return type_judge(c, FD_UNIX);
	default:
		return no_socket_judge(c);
	}
}

/* Of what is no socket nothing is said: what holds is not certain. */
static enum judgement peer_judge(const struct knowledge *k, const struct expr_cond *c)
{
	struct event ev = { .fd = { .type = FD_IPV4, .name_changed = k->peer_new } };

	return expr_cond_holds(c, &ev) ? JUDGE_UNKNOWN : JUDGE_NO;
}

/* Addresses and ports are those of IPv4 and IPv6 sockets alone. */
bool know_is_end(const struct field *f)
{
	return strncmp(f->name, "fd.", 3) == 0 && (f->type == VALUE_IP || f->type == VALUE_PORT);
}

bool know_is_arg(const struct field *f, const char *name)
{
	struct str s = str_of(f->name);

	return (str_starts(s, STR("evt.arg.")) && str_eq(str_skip(s, 8), str_of(name))) ||
	       (str_starts(s, STR("evt.rawarg.")) && str_eq(str_skip(s, 11), str_of(name)));
}

/* Whether every value is a text with something in it that no decimal number has. */
static bool values_no_number(const struct expr_cond *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct str s = c->values[i].v.str;
		bool digits = true;

		for (size_t n = 0; n < s.n; n++)
			digits &= s.p[n] >= '0' && s.p[n] <= '9';
		if (digits)
			return false;
	}
	return true;
}

/* An argument whose text is a decimal number that no condition has. */
static enum judgement arg_other_judge(const struct expr_cond *c)
{
	switch (c->op) {
	case EXPR_EQ:
		return JUDGE_NO;
	case EXPR_NE:
	case EXPR_EXISTS:
		return JUDGE_YES;
	case EXPR_CONTAINS:
	case EXPR_STARTSWITH:
	case EXPR_ENDSWITH:
		return c->ref->field->type == VALUE_STR && values_no_number(c) ? JUDGE_NO :
										 JUDGE_UNKNOWN;
	default:
		return JUDGE_UNKNOWN;
	}
}

/* What an open that creates nothing is not. */
static bool create_needed(const struct expr_cond *c)
{
	const char *name = c->ref->field->name;

	if (strcmp(name, "evt.is_open_create") == 0 || strcmp(name, "evt.is_open_exec") == 0)
		return c->op == EXPR_EQ && c->n == 1 && c->values[0].v.b;
	if (strcmp(name, "evt.arg.flags") != 0 ||
	    (c->op != EXPR_EQ && c->op != EXPR_CONTAINS && c->op != EXPR_STARTSWITH &&
	     c->op != EXPR_ENDSWITH))
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (!memmem(c->values[i].v.str.p, c->values[i].v.str.n, "O_CREAT", 7))
			return false;
	return true;
}

/* A value that is none of those the expression names. */
static enum judgement other_judge(const struct expr_cond *c)
{
	switch (c->op) {
	case EXPR_EQ:
		return JUDGE_NO;
	case EXPR_NE:
	case EXPR_EXISTS:
		return JUDGE_YES;
	default:
		return JUDGE_UNKNOWN;
	}
}

enum judgement know_judge(void *ctx, const struct expr_cond *c)
{
	const struct knowledge *k = ctx;
	const struct field *f = c->ref->field;
	uint32_t group;

	if (f->kinds && !(f->kinds & k->kinds))
		return JUDGE_NO; /* absent */
	if (k->arg && know_is_arg(f, k->arg))
		return k->arg_other ? arg_other_judge(c) : judged(expr_cond_holds(c, k->ev));
	if ((k->know & KNOW_ACCESS) && k->no_create && create_needed(c))
		return JUDGE_NO;
	group = know_group(c->ref);
	if (group & k->other)
		return other_judge(c);
	if (group & k->know & KNOW_RET)
		return ret_judge(k, c);
	if (group & k->know & KNOW_FD_RET)
		return fd_ret_judge(k, c);
	if (group & k->know & KNOW_FILE)
		return type_judge(c, FD_FILE);
	if (group & k->know & KNOW_PEER)
		return peer_judge(k, c);
	if (group & k->know & KNOW_FAMILY)
		return family_judge(k, c);
	if (group & k->know)
		return judged(expr_cond_holds(c, k->ev));
	if ((k->know & KNOW_FAMILY) && k->family != FAMILY_IPV4 && k->family != FAMILY_IPV6 &&
	    know_is_end(f))
		return JUDGE_NO;
	if (group == KNOW_TYPE || strcmp(f->name, "evt.kind") == 0)
		return kinds_judge(k, c);
	return JUDGE_UNKNOWN;
}

bool know_possible(const struct expr *x, const struct knowledge *k)
{
	return !x || expr_judge(x, know_judge, (void *)k) != JUDGE_NO;
}
