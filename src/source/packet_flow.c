/*
 * The table of connections, and each direction's order.
 *
 *      next                    held: pieces, by position
 *        |       hole        +-------+--------+   +-----+
 *   -----+ . . . . . . . . . |       |        |...|     |
 *   handed on                +-------+--------+   +-----+
 *
 * A piece is a record from the beginning, with its bytes behind it: handing it on costs no copy.
 * Directions with a hole stand in one list, the oldest hole first.
 */
#include "source/packet_flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/cleanup.h"
#include "base/hash.h"

#define BUCKETS 32768 /* a power of two */

/* Ports from here on are given to clients (the default of Linux), and below it are known ones. */
#define PORT_EPHEMERAL 32768
#define PORT_SYSTEM    1024

struct piece {
	struct piece *next, *prev;
	struct rec_stream rec; /* its data stands right behind it */
};

/* One direction of a connection. */
struct way {
	uint32_t next;	/* expected */
	uint32_t start; /* the first that was expected */
	uint32_t fin;	/* the number of the FIN */
	uint32_t acked; /* by the other end */
	uint32_t held_bytes;
	bool known, finished, is_acked, open_hole;
	bool copied; /* the packet is the one before, captured once more */
	uint8_t index;
	uint16_t last_ip_id;
	uint32_t last_seq, last_ack, last_seen; /* of the packet before */
	uint64_t last_data;			/* hash of a datagram's beginning */
	struct piece *held;
	struct boot_ns hole_since;
	struct flow *flow;
	struct way *next_hole, *prev_hole;
};

/* The two ends, the lower first. */
struct ends {
	uint8_t a[16], b[16];
	uint16_t aport, bport;
	uint16_t family, protocol;
};

struct flow {
	struct ends ends;
	struct flow *same;	  /* next in the bucket */
	struct flow *next, *prev; /* quieter ones before */
	uint64_t id;
	struct way way[2]; /* from a, from b */
	struct boot_ns opened_at;
	uint32_t srtt_us, retransmits;
	uint8_t local; /* 0: a, 1: b */
	uint8_t role;
	bool opened; /* the SYN was seen */
	bool told;   /* some record of it was handed on */
	bool ended;  /* what still comes are stragglers */
};

struct flows {
	struct flow **buckets;
	struct flow *quiet; /* all, by their last packet */
	struct way *holes;
	struct piece *ready, *lent;
	struct boot_ns now; /* of the last packet */
	uint64_t seed;
	uint32_t seq;
	struct flows_stats st;
};

/* --- handing on --- */

static uint32_t piece_bytes(const struct piece *p)
{
	return (uint32_t)sizeof(*p) + p->rec.data.len;
}

static void sock_fill(const struct flow *f, struct rec_sock *ret)
{
	const struct ends *e = &f->ends;

	memcpy(ret->local, f->local ? e->b : e->a, 16);
	memcpy(ret->remote, f->local ? e->a : e->b, 16);
	ret->lport = f->local ? e->bport : e->aport;
	ret->rport = f->local ? e->aport : e->bport;
	ret->family = e->family;
	ret->protocol = e->protocol;
	ret->type = e->protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	ret->state = e->protocol == IPPROTO_TCP ? TCP_ESTABLISHED : 0;
}

/* The record is the queue's from here on. @w: the direction of its bytes; NULL: it has none. */
static void hand_on(struct flows *fs, struct flow *f, const struct way *w, struct piece *p)
{
	struct rec_stream *r = &p->rec;

	r->hdr.type = REC_STREAM;
	r->hdr.len = (uint32_t)sizeof(*r) + r->data.len;
	if (r->data.len)
		r->hdr.len = r->data.off + r->data.len;
	r->hdr.seq = fs->seq++;
	sock_fill(f, &r->sock);
	r->id = f->id;
	r->srtt_us = f->srtt_us;
	r->retransmits = f->retransmits;
	r->role = f->role;
	r->flags |= STREAM_PASSIVE;
	if (w && w->index == f->local)
		r->flags |= STREAM_OUT;
	if (f->opened)
		r->flags |= STREAM_OPENED;
	f->told = true;
	DL_APPEND(fs->ready, p);
}

const struct rec_hdr *flows_take(struct flows *fs)
{
	struct piece *p = fs->ready;

	free(take_ptr(fs->lent));
	if (!p)
		return NULL;
	DL_DELETE(fs->ready, p);
	fs->lent = p;
	return &p->rec.hdr;
}

