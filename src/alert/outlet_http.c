/*
 * POST to a receiver such as Falcosidekick: one JSON object a request, one request at a time over a
 * connection that is kept. 2xx: delivered. 4xx but 408 and 429: the receiver will not have it,
 * counted and passed over. All else (no connection, a time-out, 3xx, 5xx): again later, not before
 * what Retry-After says. Redirects are not followed. A proxy is taken from the environment
 * (https_proxy, no_proxy), as curl does.
 *
 * One alert a batch, so that after a crash only the one whose answer was not seen comes twice.
 */
#include <errno.h>
#include <stdio.h>

#include "alert/channel.h"
#include "base/cleanup.h"
#include "base/post.h"

static int http_open(const struct outlet_opts *o, void **ret, struct buf *why)
{
	const struct post_opts opts = {
		.url = o->url,
		.content_type = "application/json",
		.headers = o->headers,
		.nheaders = o->nheaders,
		.ca = o->ca,
		.cert = o->cert,
		.key = o->key,
		.insecure = o->insecure,
		.timeout_ms = o->timeout_ms,
	};
	struct post *p;
	int err = post_open(&opts, &p, why);

	if (!err)
		*ret = p;
	return err;
}

static void http_close(void *ctx)
{
	post_close(ctx);
}

/* 0: done with (delivered or refused). */
static int http_answer(const struct post_answer *a, struct channel_io *io)
{
	if (a->code >= 200 && a->code < 300)
		return 0;
	snprintf(io->error, sizeof(io->error), "the receiver says HTTP %ld", a->code);
	if (a->code >= 400 && a->code < 500 && a->code != 408 && a->code != 429) {
		io->refused++;
		return 0;
	}
	io->retry_after_ms = a->retry_after_ms;
	return -EAGAIN;
}

static int http_one(struct post *p, struct channel_io *io, const struct spool_alert *alert)
{
	struct post_answer a;
	int err = post_send(p, NULL, alert->json, io->stop, &a);

	if (!err)
		return http_answer(&a, io);
	if (err != -ECANCELED)
		snprintf(io->error, sizeof(io->error), "%s", a.error);
	return err;
}

static int http_send(void *ctx, struct channel_io *io)
{
	struct post *p = ctx;
	int err = 0;

	while (!err && io->done < io->batch->n) {
		err = http_one(p, io, &io->batch->alerts[io->done]);
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
