/*
 * Triggers become patterns. A path is judged only absolute and normal, as fd.name has it; every
 * other one passes.
 */
#include "agent/pushdown_path.h"

#include <errno.h>
#include <stdlib.h>

#include "base/automaton.h"
#include "base/cleanup.h"
#include "probe/syscall/table.h"

_Static_assert(FILTER_PATH_CLASSES == AUTOMATON_CLASSES && FILTER_PATH_BEGIN == AUTOMATON_BEGIN &&
		       FILTER_PATH_STOP == AUTOMATON_STOP && FILTER_PATH_HIT == AUTOMATON_HIT,
	       "the kernel program runs the automaton as it is");

#define PATTERNS_MAX 16384 /* of all clauses; more are not worth a filter */
#define SHORTEST     8	   /* patterns are cut to this before they are given up */

struct patterns {
	struct automaton_pattern *list;
	size_t n;
	uint64_t bit; /* of the clause that adds */
	int err;
};

static void patterns_free(struct patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		free((char *)p->list[i].text.p);
	free(p->list);
}

/* A copy of @before, @s and @after as one pattern. */
static void pattern_put(struct patterns *p, uint32_t bind, const char *before, struct str s,
			const char *after, uint64_t deny)
{
	size_t nb = strlen(before), na = strlen(after);
	struct automaton_pattern *list;
	char *text;

	if (p->err || p->n == PATTERNS_MAX) {
		p->err = p->err ? p->err : -E2BIG;
		return;
	}
	if (p->n == 0 || (p->n >= 64 && !(p->n & (p->n - 1)))) {
		list = realloc(p->list, (p->n ? p->n * 2 : 64) * sizeof(*list));
		p->err = list ? 0 : -ENOMEM;
		if (!list)
			return;
		p->list = list;
	}
	text = malloc(nb + s.n + na + 1);
	if (!text) {
		p->err = -ENOMEM;
		return;
	}
	memcpy(text, before, nb);
	memcpy(text + nb, s.p, s.n);
	memcpy(text + nb + s.n, after, na);
	p->list[p->n++] =
		(struct automaton_pattern){ { text, nb + s.n + na }, bind, deny ? 0 : p->bit, deny };
}

/* The kinds of which every event has its one path, or the one it is about, judged by the kernel. */
static uint64_t path_kinds(void)
{
	static struct sys_row rows[SYS_ROWS];
	uint64_t kinds = 0;

	sys_rows_fill(rows);
	for (size_t i = 0; i < SYS_ROWS; i++)
		if (rows[i].used && rows[i].path[0] != ARG_NONE && rows[i].fd == ARG_NONE)
			kinds |= KIND_BIT(rows[i].kind);
	return kinds;
}

enum part {
	PART_NONE,
	PART_NAME,
	PART_DIRECTORY,
	PART_FILENAME,
};

static enum part part_of(const struct field_ref *ref)
{
	static const char *const names[] = {
		[PART_NAME] = "fd.name",
		[PART_DIRECTORY] = "fd.directory",
		[PART_FILENAME] = "fd.filename",
	};

	if (know_group(ref) == KNOW_NAME)
		for (size_t i = PART_NAME; i <= PART_FILENAME; i++)
			if (strcmp(ref->field->name, names[i]) == 0)
				return (enum part)i;
	return PART_NONE;
}

static bool trigger_usable(void *ctx, const struct expr_cond *c)
{
	(void)ctx;
	return part_of(c->ref) != PART_NONE && (c->op == EXPR_EQ || c->op == EXPR_STARTSWITH ||
						c->op == EXPR_ENDSWITH || c->op == EXPR_CONTAINS);
}

int paths_triggers(const struct pushdown_clause *c, trigger_add_fn add, void *ctx)
{
	return triggers_find(c, path_kinds(), trigger_usable, add, ctx);
}