/* A piece with @data of its @seen bytes; NULL: no memory, which is counted. */
static struct piece *piece_new(struct flows *fs, uint32_t pos, uint32_t seen, struct str data)
{
	struct piece *p = calloc(1, sizeof(*p) + data.n);

	if (!p) {
		fs->st.no_memory++;
		return NULL;
	}
	p->rec.hdr.time_ns = fs->now.ns;
	p->rec.pos = pos;
	p->rec.seen = seen;
	if (data.n) {
		p->rec.data = (struct rec_str){ sizeof(p->rec), (uint16_t)data.n };
		memcpy(p + 1, data.p, data.n);
	}
	if (data.n < seen)
		p->rec.flags |= STREAM_FULL;
	return p;
}

/* Takes the first @n bytes off, which were handed on before. */
static void piece_trim(struct piece *p, uint32_t n)
{
	struct rec_str *d = &p->rec.data;
	uint16_t here = (uint16_t)(n < d->len ? n : d->len);

	p->rec.pos += n;
	p->rec.seen -= n;
	d->off += here;
	d->len -= here;
	if (d->len == 0)
		d->off = 0;
}

/* --- holes --- */

static void hole_close(struct flows *fs, struct way *w)
{
	if (w->open_hole)
		DL_DELETE2(fs->holes, w, prev_hole, next_hole);
	w->open_hole = false;
}

static void hole_open(struct flows *fs, struct way *w)
{
	hole_close(fs, w);
	w->hole_since = fs->now;
	w->open_hole = true;
	DL_APPEND2(fs->holes, w, prev_hole, next_hole);
}

static void way_in_order(struct flows *fs, struct way *w, struct piece *p)
{
	w->next = p->rec.pos + p->rec.seen;
	hand_on(fs, w->flow, w, p);
}

static struct piece *held_first(struct flows *fs, struct way *w)
{
	struct piece *p = w->held;
	uint32_t n = piece_bytes(p);

	DL_DELETE(w->held, p);
	w->held_bytes -= n;
	fs->st.held -= n;
	return p;
}

/*
 * Hands on what is held up to the next hole. @filled: the hole before it was filled just now, so the
 * receiver could not have it earlier.
 */
static void way_drain(struct flows *fs, struct way *w, bool filled)
{
	while (w->held && (int32_t)(w->held->rec.pos - w->next) <= 0) {
		struct piece *p = held_first(fs, w);
		uint32_t old = w->next - p->rec.pos;

		if (old >= p->rec.seen) {
			free(p);
			continue;
		}
		piece_trim(p, old);
		if (filled)
			p->rec.hdr.time_ns = fs->now.ns;
		way_in_order(fs, w, p);
	}
	if (w->held)
		hole_open(fs, w);
	else
		hole_close(fs, w);
}

static void hole_give_up(struct flows *fs, struct way *w, uint64_t *counter)
{
	++*counter;
	w->next = w->held->rec.pos;
	way_drain(fs, w, false);
}

static void way_flush(struct flows *fs, struct way *w)
{
	while (w->held)
		hole_give_up(fs, w, &fs->st.late);
}

/* The other end has all bytes before w->acked: a hole there is the capture's, and stays one. */
static void holes_acked(struct flows *fs, struct way *w)
{
	while (w->held && w->is_acked && (int32_t)(w->acked - w->held->rec.pos) >= 0)
		hole_give_up(fs, w, &fs->st.acked);
}

static void holes_old(struct flows *fs)
{
	while (fs->holes && fs->now.ns > fs->holes->hole_since.ns &&
	       fs->now.ns - fs->holes->hole_since.ns > FLOW_HOLE_NS)
		hole_give_up(fs, fs->holes, &fs->st.late);
}

/* Into its place among those held; what one of them has whole is dropped. */
static void way_hold(struct flows *fs, struct way *w, struct piece *p)
{
	uint32_t end = p->rec.pos + p->rec.seen, n = piece_bytes(p);
	struct piece *after = w->held ? w->held->prev : NULL; /* the last */

	while (after && (int32_t)(after->rec.pos - p->rec.pos) > 0)
		after = after == w->held ? NULL : after->prev;
	if (after && (int32_t)(after->rec.pos + after->rec.seen - end) >= 0) {
		w->flow->retransmits += !w->copied;
		free(p);
		return;
	}
	if (after)
		DL_APPEND_ELEM(w->held, after, p);
	else
		DL_PREPEND(w->held, p);
	w->held_bytes += n;
	fs->st.held += n;
	if (!w->open_hole)
		hole_open(fs, w);
	while (w->held && w->held_bytes > FLOW_HELD_MAX)
		hole_give_up(fs, w, &fs->st.full);
	while (fs->holes && fs->st.held > FLOWS_HELD_MAX)
		hole_give_up(fs, fs->holes, &fs->st.full);
}

