/*
 * The page is made by request: the HTTP thread asks by an eventfd, the main loop fills the snapshot
 * and says so, the HTTP thread prints it. All that is shared stands in struct ask, under its lock;
 * only one asks at a time.
 *
 *   HTTP thread   turn ----> write(eventfd) --> wait for `answered` --------> print --> turn back
 *   main loop                      watch --> metrics_fill --> answered, signal
 */
#include "agent/service.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "agent/session.h"
#include "api/http.h"
#include "base/cleanup.h"
#include "base/json.h"

struct ask {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t asked, answered; /* numbers of questions */
	bool stopping;
	struct metrics metrics;
};

struct service {
	struct session *session;
	struct service_host host;
	struct control *control;
	struct http *http;
	struct session_watch watch;
	struct boot_ns start;
	struct wall_ns start_wall;
	struct ask ask;
	struct metrics scratch; /* of the main loop */
};

static void metrics_fill(struct service *v, struct metrics *m)
{
	metrics_take(v->session, m);
	m->start_wall_ns = v->start_wall.ns;
	m->uptime_ns = clock_boot().ns - v->start.ns;
	control_counts(v->control, &m->clients, &m->clients_lost);
	if (v->host.fill)
		v->host.fill(v->host.ctx, m);
}

/* --- the HTTP thread --- */

/* Called with the lock held, which it gives up while it waits. 0 or -ETIMEDOUT, -ESHUTDOWN. */
static int loop_ask(struct service *v)
{
	struct timespec until;
	uint64_t one = 1, mine = ++v->ask.asked;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SERVICE_WAIT_MS / 1000;
	until.tv_nsec += SERVICE_WAIT_MS % 1000 * (long)NS_PER_MS;
	if (until.tv_nsec >= (long)NS_PER_SEC) {
		until.tv_nsec -= (long)NS_PER_SEC;
		until.tv_sec++;
	}
	if (write(v->watch.fd, &one, sizeof(one)) != sizeof(one))
		return -EIO;
	while (!err && !v->ask.stopping && v->ask.answered < mine)
		err = -pthread_cond_timedwait(&v->ask.changed, &v->ask.lock, &until);
	return v->ask.stopping ? -ESHUTDOWN : v->ask.answered >= mine ? 0 : err;
}

static int page_metrics(void *ctx, struct buf *b)
{
	struct service *v = ctx;
	int err;

	pthread_mutex_lock(&v->ask.lock);
	err = loop_ask(v);
	if (!err)
		metrics_print(&v->ask.metrics, b);
	pthread_mutex_unlock(&v->ask.lock);
	if (!err && v->host.page)
		v->host.page(v->host.ctx, b);
	return err;
}

static int page_health(void *ctx)
{
	struct service *v = ctx;
	int err;

	pthread_mutex_lock(&v->ask.lock);
	err = loop_ask(v);
	pthread_mutex_unlock(&v->ask.lock);
	return err;
}

/* --- the main loop --- */

static void ask_ready(struct session_watch *w)
{
	struct service *v = w->ctx;
	uint64_t n;

	if (read(w->fd, &n, sizeof(n)) != sizeof(n))
		return;
	metrics_fill(v, &v->scratch);
	pthread_mutex_lock(&v->ask.lock);
	memcpy(&v->ask.metrics, &v->scratch, sizeof(v->scratch));
	v->ask.answered = v->ask.asked;
	pthread_cond_broadcast(&v->ask.changed);
	pthread_mutex_unlock(&v->ask.lock);
}

static int clients_wanted(void *ctx, uint64_t kinds, const struct query *const *list, size_t n)
{
	struct service *v = ctx;

	return v->host.wanted(v->host.ctx, kinds, list, n);
}

static void clients_status(void *ctx, struct buf *b)
{
	struct service *v = ctx;
	size_t before = b->n;

	metrics_fill(v, &v->scratch);
	status_json(&v->scratch, b);
	if (!v->host.status || b->failed || b->n == before)
		return;
	b->n--; /* its members go inside the object */
	v->host.status(v->host.ctx, b);
	buf_char(b, '}');
}

static int ask_init(struct service *v)
{
	pthread_condattr_t attr;
	int err = pthread_condattr_init(&attr);

	if (err)
		return -err;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	err = pthread_cond_init(&v->ask.changed, &attr);
	pthread_condattr_destroy(&attr);
	if (!err)
		err = pthread_mutex_init(&v->ask.lock, NULL);
	v->watch = (struct session_watch){ eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), ask_ready, v };
	if (!err && v->watch.fd < 0)
		err = errno;
	return err ? -err : session_watch(v->session, &v->watch);
}

static int service_open(struct service *v, const struct config *c, struct buf *why)
{
	const struct control_host host = { v, clients_wanted, clients_status };
	const struct http_opts http = { c->metrics_address, page_metrics, page_health, v };
	int err = ask_init(v);

	if (err) {
		buf_printf(why, "starting: %s", strerror(-err));
		return err;
	}
	err = control_start(v->session, c->control_socket, &host, &v->control, why);
	if (!err && c->metrics_enabled)
		err = http_start(&http, &v->http, why);
	return err;
}

int service_start(struct session *s, const struct config *c, const struct service_host *h,
		  struct service **ret, struct buf *why)
{
	struct service *v = calloc(1, sizeof(*v));
	int err;

	if (!v)
		return -ENOMEM;
	v->session = s;
	v->host = *h;
	v->watch.fd = -1;
	v->start = clock_boot();
	v->start_wall = clock_wall();
	err = service_open(v, c, why);
	if (err) {
		service_stop(v);
		return err;
	}
	*ret = v;
	return 0;
}

void service_turn(struct service *v)
{
	control_turn(v->control);
}

uint64_t service_kinds(const struct service *v)
{
	return control_kinds(v->control);
}

uint16_t service_port(const struct service *v)
{
	return v->http ? http_port(v->http) : 0;
}

void service_stop(struct service *v)
{
	if (!v)
		return;
	if (v->http) {
		pthread_mutex_lock(&v->ask.lock);
		v->ask.stopping = true;
		pthread_cond_broadcast(&v->ask.changed);
		pthread_mutex_unlock(&v->ask.lock);
		http_stop(v->http);
	}
	control_stop(v->control);
	if (v->watch.fd >= 0) {
		session_unwatch(v->session, &v->watch);
		close(v->watch.fd);
	}
	pthread_cond_destroy(&v->ask.changed);
	pthread_mutex_destroy(&v->ask.lock);
	free(v);
}
