/*
 * The state machine of one resource. A reply's bytes go through the splitter; each object is
 * parsed, handed to the sink and forgotten. How a transfer ended is decided in one place
 * (watcher_done), from what was noted in `reply` while it ran.
 */
#include "kube/watcher.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define TOKENS_MAX	  131072u /* JSON parts of one object: a full endpoint slice has 25,000 */
#define CONTINUE_MAX	  8192u	  /* bytes of a continue token */
#define RETRY_AFTER_MAX_S 300
#define BACKOFF_STEPS	  16u
#define WATCH_TRIES	  3u	/* refusals of a watch until we list again */
#define WATCH_SHORT_MS	  1000u /* a watch that ended sooner is not renewed at once */

const struct kube_resource_desc kube_resources[KUBE_RESOURCES] = {
	[KUBE_RES_NODE_PODS] = { "node-pods", "/api/v1/pods", KUBE_POD, KUBE_SCOPE_NODE },
	[KUBE_RES_PODS] = { "pods", "/api/v1/pods", KUBE_POD, KUBE_SCOPE_CLUSTER },
	[KUBE_RES_NAMESPACES] = { "namespaces", "/api/v1/namespaces", KUBE_NAMESPACE,
				  KUBE_SCOPE_CLUSTER },
	[KUBE_RES_SERVICES] = { "services", "/api/v1/services", KUBE_SERVICE, KUBE_SCOPE_CLUSTER },
	[KUBE_RES_ENDPOINTSLICES] = { "endpointslices", "/apis/discovery.k8s.io/v1/endpointslices",
				      KUBE_ENDPOINTSLICE, KUBE_SCOPE_CLUSTER },
	[KUBE_RES_NODES] = { "nodes", "/api/v1/nodes", KUBE_NODE, KUBE_SCOPE_CLUSTER },
};

uint64_t kube_now_ms(void)
{
	return clock_read_ns(CLOCK_MONOTONIC) / NS_PER_MS;
}

/* --- what others see -------------------------------------------------------------------------- */

static void watcher_publish(struct kube_watcher *w)
{
	pthread_mutex_lock(&w->shared->lock);
	w->shown = w->own;
	pthread_mutex_unlock(&w->shared->lock);
}

static void watcher_note(struct kube_watcher *w, enum kube_state state)
{
	const struct kube_note n = {
		.resource = w->id,
		.state = (uint8_t)state,
		.http_code = w->own.http_code,
		.name = w->desc->name,
		.text = state == KUBE_STATE_WATCHING ? "" : w->own.error,
	};

	if (w->shared->note)
		w->shared->note(w->shared->ctx, &n);
}

static void note_works(struct kube_watcher *w)
{
	w->own.error[0] = 0;
	if (!w->said_ok)
		watcher_note(w, KUBE_STATE_WATCHING);
	w->said_ok = true;
	w->said_bad = false;
}

/* A watch that breaks once and comes back is everyday life: said from the second failure on. */
static void note_fails(struct kube_watcher *w)
{
	bool denied = w->own.state == KUBE_STATE_DENIED;

	if (!denied && w->own.synced && w->backoff < 2)
		return;
	if (w->said_bad && w->said_code == w->own.http_code)
		return;
	watcher_note(w, w->own.state);
	w->said_bad = true;
	w->said_ok = false;
	w->said_code = w->own.http_code;
}

/* --- objects ---------------------------------------------------------------------------------- */

static void sink_mark(struct kube_watcher *w, enum kube_op op)
{
	const struct kube_obj o = { .type = w->desc->type, .op = (uint8_t)op, .scope = w->desc->scope };

	w->shared->sink(w->shared->ctx, &o);
}

static void sink_object(struct kube_watcher *w, const json_t *v, enum kube_op op)
{
	struct kube_obj o;

	arena_reset(&w->shared->arena);
	if (kube_obj_parse(v, w->desc->type, w->desc->scope, &w->shared->arena, &o, &w->own.cut)) {
		w->own.rejected_object++;
		return;
	}
	o.op = (uint8_t)op;
	w->own.objects++;
	w->shared->sink(w->shared->ctx, &o);
}

static void version_set(struct kube_watcher *w, struct str v)
{
	if (!v.n || v.n >= sizeof(w->version))
		return;
	memcpy(w->version, v.p, v.n);
	w->version[v.n] = 0;
}

