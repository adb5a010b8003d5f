/*
 * The table of connections and which protocol each speaks. How its bytes are read is proto/reader.h's.
 *
 * A hash with chains over connections in two lists by age, one of streams and one of pairs that exchange datagrams, so
 * that a flood of datagrams pushes out no stream.
 */
#include "decode/streams.h"
#include "decode/timing.h"
#include "proto/turns/turns.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/hash.h"
#include "probe/stream/stream.h"
#include "proto/reader.h"

#define BUCKETS	  65536 /* a power of two */
#define ENDS_SIZE offsetof(struct rec_sock, type)
#define REJECTS	  256
#define MAKE_ROOM 64   /* connections pushed out for one parser's state */
#define FORGET	  1024 /* messages after which refused ones count half */

enum {
	SENT,
	RECEIVED
};

struct flow {
	struct flow *older, *newer; /* by the last record */
	struct flow *chain;
	struct reader reader;
	struct rec_stream last;	  /* with bytes */
	uint64_t ends;		  /* hash of its ends, for ids of requests */
	struct timing_mark *held; /* of each side: when what waits began; NULL: no times came */
	const struct proto *kept; /* that the kernel was told to keep; NULL: none */
	uint32_t wrong;		  /* protocols that it is not, by place in the list */
	uint8_t guesses;
	bool given_up, told;
	uint32_t nth;	   /* request that ended at ended_ns: several may in one record */
	uint64_t ended_ns; /* of the last one */
};

struct flow_list {
	struct flow *oldest, *newest;
	uint32_t n, max;
};

struct streams {
	struct streams_opts opts;
	struct readers env;
	struct streams_stats stats;
	struct flow_list streams, datagrams;
	struct flow *bucket[BUCKETS];
	struct streams_reject rejects[REJECTS];
	size_t rejects_n;
	struct timing *timing;	/* NULL: no record had times */
	struct timing_mark now; /* of the running record; time 0: none */
	const struct flow *now_of;
};

/* --- counting --- */

static void reject_count(void *ctx, const struct proto *p, const char *reason)
{
	struct streams *s = ctx;
	struct streams_reject *r = s->rejects;

	while (r < s->rejects + s->rejects_n && (r->protocol != p->name || r->reason != reason))
		r++;
	if (r == s->rejects + REJECTS)
		r--; /* the last one takes all that have no row */
	else if (r == s->rejects + s->rejects_n)
		s->rejects[s->rejects_n++] =
			(struct streams_reject){ .protocol = p->name, .reason = reason };
	r->n++;
}

static int8_t flow_is_server(const struct flow *f)
{
	return f->reader.to_server == SENT ? 0 : 1;
}

/* --- where time went --- */

/* What was seen of this connection's threads at @at; NULL: nothing. */
static const struct timing_mark *mark_at(const struct streams *s, const struct flow *f,
					 struct boot_ns at)
{
	if (!at.ns)
		return NULL;
	if (s->now_of == f && s->now.time.ns == at.ns)
		return &s->now;
	for (int i = 0; f->held && i < 2; i++)
		if (f->held[i].time.ns == at.ns)
			return &f->held[i];
	return NULL;
}

static void exchange_begun(void *ctx, struct window *w, struct exchange *x)
{
	const struct streams *s = ctx;
	const struct flow *f = w->owner;

	if (s->timing)
		timing_begin(s->timing, mark_at(s, f, x->req.start), (unsigned)flow_is_server(f),
			     &x->begun, &x->turn);
	else
		x->begun.why = TIMES_NOT_SEEN;
}

static void exchange_ended(const struct streams *s, const struct flow *f,
			   const struct timing_mark *m, struct exchange *x)
{
	if (!s->timing)
		return;
	timing_end(s->timing, m, (unsigned)flow_is_server(f), &x->begun, x->turn);
	x->req.times = &x->begun;
}

static void exchange_dropped(void *ctx, struct window *w, struct exchange *x)
{
	exchange_ended(ctx, w->owner, NULL, x);
}