/* --- segments --- */

static void way_start(struct way *w, uint32_t seq)
{
	w->known = true;
	w->start = w->next = seq;
}

/* At most STREAM_DATA_MAX bytes. */
static void way_chunk(struct flows *fs, struct way *w, uint32_t seq, uint32_t seen, struct str data)
{
	int32_t ahead = (int32_t)(seq - w->next);
	struct piece *p;

	if (ahead < 0 && (uint32_t)-ahead >= seen)
		return;
	if (ahead < 0) {
		seen -= (uint32_t)-ahead;
		data = str_skip(data, (size_t)-ahead);
		seq = w->next;
	}
	p = piece_new(fs, seq, seen, data);
	if (!p)
		return;
	if (ahead > 0) {
		way_hold(fs, w, p);
		return;
	}
	way_in_order(fs, w, p);
	way_drain(fs, w, true);
}

/*
 * Far from what is expected: ahead, that much is missing; behind, it belongs to another connection of
 * the same ends.
 */
static void way_jump(struct flows *fs, struct way *w, uint32_t seq)
{
	int32_t ahead = (int32_t)(seq - w->next);

	if (ahead > -FLOW_JUMP && ahead < FLOW_JUMP)
		return;
	way_flush(fs, w);
	if (ahead < 0) {
		way_start(w, seq);
		w->finished = false;
		w->is_acked = false;
	} else if ((int32_t)(seq - w->next) > 0) {
		fs->st.full++;
		w->next = seq;
	}
}

/* The packet before, captured once more on another interface? IPv6 does not tell. */
static bool is_copy(struct flows *fs, const struct way *w, const struct packet *p)
{
	bool copy = p->ip_id && p->ip_id == w->last_ip_id && p->seq == w->last_seq &&
		    p->ack == w->last_ack && p->seen == w->last_seen;

	fs->st.copies += copy;
	return copy;
}

/* Bytes before the expected one, other than the probe of a keep-alive. */
static void count_again(struct flows *fs, struct way *w, const struct packet *p, uint32_t seq)
{
	int32_t ahead = (int32_t)(seq - w->next);

	w->copied = is_copy(fs, w, p);
	if (ahead < 0 && !(ahead == -1 && p->seen == 1) && !w->copied)
		w->flow->retransmits++;
}

static void way_data(struct flows *fs, struct way *w, const struct packet *p, uint32_t seq)
{
	way_jump(fs, w, seq);
	count_again(fs, w, p, seq);
	for (uint32_t done = 0, n; done < p->seen; done += n) {
		struct str data = done < p->data.n ? str_skip(p->data, done) : STR_NONE;

		n = p->seen - done < STREAM_DATA_MAX ? p->seen - done : STREAM_DATA_MAX;
		data.n = data.n < n ? data.n : n;
		way_chunk(fs, w, seq + done, n, data);
	}
	holes_acked(fs, w);
}

/* --- connections --- */

static uint64_t ends_hash(const struct flows *fs, const struct ends *e)
{
	uint64_t h = fs->seed, word;

	for (size_t i = 0; i + 8 <= sizeof(*e); i += 8) {
		memcpy(&word, (const uint8_t *)e + i, 8);
		h = hash_u64(h ^ word);
	}
	return h;
}
_Static_assert(sizeof(struct ends) == 40, "hashed by words");

/* Which direction the packet has: 0: from a. */
static int ends_of(const struct packet *p, struct ends *ret)
{
	int c = memcmp(p->src, p->dst, 16);
	bool from_b = c > 0 || (c == 0 && p->sport > p->dport);

	*ret = (struct ends){ .family = p->family, .protocol = p->protocol };
	memcpy(ret->a, from_b ? p->dst : p->src, 16);
	memcpy(ret->b, from_b ? p->src : p->dst, 16);
	ret->aport = from_b ? p->dport : p->sport;
	ret->bport = from_b ? p->sport : p->dport;
	return from_b;
}

static struct flow **flow_slot(const struct flows *fs, const struct ends *e)
{
	struct flow **at = &fs->buckets[ends_hash(fs, e) & (BUCKETS - 1)];

	while (*at && memcmp(&(*at)->ends, e, sizeof(*e)) != 0)
		at = &(*at)->same;
	return at;
}