static void message_set(struct kube_watcher *w, struct str s)
{
	snprintf(w->message, sizeof(w->message), "%.*s", (int)(s.n < 150 ? s.n : 150),
		 s.p ? s.p : "");
}

/* A Status object: the reply's, or inside an ERROR event. */
static void status_read(struct kube_watcher *w, const struct kube_meta *m)
{
	w->reply.gone = w->reply.gone || m->code == 410 || str_eq(m->reason, STR("Expired")) ||
			str_eq(m->reason, STR("Gone"));
	w->reply.retry_after_s = m->retry_after_s;
	message_set(w, m->message);
}

static int event_error(struct kube_watcher *w, const json_t *object)
{
	struct kube_meta m;

	kube_meta_parse(object, &m);
	status_read(w, &m);
	w->reply.code = m.code;
	w->reply.failed_event = true;
	return -ECONNABORTED;
}

static int watch_event(struct kube_watcher *w, const json_t *v)
{
	const char *type = json_string_value(json_object_get(v, "type"));
	const json_t *object = json_object_get(v, "object");
	struct kube_meta m;

	if (!type || !json_is_object(object)) {
		w->own.rejected_json++;
		return 0;
	}
	if (!strcmp(type, "ERROR"))
		return event_error(w, object);
	if (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED"))
		sink_object(w, object, KUBE_UPSERT);
	else if (!strcmp(type, "DELETED"))
		sink_object(w, object, KUBE_DELETE);
	else if (strcmp(type, "BOOKMARK")) {
		w->own.rejected_json++;
		return 0;
	}
	kube_meta_parse(object, &m);
	version_set(w, m.resource_version);
	w->reply.events++;
	w->backoff = w->watch_failures = 0;
	note_works(w);
	return 0;
}

static int envelope_read(struct kube_watcher *w, const json_t *v)
{
	struct kube_meta m;
	char *token = NULL;

	kube_meta_parse(v, &m);
	if (w->reply.code != 200 || str_eq(m.kind, STR("Status"))) {
		status_read(w, &m);
		return 0;
	}
	if (!m.resource_version.n || m.continue_token.n > CONTINUE_MAX)
		return -EBADMSG;
	if (m.continue_token.n) {
		token = strndup(m.continue_token.p, m.continue_token.n);
		if (!token)
			return -ENOMEM;
	}
	/* All pages show the first one's state. */
	if (!w->continue_to)
		version_set(w, m.resource_version);
	free(w->continue_to);
	w->continue_to = token;
	w->reply.page_ok = true;
	return 0;
}

static int watcher_split(void *ctx, enum kube_split_what what, struct str json)
{
	struct kube_watcher *w = ctx;
	json_t *v;
	int r = 0;

	if (what == KUBE_SPLIT_REJECTED) {
		w->own.rejected_size++;
		return 0;
	}
	v = kube_json_load(json);
	if (!v)
		w->own.rejected_json++;
	else if (what == KUBE_SPLIT_ENVELOPE)
		r = envelope_read(w, v);
	else if (w->reply.code == 200 && w->step == STEP_WATCH)
		r = watch_event(w, v);
	else if (w->reply.code == 200)
		sink_object(w, v, KUBE_UPSERT);
	json_decref(v);
	return r;
}

/* --- curl's callbacks ------------------------------------------------------------------------- */

static void body_begin(struct kube_watcher *w)
{
	bool stream = w->reply.code == 200 && w->step == STEP_WATCH;

	w->reply.body_begun = true;
	kube_split_reset(&w->split, stream ? KUBE_SPLIT_STREAM : KUBE_SPLIT_LIST);
	if (w->reply.code == 200 && w->step == STEP_LIST && !w->list_begun) {
		w->list_begun = true;
		sink_mark(w, KUBE_RESYNC_BEGIN);
	}
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct kube_watcher *w = ctx;
	int r;

	w->heard_ms = kube_now_ms();
	if (!w->reply.body_begun)
		body_begin(w);
	w->own.bytes += size * n;
	r = kube_split_feed(&w->split, (struct str){ p, size * n });
	watcher_publish(w);
	return r ? CURL_WRITEFUNC_ERROR : size * n;
}

/*
 * A server that refused, or was not there, is well again; one that broke its streams has to send
 * first.
 */
static void watch_answered(struct kube_watcher *w)
{
	w->own.state = KUBE_STATE_WATCHING;
	if (w->said_bad && w->said_code != 200)
		note_works(w);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct kube_watcher *w = ctx;
	long code = 0;

	(void)p;
	w->heard_ms = kube_now_ms();
	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &code);
	w->reply.code = (int)code;
	w->own.http_code = (int)code;
	if (code == 200 && !w->reply.answered) {
		w->reply.answered = true;
		if (w->step == STEP_WATCH)
			watch_answered(w);
		watcher_publish(w);
	}
	return size * n;
}

