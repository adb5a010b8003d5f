/* From connections to events. */
#include "agent/requests.h"

#include "agent/explain.h"
#include <errno.h>

#include "agent/pipeline.h"
#include "decode/streams.h"
#include "probe/sock.h"
#include "probe/stream/data.h"
#include "probe/stream/stream.h"

/*
 * A header that is older than its event (nobody answered) must not turn its process back to what it was then.
 */
static void header_renew(struct pipeline *p, struct rec_hdr *h)
{
	const struct proc *now = proc_find(enrich_procs(p->enrich), h->pid, h->start_ns);

	if (!now)
		return;
	h->uid = now->euid;
	h->cgroup = now->cgroup ? now->cgroup->id : h->cgroup;
	memcpy(h->comm, now->comm, sizeof(h->comm));
}

static void request_over(void *ctx, const struct rec_stream *last, int8_t is_server,
			 const struct request *r)
{
	struct pipeline *p = ctx;
	struct explain *calls = p->requests.calls;
	struct rec_stream renewed;
	struct request told;
	struct event ev = { .kind = &kind_table[KIND_REQUEST],
			    .hdr = &last->hdr,
			    .type = STR("request"),
			    .host = &p->host,
			    .body = r };

	ev.time = r->end.ns ? r->end : (struct boot_ns){ last->hdr.time_ns };
	if (last->hdr.time_ns < p->now.ns) {
		renewed = *last;
		header_renew(p, &renewed.hdr);
		ev.hdr = &renewed.hdr;
	}
	sock_fd_fill(&last->sock, is_server, &ev.fd);
	enrich_event(p->enrich, &ev);
	if (calls) {
		told = *r;
		ev.body = &told;
		explain_note(calls, &ev);
		explain_join(calls, &ev, &told);
	}
	pipeline_event(p, &ev);
	arena_reset(&p->arena); /* nothing of the record itself is in it; there may be many requests */
}

/* A capture keeps what nobody can read today: another version may. */
static void verdict(void *ctx, uint64_t id, enum stream_verdict v)
{
	static const enum stream_class classes[] = {
		[STREAM_KEEP] = STREAM_CLASS_KEEP,
		[STREAM_BODIES] = STREAM_CLASS_BODIES,
		[STREAM_DROP] = STREAM_CLASS_DROP,
	};
	const struct pipeline *p = ctx;

	if (v != STREAM_DROP || !p->capture)
		p->requests.verdict(p->requests.ctx, id, classes[v]);
}

static int requests_open(struct pipeline *p)
{
	const struct streams_opts o = {
		.proto = { .raw = p->requests.raw },
		.turns = p->requests.turns,
		.request = request_over,
		.verdict = p->requests.verdict ? verdict : NULL,
		.protos = p->requests.protos,
		.protos_n = p->requests.protos_n,
		.ctx = p,
	};

	if (p->requests.explain && !p->requests.calls && explain_new(&p->requests.calls) != 0)
		return -ENOMEM;
	return streams_new(&o, &p->requests.streams);
}

void requests_record(struct pipeline *p, const struct rec_hdr *h)
{
	struct str data;

	if (!stream_data(h, &data)) {
		p->decoded.bad++;
		return;
	}
	if (!p->requests.streams && requests_open(p) != 0) {
		p->requests.no_memory++;
		return;
	}
	streams_record(p->requests.streams, (const void *)h, data);
}

void requests_end(struct pipeline *p)
{
	if (p->requests.streams)
		streams_end(p->requests.streams, p->now);
}

void requests_stats(const struct requests *r, struct streams_stats *ret)
{
	*ret = (struct streams_stats){ 0 };
	if (r->streams)
		streams_stats(r->streams, ret);
	ret->no_memory += r->no_memory;
}

void requests_losses(const struct requests *r, const struct streams_stats *before,
		     uint64_t (*put)(void *ctx, uint64_t n, const char *what, const char *why),
		     void *ctx)
{
	struct streams_stats now;

	requests_stats(r, &now);
#define X(member, what, reason, thing, why) \
	if (now.member > before->member)    \
		put(ctx, now.member - before->member, thing, why);
	REQUEST_LOSSES(X)
#undef X
}

const struct streams_reject *requests_rejects(const struct requests *r, size_t *ret_n)
{
	*ret_n = 0;
	return r->streams ? streams_rejects(r->streams, ret_n) : NULL;
}

void requests_free(struct requests *r)
{
	streams_free(r->streams);
	explain_free(r->calls);
	*r = (struct requests){ 0 };
}