static bool looks_served(uint16_t port, uint16_t other)
{
	return (port < PORT_EPHEMERAL && other >= PORT_EPHEMERAL) ||
	       (port < PORT_SYSTEM && other >= PORT_SYSTEM);
}

/* Who is the server, by the first packet; @from: who sent it. */
static void flow_roles(struct flow *f, const struct packet *p, uint8_t from)
{
	const struct ends *e = &f->ends;
	bool tcp = p->protocol == IPPROTO_TCP;

	f->role = 2;
	if (tcp && p->tcp_flags & PACKET_SYN)
		f->local = p->tcp_flags & PACKET_ACK ? from : !from;
	else if (looks_served(e->aport, e->bport))
		f->local = 0;
	else if (looks_served(e->bport, e->aport))
		f->local = 1;
	else {
		f->role = 0;
		f->local = e->aport == e->bport ? !from : e->bport < e->aport;
	}
}

/* Makes @f, whose ends are set, a connection of its own. */
static void flow_begin(struct flows *fs, struct flow *f, const struct packet *p, uint8_t from)
{
	f->id = ++fs->st.flows;
	f->opened = f->told = f->ended = false;
	f->srtt_us = f->retransmits = 0;
	f->opened_at = (struct boot_ns){ 0 };
	for (uint8_t i = 0; i < 2; i++)
		f->way[i] = (struct way){ .index = i, .flow = f };
	flow_roles(f, p, from);
}

/* The connection has ended; it stays known, so that stragglers are not taken for a new one. */
static void flow_end(struct flows *fs, struct flow *f)
{
	struct piece *p;

	way_flush(fs, &f->way[!f->local]);
	way_flush(fs, &f->way[f->local]);
	p = f->told && !f->ended ? piece_new(fs, 0, 0, STR_NONE) : NULL;
	if (p) {
		p->rec.flags = STREAM_CLOSE;
		hand_on(fs, f, NULL, p);
	}
	f->ended = true;
}

static void flow_remove(struct flows *fs, struct flow *f)
{
	struct flow **at = flow_slot(fs, &f->ends);

	flow_end(fs, f);
	*at = f->same;
	DL_DELETE(fs->quiet, f);
	fs->st.now--;
	free(f);
}

/* NULL: no memory. */
static struct flow *flow_of(struct flows *fs, const struct packet *p, const struct ends *e,
			    uint8_t from)
{
	struct flow **at = flow_slot(fs, e), *f = *at;

	if (f) {
		DL_DELETE(fs->quiet, f);
		DL_APPEND(fs->quiet, f);
		return f;
	}
	if (fs->st.now == FLOWS_MAX) {
		flow_remove(fs, fs->quiet);
		fs->st.pushed++;
		at = flow_slot(fs, e);
	}
	f = calloc(1, sizeof(*f));
	if (!f) {
		fs->st.no_memory++;
		return NULL;
	}
	f->ends = *e;
	flow_begin(fs, f, p, from);
	*at = f;
	DL_APPEND(fs->quiet, f);
	fs->st.now++;
	return f;
}

static void remember(struct way *w, const struct packet *p)
{
	w->last_ip_id = p->ip_id;
	w->last_seq = p->seq;
	w->last_ack = p->ack;
	w->last_seen = p->seen;
}

/* The same datagram may be sent twice, but not with the same number in its IP header. */
static bool datagram_copied(struct flows *fs, struct way *w, const struct packet *p)
{
	uint64_t hash = hash_str((struct str){ p->data.p, p->data.n < 512 ? p->data.n : 512 });
	bool same = hash == w->last_data && is_copy(fs, w, p);

	w->last_data = hash;
	remember(w, p);
	return same;
}

static void datagram(struct flows *fs, struct flow *f, const struct packet *p, uint8_t from)
{
	struct str data = p->data;
	struct piece *piece;

	if (p->seen == 0 || datagram_copied(fs, &f->way[from], p))
		return;
	data.n = data.n < STREAM_DATA_MAX ? data.n : STREAM_DATA_MAX;
	piece = piece_new(fs, 0, p->seen, data);
	if (!piece)
		return;
	piece->rec.flags |= STREAM_DATAGRAM;
	hand_on(fs, f, &f->way[from], piece);
}

/* A SYN, which may begin another connection of the same ends. */
static void tcp_syn(struct flows *fs, struct flow *f, const struct packet *p, uint8_t from)
{
	struct way *w = &f->way[from];
	bool same = w->known ? w->start == p->seq + 1 : !f->told;

	if (f->ended || !same) {
		flow_end(fs, f);
		flow_begin(fs, f, p, from);
	}
	if (!w->known)
		way_start(w, p->seq + 1);
	f->opened = true;
	if (!(p->tcp_flags & PACKET_ACK) && !f->opened_at.ns)
		f->opened_at = fs->now;
}

