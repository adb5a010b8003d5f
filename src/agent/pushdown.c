/*
 * A table says which conditions on which field become which filter. Conditions on the container or
 * pod become verdicts about cgroups: each known cgroup is judged once, an unknown one passes.
 */
#include "agent/pushdown.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/subject.h"
#include "base/cleanup.h"

/* More values than this are not worth a filter. */
#define VALUES_MAX 256

struct collect {
	struct pushdown *p;
	int err;
};

typedef int (*push)(struct pushdown *p, const struct expr_cond *c);

static int map_put(struct pushdown *p, enum shared_map map, const void *key, uint32_t value)
{
	int fd = live_map(p->source, map);

	return bpf_map_update_elem(fd, key, &value, BPF_ANY) == 0 ? 0 : -errno;
}

static int push_u32(struct pushdown *p, const struct expr_cond *c, enum shared_map map,
		    uint32_t filter)
{
	int err = 0;

	/* Two conditions on one field: one is filter enough. */
	if (c->op != EXPR_EQ || c->n > VALUES_MAX || (p->ctl.filters & filter))
		return 0;
	for (size_t i = 0; !err && i < c->n; i++) {
		uint32_t key = (uint32_t)c->values[i].v.u64;

		err = map_put(p, map, &key, 1);
	}
	if (!err)
		p->ctl.filters |= filter;
	return err;
}

static int push_pid(struct pushdown *p, const struct expr_cond *c)
{
	return push_u32(p, c, MAP_f_pid, FILTER_PID);
}

static int push_uid(struct pushdown *p, const struct expr_cond *c)
{
	return push_u32(p, c, MAP_f_uid, FILTER_UID);
}

static int push_comm(struct pushdown *p, const struct expr_cond *c)
{
	int err = 0;

	if (c->op != EXPR_EQ || c->n > VALUES_MAX || (p->ctl.filters & FILTER_COMM))
		return 0;
	for (size_t i = 0; !err && i < c->n; i++) {
		struct str name = c->values[i].v.str;
		char key[16] = { 0 };

		/* Longer names match nothing; the map simply does not hold them. */
		if (name.n >= sizeof(key))
			continue;
		memcpy(key, name.p, name.n);
		err = map_put(p, MAP_f_comm, key, 1);
	}
	if (!err)
		p->ctl.filters |= FILTER_COMM;
	return err;
}

/* fd.name = or startswith an absolute path: a prefix. */
static int push_path(struct pushdown *p, const struct expr_cond *c)
{
	if ((c->op != EXPR_EQ && c->op != EXPR_STARTSWITH) || c->n > FILTER_PATHS ||
	    (p->ctl.filters & FILTER_PATH))
		return 0;
	for (size_t i = 0; i < c->n; i++)
		if (c->values[i].v.str.n == 0 || c->values[i].v.str.p[0] != '/')
			return 0;
	for (size_t i = 0; i < c->n; i++) {
		struct str path = c->values[i].v.str;
		struct path_prefix *to = &p->ctl.paths[i];
		size_t n = path.n < FILTER_PATH_BYTES ? path.n : FILTER_PATH_BYTES;

		*to = (struct path_prefix){ 0 };
		memcpy(to->word, path.p, n);
		memset(to->mask, 0xff, n);
	}
	p->ctl.npaths = (uint32_t)c->n;
	p->ctl.filters |= FILTER_PATH;
	return 0;
}

static const struct {
	const char *field;
	push push;
} pushes[] = {
	{ "proc.pid", push_pid },
	{ "user.uid", push_uid },
	{ "proc.name", push_comm },
	{ "fd.name", push_path },
};

static void cond_push(void *ctx, const struct expr_cond *c)
{
	struct collect *k = ctx;

	for (size_t i = 0; i < sizeof(pushes) / sizeof(pushes[0]); i++)
		if (!k->err && !c->ref->has_index && !c->ref->key.p &&
		    strcmp(pushes[i].field, c->ref->field->name) == 0)
			k->err = pushes[i].push(k->p, c);
}

/* Is this field decided by the cgroup alone? */
static bool field_of_cgroup(const struct field *f)
{
	return strncmp(f->name, "container.", 10) == 0 || strncmp(f->name, "k8s.", 4) == 0;
}

static void cond_cgroup(void *ctx, const struct expr_cond *c)
{
	if (field_of_cgroup(c->ref->field))
		*(bool *)ctx = true;
}

static void ref_cgroup(void *ctx, const struct field_ref *ref)
{
	if (!field_of_cgroup(ref->field))
		*(bool *)ctx = false;
}

/* Does the cgroup alone decide all of it? */
static bool expr_of_cgroup(const struct expr *x)
{
	bool all = true;

	expr_fields(x, ref_cgroup, &all);
	return all;
}

/* Does it, or a condition that it needs, depend on the cgroup? */
static bool expr_by_cgroup(const struct expr *x)
{
	bool any = x && expr_of_cgroup(x);

	if (x && !any)
		expr_necessary(x, cond_cgroup, &any);
	return any;
}

struct verdict {
	const struct event *ev;
	bool wanted;
};

