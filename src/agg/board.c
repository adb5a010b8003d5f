/*
 * The board: a table of cgroups, each with the kernel's last values, and rows made of it by sorting
 * the cgroups by who they belong to. Memory: about 1.7 KiB a cgroup, half as much a row.
 */
#include "agg/board.h"

#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/cleanup.h"

struct node {
	struct board_cgroup c; /* first */
	uint64_t id;
	UT_hash_handle hh;
};

/* A cgroup of this tick with what it is grouped by. */
struct member {
	enum board_scope scope;
	struct str key;
	struct node *node;
};

struct board {
	struct node *nodes;
	struct boot_ns now, before;
	struct board_row gone; /* totals of what is not in `nodes` any more, or never was */
	uint64_t full;
	struct member *members;
	struct board_row *rows;
	size_t cap; /* of both */
};

int board_new(struct board **ret)
{
	struct board *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	*ret = b;
	return 0;
}

void board_free(struct board *b)
{
	struct node *n, *next;

	if (!b)
		return;
	HASH_ITER(hh, b->nodes, n, next) {
		HASH_DEL(b->nodes, n);
		free(n);
	}
	free(b->members);
	free(b->rows);
	free(b);
}

static void counts_add(struct board_count *to, const struct board_count *from)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		to[i].events += from[i].events;
		to[i].errors += from[i].errors;
	}
}

static void node_forget(struct board *b, struct node *n)
{
	counts_add(b->gone.now, n->c.now);
	counts_add(b->gone.total, n->c.total);
	b->gone.cpu_ns += n->c.cpu_ns;
	b->gone.cpu_total_ns += n->c.cpu_total_ns;
	HASH_DEL(b->nodes, n);
	free(n);
}

void board_begin(struct board *b, struct boot_ns now, bool fresh)
{
	struct node *n, *next;

	if (fresh) {
		b->before = b->now;
		memset(b->gone.now, 0, sizeof(b->gone.now));
		b->gone.cpu_ns = 0;
	}
	b->now = now;
	b->full = 0;
	HASH_ITER(hh, b->nodes, n, next) {
		struct board_cgroup *c = &n->c;

		if (fresh) {
			memset(c->now, 0, sizeof(c->now));
			c->cpu_ns = 0;
			c->has_cpu = false;
		}
		/* Neither counted nor alive in the last tick: it is no more. */
		if (!c->cgroup) {
			node_forget(b, n);
			continue;
		}
		memset(c->seen, 0, sizeof(c->seen));
		c->cgroup = NULL;
		c->procs = 0;
		c->memory_bytes = 0;
		c->has_memory = false;
	}
}

static struct node *node_get(struct board *b, const struct cgroup *cg)
{
	struct node *n = NULL;

	HASH_FIND(hh, b->nodes, &cg->id, sizeof(cg->id), n);
	if (!n && HASH_COUNT(b->nodes) < BOARD_CGROUPS_MAX) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return NULL;
		n->id = cg->id;
		HASH_ADD(hh, b->nodes, id, sizeof(n->id), n);
	}
	if (n)
		n->c.cgroup = cg;
	return n;
}

void board_count(struct board *b, const struct cgroup *cg, enum kind_id kind, uint64_t events,
		 uint64_t errors)
{
	struct node *n = node_get(b, cg);

	if (!n) {
		b->full++;
	} else if (kind < KIND_COUNT) {
		n->c.seen[kind].events += events;
		n->c.seen[kind].errors += errors;
	}
}

void board_process(struct board *b, const struct cgroup *cg)
{
	struct node *n = node_get(b, cg);

	if (n)
		n->c.procs++;
	else
		b->full++;
}

/* What was counted since; a value that fell was deleted and began again. */
static uint64_t since(uint64_t last, uint64_t seen)
{
	return seen >= last ? seen - last : seen;
}

void board_end(struct board *b)
{
	struct node *n, *next;

	HASH_ITER(hh, b->nodes, n, next) {
		struct board_cgroup *c = &n->c;
		struct board_count delta[KIND_COUNT];

		for (size_t i = 0; i < KIND_COUNT; i++) {
			delta[i].events = since(c->last[i].events, c->seen[i].events);
			delta[i].errors = since(c->last[i].errors, c->seen[i].errors);
		}
		memcpy(c->last, c->seen, sizeof(c->last));
		counts_add(c->now, delta);
		counts_add(c->total, delta);
		c->idle_ticks = board_events(delta) || c->procs ? 0 : c->idle_ticks + 1;
	}
}

