/* The same judgements as for the kernel's maps, of one clause, in words. */
#include <stdlib.h>

#include "agent/pushdown_ends.h"
#include "agent/pushdown_keys.h"
#include "agent/pushdown_path.h"
#include "base/cleanup.h"

/* Names of a list that are shown; the rest are counted. */
#define NAMES_SHOWN 12

struct names {
	struct buf *b;
	size_t n;
};

static void name_add(struct names *l, struct str name)
{
	if (l->n++ < NAMES_SHOWN) {
		buf_str(l->b, l->n > 1 ? STR(", ") : STR(""));
		buf_text(l->b, name);
	}
}

static void names_end(struct names *l)
{
	if (l->n > NAMES_SHOWN)
		buf_printf(l->b, " and %zu more", l->n - NAMES_SHOWN);
	buf_char(l->b, '\n');
}

static void kinds_explain(uint64_t kinds, struct buf *b)
{
	struct names l = { b, 0 };

	buf_str(b, STR("kinds: "));
	for (size_t k = 0; k < KIND_COUNT; k++)
		if (kinds & KIND_BIT(k)) {
			buf_str(b, l.n++ ? STR(", ") : STR(""));
			buf_str(b, kind_table[k].name);
			if (KIND_BIT(k) & KINDS_LIFE)
				buf_str(b, STR(" (always all)"));
		}
	buf_char(b, '\n');
}

static void part_add(struct buf *b, bool *any, const char *before, const char *part)
{
	buf_printf(b, "%s%s", *any ? " or " : before, part);
	*any = true;
}

/* With which results and modes a call passes. */
static void ways_explain(const struct filter_call *f, struct buf *b)
{
	static const char *const results[] = { "0 to 2", "3 and more", "EINPROGRESS", "failed" };
	static const char *const opens[] = { "to read", "to write", "to read and write",
					     "with mode 3" };
	static const char *const peers[] = { "with the same peer", "with another peer" };
	bool any = false, by_peer = f->access == CALL_BY_PEER;
	unsigned ended = 0, ways = 0, creates = 0;
	unsigned places = f->access == CALL_NO_ARG ? 1 : by_peer ? 2 : CALL_ACCESS;

	for (unsigned r = 0; r < RESULT_COUNT; r++)
		for (unsigned a = 0; a < places; a++)
			if (f->mask[r][a] & 1) {
				ended |= 1u << r;
				ways |= 1u << (a & 3);
				creates |= a & CALL_CREATES ? 2 : 1;
			}
	if ((ended & 3) == 3) {
		part_add(b, &any, ", ", ended == 15 ? "any result" : "successful");
		ended = ended == 15 ? 0 : ended & ~3u;
	}
	for (unsigned r = 0; r < RESULT_COUNT; r++)
		if (ended & (1u << r))
			part_add(b, &any, ", ", results[r]);
	any = false;
	places = places > 4 ? 4 : places;
	for (unsigned a = 0; a < places && ways + 1 != 1u << places; a++)
		if (ways & (1u << a))
			part_add(b, &any, ", ", by_peer ? peers[a] : opens[a]);
	if (f->access != CALL_NO_ARG && !by_peer && creates < 3)
		buf_printf(b, ", %s", creates == 2 ? "that may create" : "that creates nothing");
}

static bool call_passes(const struct filter_call *f)
{
	for (unsigned r = 0; r < RESULT_COUNT; r++)
		for (unsigned a = 0; a < CALL_ACCESS; a++)
			if (f->mask[r][a] & 1)
				return true;
	return false;
}

/* The values with which it passes, or those with which it does not. */
static void arg_explain(const struct call_masks *m, uint32_t nr, const struct filter_call *f,
			struct buf *b)
{
	struct names l = { b, 0 };

	if (f->arg == CALL_NO_ARG)
		return;
	buf_printf(b, ", with%s ", f->arg_other & 1 ? "out" : "");
	for (size_t i = 0; i < m->narg; i++) {
		const char *name = calls_arg_name(nr, m->arg[i].value);
		char number[16];

		if (m->arg[i].nr != nr || (m->arg[i].mask & 1) == (f->arg_other & 1))
			continue;
		snprintf(number, sizeof(number), "%u", m->arg[i].value);
		if (l.n++ < NAMES_SHOWN)
			buf_printf(b, "%s%s", l.n > 1 ? " or " : "", name ? name : number);
	}
	if (l.n > NAMES_SHOWN)
		buf_printf(b, " and %zu more", l.n - NAMES_SHOWN);
}

