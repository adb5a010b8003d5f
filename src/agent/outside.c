/*
 * Two producers of records. Containers are looked for on the spot, then by the looker, which takes
 * ids from a bounded queue and tries again a few times.
 */
#include "agent/outside.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "enrich/cluster.h"
#include "enrich/container_name.h"
#include "enrich/container_users.h"
#include "wire/meta.h"

#define JOBS_MAX     256
#define FIRST_TRY_NS (5 * NS_PER_MS) /* then four times as long each */

struct job {
	char id[CONTAINER_NAME_ID_MAX + 1];
	const char *runtime;
	unsigned tries;
	struct boot_ns due;
};

struct outside {
	struct source *source;
	struct pipeline *pipeline;
	struct kube_client *kube;
	const char *root;
	pthread_t looker;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job jobs[JOBS_MAX];
	size_t njobs;
	bool stop;
	uint64_t lost; /* containers not looked up: queue full */
};

/* Wraps @blob as a record of @type; NULL when it does not fit or memory runs out. */
static const struct rec_hdr *record_make(struct buf *b, enum rec_type type, uint64_t time_ns,
					 struct str blob)
{
	struct rec_blob r = { .hdr.type = (uint16_t)type, .hdr.time_ns = time_ns };

	if (blob.n > REC_MAX - sizeof(r))
		return NULL;
	r.hdr.len = (uint32_t)(sizeof(r) + blob.n);
	r.blob = (struct rec_str){ sizeof(r), (uint16_t)blob.n };
	buf_add(b, &r, sizeof(r));
	buf_str(b, blob);
	return b->failed ? NULL : (const struct rec_hdr *)b->p;
}

/* Puts it into the stream; refusals are counted there. */
static void record_inject(struct source *source, enum rec_type type, struct str blob)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	const struct rec_hdr *h = record_make(&b, type, clock_boot().ns, blob);

	if (h)
		live_inject(source, h);
}

static void kube_sink(void *ctx, const struct kube_obj *obj)
{
	struct outside *o = ctx;
	_cleanup_(buf_free) struct buf b = { 0 };

	if (kube_obj_encode(&b, obj) == 0)
		record_inject(o->source, REC_KUBE, buf_slice(&b));
}

static void kube_note(void *ctx, const struct kube_note *n)
{
	(void)ctx;
	if (n->state == KUBE_STATE_WATCHING)
		log_info("kubernetes: %s: up to date", n->name);
	else
		log_warn("kubernetes: %s: %s (going on without)", n->name, n->text);
}

static void job_add(struct outside *o, const struct job *j)
{
	if (o->njobs == JOBS_MAX) {
		o->lost++;
		return;
	}
	o->jobs[o->njobs++] = *j;
	pthread_cond_signal(&o->wake);
}

/* What the runtime's files say of a container, encoded. 0 or container_name_read's errors. */
static int container_look(struct outside *o, const char *runtime, struct str id, struct buf *ret)
{
	struct container_name name = { 0 };
	int err = container_name_read(o->root, runtime, id, &name);

	if (!err)
		container_record(ret, id, &name);
	return err;
}

/* Through the pipeline, as if it had come just before @h. */
static void record_before(struct outside *o, const struct rec_hdr *h, enum rec_type type,
			  const struct buf *blob)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	const struct rec_hdr *r = record_make(&b, type, h->time_ns, buf_slice(blob));

	if (r)
		pipeline_record(o->pipeline, r);
}

static void facts_before(struct outside *o, struct container *c, const struct rec_hdr *h)
{
	_cleanup_(buf_free) struct buf blob = { 0 };

	if (c->told || c->asked >= OUTSIDE_ASKS)
		return;
	c->asked++;
	if (container_look(o, c->runtime.p, c->id, &blob) == 0)
		record_before(o, h, REC_CONTAINER, &blob);
}

static void users_before(struct outside *o, struct container *c, const struct rec_hdr *h)
{
	_cleanup_(buf_free) struct buf blob = { 0 };

	if (c->users || c->users_asked >= OUTSIDE_ASKS)
		return;
	c->users_asked++;
	if (container_users_read(h->pid, c->id, &blob) == 0)
		record_before(o, h, REC_USERS, &blob);
}

void outside_before(struct outside *o, const struct rec_hdr *h)
{
	struct container *c;

	if (!o || (h->type != REC_EXEC && h->type != REC_TASK_SEEN))
		return;
	c = cgroup_get(enrich_cgroups(o->pipeline->enrich), h->cgroup)->container;
	if (!c)
		return;
	facts_before(o, c, h);
	users_before(o, c, h);
}

