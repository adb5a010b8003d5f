/*
 * The sender. Shared between producer and thread, under the lock: queues, counts, `ending`. The rest is the thread's.
 * The sampling of a trace goes by its id, so that all agents decide alike.
 */
#include "out/otlp/otlp.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/post.h"
#include "out/otlp/queue.h"
#include "out/otlp/reply.h"

#define BACKOFF_MIN_NS NS_PER_SEC
#define BACKOFF_MAX_NS (32 * NS_PER_SEC)
#define RESOURCE_BYTES (8u << 10)
#define ITEM_BYTES     (256u << 10)
#define URL_BYTES      1024
#define TROUBLE_BYTES  sizeof(((struct otlp_stats *)0)->trouble[0])

const char *const otlp_signal_names[OTLP_SIGNALS] = { "traces", "metrics", "logs" };

/* One signal's request under way. */
struct flight {
	char url[URL_BYTES];
	struct buf body; /* as it is sent */
	size_t items;	 /* 0: none is under way */
	uint64_t since_ns, next_ns, backoff_ns;
};

struct otlp {
	struct otlp_opts opts;
	char host[256], node[256];
	struct post *post;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct otlp_queue queues[OTLP_SIGNALS];
	struct otlp_stats stats;
	bool ending, ended;
	atomic_bool abort; /* the transfer under way */
	struct flight flights[OTLP_SIGNALS];
	uint64_t metrics_next_ns, seed;
	struct buf resource, item; /* the producer's */
	uint64_t random[32];	   /* likewise */
	size_t random_left;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void otlp_free(struct otlp *o)
{
	for (size_t i = 0; i < OTLP_SIGNALS; i++) {
		buf_free(&o->queues[i].bytes);
		buf_free(&o->flights[i].body);
	}
	buf_free(&o->resource);
	buf_free(&o->item);
	post_close(o->post);
	pthread_cond_destroy(&o->changed);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

static void urls_make(struct otlp *o)
{
	struct str base = str_of(o->opts.endpoint);

	while (base.n && base.p[base.n - 1] == '/')
		base.n--;
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		snprintf(o->flights[i].url, URL_BYTES, "%.*s/v1/%s", STR_ARG(base),
			 otlp_signal_names[i]);
}

static void lock_init(struct otlp *o)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&o->lock, NULL);
}

int otlp_new(const struct otlp_opts *opts, struct otlp **ret, struct buf *why)
{
	const struct post_opts post = {
		.url = opts->endpoint,
		.content_type = "application/x-protobuf",
		.gzip = opts->gzip,
		.headers = opts->headers,
		.nheaders = opts->nheaders,
		.ca = opts->ca,
		.cert = opts->cert,
		.key = opts->key,
		.insecure = opts->insecure,
		.timeout_ms = opts->timeout_ms,
	};
	struct otlp *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->opts = *opts;
	lock_init(o);
	urls_make(o);
	snprintf(o->host, sizeof(o->host), "%.*s", STR_ARG(opts->node.host));
	snprintf(o->node, sizeof(o->node), "%.*s", STR_ARG(opts->node.node));
	o->opts.node = (struct otlp_node){ str_of(o->host), str_of(o->node) };
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		o->queues[i].bytes.max = opts->queue_bytes;
	o->resource.max = RESOURCE_BYTES;
	o->item.max = ITEM_BYTES;
	o->seed = now_ns();
	err = post_open(&post, &o->post, why);
	if (err) {
		otlp_free(o);
		return err;
	}
	*ret = o;
	return 0;
}

/* --- the producer --- */

static uint64_t random_get(struct otlp *o)
{
	if (!o->random_left) {
		if (getrandom(o->random, sizeof(o->random), GRND_NONBLOCK) != sizeof(o->random))
			for (size_t i = 0; i < 32; i++)
				o->random[i] ^= now_ns() * (2 * i + 1);
		o->random_left = 32;
	}
	return o->random[--o->random_left] | 1; /* never all zero */
}

static void ids_make(struct otlp *o, const struct request *r, struct otlp_trace *t)
{
	uint64_t id;

	*t = (struct otlp_trace){ 0 };
	if (!otlp_traceparent(r->trace, t))
		for (size_t i = 0; i < 2; i++) {
			id = random_get(o);
			memcpy(t->trace + 8 * i, &id, 8);
		}
	id = random_get(o);
	memcpy(t->span, &id, 8);
}

/* The last seven bytes of a trace's id are random by W3C's level 2. */
static bool sampled(const struct otlp *o, const struct sem_view *v, const struct otlp_trace *t)
{
	uint64_t id = 0, took = request_latency_ns(v->r);

	if (sem_failed(v) || (o->opts.slow_ns && took >= o->opts.slow_ns))
		return true;
	for (size_t i = 9; i < 16; i++)
		id = id << 8 | t->trace[i];
	return o->opts.sample_percent >= 100 || id < (1ull << 56) / 100 * o->opts.sample_percent;
}

