/* Candidates in order; the first that exists. */
#include "agg/service_name.h"

/* @end separates "key=value" pairs. */
static struct str pair_find(struct str list, char end, struct str key)
{
	while (list.n) {
		const char *stop = memchr(list.p, end, list.n);
		struct str one = { list.p, stop ? (size_t)(stop - list.p) : list.n };

		if (str_starts(one, key) && one.n > key.n && one.p[key.n] == '=')
			return str_skip(one, key.n + 1);
		list = str_skip(list, one.n + 1);
	}
	return STR_NONE;
}

struct str pod_label(const struct pod *p, struct str key)
{
	return pair_find(p->labels, ',', key);
}

struct str pod_annotation(const struct pod *p, struct str key)
{
	return pair_find(p->annotations, 0, key);
}

struct str pod_workload(const struct pod *p)
{
	return p->owner_name.n ? p->owner_name : p->name.n ? p->name : p->uid;
}

static struct str first(const struct str *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].n)
			return all[i];
	return STR_NONE;
}

static struct str unit_name(struct str unit)
{
	struct str suffix = STR(".service");

	return str_ends(unit, suffix) ? (struct str){ unit.p, unit.n - suffix.n } : STR_NONE;
}

static struct str outside_name(const struct proc *p)
{
	const struct cgroup *cg = p->cgroup;
	const struct container *c = cg ? cg->container : NULL;
	const struct str all[] = {
		c ? c->name : STR_NONE,
		c ? c->id12 : STR_NONE,
		cg ? unit_name(cg->unit) : STR_NONE,
		p->program ? p->program->comm : STR_NONE,
		str_fixed(p->comm, sizeof(p->comm)),
	};

	return first(all, sizeof(all) / sizeof(all[0]));
}

struct str service_name(const struct proc *p)
{
	const struct pod *pod = p && p->cgroup ? p->cgroup->pod : NULL;

	if (!p)
		return STR_NONE;
	if (pod) {
		const struct str all[] = {
			pod_annotation(pod, STR("resource.opentelemetry.io/service.name")),
			pod_label(pod, STR("app.kubernetes.io/instance")),
			pod_label(pod, STR("app.kubernetes.io/name")),
			pod_workload(pod),
		};

		return first(all, sizeof(all) / sizeof(all[0]));
	}
	return outside_name(p);
}

struct str workload_name(const struct proc *p)
{
	const struct pod *pod = p && p->cgroup ? p->cgroup->pod : NULL;

	if (!p)
		return STR_NONE;
	return pod ? pod_workload(pod) : outside_name(p);
}
