/* One function for each table; each appends whole records. */
#include "agent/dump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "enrich/cluster.h"
#include "enrich/container_name.h"
#include "enrich/k8s.h"
#include "enrich/users.h"
#include "kube/obj.h"
#include "probe/process/process.h"
#include "wire/meta.h"

struct dump {
	struct buf *b;
	struct boot_ns at;
	bool (*wanted)(void *ctx, const struct proc *p);
	void *ctx;
};

/* Appends a fixed part, aligned; the record's strings follow, then record_end. */
static size_t record_start(struct dump *d, const void *fixed, size_t n)
{
	static const char zeros[DUMP_ALIGN];
	size_t at = dump_aligned(d->b->n);

	buf_add(d->b, zeros, at - d->b->n);
	buf_add(d->b, fixed, n);
	return at;
}

static void record_end(struct dump *d, size_t at)
{
	struct rec_hdr *h = (void *)(d->b->p + at);

	if (d->b->failed)
		return;
	if (d->b->n - at > REC_MAX) {
		d->b->n = at; /* nothing that long is ever read back */
		return;
	}
	h->len = (uint32_t)(d->b->n - at);
}

/* A string of the record that begins at @at; what is too long for one is left out. */
static struct rec_str piece_add(struct dump *d, size_t at, struct str s, size_t max)
{
	struct rec_str piece = { 0 };

	if (!s.p || s.n > max || d->b->n - at + s.n > UINT16_MAX)
		return piece;
	piece = (struct rec_str){ (uint16_t)(d->b->n - at), (uint16_t)s.n };
	buf_add(d->b, s.p, s.n);
	return piece;
}

static int dump_cgroup(void *ctx, struct cgroup *cg)
{
	struct dump *d = ctx;
	struct rec_cgroup_seen r = { .hdr = { .type = REC_CGROUP_SEEN, .time_ns = d->at.ns },
				     .id = cg->id };
	struct rec_str path;
	size_t at;

	if (cg->removed.ns || !cg->path.p)
		return 0;
	at = record_start(d, &r, sizeof(r));
	path = piece_add(d, at, cg->path, REC_PATH_MAX);
	if (!d->b->failed)
		((struct rec_cgroup_seen *)(d->b->p + at))->path = path;
	record_end(d, at);
	return d->b->failed;
}

static struct rec_task task_of(const struct proc *p)
{
	struct rec_task t = {
		.start_ns = p->start.ns,
		.parent_start_ns = p->parent ? p->parent->start.ns : 0,
		.cgroup = p->cgroup ? p->cgroup->id : 0,
		.cap_permitted = p->cap_permitted,
		.cap_effective = p->cap_effective,
		.cap_inheritable = p->cap_inheritable,
		.pid = p->pid,
		.ppid = p->ppid,
		.pgid = p->pgid,
		.sid = p->sid,
		.vpid = p->vpid,
		.tty = p->tty,
		.uid = p->uid,
		.gid = p->gid,
		.euid = p->euid,
		.egid = p->egid,
		.loginuid = p->loginuid,
	};

	memcpy(t.comm, p->comm, sizeof(t.comm));
	return t;
}

static void dump_proc(struct dump *d, const struct proc *p)
{
	const struct program *prog = p->program;
	struct rec_task_seen r = {
		.hdr = { .type = REC_TASK_SEEN,
			 .time_ns = d->at.ns,
			 .start_ns = p->start.ns,
			 .cgroup = p->cgroup ? p->cgroup->id : 0,
			 .pid = p->pid,
			 .tid = p->pid,
			 .uid = p->euid },
		.task = task_of(p),
		.exe = prog->file,
	};
	struct rec_str piece[EXEC_PIECES];
	size_t at;

	/* The program is shared by its forks; these are the process's own. */
	r.exe.vpgid = p->vpgid;
	r.exe.vsid = p->vsid;
	r.exe.pidns_start_ns = p->pidns_start.ns;
	at = record_start(d, &r, sizeof(r));
	piece[EXEC_ARGS] = piece_add(d, at, prog->args, REC_ARGS_MAX);
	piece[EXEC_EXE] = piece_add(d, at, prog->exepath, REC_PATH_MAX);
	piece[EXEC_CWD] = piece_add(d, at, prog->cwd, REC_PATH_MAX);
	piece[EXEC_ENV] = piece_add(d, at, prog->env, REC_ENV_MAX);
	if (!d->b->failed)
		memcpy(((struct rec_task_seen *)(d->b->p + at))->piece, piece, sizeof(piece));
	record_end(d, at);
}