/* What was encoded goes into the signal's queue. */
static void item_put(struct otlp *o, enum otlp_signal s)
{
	struct otlp_queue *q = &o->queues[s];
	bool put, half;

	pthread_mutex_lock(&o->lock);
	put = !o->resource.failed && !o->item.failed &&
	      otlp_queue_put(q, buf_slice(&o->resource), buf_slice(&o->item));
	o->stats.of[s].queue_full += !put;
	half = q->bytes.n > q->bytes.max / 2;
	if (half)
		pthread_cond_signal(&o->changed);
	pthread_mutex_unlock(&o->lock);
}

void otlp_span_put(struct otlp *o, struct sem_view *v)
{
	struct otlp_trace t;

	if (!o->opts.on[OTLP_TRACES])
		return;
	ids_make(o, v->r, &t);
	if (!sampled(o, v, &t)) {
		pthread_mutex_lock(&o->lock);
		o->stats.of[OTLP_TRACES].unsampled++;
		pthread_mutex_unlock(&o->lock);
		return;
	}
	buf_reset(&o->resource);
	buf_reset(&o->item);
	otlp_resource(v, &o->opts.node, &o->resource);
	otlp_span(v, &t, o->opts.boot_to_wall_ns, &o->item);
	item_put(o, OTLP_TRACES);
}

void otlp_log_put(struct otlp *o, const struct otlp_log *l)
{
	if (!o->opts.on[OTLP_LOGS])
		return;
	buf_reset(&o->resource);
	buf_reset(&o->item);
	otlp_resource_agent(&o->opts.node, &o->resource);
	otlp_log_record(l, &o->item);
	item_put(o, OTLP_LOGS);
}

void otlp_stats(struct otlp *o, struct otlp_stats *ret)
{
	pthread_mutex_lock(&o->lock);
	*ret = o->stats;
	pthread_mutex_unlock(&o->lock);
}

/* --- the thread --- */

static int gzip(const struct buf *in, struct buf *out)
{
	z_stream z = { 0 };
	char *to;
	int err;

	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	to = buf_grow(out, deflateBound(&z, in->n));
	z.next_in = (Bytef *)in->p;
	z.avail_in = (uInt)in->n;
	z.next_out = (Bytef *)to;
	z.avail_out = to ? (uInt)deflateBound(&z, in->n) : 0;
	err = to && deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
	if (!err)
		out->n += z.total_out;
	deflateEnd(&z);
	return err;
}

static size_t metrics_take(struct otlp *o, struct buf *raw)
{
	_cleanup_(rm_snapshot_free) struct rm_snapshot s = { 0 };

	if (o->opts.snapshot(o->opts.ctx, &s) != 0)
		return 0;
	otlp_metrics(&s, &o->opts.node, o->opts.boot_to_wall_ns, clock_wall().ns, raw);
	return s.n;
}

static void flight_done(struct otlp *o, enum otlp_signal s, uint64_t *count)
{
	*count += o->flights[s].items; /* under the lock */
	o->flights[s].items = 0;
	buf_reset(&o->flights[s].body);
}

/* Makes the next request when there is something to send. */
static void flight_make(struct otlp *o, enum otlp_signal s, uint64_t now)
{
	struct flight *f = &o->flights[s];
	_cleanup_(buf_free) struct buf raw = { 0 };

	if (s == OTLP_METRICS) {
		o->metrics_next_ns = now + o->opts.interval_ns;
		f->items = metrics_take(o, &raw);
	} else {
		pthread_mutex_lock(&o->lock);
		f->items = otlp_queue_take(&o->queues[s], OTLP_REQUEST_BYTES, &raw);
		pthread_mutex_unlock(&o->lock);
	}
	if (!f->items)
		return;
	buf_reset(&f->body);
	if (!o->opts.gzip)
		buf_str(&f->body, buf_slice(&raw));
	if (raw.failed || (o->opts.gzip && gzip(&raw, &f->body) != 0) || f->body.failed) {
		pthread_mutex_lock(&o->lock);
		flight_done(o, s, &o->stats.of[s].given_up); /* no memory */
		pthread_mutex_unlock(&o->lock);
		return;
	}
	f->since_ns = f->next_ns = now;
	f->backoff_ns = BACKOFF_MIN_NS;
}

/* 0.5 to 1.5 of it. */
static uint64_t jitter(struct otlp *o, uint64_t ns)
{
	o->seed = o->seed * 6364136223846793005ull + 1442695040888963407ull;
	return ns / 2 + (o->seed >> 33) * (ns >> 10) / ((1ull << 31) >> 10);
}

/* "SAID", and what the receiver wrote, as one line that a terminal bears. */
static void trouble_put(struct otlp *o, enum otlp_signal s, const char *said, struct str message)
{
	_cleanup_(buf_free) struct buf line = { 0 };
	char *to = o->stats.trouble[s];

	if (message.n > TROUBLE_BYTES)
		message.n = TROUBLE_BYTES;
	buf_text(&line, message);
	snprintf(to, TROUBLE_BYTES, "%s%s%.*s", said, line.n ? ": " : "", (int)line.n,
		 line.n ? line.p : "");
}