static void calls_explain(const struct call_masks *m, struct buf *b)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!call_passes(&m->call[i].filter))
			continue;
		buf_printf(b, "call: %s", calls_name(m->call[i].nr));
		ways_explain(&m->call[i].filter, b);
		arg_explain(m, m->call[i].nr, &m->call[i].filter, b);
		buf_char(b, '\n');
	}
}

static void families_explain(const struct call_masks *m, struct buf *b)
{
	static const char *const names[] = { "none or another", "ipv4", "ipv6", "unix" };
	struct names l = { b, 0 };
	size_t passing = 0;

	for (int f = 0; f < FAMILY_COUNT; f++)
		passing += m->family[f] & 1;
	if (passing == FAMILY_COUNT)
		return;
	buf_str(b, STR("sockets: "));
	for (int f = 0; f < FAMILY_COUNT; f++)
		if (m->family[f] & 1)
			name_add(&l, str_of(names[f]));
	names_end(&l);
}

static void key_name(const struct keys *k, const struct key *key, struct names *l)
{
	char text[16];
	uint32_t n;

	if (k->group == KNOW_COMM) {
		name_add(l, str_fixed(key->bytes, KEY_BYTES));
		return;
	}
	memcpy(&n, key->bytes, sizeof(n));
	snprintf(text, sizeof(text), "%u", n);
	name_add(l, str_of(text));
}

static void keys_explain(const struct pushdown_clause *c, uint32_t group, const char *what,
			 struct buf *b)
{
	_cleanup_(keys_free) struct keys k = { .group = group };
	struct names l = { b, 0 };
	int err = c->tree && group == KNOW_PID ? keys_tree(&k, 1, c->pid) :
						 keys_clause(&k, 0, 1, c->kinds, c->where, c->scope);

	if (err || !keys_clears(&k))
		return;
	buf_printf(b, "%s: %s", what, k.other & 1 ? "not " : "only ");
	for (size_t i = 0; i < k.n; i++)
		if ((k.list[i].mask & 1) != (k.other & 1))
			key_name(&k, &k.list[i], &l);
	if (c->tree && group == KNOW_PID)
		buf_str(b, STR(" and its descendants"));
	names_end(&l);
}

static void trigger_name(void *ctx, const struct expr_cond *c)
{
	struct names *l = ctx;

	for (size_t i = 0; i < c->n; i++) {
		if (l->n < NAMES_SHOWN)
			buf_printf(l->b, "%s%s %s ", l->n ? ", " : "", c->ref->field->name,
				   op_name(c->op));
		if (l->n++ < NAMES_SHOWN)
			buf_text(l->b, c->values[i].v.str);
	}
}

static void end_name(void *ctx, const struct expr_cond *c)
{
	struct names *l = ctx;

	for (size_t i = 0; i < c->n; i++) {
		if (l->n < NAMES_SHOWN)
			buf_printf(l->b, "%s%s = ", l->n ? ", " : "", c->ref->field->name);
		if (l->n++ >= NAMES_SHOWN)
			continue;
		value_text(l->b, &c->values[i].v);
		if (c->ref->field->type == VALUE_IP && c->values[i].bits < c->values[i].v.ip.len * 8)
			buf_printf(l->b, "/%u", c->values[i].bits);
	}
}

static void ends_explain(const struct pushdown_clause *c, struct buf *b)
{
	struct names l = { b, 0 };
	size_t before = b->n;

	buf_str(b, STR("connections with: "));
	if (ends_triggers(c, end_name, &l) == 1)
		names_end(&l);
	else
		b->n = before;
}

static void paths_explain(const struct pushdown_clause *c, struct buf *b)
{
	struct names l = { b, 0 };
	size_t before = b->n;
	int got;

	buf_str(b, STR("paths: "));
	got = paths_triggers(c, trigger_name, &l);
	if (got == 1)
		names_end(&l);
	else
		b->n = before;
}

void pushdown_explain(const struct pushdown_clause *c, struct buf *b)
{
	struct clause one = { .c = *c, .bit = 1 };
	_cleanup_(freep) struct call_masks *m = NULL;

	kinds_explain(c->kinds, b);
	one.c.kinds &= ~KINDS_LIFE;
	if (!one.c.kinds)
		return;
	m = calls_judge(&one, 1, 1);
	if (m)
		calls_explain(m, b);
	keys_explain(&one.c, KNOW_PID, "processes", b);
	keys_explain(&one.c, KNOW_UID, "users", b);
	if (clause_by_cgroup(&one.c))
		buf_str(b, STR("cgroups: by container and pod\n"));
	keys_explain(&one.c, KNOW_COMM, "command names", b);
	if (m)
		families_explain(m, b);
	ends_explain(&one.c, b);
	paths_explain(&one.c, b);
}
