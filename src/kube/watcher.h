#pragma once
/*
 * One resource's life: list, watch, wait, again. The client's thread drives it: it calls
 * watcher_start when watcher_deadline has passed (watcher_tick does both checks) and watcher_done
 * when curl says a transfer has ended. Nothing here blocks. Internal to kube/.
 */
#include <curl/curl.h>
#include <pthread.h>

#include "kube/client.h"
#include "kube/parse.h"
#include "kube/split.h"

/* One row of the resource table. */
struct kube_resource_desc {
	const char *name, *path;
	uint8_t type, scope;
};

/* What all watchers of a client share; the client owns it. */
struct kube_shared {
	struct kube_auth auth;
	struct kube_client_conf conf; /* defaults filled in */
	char *node_name;	      /* or NULL */
	CURLM *multi;
	pthread_mutex_t lock; /* for the `shown` of every watcher */
	kube_sink_fn *sink;
	kube_note_fn *note;
	void *ctx;
	struct arena arena; /* arrays of the object at hand */
};

enum watcher_step {
	STEP_LIST,
	STEP_WATCH
};

struct kube_watcher {
	const struct kube_resource_desc *desc;
	struct kube_shared *shared;
	uint8_t id; /* enum kube_resource */

	uint8_t step;	   /* what runs or comes next: enum watcher_step */
	bool running;	   /* a transfer is under way */
	uint64_t due_ms;   /* when not running: the next start */
	uint64_t heard_ms; /* when running: the last byte, or the start */
	uint64_t started_ms;
	uint32_t backoff; /* failures in a row */
	uint32_t watch_failures;

	CURL *easy;
	struct curl_slist *headers;
	struct kube_split split;
	char curl_error[CURL_ERROR_SIZE];

	char version[64];  /* resourceVersion to watch from */
	char *continue_to; /* the next page's token, or NULL */
	bool list_begun;   /* RESYNC_BEGIN was sent for this list */
	bool unpaged;	   /* the last list's token expired: ask for all at once */

	/* the reply at hand; zeroed at each start */
	struct watcher_reply {
		bool answered, body_begun, page_ok, gone, failed_event;
		int code; /* of the HTTP reply, or of an ERROR event */
		int retry_after_s;
		uint64_t events;
	} reply;
	char message[160]; /* what the server, or we, say went wrong */

	bool said_ok, said_bad; /* notes given */
	int said_code;
	struct kube_status own;	  /* the thread's */
	struct kube_status shown; /* a copy for others, under the lock */
};

extern const struct kube_resource_desc kube_resources[KUBE_RESOURCES];

/* @due_ms is the first start. */
void watcher_init(struct kube_watcher *w, struct kube_shared *s, enum kube_resource id,
		  uint64_t due_ms);
void watcher_free(struct kube_watcher *w);

/* Starts what is due, gives up what is silent. */
void watcher_tick(struct kube_watcher *w, uint64_t now_ms);

/* The moment of the next watcher_tick that would do something. */
uint64_t watcher_deadline(const struct kube_watcher *w);

/* The transfer ended with @result. */
void watcher_done(struct kube_watcher *w, CURLcode result, uint64_t now_ms);

/* The milliseconds of a clock that never jumps. */
uint64_t kube_now_ms(void);

/*
 * Fills @w->easy for one GET: URL, credentials, limits. 0 or -errno with w->message set.
 * (request.c)
 */
int request_prepare(struct kube_watcher *w);
