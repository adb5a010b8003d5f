/*
 * One HTTP request: the URL of a list page or a watch, credentials as they are at this moment, and
 * curl's options. No redirects, no proxy unless the kubeconfig names one, HTTP and HTTPS only.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "kube/watcher.h"

#define KEEPALIVE_S	  15L
#define KEEPALIVE_EVERY_S 5L
#define SENT_UNACKED_MS	  20000u

/* A selector, URL-escaped: names of nodes are DNS names, so no more is needed. */
static void url_selector(struct kube_watcher *w, struct buf *b)
{
	const char *node = w->shared->node_name;

	if (w->id == KUBE_RES_NODE_PODS)
		buf_printf(b, "&fieldSelector=spec.nodeName%%3D%s", node);
	if (w->id != KUBE_RES_PODS)
		return;
	/* Finished pods keep addresses they no longer have. */
	buf_printf(b, "&fieldSelector=status.phase%%21%%3DSucceeded%%2Cstatus.phase%%21%%3DFailed");
	if (node)
		buf_printf(b, "%%2Cspec.nodeName%%21%%3D%s", node);
}

static void url_escaped(struct buf *b, const char *z)
{
	char *e = curl_easy_escape(NULL, z, 0);

	if (e)
		buf_str(b, str_of(e));
	else
		b->failed = true;
	curl_free(e);
}

static int request_url(struct kube_watcher *w, struct buf *b)
{
	const struct kube_client_conf *conf = &w->shared->conf;

	buf_printf(b, "%s%s?", w->shared->auth.server, w->desc->path);
	if (w->step == STEP_WATCH) {
		uint32_t s = conf->watch_timeout_s;

		buf_printf(b, "watch=1&allowWatchBookmarks=true&timeoutSeconds=%u",
			   s + arc4random_uniform(s + 1));
		buf_printf(b, "&resourceVersion=");
		url_escaped(b, w->version);
	} else if (w->continue_to) {
		buf_printf(b, "limit=%u&continue=", conf->page_limit);
		url_escaped(b, w->continue_to);
	} else {
		buf_printf(b, "limit=%u", w->unpaged ? 0 : conf->page_limit);
	}
	url_selector(w, b);
	buf_char(b, 0);
	return b->failed ? -ENOMEM : 0;
}

static int request_headers(struct kube_watcher *w)
{
	_cleanup_(freep) char *token = NULL;
	_cleanup_(freep) char *line = NULL;
	struct curl_slist *more;
	int r = kube_auth_token(&w->shared->auth, &token);

	if (r) {
		const char *file = w->shared->auth.token_file;

		snprintf(w->message, sizeof(w->message), "token %.90s: %s", file ? file : "",
			 strerror(-r));
		return r;
	}
	curl_slist_free_all(w->headers);
	w->headers = curl_slist_append(NULL, "Accept: application/json");
	if (!w->headers || !token)
		return w->headers ? 0 : -ENOMEM;
	if (asprintf(&line, "Authorization: Bearer %s", token) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	more = curl_slist_append(w->headers, line);
	return more ? 0 : -ENOMEM;
}

/*
 * The kernel gives up on a peer that no longer acknowledges, long before TCP's own quarter of an
 * hour.
 */
static int socket_options(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	unsigned ms = SENT_UNACKED_MS;

	(void)ctx;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return CURL_SOCKOPT_OK;
}

/* One of a file's path or the bytes themselves. */
static CURLcode set_pem(CURL *e, CURLoption file, CURLoption blob, const char *path, const char *pem)
{
	struct curl_blob b = { (void *)pem, pem ? strlen(pem) : 0, CURL_BLOB_COPY };

	if (pem)
		return curl_easy_setopt(e, blob, &b);
	return path ? curl_easy_setopt(e, file, path) : CURLE_OK;
}

static CURLcode request_tls(CURL *e, const struct kube_auth *a)
{
	CURLcode r = set_pem(e, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, a->ca_file, a->ca_pem);

	if (!r)
		r = set_pem(e, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, a->cert_file, a->cert_pem);
	if (!r)
		r = set_pem(e, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, a->key_file, a->key_pem);
	if (!r && a->insecure) {
		r = curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		if (!r)
			r = curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return r;
}

static CURLcode request_options(struct kube_watcher *w, const char *url)
{
	const struct kube_shared *s = w->shared;
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_QUICK_EXIT, 1 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_CONNECTTIMEOUT_MS, s->conf.connect_ms },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S },
		{ CURLOPT_TCP_KEEPINTVL, KEEPALIVE_EVERY_S },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	};
	const struct {
		CURLoption option;
		const void *value;
	} pointers[] = {
		{ CURLOPT_URL, url },
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		{ CURLOPT_PROXY, s->auth.proxy ? s->auth.proxy : "" },
		{ CURLOPT_USERAGENT, "porthole/" PORTHOLE_VERSION },
		{ CURLOPT_HTTPHEADER, w->headers },
		{ CURLOPT_ERRORBUFFER, w->curl_error },
		{ CURLOPT_PRIVATE, w },
	};
	CURLcode r = CURLE_OK;

	for (size_t i = 0; !r && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		r = curl_easy_setopt(w->easy, numbers[i].option, numbers[i].value);
	for (size_t i = 0; !r && i < sizeof(pointers) / sizeof(pointers[0]); i++)
		r = curl_easy_setopt(w->easy, pointers[i].option, pointers[i].value);
	if (!r)
		r = curl_easy_setopt(w->easy, CURLOPT_SOCKOPTFUNCTION, socket_options);
	return r ? r : request_tls(w->easy, &s->auth);
}

int request_prepare(struct kube_watcher *w)
{
	_cleanup_(buf_free) struct buf url = { .max = 32768 };
	CURLcode c;
	int r;

	if (!w->easy)
		w->easy = curl_easy_init();
	if (!w->easy)
		return -ENOMEM;
	curl_easy_reset(w->easy);
	r = request_headers(w);
	if (!r)
		r = request_url(w, &url);
	if (r)
		return r;
	c = request_options(w, url.p);
	if (c) {
		snprintf(w->message, sizeof(w->message), "%s", curl_easy_strerror(c));
		return -EINVAL;
	}
	return 0;
}
