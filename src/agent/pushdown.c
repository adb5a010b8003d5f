/*
 * Clauses become bits, and each dimension a few masks: what a key (a call and its result, a process,
 * a cgroup) leaves of them. While maps change, ctl lets everything pass; the old maps are touched
 * only when no program can still be reading them by the old ctl.
 */
#include "agent/pushdown.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/outside.h"
#include "agent/pushdown_calls.h"
#include "agent/pushdown_ends.h"
#include "agent/pushdown_keys.h"
#include "agent/pushdown_path.h"
#include "agent/subject.h"
#include "base/cleanup.h"
#include "base/hash.h"

/* Cgroups whose verdict is remembered; a power of two. */
#define JUDGED_MAX	    16384
#define JUDGED_FULL	    (JUDGED_MAX / 4 * 3)
#define SETTLE_US	    20000 /* where the kernel cannot be asked to wait for running programs */
#define LIFE_OR_NONE(kinds) (((kinds) & ~KINDS_LIFE) == 0)

struct judged {
	uint64_t id, of; /* of: what it was judged by, never 0 */
};

struct bits {
	struct clause *list;
	size_t n;
	uint64_t used, by_cgroup;
	struct keys pid, uid, comm;
	struct judged *judged;
	size_t njudged;
};

static void bits_free(struct bits *b)
{
	if (!b)
		return;
	keys_free(&b->pid);
	keys_free(&b->uid);
	keys_free(&b->comm);
	free(b->list);
	free(b->judged);
	free(b);
}

static void bits_freep(struct bits **b)
{
	bits_free(*b);
}

struct pushdown_clause pushdown_of_query(const struct query *q)
{
	return (struct pushdown_clause){ q->kinds, q->where,	      q->scope,
					 q->pid,   q->pid && q->tree, q->shown };
}

/* Bits */

static int by_kinds(const void *a, const void *b)
{
	const struct clause *x = a, *y = b;

	return x->c.kinds < y->c.kinds ? -1 : x->c.kinds > y->c.kinds;
}

/* A clause of life kinds alone needs no bit. */
static int bits_new(const struct pushdown_clause *list, size_t n, struct bits **ret)
{
	_cleanup_(bits_freep) struct bits *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->list = calloc(n + 1, sizeof(*b->list));
	b->judged = calloc(JUDGED_MAX, sizeof(*b->judged));
	if (!b->list || !b->judged)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!LIFE_OR_NONE(list[i].kinds)) {
			b->list[b->n].c = list[i];
			b->list[b->n++].c.kinds &= ~KINDS_LIFE;
		}
	/* Those that share a bit should be of the same kinds. */
	if (b->n > FILTER_CLAUSES)
		qsort(b->list, b->n, sizeof(*b->list), by_kinds);
	for (size_t i = 0; i < b->n; i++) {
		size_t at = b->n > FILTER_CLAUSES ? i * FILTER_CLAUSES / b->n : i;

		b->list[i].bit = 1ull << at;
		b->used |= b->list[i].bit;
	}
	b->pid.group = KNOW_PID;
	b->uid.group = KNOW_UID;
	b->comm.group = KNOW_COMM;
	*ret = take_ptr(b);
	return 0;
}

static int bits_keys(struct bits *b)
{
	int err = 0;

	for (size_t i = 0; !err && i < b->n; i++) {
		const struct pushdown_clause *c = &b->list[i].c;
		uint64_t bit = b->list[i].bit;

		err = c->tree ? keys_tree(&b->pid, bit, c->pid) :
				keys_clause(&b->pid, i, bit, c->kinds, c->where, c->scope);
		if (!err)
			err = keys_clause(&b->uid, i, bit, c->kinds, c->where, c->scope);
		if (!err)
			err = keys_clause(&b->comm, i, bit, c->kinds, c->where, c->scope);
		if (clause_by_cgroup(c))
			b->by_cgroup |= bit;
	}
	return err;
}

/* Maps */

static int map_put(struct pushdown *p, enum shared_map map, const void *key, const void *value)
{
	int fd = live_map(p->source, map);

	return fd < 0 || bpf_map_update_elem(fd, key, value, BPF_ANY) == 0 ? 0 : -errno;
}

static void map_clear(struct pushdown *p, enum shared_map map, size_t key_bytes)
{
	int fd = live_map(p->source, map);
	char key[sizeof(struct filter_net)];

	while (key_bytes <= sizeof(key) && bpf_map_get_next_key(fd, NULL, key) == 0)
		if (bpf_map_delete_elem(fd, key) != 0)
			return;
}