/* --- ends and beginnings ---------------------------------------------------------------------- */

static uint64_t by_lot(uint64_t ms)
{
	return ms ? ms / 2 + arc4random_uniform((uint32_t)(ms - ms / 2) + 1) : 0;
}

static uint64_t backoff_next_ms(struct kube_watcher *w)
{
	const struct kube_client_conf *conf = &w->shared->conf;
	uint64_t ms = (uint64_t)conf->backoff_min_ms << w->backoff;
	uint64_t after_ms;

	if (w->backoff < BACKOFF_STEPS)
		w->backoff++;
	ms = by_lot(ms < conf->backoff_max_ms ? ms : conf->backoff_max_ms);
	if (w->reply.retry_after_s > RETRY_AFTER_MAX_S)
		w->reply.retry_after_s = RETRY_AFTER_MAX_S;
	after_ms = (uint64_t)w->reply.retry_after_s * 1000;
	return ms > after_ms ? ms : after_ms;
}

static void error_describe(struct kube_watcher *w, CURLcode result)
{
	const struct watcher_reply *reply = &w->reply;
	const char *what = w->message;
	char *to = w->own.error;
	size_t n = sizeof(w->own.error);

	if (reply->failed_event)
		snprintf(to, n, "watch ended by the server: %d %.110s", reply->code, what);
	else if (reply->code && reply->code != 200)
		snprintf(to, n, "HTTP %d: %.140s", reply->code, what[0] ? what : "no reason given");
	else if (what[0])
		snprintf(to, n, "%.150s", what);
	else if (reply->body_begun && (w->split.bad || !result))
		snprintf(to, n, "the reply is %s JSON",
			 w->split.bad ? "not the expected" : "incomplete");
	else
		snprintf(to, n, "%.150s",
			 w->curl_error[0] ? w->curl_error : curl_easy_strerror(result));
}

static void list_restart(struct kube_watcher *w)
{
	w->step = STEP_LIST;
	w->watch_failures = 0;
	w->list_begun = false;
	free(take_ptr(w->continue_to));
}

/* Where to go on after a failure. */
static void step_after_failure(struct kube_watcher *w)
{
	bool refused = w->reply.code && w->reply.code != 200;

	if (w->step == STEP_LIST) {
		if (!w->reply.gone) {
			/* The same page again; the first one shows a newer state next time. */
			w->list_begun = w->list_begun && w->continue_to;
			return;
		}
		w->unpaged = w->continue_to != NULL;
		list_restart(w);
		return;
	}
	if (refused)
		w->watch_failures++;
	if (w->reply.gone || w->reply.code == 400 || w->own.state == KUBE_STATE_DENIED ||
	    w->watch_failures >= WATCH_TRIES)
		list_restart(w);
}

static void watcher_fail(struct kube_watcher *w, CURLcode result, uint64_t now_ms)
{
	bool denied = w->reply.code == 403 || w->reply.code == 404;
	uint64_t wait_ms = backoff_next_ms(w);

	w->reply.gone = w->reply.gone || w->reply.code == 410;
	if (denied)
		wait_ms = by_lot(w->shared->conf.denied_retry_ms);
	w->own.state = denied ? KUBE_STATE_DENIED : KUBE_STATE_WAITING;
	w->own.failures++;
	w->own.http_code = w->reply.code;
	error_describe(w, result);
	step_after_failure(w);
	w->due_ms = now_ms + wait_ms;
	note_fails(w);
	watcher_publish(w);
}

static void list_page_done(struct kube_watcher *w, uint64_t now_ms)
{
	w->due_ms = now_ms;
	if (w->continue_to)
		return;
	sink_mark(w, KUBE_RESYNC_END);
	w->list_begun = w->unpaged = false;
	w->own.synced = true;
	w->own.lists++;
	w->step = STEP_WATCH;
	if (!w->said_bad)
		note_works(w);
	watcher_publish(w);
}