static void cond_judge(void *ctx, const struct expr_cond *c)
{
	struct verdict *v = ctx;

	if (field_of_cgroup(c->ref->field) && !expr_cond_holds(c, v->ev))
		v->wanted = false;
}

/* Whether @x can hold for an event like @ev, of which only the cgroup is known. */
static bool expr_judge(const struct expr *x, const struct event *ev)
{
	struct verdict v = { ev, true };

	if (!x)
		return true;
	if (expr_of_cgroup(x))
		return expr_match(x, ev);
	return expr_necessary(x, cond_judge, &v) != 0 || v.wanted;
}

/* Whether an event of a process in @cg can match: asked with an event that has nothing else. */
static int cgroup_judge(void *ctx, struct cgroup *cg)
{
	struct pushdown *p = ctx;
	struct proc proc = { .cgroup = cg, .program = &(struct program){ 0 } };
	struct subject_event none;
	uint64_t id = cg->id;
	bool wanted;

	if (cg->removed.ns) {
		bpf_map_delete_elem(live_map(p->source, MAP_f_cgroup), &id);
		return 0;
	}
	subject_event_init(&none, &proc, &p->pipeline->host, (struct boot_ns){ 0 });
	if (!cg->path.p)
		return 0; /* not known yet: passes */
	wanted = expr_judge(p->query->where, &none.ev) && expr_judge(p->query->scope, &none.ev);
	arena_reset(&p->pipeline->arena);
	map_put(p, MAP_f_cgroup, &id, wanted);
	return 0;
}

static int pid_tree(void *ctx, struct proc *proc)
{
	struct pushdown *p = ctx;

	for (const struct proc *a = proc; a; a = a->parent)
		if (a->pid == p->query->pid) {
			map_put(p, MAP_f_pid, &proc->pid, 1);
			break;
		}
	return 0;
}

static void map_clear(int fd, size_t key_bytes)
{
	char key[64];

	while (key_bytes <= sizeof(key) && bpf_map_get_next_key(fd, NULL, key) == 0)
		if (bpf_map_delete_elem(fd, key) != 0)
			return;
}

static int filters_set(struct pushdown *p, const struct query *q)
{
	struct collect k = { .p = p };

	if (q->where)
		k.err = expr_necessary(q->where, cond_push, &k) ?: k.err;
	if (q->pid && q->tree) {
		p->ctl.tree = 1;
		p->ctl.filters |= FILTER_PID;
		map_put(p, MAP_f_pid, &q->pid, 1);
	} else if (q->scope) {
		k.err = expr_necessary(q->scope, cond_push, &k) ?: k.err;
	}
	if (expr_by_cgroup(q->where) || expr_by_cgroup(q->scope))
		p->ctl.filters |= FILTER_CGROUP;
	return k.err;
}

int pushdown_set(struct pushdown *p, uint64_t wanted, uint64_t counted, const struct query *q)
{
	int err;

	p->ctl = (struct ctl){
		.wanted = wanted,
		.counted = counted,
		.filtered_kinds = KINDS_ALL & ~KINDS_LIFE,
		.self = p->ctl.self,
	};
	p->query = p->off ? NULL : q;
	p->cgroups_gen = UINT64_MAX; /* no verdict is in force */
	/* With the filters off while they change, too much passes, never too little. */
	err = live_ctl(p->source, &p->ctl);
	if (err || !p->query)
		return err;
	map_clear(live_map(p->source, MAP_f_pid), 4);
	map_clear(live_map(p->source, MAP_f_uid), 4);
	map_clear(live_map(p->source, MAP_f_comm), 16);
	map_clear(live_map(p->source, MAP_f_cgroup), 8);
	err = filters_set(p, p->query);
	if (err)
		return err;
	if (p->ctl.tree) {
		/* The children first: from now on forks enter by themselves. */
		err = live_ctl(p->source, &p->ctl);
		proc_each(enrich_procs(p->pipeline->enrich), pid_tree, p);
	}
	pushdown_cgroups(p);
	return err ? err : live_ctl(p->source, &p->ctl);
}

int pushdown_cgroups(struct pushdown *p)
{
	uint64_t gen = enrich_generation(p->pipeline->enrich);

	if (!p->query || !(p->ctl.filters & FILTER_CGROUP) || gen == p->cgroups_gen)
		return 0;
	p->cgroups_gen = gen;
	field_arena_set(&p->pipeline->arena);
	cgroup_each(enrich_cgroups(p->pipeline->enrich), cgroup_judge, p);
	return 0;
}

void pushdown_describe(const struct pushdown *p, struct buf *b)
{
	static const struct {
		uint32_t filter;
		const char *name;
	} names[] = {
		{ FILTER_CGROUP, "cgroups" }, { FILTER_PID, "processes" },
		{ FILTER_UID, "users" },      { FILTER_COMM, "command names" },
		{ FILTER_PATH, "paths" },
	};
	bool any = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (p->ctl.filters & names[i].filter) {
			buf_str(b, any ? STR(", ") : STR(""));
			buf_str(b, str_of(names[i].name));
			any = true;
		}
	if (!any)
		buf_str(b, STR("nothing"));
}