/* What the sender has of the other direction. */
static void tcp_ack(struct flows *fs, struct flow *f, const struct packet *p, uint8_t from)
{
	struct way *other = &f->way[!from];

	if (!other->known)
		way_start(other, p->ack);
	if (!other->is_acked || (int32_t)(p->ack - other->acked) > 0)
		other->acked = p->ack;
	other->is_acked = true;
	holes_acked(fs, other);
	/* The third packet of the handshake: one round trip since the first. */
	if (f->opened_at.ns && !f->srtt_us && from != f->local && fs->now.ns > f->opened_at.ns) {
		uint64_t us = (fs->now.ns - f->opened_at.ns) / 1000;

		f->srtt_us = (uint32_t)(us > UINT32_MAX ? UINT32_MAX : us ? us : 1);
	}
}

static bool way_finished(const struct way *w)
{
	return w->finished && (int32_t)(w->next - w->fin) >= 0;
}

/* After the end: a new connection without its SYN, or a straggler? */
static bool straggles(struct flows *fs, struct flow *f, const struct packet *p, uint8_t from)
{
	const struct way *w = &f->way[from];
	int32_t ahead = (int32_t)(p->seq - w->next);

	if (!f->ended)
		return false;
	if (!p->seen || (w->known && ahead > -FLOW_JUMP && ahead < FLOW_JUMP))
		return true;
	flow_begin(fs, f, p, from);
	return false;
}

static void segment(struct flows *fs, struct flow *f, const struct packet *p, uint8_t from)
{
	struct way *w = &f->way[from];
	uint32_t seq = p->seq;

	if (p->tcp_flags & PACKET_SYN)
		tcp_syn(fs, f, p, from);
	else if (straggles(fs, f, p, from))
		return;
	seq += p->tcp_flags & PACKET_SYN ? 1 : 0;
	if (!w->known && !(p->tcp_flags & PACKET_RST))
		way_start(w, seq);
	if (p->tcp_flags & PACKET_ACK)
		tcp_ack(fs, f, p, from);
	if (p->tcp_flags & PACKET_RST) {
		flow_end(fs, f);
		return;
	}
	if (p->seen)
		way_data(fs, w, p, seq);
	if (p->tcp_flags & PACKET_FIN) {
		w->finished = true;
		w->fin = seq + p->seen;
	}
	remember(w, p);
	if (way_finished(w) && way_finished(&f->way[!from]))
		flow_end(fs, f);
}

void flows_packet(struct flows *fs, const struct packet *p)
{
	struct ends e;
	uint8_t from = (uint8_t)ends_of(p, &e);
	struct flow *f;

	fs->now = p->time;
	holes_old(fs);
	f = flow_of(fs, p, &e, from);
	if (!f)
		return;
	if (p->protocol == IPPROTO_TCP)
		segment(fs, f, p, from);
	else
		datagram(fs, f, p, from);
}

bool flows_end(struct flows *fs)
{
	if (!fs->quiet)
		return false;
	flow_remove(fs, fs->quiet);
	return true;
}

void flows_stats(const struct flows *fs, struct flows_stats *ret)
{
	*ret = fs->st;
}

static void flows_freep(struct flows **fs)
{
	flows_free(*fs);
}

int flows_new(struct flows **ret)
{
	_cleanup_(flows_freep) struct flows *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return -ENOMEM;
	fs->buckets = calloc(BUCKETS, sizeof(struct flow *));
	if (!fs->buckets)
		return -ENOMEM;
	/* A file cannot choose the ends that meet in one bucket. Without it, it costs time only. */
	(void)!getrandom(&fs->seed, sizeof(fs->seed), GRND_NONBLOCK);
	*ret = take_ptr(fs);
	return 0;
}

static void pieces_free(struct piece *list)
{
	struct piece *p, *next;

	DL_FOREACH_SAFE(list, p, next)
	free(p);
}

void flows_free(struct flows *fs)
{
	struct flow *f, *next;

	if (!fs)
		return;
	DL_FOREACH_SAFE(fs->quiet, f, next)
	{
		pieces_free(f->way[0].held);
		pieces_free(f->way[1].held);
		free(f);
	}
	pieces_free(fs->ready);
	free(fs->lent);
	free(fs->buckets);
	free(fs);
}