static void name_put(struct patterns *p, enum expr_op op, struct str s)
{
	uint32_t bind = op == EXPR_EQ	      ? AUTOMATON_START | AUTOMATON_END :
			op == EXPR_STARTSWITH ? AUTOMATON_START :
			op == EXPR_ENDSWITH   ? AUTOMATON_END :
						0;

	pattern_put(p, bind, "", s, "", 0);
}

/* The directory is the path up to its last slash, or that slash. */
static void directory_put(struct patterns *p, enum expr_op op, struct str s)
{
	if (op == EXPR_EQ)
		pattern_put(p, AUTOMATON_DIRECTORY, "", s, "", 0);
	else if (op == EXPR_STARTSWITH)
		pattern_put(p, AUTOMATON_START, "", s, "", 0);
	else if (op == EXPR_ENDSWITH && !str_eq(s, STR("/")))
		pattern_put(p, 0, "", s, "/", 0);
	else
		pattern_put(p, 0, "", s, "", 0);
}

static void filename_put(struct patterns *p, enum expr_op op, struct str s)
{
	if (op == EXPR_EQ)
		pattern_put(p, AUTOMATON_END, "/", s, "", 0);
	else if (op == EXPR_STARTSWITH)
		pattern_put(p, 0, "/", s, "", 0);
	else
		pattern_put(p, op == EXPR_ENDSWITH ? AUTOMATON_END : 0, "", s, "", 0);
}

static void trigger_add(void *ctx, const struct expr_cond *c)
{
	void (*const put[])(struct patterns *p, enum expr_op op, struct str s) = {
		[PART_NAME] = name_put,
		[PART_DIRECTORY] = directory_put,
		[PART_FILENAME] = filename_put,
	};

	for (size_t i = 0; i < c->n; i++)
		put[part_of(c->ref)](ctx, c->op, c->values[i].v.str);
}

/* Paths by name */

struct literals {
	struct patterns *to;
	const struct clause *clause;
	uint64_t kinds;
};

static bool literal_possible(const struct clause *c, struct str path, uint64_t kinds)
{
	static const enum fd_type types[] = { FD_FILE, FD_DIR };
	struct event ev = { .fd.name = path };
	struct knowledge know = { .kinds = c->c.kinds & kinds, .know = KNOW_NAME, .ev = &ev };
	bool possible = false;

	for (size_t i = 0; i < 2; i++) {
		ev.fd.type = types[i];
		possible |= clause_possible(c, &know);
	}
	return possible;
}

static enum judgement literal_collect(void *ctx, const struct expr_cond *c)
{
	struct literals *l = ctx;

	if (part_of(c->ref) != PART_NAME || (c->op != EXPR_EQ && c->op != EXPR_NE))
		return JUDGE_UNKNOWN;
	for (size_t i = 0; i < c->n; i++) {
		struct str path = c->values[i].v.str;

		if (path.n && path.n <= PATH_PATTERN_MAX && path.p[0] == '/' &&
		    !literal_possible(l->clause, path, l->kinds))
			pattern_put(l->to, AUTOMATON_START | AUTOMATON_END, "", path, "",
				    l->clause->bit);
	}
	return JUDGE_UNKNOWN;
}

/* Only a clause that has its bit for itself can be denied one path. */
static void literals_put(const struct clause *c, uint64_t kinds, struct patterns *p)
{
	struct literals l = { .to = p, .clause = c, .kinds = kinds };

	if (c->c.where)
		expr_judge(c->c.where, literal_collect, &l);
	if (c->c.scope)
		expr_judge(c->c.scope, literal_collect, &l);
}

/* The table */

/* Cuts patterns to @max bytes: they are found more often then. */
static void patterns_cut(struct patterns *p, size_t max)
{
	for (size_t i = 0; i < p->n; i++) {
		struct automaton_pattern *one = &p->list[i];

		if (one->text.n <= max)
			continue;
		one->deny = 0;
		if (one->bind == AUTOMATON_END) {
			/* The text is freed by its first byte: what is kept goes there. */
			memmove((char *)one->text.p, one->text.p + one->text.n - max, max);
		} else if (one->bind) {
			one->bind = AUTOMATON_START;
		}
		one->text.n = max;
	}
}