/* Within the pipeline's work: what is found comes as the next record. */
static void container_new(void *ctx, struct container *c)
{
	struct outside *o = ctx;
	struct job j = { .runtime = c->runtime.p };
	_cleanup_(buf_free) struct buf b = { 0 };
	int err;

	if (c->id.n > CONTAINER_NAME_ID_MAX)
		return;
	err = container_look(o, j.runtime, c->id, &b);
	if (!err)
		record_inject(o->source, REC_CONTAINER, buf_slice(&b));
	if (err != -ENOENT && err != -EBADMSG)
		return;
	memcpy(j.id, c->id.p, c->id.n);
	j.due.ns = clock_boot().ns + FIRST_TRY_NS;
	pthread_mutex_lock(&o->lock);
	job_add(o, &j);
	pthread_mutex_unlock(&o->lock);
}

/* Looks one container up, unlocked; true when it should be tried again. */
static bool job_do(struct outside *o, const struct job *j)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	int err = container_look(o, j->runtime, str_of(j->id), &b);

	/* A document that cannot be read may be half written. */
	if (err)
		return (err == -ENOENT || err == -EBADMSG) && j->tries + 1 < OUTSIDE_TRIES;
	record_inject(o->source, REC_CONTAINER, buf_slice(&b));
	return false;
}

/* The place of a job that is due, or njobs. */
static size_t job_due(const struct outside *o, uint64_t now)
{
	size_t i = 0;

	while (i < o->njobs && o->jobs[i].due.ns > now)
		i++;
	return i;
}

/* Until the first job is due, or another comes. */
static void looker_wait(struct outside *o, uint64_t now)
{
	uint64_t first = UINT64_MAX, at;
	struct timespec t;

	if (!o->njobs) {
		pthread_cond_wait(&o->wake, &o->lock);
		return;
	}
	for (size_t i = 0; i < o->njobs; i++)
		first = o->jobs[i].due.ns < first ? o->jobs[i].due.ns : first;
	clock_gettime(CLOCK_REALTIME, &t);
	at = (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec + (first > now ? first - now : 0);
	t = (struct timespec){ (time_t)(at / NS_PER_SEC), (long)(at % NS_PER_SEC) };
	pthread_cond_timedwait(&o->wake, &o->lock, &t);
}

static void *looker_main(void *arg)
{
	struct outside *o = arg;

	pthread_mutex_lock(&o->lock);
	while (!o->stop) {
		uint64_t now = clock_boot().ns;
		size_t at = job_due(o, now);
		struct job j;
		bool again;

		if (at == o->njobs) {
			looker_wait(o, now);
			continue;
		}
		j = o->jobs[at];
		o->jobs[at] = o->jobs[--o->njobs];
		pthread_mutex_unlock(&o->lock);
		again = job_do(o, &j);
		pthread_mutex_lock(&o->lock);
		j.due.ns = clock_boot().ns + (FIRST_TRY_NS << (2 * ++j.tries));
		if (again)
			job_add(o, &j);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

static void kube_start(struct outside *o, const struct outside_opts *opts, char *ret_note)
{
	const char *node = opts->node_name ? opts->node_name : getenv("NODE_NAME");
	struct kube_client_conf conf = { 0 };
	struct kube_auth auth = { 0 };
	struct kube_auth_error error = { "" };
	char host[256] = "";
	int err;

	if (!node && gethostname(host, sizeof(host) - 1) == 0)
		node = host;
	conf.node_name = node;
	err = kube_auth_find(opts->kubeconfig, &auth, &error);
	if (!err)
		err = kube_client_start(&auth, &conf, kube_sink, kube_note, o, &o->kube);
	kube_auth_free(&auth);
	if (err && err != -ENOENT)
		snprintf(ret_note, 256, "kubernetes: %.200s",
			 error.text[0] ? error.text : strerror(-err));
}

int outside_start(struct session *s, const struct outside_opts *opts, char *ret_note,
		  struct outside **ret)
{
	struct outside *o = calloc(1, sizeof(*o));
	int err;

	ret_note[0] = '\0';
	if (!o)
		return -ENOMEM;
	o->source = s->source;
	o->pipeline = &s->pipeline;
	o->root = opts->root ? opts->root : "";
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->wake, NULL);
	err = -pthread_create(&o->looker, NULL, looker_main, o);
	if (err) {
		free(o);
		return err;
	}
	cgroup_on_container(enrich_cgroups(s->pipeline.enrich), container_new, o);
	if (opts->kube)
		kube_start(o, opts, ret_note);
	*ret = o;
	return 0;
}

void outside_stop(struct outside *o)
{
	if (!o)
		return;
	kube_client_stop(o->kube);
	pthread_mutex_lock(&o->lock);
	o->stop = true;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->looker, NULL);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->wake);
	free(o);
}

bool outside_kube_status(struct outside *o, enum kube_resource r, struct kube_status *ret)
{
	if (!o || !o->kube)
		return false;
	kube_client_status(o->kube, r, ret);
	return true;
}