static int keys_put(struct pushdown *p, enum shared_map map, enum filter_dim dim,
		    const struct keys *k)
{
	int err = 0;

	p->ctl.dim[dim] = keys_clears(k);
	p->ctl.other[dim] = ~k->used | k->other;
	for (size_t i = 0; !err && p->ctl.dim[dim] && i < k->n; i++)
		err = map_put(p, map, k->list[i].bytes, &k->list[i].mask);
	return err;
}

static int calls_put(struct pushdown *p, const struct bits *b)
{
	struct call_masks *m = calls_judge(b->list, b->n, b->used);
	int err = m ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < m->n; i++)
		err = map_put(p, MAP_f_call, &m->call[i].nr, &m->call[i].filter);
	if (!err) {
		memcpy(p->ctl.family, m->family, sizeof(p->ctl.family));
		for (size_t i = 0; i < FAMILY_COUNT; i++)
			p->ctl.dim[DIM_FAMILY] |= ~m->family[i] & b->used;
		p->ctl.dim[DIM_CALL] = live_map(p->source, MAP_f_call) < 0 ? 0 : b->used;
		p->ctl.dim[DIM_ARG] = m->args;
	}
	for (size_t i = 0; !err && i < m->narg; i++) {
		uint64_t key = FILTER_ARG_KEY(m->arg[i].nr, m->arg[i].value);

		err = map_put(p, MAP_f_arg, &key, &m->arg[i].mask);
	}
	free(m);
	return err;
}

static int ends_put(struct pushdown *p, const struct bits *b)
{
	struct ends *e = ends_judge(b->list, b->n);
	int err = e ? 0 : -ENOMEM;

	for (size_t i = 0; !err && e->clears && i < e->nports; i++)
		err = map_put(p, MAP_f_port, &e->port[i].port, &e->port[i].mask);
	for (size_t i = 0; !err && e->clears && i < e->nnets; i++)
		err = map_put(p, MAP_f_net, &e->net[i].net, &e->net[i].mask);
	if (!err) {
		p->ctl.dim[DIM_ENDS] = e->clears;
		p->ctl.other[DIM_ENDS] = ~e->clears;
	}
	free(e);
	return err;
}

static int paths_put(struct pushdown *p, const struct bits *b)
{
	struct filter_path *table = live_paths(p->source);
	uint64_t clears = 0;
	int err = table ? paths_judge(b->list, b->n, table, &clears) : 0;

	p->ctl.dim[DIM_PATH] = clears;
	p->ctl.other[DIM_PATH] = ~clears;
	return err;
}

static void kinds_put(struct pushdown *p, const struct bits *b)
{
	for (uint32_t k = 0; k < KIND_COUNT; k++) {
		struct knowledge know = { .kinds = KIND_BIT(k) };
		uint64_t wanted_by = 0;

		p->ctl.clauses[k] = 0;
		for (size_t i = 0; i < b->n; i++) {
			if (!(b->list[i].c.kinds & KIND_BIT(k)))
				continue;
			wanted_by |= b->list[i].bit;
			if (clause_possible(&b->list[i], &know))
				p->ctl.clauses[k] |= b->list[i].bit;
		}
		if (!wanted_by && (p->ctl.wanted & KIND_BIT(k)))
			p->ctl.clauses[k] = FILTER_ALL;
	}
}

/* Trees of processes */

static uint64_t tree_bits(const struct bits *b)
{
	uint64_t tree = 0;

	for (size_t i = 0; i < b->n; i++)
		tree |= b->list[i].c.tree ? b->list[i].bit : 0;
	return tree;
}

/* What the kernel would have made of it, had it seen the fork. */
static int tree_put(void *ctx, struct proc *proc)
{
	struct pushdown *p = ctx;
	struct bits *b = p->bits;
	char bytes[KEY_BYTES] = { 0 };
	uint64_t in = 0, mask = p->ctl.other[DIM_PID];

	for (size_t i = 0; i < b->n; i++)
		for (const struct proc *a = b->list[i].c.tree ? proc : NULL; a; a = a->parent)
			if (a->pid == b->list[i].c.pid)
				in |= b->list[i].bit;
	memcpy(bytes, &proc->pid, sizeof(proc->pid));
	for (size_t i = 0; i < b->pid.n; i++)
		if (memcmp(b->pid.list[i].bytes, bytes, KEY_BYTES) == 0)
			mask = b->pid.list[i].mask;
	mask |= in;
	if (in)
		map_put(p, MAP_f_pid, &proc->pid, &mask);
	return 0;
}