/* Before a record is read. */
static void flow_mark(struct streams *s, struct flow *f, const struct rec_stream *r)
{
	timing_mark(r, &s->now);
	s->now_of = f;
	if (!s->now.time.ns)
		return;
	if (!s->timing && timing_new(&s->timing) != 0)
		s->stats.no_memory++;
	if (!f->held)
		f->held = calloc(2, sizeof(*f->held));
}

/* And after: what is held may begin with it. */
static void flow_mark_keep(struct streams *s, struct flow *f, unsigned side)
{
	if (f->held && s->now.time.ns && f->reader.side[side].begun.ns == s->now.time.ns)
		f->held[side] = s->now;
	s->now_of = NULL;
}

/* Of what any reader of these records has. */
static uint64_t id_make(struct flow *f, const struct request *r)
{
	struct boot_ns end = r->end.ns ? r->end : (struct boot_ns){ f->last.hdr.time_ns };
	uint64_t h;

	f->nth = end.ns == f->ended_ns ? f->nth + 1 : 0;
	f->ended_ns = end.ns;
	h = hash_u64(f->ends ^ f->last.id);
	h = hash_u64(h + r->start.ns);
	h = hash_u64(h ^ end.ns);
	h = hash_u64(h + f->nth * 2u + (unsigned)flow_is_server(f));
	return request_id(end, h);
}

static void exchange_over(void *ctx, struct window *w, struct exchange *x)
{
	struct streams *s = ctx;
	struct flow *f = w->owner;
	struct request *r = &x->req;

	s->stats.requests++;
	r->id = id_make(f, r);
	s->stats.unanswered += !!(r->flags & REQ_UNANSWERED);
	r->rtt_us = f->last.srtt_us;
	r->retransmits = w->retransmits - r->retransmits;
	if (f->last.flags & STREAM_TLS)
		r->flags |= REQ_TLS;
	exchange_ended(s, f, mark_at(s, f, r->end), x);
	s->opts.request(s->opts.ctx, &f->last, flow_is_server(f), r);
}

static void flow_tell(struct streams *s, struct flow *f, enum stream_verdict v)
{
	if (s->opts.verdict && !(f->last.flags & (STREAM_TLS | STREAM_DATAGRAM)))
		s->opts.verdict(s->opts.ctx, f->last.id, v);
}

/* Its protocol is known, or another than before. */
static void flow_keep(struct streams *s, struct flow *f)
{
	f->kept = f->reader.proto;
	flow_tell(s, f, f->kept->bodies ? STREAM_BODIES : STREAM_KEEP);
}

/* --- the table --- */

static struct flow_list *list_of(struct streams *s, const struct rec_stream *r)
{
	return r->flags & STREAM_DATAGRAM ? &s->datagrams : &s->streams;
}

/* Datagrams' sockets have no number: ends alone are the same in several network namespaces. */
static bool same_flow(const struct rec_stream *a, const struct rec_stream *b)
{
	const uint16_t kind = STREAM_TLS | STREAM_DATAGRAM;

	return a->id == b->id && memcmp(&a->sock, &b->sock, ENDS_SIZE) == 0 &&
	       (a->flags & kind) == (b->flags & kind) &&
	       (!(a->flags & STREAM_DATAGRAM) || a->hdr.cgroup == b->hdr.cgroup);
}

static struct flow **bucket_of(struct streams *s, const struct rec_stream *r)
{
	uint64_t h = hash_bytes(&r->sock, ENDS_SIZE);

	return &s->bucket[hash_u64(h ^ r->id) & (BUCKETS - 1)];
}

static void list_remove(struct flow_list *l, struct flow *f)
{
	*(f->older ? &f->older->newer : &l->oldest) = f->newer;
	*(f->newer ? &f->newer->older : &l->newest) = f->older;
	l->n--;
}

static void list_add(struct flow_list *l, struct flow *f)
{
	f->newer = NULL;
	f->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = f;
	l->newest = f;
	l->n++;
}

static void list_renew(struct flow_list *l, struct flow *f)
{
	if (l->newest == f)
		return;
	list_remove(l, f);
	list_add(l, f);
}

