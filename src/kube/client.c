/*
 * The client's thread: curl_multi drives all transfers, the watchers say when the next thing is
 * due. The thread sleeps in curl_multi_poll until bytes come, a deadline passes or stop wakes it.
 */
#include "kube/client.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "kube/watcher.h"

#define PAGE_LIMIT_MAX 100000u
#define SLEEP_MAX_MS   60000u

struct kube_client {
	struct kube_shared shared;
	struct kube_watcher watchers[KUBE_RESOURCES];
	bool on[KUBE_RESOURCES];
	atomic_bool stop;
	bool started; /* the thread */
	pthread_t thread;
};

const char *kube_state_name(unsigned state)
{
	static const char *const names[] = { "off", "listing", "watching", "waiting", "denied" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

/* --- configuration ---------------------------------------------------------------------------- */

#define C(m) offsetof(struct kube_client_conf, m)
static const struct {
	size_t off;
	uint32_t value;
} conf_defaults[] = {
	{ C(page_limit), 500 },	      { C(connect_ms), 10000 },
	{ C(list_stall_ms), 30000 },  { C(stale_ms), 150000 },
	{ C(watch_timeout_s), 300 },  { C(backoff_min_ms), 500 },
	{ C(backoff_max_ms), 30000 }, { C(denied_retry_ms), 300000 },
	{ C(start_spread_ms), 1000 }, { C(max_object_bytes), 2u << 20 },
};

static void conf_fill(struct kube_client_conf *conf)
{
	for (size_t i = 0; i < sizeof(conf_defaults) / sizeof(conf_defaults[0]); i++) {
		uint32_t *at = (uint32_t *)((char *)conf + conf_defaults[i].off);

		if (!*at)
			*at = conf_defaults[i].value;
	}
}

/* A node's name goes into URLs as it is: only what a DNS name can have. */
static bool node_name_valid(const char *z)
{
	return strspn(z, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(z) && strlen(z) <= 253;
}

static int client_conf(struct kube_client *c, const struct kube_auth *auth,
		       const struct kube_client_conf *conf)
{
	struct kube_shared *s = &c->shared;

	s->conf = *conf;
	s->conf.node_name = NULL;
	conf_fill(&s->conf);
	if (!auth->server || s->conf.page_limit > PAGE_LIMIT_MAX)
		return -EINVAL;
	if (conf->node_name && *conf->node_name) {
		if (!node_name_valid(conf->node_name))
			return -EINVAL;
		s->node_name = strdup(conf->node_name);
		if (!s->node_name)
			return -ENOMEM;
	}
	for (size_t i = 0; i < KUBE_RESOURCES; i++)
		c->on[i] = !(conf->off & 1u << i);
	if (!s->node_name)
		c->on[KUBE_RES_NODE_PODS] = false;
	return kube_auth_copy(auth, &s->auth);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Starts and gives up what is due; returns how long it may take until the next time. */
static uint64_t client_tick(struct kube_client *c, uint64_t now_ms)
{
	uint64_t next = now_ms + SLEEP_MAX_MS;

	for (size_t i = 0; i < KUBE_RESOURCES; i++) {
		uint64_t due;

		if (!c->on[i])
			continue;
		watcher_tick(&c->watchers[i], now_ms);
		due = watcher_deadline(&c->watchers[i]);
		next = due < next ? due : next;
	}
	return next > now_ms ? next - now_ms : 0;
}

static void client_finished(struct kube_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->shared.multi, &left))) {
		CURLcode result = m->data.result;
		struct kube_watcher *w = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&w);
		curl_multi_remove_handle(c->shared.multi, m->easy_handle);
		watcher_done(w, result, kube_now_ms());
	}
}

static void *client_thread(void *ctx)
{
	struct kube_client *c = ctx;
	int running;

	while (!atomic_load(&c->stop)) {
		uint64_t wait_ms;

		curl_multi_perform(c->shared.multi, &running);
		client_finished(c);
		wait_ms = client_tick(c, kube_now_ms());
		curl_multi_poll(c->shared.multi, NULL, 0, (int)wait_ms, NULL);
	}
	return NULL;
}

static int client_spawn(struct kube_client *c)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&c->thread, NULL, client_thread, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -EAGAIN;
	c->started = true;
	pthread_setname_np(c->thread, "kube");
	return 0;
}

/* --- the public functions --------------------------------------------------------------------- */

static void curl_ready(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void kube_client_stop(struct kube_client *c)
{
	if (!c)
		return;
	atomic_store(&c->stop, true);
	if (c->started) {
		curl_multi_wakeup(c->shared.multi);
		pthread_join(c->thread, NULL);
	}
	for (size_t i = 0; i < KUBE_RESOURCES; i++)
		watcher_free(&c->watchers[i]);
	if (c->shared.multi)
		curl_multi_cleanup(c->shared.multi);
	pthread_mutex_destroy(&c->shared.lock);
	arena_free(&c->shared.arena);
	kube_auth_free(&c->shared.auth);
	free(c->shared.node_name);
	free(c);
}

static void client_stopp(struct kube_client **c)
{
	kube_client_stop(*c);
}

static int client_watchers(struct kube_client *c)
{
	uint64_t now_ms = kube_now_ms();

	for (size_t i = 0; i < KUBE_RESOURCES; i++) {
		uint32_t spread = i == KUBE_RES_NODE_PODS ? 0 : c->shared.conf.start_spread_ms;
		struct kube_watcher *w = &c->watchers[i];

		watcher_init(w, &c->shared, (enum kube_resource)i,
			     now_ms + arc4random_uniform(spread + 1));
		if (!c->on[i])
			w->own.state = w->shown.state = KUBE_STATE_OFF;
	}
	c->shared.multi = curl_multi_init();
	return c->shared.multi ? 0 : -ENOMEM;
}

int kube_client_start(const struct kube_auth *auth, const struct kube_client_conf *conf,
		      kube_sink_fn *sink, kube_note_fn *note, void *ctx,
		      struct kube_client **ret_client)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(client_stopp) struct kube_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	pthread_once(&once, curl_ready);
	pthread_mutex_init(&c->shared.lock, NULL);
	c->shared.sink = sink;
	c->shared.note = note;
	c->shared.ctx = ctx;
	r = client_conf(c, auth, conf);
	if (!r)
		r = arena_init(&c->shared.arena, KUBE_ARENA_BYTES);
	if (!r)
		r = client_watchers(c);
	if (!r)
		r = client_spawn(c);
	if (r)
		return r;
	*ret_client = take_ptr(c);
	return 0;
}

void kube_client_status(struct kube_client *c, enum kube_resource resource,
			struct kube_status *ret_status)
{
	pthread_mutex_lock(&c->shared.lock);
	*ret_status = c->watchers[resource].shown;
	pthread_mutex_unlock(&c->shared.lock);
}