/* Cgroups */

/* Whether its container's files were read, or nobody looks for them any more. */
static bool facts_told(const struct cgroup *cg)
{
	return !cg->container || cg->container->told || cg->container->asked >= OUTSIDE_ASKS;
}

/* Whatever a verdict about @cg depends on. */
static uint64_t cgroup_state(const struct cgroup *cg)
{
	uint64_t h = hash_u64(cg->gen + 1);

	h = hash_u64(h ^ (uintptr_t)cg->container) + (cg->container ? cg->container->gen : 0);
	h = hash_u64(h ^ (uintptr_t)cg->pod) + (cg->pod ? cg->pod->gen : 0);
	return hash_u64(h + (cg->removed.ns != 0) + 2 * facts_told(cg)) | 1;
}

/* Notes that @cg is judged as it is; false when it was already. */
static bool judged_note(struct bits *b, const struct cgroup *cg)
{
	uint64_t of = cgroup_state(cg);
	size_t at = hash_u64(cg->id) % JUDGED_MAX;

	if (b->njudged == JUDGED_FULL) {
		memset(b->judged, 0, JUDGED_MAX * sizeof(*b->judged));
		b->njudged = 0;
	}
	while (b->judged[at].of && b->judged[at].id != cg->id)
		at = (at + 1) % JUDGED_MAX;
	if (b->judged[at].of == of)
		return false;
	b->njudged += b->judged[at].of == 0;
	b->judged[at] = (struct judged){ cg->id, of };
	return true;
}

/* Asked with an event of a process that is in @cg and of which nothing else is known. */
static int cgroup_judge(void *ctx, struct cgroup *cg)
{
	struct pushdown *p = ctx;
	struct bits *b = p->bits;
	struct proc proc = { .cgroup = cg, .program = &(struct program){ 0 } };
	struct knowledge know = { .know = KNOW_CGROUP | (facts_told(cg) ? KNOW_FACTS : 0) };
	struct subject_event none;
	uint64_t id = cg->id, mask = ~b->used;

	/* Without a path it is not known yet: passes. */
	if (!cg->path.p || !judged_note(b, cg))
		return 0;
	if (cg->removed.ns) {
		bpf_map_delete_elem(live_map(p->source, MAP_f_cgroup), &id);
		return 0;
	}
	subject_event_init(&none, &proc, &p->pipeline->host, (struct boot_ns){ 0 });
	know.ev = &none.ev;
	for (size_t i = 0; i < b->n; i++) {
		know.kinds = b->list[i].c.kinds;
		if (!(b->list[i].bit & b->by_cgroup) || clause_possible(&b->list[i], &know))
			mask |= b->list[i].bit;
	}
	arena_reset(&p->pipeline->arena);
	map_put(p, MAP_f_cgroup, &id, &mask);
	return 0;
}

int pushdown_cgroups(struct pushdown *p)
{
	uint64_t gen = enrich_generation(p->pipeline->enrich);

	if (!p->bits || !p->ctl.dim[DIM_CGROUP] || gen == p->cgroups_gen)
		return 0;
	p->cgroups_gen = gen;
	field_arena_set(&p->pipeline->arena);
	cgroup_each(enrich_cgroups(p->pipeline->enrich), cgroup_judge, p);
	return 0;
}

/* All of it */

/* Waits until no program runs that began before. */
static void programs_settle(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		usleep(SETTLE_US);
}

static void flags_collect(void *ctx, const struct field_ref *ref)
{
	*(uint32_t *)ctx |= ref->field->flags;
}

/* What is recorded only on request: WANT_FILE, WANT_DATA. */
static uint32_t clauses_want(const struct pushdown_clause *list, size_t n)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < n; i++) {
		flags |= list[i].shown;
		if (list[i].where)
			expr_fields(list[i].where, flags_collect, &flags);
		if (list[i].scope)
			expr_fields(list[i].scope, flags_collect, &flags);
	}
	return (flags & FIELD_FILE ? WANT_FILE : 0) | (flags & FIELD_DATA ? WANT_DATA : 0);
}