void board_cpu(struct board_cgroup *c, uint64_t delta_ns)
{
	c->has_cpu = true;
	c->cpu_ns += delta_ns;
	c->cpu_total_ns += delta_ns;
}

void board_memory(struct board_cgroup *c, uint64_t bytes)
{
	c->has_memory = true;
	c->memory_bytes += bytes;
}

void board_each(struct board *b, int (*each)(void *ctx, struct board_cgroup *c), void *ctx)
{
	struct node *n, *next;

	HASH_ITER(hh, b->nodes, n, next)
		if (n->c.cgroup && each(ctx, &n->c))
			return;
}

uint64_t board_idle(const struct board *b, uint64_t cgroup)
{
	struct node *n = NULL;

	HASH_FIND(hh, b->nodes, &cgroup, sizeof(cgroup), n);
	return n ? n->c.idle_ticks : 0;
}

void board_forget(struct board *b, uint64_t cgroup)
{
	struct node *n = NULL;

	HASH_FIND(hh, b->nodes, &cgroup, sizeof(cgroup), n);
	if (n)
		memset(n->c.last, 0, sizeof(n->c.last));
}

/* Whom a cgroup is shown under. */
static void member_set(struct member *m, struct node *n, enum board_by by)
{
	const struct cgroup *cg = n->c.cgroup;

	*m = (struct member){ BOARD_CGROUP, { (const char *)&n->id, sizeof(n->id) }, n };
	if (by == BOARD_BY_CGROUP)
		return;
	if (by == BOARD_BY_POD && cg->pod) {
		m->scope = BOARD_POD;
		m->key = cg->pod->uid;
	} else if (by != BOARD_BY_UNIT && cg->container) {
		m->scope = BOARD_CONTAINER;
		m->key = cg->container->id;
	} else if (by == BOARD_BY_CONTAINER && cg->pod) {
		m->scope = BOARD_POD;
		m->key = cg->pod->uid;
	} else if (cg->unit.n) {
		m->scope = BOARD_UNIT;
		m->key = cg->unit;
	}
}

static int member_cmp(const void *pa, const void *pb)
{
	const struct member *a = pa, *b = pb;

	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	return str_cmp(a->key, b->key);
}