static void watch_ended(struct kube_watcher *w, uint64_t now_ms)
{
	bool too_short = now_ms - w->started_ms < WATCH_SHORT_MS;

	note_works(w);
	w->backoff = too_short ? w->backoff : 0;
	w->due_ms = now_ms + (too_short ? backoff_next_ms(w) : 0);
	w->own.state = KUBE_STATE_WAITING;
	watcher_publish(w);
}

void watcher_done(struct kube_watcher *w, CURLcode result, uint64_t now_ms)
{
	const struct watcher_reply *reply = &w->reply;
	curl_off_t retry_s = 0;
	bool ok = result == CURLE_OK && reply->code == 200 && !reply->failed_event;

	w->running = false;
	if (!curl_easy_getinfo(w->easy, CURLINFO_RETRY_AFTER, &retry_s) &&
	    retry_s > w->reply.retry_after_s)
		w->reply.retry_after_s = retry_s < RETRY_AFTER_MAX_S ? (int)retry_s :
								       RETRY_AFTER_MAX_S;
	if (ok && reply->body_begun)
		ok = kube_split_end(&w->split) == 0;
	if (ok && w->step == STEP_LIST)
		ok = reply->page_ok;
	if (!ok)
		watcher_fail(w, result, now_ms);
	else if (w->step == STEP_LIST)
		list_page_done(w, now_ms);
	else
		watch_ended(w, now_ms);
}

static void watcher_start(struct kube_watcher *w, uint64_t now_ms)
{
	w->reply = (struct watcher_reply){ 0 };
	w->message[0] = w->curl_error[0] = 0;
	w->heard_ms = w->started_ms = now_ms;
	w->own.requests++;
	if (w->step == STEP_WATCH)
		w->own.watches++;
	else
		w->own.state = KUBE_STATE_LISTING;
	watcher_publish(w);
	if (request_prepare(w)) {
		watcher_fail(w, CURLE_FAILED_INIT, now_ms);
		return;
	}
	curl_easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(w->easy, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(w->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(w->easy, CURLOPT_HEADERDATA, w);
	if (curl_multi_add_handle(w->shared->multi, w->easy))
		watcher_fail(w, CURLE_OUT_OF_MEMORY, now_ms);
	else
		w->running = true;
}

static uint32_t silence_max_ms(const struct kube_watcher *w)
{
	const struct kube_client_conf *conf = &w->shared->conf;

	return w->step == STEP_WATCH && w->reply.answered ? conf->stale_ms : conf->list_stall_ms;
}

uint64_t watcher_deadline(const struct kube_watcher *w)
{
	return w->running ? w->heard_ms + silence_max_ms(w) : w->due_ms;
}

void watcher_tick(struct kube_watcher *w, uint64_t now_ms)
{
	if (now_ms < watcher_deadline(w))
		return;
	if (!w->running) {
		watcher_start(w, now_ms);
		return;
	}
	/* Taking the handle away in mid-transfer closes its connection. */
	curl_multi_remove_handle(w->shared->multi, w->easy);
	w->running = false;
	snprintf(w->message, sizeof(w->message), "nothing received for %u ms", silence_max_ms(w));
	watcher_fail(w, CURLE_OPERATION_TIMEDOUT, now_ms);
}

void watcher_init(struct kube_watcher *w, struct kube_shared *s, enum kube_resource id,
		  uint64_t due_ms)
{
	*w = (struct kube_watcher){
		.desc = &kube_resources[id],
		.shared = s,
		.id = (uint8_t)id,
		.due_ms = due_ms,
		.split = { .fn = watcher_split,
			   .ctx = w,
			   .max_bytes = s->conf.max_object_bytes,
			   .max_tokens = TOKENS_MAX },
		.own = { .name = kube_resources[id].name },
	};
	w->own.state = KUBE_STATE_LISTING;
	w->shown = w->own;
}

void watcher_free(struct kube_watcher *w)
{
	if (w->running)
		curl_multi_remove_handle(w->shared->multi, w->easy);
	if (w->easy)
		curl_easy_cleanup(w->easy);
	curl_slist_free_all(w->headers);
	kube_split_free(&w->split);
	free(w->continue_to);
}