/* The connection is over; what waits is handed on. */
static void flow_end(struct streams *s, struct flow *f, struct boot_ns now)
{
	struct flow **at = bucket_of(s, &f->last);

	while (*at != f)
		at = &(*at)->chain;
	*at = f->chain;
	list_remove(list_of(s, &f->last), f);
	reader_close(&f->reader, now);
	free(f->held);
	free(f);
	s->stats.connections_now--;
}

static void flow_push_out(struct streams *s, struct flow *f, struct boot_ns now)
{
	/* A pair that waits for nothing has just ended, nobody says when. */
	s->stats.pushed_out += !(f->last.flags & STREAM_DATAGRAM) || f->reader.window.n;
	flow_end(s, f, now);
}

static struct flow *flow_find(struct streams *s, const struct rec_stream *r)
{
	struct flow *f = *bucket_of(s, r);

	while (f && !same_flow(&f->last, r))
		f = f->chain;
	return f;
}

static struct flow *flow_new(struct streams *s, const struct rec_stream *r)
{
	struct flow_list *l = list_of(s, r);
	struct flow **at = bucket_of(s, r), *f;

	if (l->n >= l->max)
		flow_push_out(s, l->oldest, (struct boot_ns){ r->hdr.time_ns });
	f = calloc(1, sizeof(*f));
	if (!f) {
		s->stats.no_memory++;
		return NULL;
	}
	f->ends = hash_str((struct str){ (const char *)&r->sock, ENDS_SIZE });
	reader_init(&f->reader, &s->env, f);
	f->reader.midway = !(r->flags & (STREAM_OPENED | STREAM_DATAGRAM));
	f->reader.to_server = r->role == 2 ? RECEIVED : SENT;
	f->chain = *at;
	*at = f;
	list_add(l, f);
	s->stats.connections++;
	s->stats.connections_now++;
	return f;
}

/* Pairs that have been quiet for long: their requests get no answer any more. */
static void datagrams_age(struct streams *s, uint64_t now_ns)
{
	for (int i = 0; i < 4; i++) {
		struct flow *f = s->datagrams.oldest;

		if (!f || f->last.hdr.time_ns + STREAMS_WAIT_NS > now_ns)
			return;
		flow_end(s, f, (struct boot_ns){ now_ns });
	}
}

/* --- which protocol --- */

static bool port_usual(const struct proto *p, const struct rec_sock *k)
{
	for (const uint16_t *port = p->ports; port && *port; port++)
		if (*port == k->lport || *port == k->rport)
			return true;
	return false;
}

/*
 * What these bytes of @side look like to @p; a direction that the socket's role contradicts is none.
 */
static enum proto_guess guess_one(const struct flow *f, const struct proto *p, unsigned side,
				  struct str head, bool usual)
{
	bool datagram = f->last.flags & STREAM_DATAGRAM;
	enum proto_guess g;

	if (datagram ? !p->datagram : !p->stream)
		return GUESS_NO;
	g = p->guess(head, usual);
	if (f->last.role && (g == GUESS_REQUEST || g == GUESS_RESPONSE)) {
		bool to_server = (side == SENT) == (f->last.role == 1);

		if (to_server != (g == GUESS_REQUEST))
			return GUESS_NO;
	}
	return g;
}

struct finding {
	const struct proto *proto;
	unsigned to_server;
};

/* Protocols whose usual port this is first; of them, and then of the others, in the list's order. */
static enum proto_guess guess(const struct streams *s, const struct flow *f, unsigned side,
			      struct str head, struct finding *ret)
{
	bool last = f->guesses + 1 >= STREAMS_GUESSES;

	for (int others = 0; others < 2; others++) {
		bool more = false;

		for (size_t i = 0; i < s->opts.protos_n; i++) {
			const struct proto *p = s->opts.protos[i];
			bool usual = port_usual(p, &f->last.sock);
			enum proto_guess g;

			if (usual == others || f->wrong & (1u << (i & 31)))
				continue;
			g = guess_one(f, p, side, head, usual);
			more |= g == GUESS_MORE;
			if (g != GUESS_REQUEST && g != GUESS_RESPONSE)
				continue;
			*ret = (struct finding){ p, g == GUESS_REQUEST ? side : !side };
			return g;
		}
		if (more && !last)
			return GUESS_MORE;
	}
	return GUESS_NO;
}

