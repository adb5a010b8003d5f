/* libcurl behind base/post.h. */
#include "base/post.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TIMEOUT_MS 10000u
#define CONNECT_MS 5000u
#define WISH_MAX_S 3600

struct post {
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	const atomic_bool *stop; /* of the running request */
	char *url;
	struct buf body;
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct post *c = ctx;
	size_t left = POST_ANSWER_MAX - c->body.n, take = size * n;

	buf_add(&c->body, p, take < left ? take : left);
	return size * n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct post *h = ctx;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return atomic_load(h->stop);
}

void post_close(struct post *p)
{
	if (!p)
		return;
	curl_easy_cleanup(p->easy);
	curl_slist_free_all(p->headers);
	buf_free(&p->body);
	free(p->url);
	free(p);
}

static void post_closep(struct post **p)
{
	post_close(*p);
}

static int http_header(struct post *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->headers, line);

	if (!more)
		return -ENOMEM;
	c->headers = more;
	return 0;
}

static int http_headers(struct post *c, const struct post_opts *o, struct buf *why)
{
	char type[128];
	int err;

	snprintf(type, sizeof(type), "Content-Type: %s", o->content_type);
	err = http_header(c, type);
	if (!err && o->gzip)
		err = http_header(c, "Content-Encoding: gzip");
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

static int http_options(struct post *c, const struct post_opts *o)
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
		{ CURLOPT_WRITEDATA, c },
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
static int http_check(const struct post_opts *o, struct buf *why)
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

int post_open(const struct post_opts *o, struct post **ret, struct buf *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(post_closep) struct post *c = NULL;
	int err;

	pthread_once(&once, curl_ready);
	err = http_check(o, why);
	if (err)
		return err;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->easy = curl_easy_init();
	c->url = strdup(o->url);
	err = c->easy && c->url ? http_headers(c, o, why) : -ENOMEM;
	if (!err)
		err = http_options(c, o);
	if (err)
		return err;
	*ret = take_ptr(c);
	return 0;
}

static void answer_get(struct post *c, struct post_answer *ret)
{
	curl_off_t wish_s = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &ret->code);
	if (!curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &wish_s) && wish_s > 0)
		ret->retry_after_ms = (uint32_t)(wish_s < WISH_MAX_S ? wish_s : WISH_MAX_S) * 1000;
	ret->body = buf_slice(&c->body);
}

int post_send(struct post *p, const char *url, struct str body, const atomic_bool *stop,
	      struct post_answer *ret)
{
	CURLcode r;

	*ret = (struct post_answer){ 0 };
	p->stop = stop;
	p->error[0] = 0;
	buf_reset(&p->body);
	curl_easy_setopt(p->easy, CURLOPT_URL, url ? url : p->url);
	curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, body.p ? body.p : "");
	curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	r = curl_easy_perform(p->easy);
	if (r == CURLE_OK) {
		answer_get(p, ret);
		return 0;
	}
	snprintf(ret->error, sizeof(ret->error), "%.150s",
		 p->error[0] ? p->error : curl_easy_strerror(r));
	return r == CURLE_ABORTED_BY_CALLBACK ? -ECANCELED : -EIO;
}