/* Ancestors first, so that each finds its parent; a process may so come twice, which does no harm. */
static int dump_family(void *ctx, struct proc *p)
{
	const struct proc *line[64];
	struct dump *d = ctx;
	size_t n = 0;

	if (d->wanted && !d->wanted(d->ctx, p))
		return 0;
	for (const struct proc *a = p; a && n < 64; a = a->parent)
		line[n++] = a;
	while (n)
		dump_proc(d, line[--n]);
	return d->b->failed;
}

/* A record of one blob. */
static void dump_blob(struct dump *d, unsigned type, struct str blob)
{
	struct rec_blob r = { .hdr = { .type = (uint16_t)type, .time_ns = d->at.ns } };
	size_t at = record_start(d, &r, sizeof(r));
	struct rec_str piece = piece_add(d, at, blob, REC_MAX);

	if (!d->b->failed)
		((struct rec_blob *)(d->b->p + at))->blob = piece;
	record_end(d, at);
}

static void text_copy(char *to, size_t size, struct str text)
{
	size_t n = text.n < size - 1 ? text.n : size - 1;

	if (n)
		memcpy(to, text.p, n);
	to[n] = '\0';
}

/* A container's own users and groups, as users.h has them in a blob. */
static void dump_accounts(struct dump *d, const struct container *c)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	if (!c->users)
		return;
	buf_printf(&b, "c%.*s\n", STR_ARG(c->id));
	for (size_t i = 0; i < c->users->n; i++) {
		const struct account *a = &c->users->list[i];

		buf_printf(&b, "%u:%.*s\n", a->id, STR_ARG(a->name));
		buf_printf(&b, "p%u:%.*s:%.*s\n", a->id, STR_ARG(a->home), STR_ARG(a->shell));
	}
	for (size_t i = 0; i < c->users->ngroups; i++)
		buf_printf(&b, "g%u:%.*s\n", c->users->groups[i].id,
			   STR_ARG(c->users->groups[i].name));
	dump_blob(d, REC_USERS, buf_slice(&b));
}

static int dump_container(void *ctx, struct container *c)
{
	_cleanup_(freep) struct container_name *n = calloc(1, sizeof(*n));
	_cleanup_(buf_free) struct buf text = { 0 };
	struct dump *d = ctx;

	if (!n)
		return 1;
	dump_accounts(d, c);
	if (!c->told && !c->name.p && !c->image.p)
		return d->b->failed; /* nobody has told anything: a record would say that it was told */
	text_copy(n->name, sizeof(n->name), c->name);
	text_copy(n->image, sizeof(n->image), c->image);
	text_copy(n->image_id, sizeof(n->image_id), c->image_id);
	if (c->pod) {
		text_copy(n->pod_ns, sizeof(n->pod_ns), c->pod->ns);
		text_copy(n->pod_name, sizeof(n->pod_name), c->pod->name);
		text_copy(n->pod_uid, sizeof(n->pod_uid), c->pod->uid);
	}
	if (c->ip.len)
		inet_ntop(c->ip.len == 4 ? AF_INET : AF_INET6, c->ip.b, n->ip, sizeof(n->ip));
	n->privileged = c->privileged;
	if (c->mounts.n <= sizeof(n->mounts)) {
		if (c->mounts.n)
			memcpy(n->mounts, c->mounts.p, c->mounts.n);
		n->mounts_n = c->mounts.n;
	}
	container_record(&text, c->id, n);
	dump_blob(d, REC_CONTAINER, buf_slice(&text));
	return d->b->failed;
}

static void dump_users(struct dump *d)
{
	_cleanup_(buf_free) struct buf text = { 0 };

	users_collect(&text);
	dump_blob(d, REC_USERS, buf_slice(&text));
}

static int dump_object(void *ctx, const struct kube_obj *o)
{
	struct dump *d = ctx;
	_cleanup_(buf_free) struct buf text = { 0 };

	if (kube_obj_encode(&text, o) == 0)
		dump_blob(d, REC_KUBE, buf_slice(&text));
	return d->b->failed;
}

int dump_tables(struct enrich *e, struct boot_ns at,
		bool (*wanted)(void *ctx, const struct proc *p), void *ctx, struct buf *b)
{
	struct dump d = { b, at, wanted, ctx };

	dump_users(&d);
	cgroup_each(enrich_cgroups(e), dump_cgroup, &d);
	container_each(enrich_cgroups(e), dump_container, &d);
	k8s_each(enrich_k8s(e), dump_object, &d);
	proc_each(enrich_procs(e), dump_family, &d);
	return b->failed ? -ENOMEM : 0;
}