static int table_make(struct patterns *p, struct automaton *ret)
{
	int err = -E2BIG;

	for (size_t max = PATH_PATTERN_MAX; err == -E2BIG && max >= SHORTEST; max /= 2) {
		struct automaton a;

		patterns_cut(p, max);
		err = automaton_make(p->list, p->n, true, &a);
		if (!err && a.n > FILTER_PATH_STATES) {
			automaton_free(&a);
			err = -E2BIG;
		}
		if (!err)
			*ret = a;
	}
	return err;
}

static bool pattern_is_head(const struct automaton_pattern *p)
{
	return p->bind & (AUTOMATON_START | AUTOMATON_DIRECTORY);
}

/* Room for a head of these bytes: the one there is, or a new one; NULL: all are taken. */
static struct path_head *head_find(struct path_head *heads, uint64_t word, uint64_t mask)
{
	for (size_t i = 0; i < FILTER_PATH_HEADS; i++)
		if (!heads[i].clauses || (heads[i].word == word && heads[i].mask == mask))
			return &heads[i];
	return NULL;
}

/* Paths of which only the beginning is asked are mostly told from others by their first bytes. */
static void heads_write(const struct patterns *p, struct filter_path *to)
{
	uint64_t headed = 0;

	memset(to->head, 0, sizeof(to->head));
	for (size_t i = 0; i < p->n; i++)
		headed |= p->list[i].mask;
	for (size_t i = 0; i < p->n; i++) {
		const struct automaton_pattern *one = &p->list[i];
		size_t n = one->text.n < sizeof(uint64_t) ? one->text.n : sizeof(uint64_t);
		uint64_t word = 0, mask = 0;
		struct path_head *head;

		if (!one->mask)
			continue;
		memcpy(&word, one->text.p, n);
		memset(&mask, 0xff, n);
		head = pattern_is_head(one) ? head_find(to->head, word, mask) : NULL;
		if (!head) {
			headed &= ~one->mask;
			continue;
		}
		head->word = word;
		head->mask = mask;
		head->clauses |= one->mask;
	}
	/* An unused head has no bytes, and so fits any path: it has no clauses. */
	to->headed = headed;
}

static void table_write(const struct automaton *a, struct filter_path *to)
{
	memcpy(to->class, a->class, sizeof(to->class));
	to->cut = a->cut;
	memcpy(to->next, a->next, a->n * sizeof(*a->next));
	for (uint32_t i = 0; i < a->n; i++) {
		to->out[i].hit = a->out[i].hit;
		to->out[i].deny = a->out[i].deny;
	}
}

/* Bits that only one clause has. */
static uint64_t bits_alone(const struct clause *list, size_t n)
{
	uint64_t seen = 0, twice = 0;

	for (size_t i = 0; i < n; i++) {
		twice |= seen & list[i].bit;
		seen |= list[i].bit;
	}
	return ~twice;
}

int paths_judge(const struct clause *list, size_t n, struct filter_path *table, uint64_t *ret_clears)
{
	_cleanup_(patterns_free) struct patterns p = { 0 };
	_cleanup_(automaton_free) struct automaton a = { 0 };
	uint64_t kinds = path_kinds(), alone = bits_alone(list, n), passes = 0, used = 0;

	for (size_t i = 0; i < n; i++) {
		int got;

		if (!(list[i].c.kinds & kinds))
			continue;
		used |= list[i].bit;
		p.bit = list[i].bit;
		got = paths_triggers(&list[i].c, trigger_add, &p);
		if (got == 0 || got < -1)
			passes |= list[i].bit;
		else if (list[i].bit & alone)
			literals_put(&list[i], kinds, &p);
	}
	*ret_clears = 0;
	if (!p.err && (used & ~passes))
		p.err = table_make(&p, &a);
	if (p.err || !(used & ~passes))
		return p.err == -E2BIG ? 0 : p.err;
	table_write(&a, table);
	heads_write(&p, table);
	*ret_clears = used & ~passes;
	return 0;
}