/* Questions and answers all the same, where they are asked for and it is known who asks. */
static bool flow_turns(struct streams *s, struct flow *f)
{
	unsigned to_server = f->last.role == 1 ? SENT : !SENT;

	if (!s->opts.turns || !f->last.role || f->reader.proto || f->last.flags & STREAM_DATAGRAM)
		return false;
	reader_stop(&f->reader);
	return reader_start(&f->reader, &proto_turns, to_server) == 0;
}

static void flow_give_up(struct streams *s, struct flow *f)
{
	if (flow_turns(s, f)) {
		flow_keep(s, f);
		return;
	}
	f->given_up = true;
	reader_stop(&f->reader);
	s->stats.unknown++;
	flow_tell(s, f, STREAM_DROP);
}

/* The protocol is found: its parser begins. Connections longest quiet make room for its state. */
static void flow_start(struct streams *s, struct flow *f, const struct finding *found)
{
	int err = reader_start(&f->reader, found->proto, found->to_server);

	for (int i = 0; err == -ENOSPC && i < MAKE_ROOM && s->streams.oldest != f; i++) {
		struct flow *quiet = s->streams.oldest;

		if (!quiet)
			break;
		flow_push_out(s, quiet, (struct boot_ns){ f->last.hdr.time_ns });
		err = reader_start(&f->reader, found->proto, found->to_server);
	}
	if (err) {
		s->stats.no_memory++;
		flow_give_up(s, f);
		return;
	}
	flow_keep(s, f);
}

/* Looks at what came; whatever nobody knows is forgotten, so that the next record is looked at from its begin. */
static void flow_guess(struct streams *s, struct flow *f, unsigned side, struct str head)
{
	struct finding found;
	enum proto_guess g = guess(s, f, side, head, &found);

	if (g == GUESS_REQUEST || g == GUESS_RESPONSE) {
		f->reader.side[side].lost = false; /* this is a beginning */
		flow_start(s, f, &found);
		return;
	}
	if (++f->guesses >= STREAMS_GUESSES)
		flow_give_up(s, f);
	else if (g == GUESS_NO)
		reader_forget(&f->reader, side);
}

/* Another protocol, when too much of what it said was refused; more than that it cannot be called back. */
static void flow_revise(struct streams *s, struct flow *f)
{
	struct reader *r = &f->reader;

	if (r->good + r->bad > FORGET) {
		r->good /= 2;
		r->bad /= 2;
	}
	if (r->bad < STREAMS_REVISE || r->bad * 2 < r->good)
		return;
	for (size_t i = 0; i < s->opts.protos_n && i < 32; i++)
		if (s->opts.protos[i] == r->proto)
			f->wrong |= 1u << i;
	s->stats.revised++;
	reader_stop(r);
	if (++f->guesses >= STREAMS_GUESSES)
		flow_give_up(s, f);
}

/* --- records --- */

static void flow_datagram(struct streams *s, struct flow *f, unsigned side, uint32_t seen,
			  struct str data, struct boot_ns now)
{
	if (!f->reader.proto && data.n)
		flow_guess(s, f, side, data);
	reader_datagram(&f->reader, side, seen, data, now);
}

/* What was captured first, so that it can be looked at, then what was not. */
static void flow_bytes(struct streams *s, struct flow *f, unsigned side, const struct rec_stream *r,
		       struct str data, struct boot_ns now)
{
	struct reader *rd = &f->reader;
	bool looked = !rd->proto && data.n;

	if (!looked) {
		reader_feed(rd, side, r->pos, r->seen, data, now);
		return;
	}
	reader_feed(rd, side, r->pos, (uint32_t)data.n, data, now);
	if (rd->side[side].held_n)
		flow_guess(s, f, side,
			   (struct str){ (char *)rd->side[side].held, rd->side[side].held_n });
	if (!f->given_up && r->seen > data.n)
		reader_feed(rd, side, r->pos + (uint32_t)data.n, r->seen - (uint32_t)data.n,
			    STR_NONE, now);
}