/* Room for a row per cgroup. */
static int rows_room(struct board *b)
{
	size_t n = HASH_COUNT(b->nodes);
	struct member *members;
	struct board_row *rows;

	if (n <= b->cap)
		return 0;
	n += n / 2 + 16;
	members = realloc(b->members, n * sizeof(*members));
	if (!members)
		return -ENOMEM;
	b->members = members;
	rows = realloc(b->rows, n * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	b->rows = rows;
	b->cap = n;
	return 0;
}

static void row_add(struct board_row *r, const struct board_cgroup *c)
{
	r->cgroups++;
	r->procs += c->procs;
	counts_add(r->now, c->now);
	counts_add(r->total, c->total);
	r->cpu_ns += c->cpu_ns;
	r->cpu_total_ns += c->cpu_total_ns;
	r->memory_bytes += c->memory_bytes;
	r->has_cpu |= c->has_cpu;
	r->has_memory |= c->has_memory;
}

static uint64_t weight(const struct board_row *r, enum board_sort sort)
{
	switch (sort) {
	case BOARD_SORT_CPU:
		return r->cpu_ns;
	case BOARD_SORT_MEMORY:
		return r->memory_bytes;
	case BOARD_SORT_PROCS:
		return r->procs;
	case BOARD_SORT_EXECS:
		return board_done(r->now, KIND_EXEC);
	case BOARD_SORT_OPENS:
		return board_done(r->now, KIND_OPEN);
	case BOARD_SORT_CONNS:
		return board_conns(r->now);
	case BOARD_SORT_ERRORS:
		return board_errors(r->now);
	case BOARD_SORT_EVENTS:
		return board_events(r->now);
	case BOARD_SORT_NAME:
		return 0;
	case BOARD_SORT_BUSY:
		break;
	}
	return r->cpu_ns + BOARD_EVENT_NS * board_events(r->now);
}

static int name_cmp(const struct board_row *a, const struct board_row *b)
{
	const struct pod *pa = a->cgroup->pod, *pb = b->cgroup->pod;
	int c = pa && pb ? str_cmp(pa->ns, pb->ns) : !pa - !pb;

	if (!c && pa && pb)
		c = str_cmp(pa->name, pb->name);
	if (!c && a->cgroup->container && b->cgroup->container)
		c = str_cmp(a->cgroup->container->name, b->cgroup->container->name);
	return c ? c : str_cmp(a->cgroup->path, b->cgroup->path);
}

static int row_cmp(const void *pa, const void *pb, void *arg)
{
	const struct board_row *a = pa, *b = pb;
	uint64_t wa = weight(a, *(enum board_sort *)arg), wb = weight(b, *(enum board_sort *)arg);

	if (wa != wb)
		return wa > wb ? -1 : 1;
	return name_cmp(a, b);
}

static bool row_idle(const struct board_row *r)
{
	return !r->procs && !board_events(r->now) && !r->cpu_ns;
}

long board_rows(struct board *b, enum board_by by, enum board_sort sort, const struct board_row **ret)
{
	size_t n = 0, rows = 0;
	struct node *node, *next;

	if (rows_room(b) != 0)
		return -ENOMEM;
	HASH_ITER(hh, b->nodes, node, next)
		if (node->c.cgroup)
			member_set(&b->members[n++], node, by);
	if (n)
		qsort(b->members, n, sizeof(*b->members), member_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || member_cmp(&b->members[i - 1], &b->members[i]) != 0) {
			rows -= rows && row_idle(&b->rows[rows - 1]);
			b->rows[rows++] =
				(struct board_row){ .scope = b->members[i].scope,
						    .cgroup = b->members[i].node->c.cgroup };
		}
		row_add(&b->rows[rows - 1], &b->members[i].node->c);
	}
	rows -= rows && row_idle(&b->rows[rows - 1]);
	if (rows)
		qsort_r(b->rows, rows, sizeof(*b->rows), row_cmp, &sort);
	*ret = b->rows;
	return (long)rows;
}

void board_sum(const struct board *b, struct board_row *ret)
{
	struct board_row sum = b->gone;
	struct node *n, *next;

	HASH_ITER(hh, b->nodes, n, next)
		row_add(&sum, &n->c);
	*ret = sum;
}

uint64_t board_interval_ns(const struct board *b)
{
	return b->before.ns ? b->now.ns - b->before.ns : 0;
}

uint64_t board_full(const struct board *b)
{
	return b->full;
}

uint64_t board_done(const struct board_count *c, enum kind_id kind)
{
	return c[kind].events > c[kind].errors ? c[kind].events - c[kind].errors : 0;
}

uint64_t board_conns(const struct board_count *c)
{
	return board_done(c, KIND_CONNECT) + board_done(c, KIND_ACCEPT);
}

uint64_t board_errors(const struct board_count *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < KIND_COUNT; i++)
		n += i == KIND_EXIT ? 0 : c[i].errors;
	return n;
}

uint64_t board_events(const struct board_count *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < KIND_COUNT; i++)
		n += c[i].events;
	return n;
}

static const char *const by_words[] = { "container", "pod", "unit", "cgroup" };
static const char *const sort_words[] = { "busy",  "cpu",   "memory", "procs",	"execs",
					  "opens", "conns", "errors", "events", "name" };

static bool word_find(const char *word, const char *const *words, size_t n, size_t *ret)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

bool board_by_parse(const char *word, enum board_by *ret)
{
	size_t at = 0;
	bool found = word_find(word, by_words, sizeof(by_words) / sizeof(by_words[0]), &at);

	if (found)
		*ret = (enum board_by)at;
	return found;
}

bool board_sort_parse(const char *word, enum board_sort *ret)
{
	size_t at = 0;
	bool found = word_find(word, sort_words, sizeof(sort_words) / sizeof(sort_words[0]), &at);

	if (found)
		*ret = (enum board_sort)at;
	return found;
}