/* Everything of the wanted kinds passes; no map is looked at. */
static int filter_open(struct pushdown *p, uint64_t wanted, uint64_t counted, uint32_t want_flags)
{
	bool times = p->times && !(wanted & KIND_BIT(KIND_OFFCPU)), on = false;
	int err;

	for (int d = 0; d < DIM_COUNT; d++)
		on |= p->ctl.dim[d] != 0;
	p->ctl = (struct ctl){
		.wanted = wanted | (times ? KIND_BIT(KIND_OFFCPU) : 0),
		.off_quantum_ns = times ? UINT64_MAX : 0,
		.counted = counted,
		.self = p->ctl.self,
		.want_flags = want_flags,
	};
	memset(p->ctl.clauses, 0xff, sizeof(p->ctl.clauses));
	memset(p->ctl.other, 0xff, sizeof(p->ctl.other));
	memset(p->ctl.family, 0xff, sizeof(p->ctl.family));
	err = live_ctl(p->source, &p->ctl);
	bits_free(p->bits);
	p->bits = NULL;
	if (on && !err)
		programs_settle();
	return err;
}

static int filter_make(struct pushdown *p)
{
	struct bits *b = p->bits;
	int err = bits_keys(b);

	map_clear(p, MAP_f_pid, 4);
	map_clear(p, MAP_f_uid, 4);
	map_clear(p, MAP_f_comm, 16);
	map_clear(p, MAP_f_cgroup, 8);
	map_clear(p, MAP_f_arg, 8);
	map_clear(p, MAP_f_port, 4);
	map_clear(p, MAP_f_net, sizeof(struct filter_net));
	kinds_put(p, b);
	if (!err)
		err = keys_put(p, MAP_f_pid, DIM_PID, &b->pid);
	if (!err)
		err = keys_put(p, MAP_f_uid, DIM_UID, &b->uid);
	if (!err)
		err = keys_put(p, MAP_f_comm, DIM_COMM, &b->comm);
	if (!err)
		err = calls_put(p, b);
	if (!err)
		err = ends_put(p, b);
	if (!err)
		err = paths_put(p, b);
	p->ctl.dim[DIM_CGROUP] = b->by_cgroup;
	p->ctl.tree = tree_bits(b);
	return err;
}

/* A name that a process took away: user space keeps the one before. */
static int comm_empty_put(struct pushdown *p)
{
	static const char none[KEY_BYTES];
	uint64_t all = UINT64_MAX;

	return map_put(p, MAP_f_comm, none, &all);
}

int pushdown_set(struct pushdown *p, uint64_t wanted, uint64_t counted,
		 const struct pushdown_clause *list, size_t n)
{
	struct ctl open;
	int err = filter_open(p, wanted, counted, clauses_want(list, n));

	if (err || p->off || n == 0)
		return err;
	open = p->ctl;
	err = bits_new(list, n, &p->bits);
	if (!err)
		err = filter_make(p);
	if (!err && p->ctl.dim[DIM_COMM])
		err = comm_empty_put(p);
	if (!err && p->ctl.tree) {
		/* From now on forks enter by themselves; then those that are there already. */
		open.tree = p->ctl.tree;
		open.other[DIM_PID] = p->ctl.other[DIM_PID];
		err = live_ctl(p->source, &open);
		proc_each(enrich_procs(p->pipeline->enrich), tree_put, p);
	}
	p->cgroups_gen = UINT64_MAX; /* no verdict is in force */
	if (!err)
		pushdown_cgroups(p);
	if (!err)
		return live_ctl(p->source, &p->ctl);
	bits_free(p->bits);
	p->bits = NULL;
	p->ctl = open;
	return err;
}

void pushdown_free(struct pushdown *p)
{
	bits_free(p->bits);
	p->bits = NULL;
}

void pushdown_describe(const struct pushdown *p, struct buf *b)
{
	static const char *const names[DIM_COUNT] = {
		[DIM_CALL] = "calls",
		[DIM_PID] = "processes",
		[DIM_UID] = "users",
		[DIM_CGROUP] = "cgroups",
		[DIM_COMM] = "command names",
		[DIM_FAMILY] = "sockets",
		[DIM_PATH] = "paths",
		[DIM_ARG] = "arguments",
		[DIM_ENDS] = "ports and addresses",
	};
	bool any = false;

	for (size_t i = 0; i < DIM_COUNT; i++)
		if (p->ctl.dim[i]) {
			buf_str(b, any ? STR(", ") : STR(""));
			buf_str(b, str_of(names[i]));
			any = true;
		}
	if (!any)
		buf_str(b, STR("nothing"));
}