/* What cannot be read on costs nothing more. */
static void flow_judge(struct streams *s, struct flow *f)
{
	struct reader *r = &f->reader;

	if (f->given_up)
		return;
	if (r->proto && !r->ignored)
		flow_revise(s, f);
	if (r->proto && !r->ignored && r->proto != f->kept)
		flow_keep(s, f);
	if (!r->ignored || f->told)
		return;
	f->told = true;
	reject_count(s, r->proto, r->ignored);
	flow_tell(s, f, STREAM_DROP);
}

static void flow_note(struct flow *f, const struct rec_stream *r)
{
	uint8_t role = r->role ? r->role : f->last.role;

	f->last = *r;
	f->last.hdr.len = sizeof(f->last);
	f->last.data = (struct rec_str){ 0 };
	f->last.flags &= (uint16_t)~STREAM_TIMES;
	f->last.role = role;
	f->reader.window.retransmits = r->retransmits;
}

/* Of the plaintext and of the socket below it. */
static void record_close(struct streams *s, const struct rec_stream *r)
{
	struct rec_stream key = *r;

	for (int tls = 0; tls < 2; tls++) {
		struct flow *f;

		key.flags = (uint16_t)((r->flags & ~STREAM_TLS) | (tls ? STREAM_TLS : 0));
		f = flow_find(s, &key);
		if (f)
			flow_end(s, f, (struct boot_ns){ r->hdr.time_ns });
	}
}

void streams_record(struct streams *s, const struct rec_stream *r, struct str data)
{
	unsigned side = r->flags & STREAM_OUT ? SENT : RECEIVED;
	struct boot_ns now = { r->hdr.time_ns };
	struct flow *f;

	s->stats.records++;
	s->stats.bytes += r->seen;
	datagrams_age(s, now.ns);
	if (r->flags & STREAM_CLOSE) {
		record_close(s, r);
		return;
	}
	f = flow_find(s, r);
	if (!f)
		f = flow_new(s, r);
	if (!f)
		return;
	list_renew(list_of(s, r), f);
	flow_note(f, r);
	if (f->given_up)
		return;
	flow_mark(s, f, r);
	if (r->flags & STREAM_DATAGRAM)
		flow_datagram(s, f, side, r->seen, data, now);
	else
		flow_bytes(s, f, side, r, data, now);
	flow_mark_keep(s, f, side);
	flow_judge(s, f);
}

void streams_end(struct streams *s, struct boot_ns now)
{
	struct flow_list *lists[] = { &s->streams, &s->datagrams };

	for (size_t i = 0; i < 2; i++)
		while (lists[i]->oldest)
			flow_end(s, lists[i]->oldest, now);
}

int streams_new(const struct streams_opts *o, struct streams **ret)
{
	struct streams *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->opts = *o;
	if (!o->protos) {
		s->opts.protos = protos;
		s->opts.protos_n = protos_n;
	}
	s->streams.max = STREAMS_MAX;
	s->datagrams.max = STREAMS_DATAGRAMS;
	s->env = (struct readers){
		.opts = o->proto, .held.max = STREAMS_HELD, .reject = reject_count, .ctx = s
	};
	s->env.pool.done = exchange_over;
	s->env.pool.begun = exchange_begun;
	s->env.pool.dropped = exchange_dropped;
	s->env.pool.ctx = s;
	*ret = s;
	return 0;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	s->env.pool.done = NULL;
	s->env.pool.dropped = NULL;
	streams_end(s, (struct boot_ns){ 0 });
	exchange_pool_free(&s->env.pool);
	timing_free(s->timing);
	free(s);
}

void streams_stats(const struct streams *s, struct streams_stats *ret)
{
	const struct reader_stats *r = &s->env.stats;

	*ret = s->stats;
	ret->held = s->env.held.used;
	ret->gaps = r->gaps;
	ret->gap_bytes = r->gap_bytes;
	ret->resyncs = r->resyncs;
	ret->bad = r->bad;
	ret->held_full = r->held_full;
	ret->window_full = s->env.pool.pushed_out;
	ret->pool_full = s->env.pool.refused;
	ret->times_full = s->timing ? timing_full(s->timing) : 0;
}

const struct streams_reject *streams_rejects(const struct streams *s, size_t *ret_n)
{
	*ret_n = s->rejects_n;
	return s->rejects;
}
