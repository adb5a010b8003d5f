/*
 * POST to a receiver such as Falcosidekick: one JSON object a request, one request at a time over a
 * connection that is kept. 2xx: delivered. 4xx but 408 and 429: the receiver will not have it,
 * counted and passed over. All else (no connection, a time-out, 3xx, 5xx): again later, not before
 * what Retry-After says. Redirects are not followed. A proxy is taken from the environment
 * (https_proxy, no_proxy), as curl does.
 *
 * One alert a batch, so that after a crash only the one whose answer was not seen comes twice.
 */
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "alert/channel.h"
#include "base/cleanup.h"

#define TIMEOUT_MS 10000u
#define CONNECT_MS 5000u
#define WISH_MAX_S 3600

struct http {
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	const atomic_bool *stop; /* of the running request */
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	(void)p;
	(void)ctx;
	return size * n; /* of no interest; the time-out bounds it */
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http *h = ctx;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return atomic_load(h->stop);
}

static void http_close(void *ctx)
{
	struct http *c = ctx;

	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	free(c);
}

static void http_closep(struct http **c)
{
	if (*c)
		http_close(*c);
}

static int http_header(struct http *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->headers, line);

	if (!more)
		return -ENOMEM;
	c->headers = more;
	return 0;
}

static int http_headers(struct http *c, const struct outlet_opts *o, struct buf *why)
{
	int err = http_header(c, "Content-Type: application/json");

	if (!err)
		err = http_header(c, "Expect:");
	for (size_t i = 0; !err && i < o->nheaders; i++) {
		const char *line = o->headers[i];

		if (!strchr(line, ':') || *line == ':' || strpbrk(line, "\r\n")) {
			/* Not shown: it may hold a secret. */
			buf_printf(why, "header %zu: expected \"Name: value\"", i + 1);
			return -EINVAL;
		}
		err = http_header(c, line);
	}
	return err;
}

static const char *given(const char *file)
{
	return file && *file ? file : NULL;
}

static int http_options(struct http *c, const struct outlet_opts *o)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_POST, 1 },
		{ CURLOPT_NOPROGRESS, 0 },
		{ CURLOPT_TIMEOUT_MS, o->timeout_ms ? o->timeout_ms : TIMEOUT_MS },
		{ CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_SSL_VERIFYPEER, !o->insecure },
		{ CURLOPT_SSL_VERIFYHOST, o->insecure ? 0 : 2 },
	};
	const struct {
		CURLoption option;
		const void *value;
	} pointers[] = {
		{ CURLOPT_URL, o->url },
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		{ CURLOPT_USERAGENT, "porthole/" PORTHOLE_VERSION },
		{ CURLOPT_HTTPHEADER, c->headers },
		{ CURLOPT_ERRORBUFFER, c->error },
		{ CURLOPT_XFERINFODATA, c },
		{ CURLOPT_CAINFO, given(o->ca) },
		{ CURLOPT_SSLCERT, given(o->cert) },
		{ CURLOPT_SSLKEY, given(o->key) },
	};
	CURLcode r = curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);

	if (!r)
		r = curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	for (size_t i = 0; !r && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		r = curl_easy_setopt(c->easy, numbers[i].option, numbers[i].value);
	for (size_t i = 0; !r && i < sizeof(pointers) / sizeof(pointers[0]); i++)
		if (pointers[i].value)
			r = curl_easy_setopt(c->easy, pointers[i].option, pointers[i].value);
	return r ? -ENOMEM : 0;
}

/* What can be known to be wrong at the start. */
static int http_check(const struct outlet_opts *o, struct buf *why)
{
	const char *const files[] = { o->ca, o->cert, o->key };
	CURLU *url = curl_url();
	char *scheme = NULL;
	bool ok = url && o->url && !curl_url_set(url, CURLUPART_URL, o->url, 0) &&
		  !curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) &&
		  (!strcmp(scheme, "http") || !strcmp(scheme, "https"));

	curl_free(scheme);
	curl_url_cleanup(url);
	if (!ok) {
		buf_printf(why, "expected an address as http://host:2801/");
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] && *files[i] && access(files[i], R_OK) < 0) {
			buf_printf(why, "%s: %s", files[i], strerror(errno));
			return -errno;
		}
	return 0;
}

static void curl_ready(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int http_open(const struct outlet_opts *o, void **ret, struct buf *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(http_closep) struct http *c = NULL;
	int err;

	pthread_once(&once, curl_ready);
	err = http_check(o, why);
	if (err)
		return err;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->easy = curl_easy_init();
	err = c->easy ? http_headers(c, o, why) : -ENOMEM;
	if (!err)
		err = http_options(c, o);
	if (err)
		return err;
	*ret = take_ptr(c);
	return 0;
}

/* 0: done with (delivered or refused). */
static int http_answer(struct http *c, struct channel_io *io)
{
	long code = 0;
	curl_off_t wish_s = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &code);
	if (code >= 200 && code < 300)
		return 0;
	snprintf(io->error, sizeof(io->error), "the receiver says HTTP %ld", code);
	if (code >= 400 && code < 500 && code != 408 && code != 429) {
		io->refused++;
		return 0;
	}
	if (!curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &wish_s) && wish_s > 0)
		io->retry_after_ms = (uint32_t)(wish_s < WISH_MAX_S ? wish_s : WISH_MAX_S) * 1000;
	return -EAGAIN;
}

static int http_one(struct http *c, struct channel_io *io, const struct spool_alert *a)
{
	CURLcode r;

	c->error[0] = 0;
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, a->json.p);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->json.n);
	r = curl_easy_perform(c->easy);
	if (r == CURLE_OK)
		return http_answer(c, io);
	if (r == CURLE_ABORTED_BY_CALLBACK)
		return -ECANCELED;
	snprintf(io->error, sizeof(io->error), "%.150s",
		 c->error[0] ? c->error : curl_easy_strerror(r));
	return -EIO;
}

static int http_send(void *ctx, struct channel_io *io)
{
	struct http *c = ctx;
	int err = 0;

	c->stop = io->stop;
	while (!err && io->done < io->batch->n) {
		err = http_one(c, io, &io->batch->alerts[io->done]);
		io->done += !err;
	}
	return err;
}

const struct channel_ops channel_http = {
	.kind = "http",
	.batch = 1,
	.open = http_open,
	.send = http_send,
	.close = http_close,
};