static void flight_taken(struct otlp *o, enum otlp_signal s, const struct otlp_reply *r)
{
	struct otlp_counts *c = &o->stats.of[s];
	struct flight *f = &o->flights[s];
	uint64_t rejected = r->rejected < f->items ? r->rejected : f->items;
	char said[64];

	if (rejected || r->message.n) {
		snprintf(said, sizeof(said), "the receiver rejected %llu of %zu",
			 (unsigned long long)rejected, f->items);
		trouble_put(o, s, said, r->message);
	}
	c->rejected += rejected;
	f->items -= rejected;
	flight_done(o, s, &c->sent);
}

/* Under the lock. */
static void flight_answered(struct otlp *o, enum otlp_signal s, const struct post_answer *a,
			    uint64_t now)
{
	struct flight *f = &o->flights[s];
	struct otlp_counts *c = &o->stats.of[s];
	struct otlp_reply r;
	char said[64];

	o->stats.trouble[s][0] = 0;
	otlp_reply_read(a->code, a->body, &r);
	if (a->code >= 200 && a->code < 300) {
		flight_taken(o, s, &r);
		return;
	}
	snprintf(said, sizeof(said), "the receiver says HTTP %ld", a->code);
	trouble_put(o, s, a->code ? said : a->error, a->code ? r.message : STR_NONE);
	if (!otlp_again(a->code)) {
		flight_done(o, s, &c->refused);
		return;
	}
	if (o->ending || now - f->since_ns > OTLP_GIVE_UP_NS) {
		flight_done(o, s, &c->given_up);
		return;
	}
	c->retries++;
	f->next_ns = now + (a->retry_after_ms ? a->retry_after_ms * (uint64_t)NS_PER_MS :
						jitter(o, f->backoff_ns));
	f->backoff_ns = f->backoff_ns < BACKOFF_MAX_NS ? 2 * f->backoff_ns : f->backoff_ns;
}

static void flight_send(struct otlp *o, enum otlp_signal s)
{
	struct flight *f = &o->flights[s];
	struct post_answer a;

	post_send(o->post, f->url, buf_slice(&f->body), &o->abort, &a);
	pthread_mutex_lock(&o->lock);
	flight_answered(o, s, &a, now_ns());
	pthread_mutex_unlock(&o->lock);
}

/* Until nothing can be sent now. */
static void signal_turn(struct otlp *o, enum otlp_signal s, bool last)
{
	struct flight *f = &o->flights[s];

	for (size_t i = 0; i < 64 && !atomic_load(&o->abort); i++) {
		uint64_t now = now_ns();

		if (!f->items && (s != OTLP_METRICS || now >= o->metrics_next_ns || (last && !i)))
			flight_make(o, s, now);
		if (!f->items || (!last && now < f->next_ns))
			return;
		flight_send(o, s);
	}
}

static void wait_ns(struct otlp *o, uint64_t ns)
{
	uint64_t until = now_ns() + ns;
	struct timespec t = { (time_t)(until / NS_PER_SEC), (long)(until % NS_PER_SEC) };

	if (!o->ending)
		pthread_cond_timedwait(&o->changed, &o->lock, &t);
}

static void *thread_main(void *ctx)
{
	struct otlp *o = ctx;
	bool last = false;

	o->metrics_next_ns = now_ns() + o->opts.interval_ns;
	while (!last) {
		pthread_mutex_lock(&o->lock);
		wait_ns(o, OTLP_BATCH_NS);
		last = o->ending;
		pthread_mutex_unlock(&o->lock);
		for (size_t s = 0; s < OTLP_SIGNALS; s++)
			if (o->opts.on[s])
				signal_turn(o, (enum otlp_signal)s, last);
	}
	pthread_mutex_lock(&o->lock);
	o->ended = true;
	pthread_cond_signal(&o->changed);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

int otlp_start(struct otlp *o)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&o->thread, NULL, thread_main, o);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	o->started = err == 0;
	return -err;
}

static void thread_end(struct otlp *o, uint32_t deadline_ms)
{
	uint64_t until = now_ns() + deadline_ms * (uint64_t)NS_PER_MS;
	struct timespec t = { (time_t)(until / NS_PER_SEC), (long)(until % NS_PER_SEC) };
	int err = 0;

	pthread_mutex_lock(&o->lock);
	o->ending = true;
	pthread_cond_signal(&o->changed);
	while (!o->ended && !err)
		err = pthread_cond_timedwait(&o->changed, &o->lock, &t);
	pthread_mutex_unlock(&o->lock);
	atomic_store(&o->abort, true); /* libcurl asks for it about once a second at least */
	pthread_join(o->thread, NULL);
}

uint64_t otlp_stop(struct otlp *o, uint32_t deadline_ms)
{
	uint64_t left = 0;

	if (!o)
		return 0;
	if (o->started)
		thread_end(o, deadline_ms);
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		left += o->queues[i].n +
			(i == OTLP_METRICS ? 0 : o->stats.of[i].given_up + o->flights[i].items);
	otlp_free(o);
	return left;
}
