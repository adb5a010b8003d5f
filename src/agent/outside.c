/*
 * Two producers of records. The container looker takes ids from a bounded queue; a container whose
 * files are not there yet is tried again a few times.
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
#include "wire/meta.h"

#define JOBS_MAX  256
#define TRIES_MAX 4

struct job {
	char id[CONTAINER_NAME_ID_MAX + 1];
	const char *runtime;
	unsigned tries;
	struct boot_ns due;
};

struct outside {
	struct source *source;
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

/* Wraps @blob as a record of @type and puts it into the stream; refusals are counted there. */
static void record_inject(struct source *source, enum rec_type type, struct str blob)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct rec_blob r = { .hdr.type = (uint16_t)type, .hdr.time_ns = clock_boot().ns };

	if (blob.n > REC_MAX - sizeof(r))
		return;
	r.hdr.len = (uint32_t)(sizeof(r) + blob.n);
	r.blob = (struct rec_str){ sizeof(r), (uint16_t)blob.n };
	buf_add(&b, &r, sizeof(r));
	buf_str(&b, blob);
	if (!b.failed)
		live_inject(source, (const struct rec_hdr *)b.p);
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

static void container_new(void *ctx, struct container *c)
{
	struct outside *o = ctx;
	struct job j = { .runtime = c->runtime.p };

	if (c->id.n > CONTAINER_NAME_ID_MAX)
		return;
	memcpy(j.id, c->id.p, c->id.n);
	pthread_mutex_lock(&o->lock);
	job_add(o, &j);
	pthread_mutex_unlock(&o->lock);
}

/* Looks one container up, unlocked; true when it should be tried again. */
static bool job_do(struct outside *o, const struct job *j)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	struct container_name name = { 0 };
	int err = container_name_read(o->root, j->runtime, str_of(j->id), &name);

	if (err)
		return err == -ENOENT && j->tries + 1 < TRIES_MAX;
	container_record(&b, str_of(j->id), &name);
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

static void looker_wait(struct outside *o)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 1;
	if (o->njobs)
		pthread_cond_timedwait(&o->wake, &o->lock, &t);
	else
		pthread_cond_wait(&o->wake, &o->lock);
}

static void *looker_main(void *arg)
{
	struct outside *o = arg;

	pthread_mutex_lock(&o->lock);
	while (!o->stop) {
		size_t at = job_due(o, clock_boot().ns);
		struct job j;
		bool again;

		if (at == o->njobs) {
			looker_wait(o);
			continue;
		}
		j = o->jobs[at];
		o->jobs[at] = o->jobs[--o->njobs];
		pthread_mutex_unlock(&o->lock);
		again = job_do(o, &j);
		pthread_mutex_lock(&o->lock);
		j.due.ns = clock_boot().ns + (NS_PER_SEC << (2 * j.tries++));
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
