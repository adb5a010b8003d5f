/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * From bytes that a call moved to a record of them (wire/stream.h): what is kept of a connection, how much is
 * copied, and the record. For the programs at sockets, and those at TLS libraries.
 *
 * `typed` as in sock_call.h.
 */
#include "bpf/owner.h"
#include "bpf/sock.h"
#include "bpf/sock_call.h"
#include "bpf/thread.h"

#include "wire/stream.h"

#define SOCK_DONE_BIT 1 /* enum sock_flags: the peer's FIN has come */

/* Sizes of a record's data in the ring. What is not used of one stays empty there, and costs a page's walk now and then. */
#define DATA_XXS 96
#define DATA_XS	 256
#define DATA_S	 1024
#define DATA_M	 4096
#define DATA_L	 STREAM_DATA_MAX

const volatile struct stream_knobs stream_knobs SEC(".rodata.stream") = STREAM_KNOBS_USUAL;

/* What is kept of a TCP socket. */
struct entry {
	u64 id; /* counts sockets, from 1 */
	struct owner owner;
	u32 run; /* bytes one way since the other one spoke */
	u32 ports;
	u16 looked; /* calls while the class was not known */
	u8 class;   /* enum stream_class */
	u8 role;
	u8 opened;
	u8 way; /* 1: last bytes were sent, 2: received */
	u8 multiplexed;
	u8 closing;    /* closed by the peer, with bytes that the program has not read yet */
	u8 http;       /* its first bytes were a request of HTTP/1 */
	u8 head_asked; /* the last one asked for a head alone */
	u8 body_way;   /* whose body is passed over, as `way`; 0: none (bpf/body.h) */
	u8 holding;    /* whose head is held back, as `way`; 0: none (bpf/held.h) */
	u32 head_like; /* where things stood in its last head with a body: bpf/body.h */
	u32 body_end;  /* position behind it */
	u32 body_at;   /* up to which it went by */
	u32 body_told; /* up to which records tell */
};

u64 last_id;

/* One record to make. Small: with its functions' frames it has to fit into 512 bytes (up to 6.12). */
struct job {
	struct sock *sk;
	const struct peer *peer; /* of a datagram; NULL: the socket's own */
	struct call_bytes from;
	u64 id;
	u32 pos;
	u32 seen;
	u32 want; /* bytes to copy */
	u32 srtt_us;
	u32 retransmits;
	u16 flags;
	u8 role;
	u8 pad;
};

extern void *bpf_rdonly_cast(const void *obj, u32 btf_id) __ksym __weak;

/* A member of a socket; see sock_call.h. */
#define AT(typed, p, member) ((typed) ? (p)->member : BPF_CORE_READ(p, member))

static __always_inline struct tcp_sock *tcp_of(struct sock *sk, const bool typed)
{
	return typed ? bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock)) : (void *)sk;
}

static __always_inline u64 id_next(const bool typed)
{
	if (typed)
		return __sync_fetch_and_add(&last_id, 1) + 1;
	__sync_fetch_and_add(&last_id, 1); /* that returns the value is new in 5.12 */
	return *(volatile u64 *)&last_id;
}

/* Also of a socket that has given its port back. */
static __always_inline u16 lport_of(struct sock *sk)
{
	struct inet_sock *inet = (void *)sk;

	return bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
}

/* The bytes that the program has read so far, as a position. The peer's FIN has a number too, the last one. */
static __always_inline u32 received_end(struct sock *sk, const bool typed)
{
	struct tcp_sock *tp = tcp_of(sk, typed);
	u64 flags = AT(typed, sk, __sk_common.skc_flags);
	u32 end;

	barrier(); /* once the flag is there, rcv_nxt has counted the FIN */
	end = AT(typed, tp, copied_seq);
	return (flags & (1ull << SOCK_DONE_BIT)) && end == AT(typed, tp, rcv_nxt) ? end - 1 : end;
}

/*
 * Which end this is, and whether the call before which nothing went either way is this one. A SYN takes up
 * a sequence number of who connects, and counts among its acknowledged bytes; who accepts has his numbered before.
 * So what stands between the first number and the bytes sent is 1 at a client, 0 at a server. Counts that change
 * meanwhile give another figure: not known yet.
 */
static __always_inline void entry_origin(struct entry *e, struct sock *sk, u32 sent, u32 received,
					 const bool typed)
{
	struct tcp_sock *tp = tcp_of(sk, typed);
	u32 begin = AT(typed, tp, snd_una) - (u32)AT(typed, tp, bytes_acked);
	u32 payload = (u32)AT(typed, tp, bytes_sent) - (u32)AT(typed, tp, bytes_retrans);
	u32 syn = AT(typed, tp, snd_nxt) - begin - payload;
	u32 in = received_end(sk, typed) - AT(typed, tp, rcv_nxt) +
		 (u32)AT(typed, tp, bytes_received);

	if (syn > 1)
		return;
	e->role = syn ? STREAM_CLIENT : STREAM_SERVER;
	if (!e->looked)
		e->opened = in == received && AT(typed, tp, write_seq) - begin - syn == sent;
}

static __always_inline bool asked(void)
{
	struct ctl *c = ctl_get();

	return c && (c->wanted & KIND_BIT(KIND_REQUEST));
}

/*
 * Bytes to copy of a call that moved @n. Messages are copied whole, as pipelined ones need; of a call that
 * is larger than any record only the head. When one way goes on and on without an answer that is a body (or a
 * stream of rows): a short head of each call, where the next message begins, if one does. HTTP/2 may carry other
 * streams' frames between, so it goes on longer. A connection nobody knows yet gets less from some calls on.
 */
static __always_inline u32 bytes_wanted(struct entry *e, bool out, u32 n)
{
	u32 way = out ? 1 : 2, run, max = stream_knobs.message;

	if (e->way != way)
		e->run = 0;
	e->way = way;
	run = e->run;
	e->run = run + n < run ? ~0u : run + n;
	if (run > (e->multiplexed ? stream_knobs.run_multiplexed : stream_knobs.run))
		max = stream_knobs.body;
	else if (n > max)
		max = stream_knobs.head;
	if (e->class == STREAM_CLASS_UNKNOWN) {
		if (e->looked >= stream_knobs.looks && max > stream_knobs.unknown)
			max = stream_knobs.unknown;
		if (e->looked < 0xffff)
			e->looked++;
	}
	return n < max ? n : max;
}

/* --- the record --- */

static __always_inline void ends_fill(struct rec_stream *r, const struct job *j, const bool typed)
{
	struct rec_sock *s = &r->sock;
	struct sock *sk = j->sk;

	if (typed) {
		__builtin_memset(s, 0, sizeof(*s));
		s->family = sk->__sk_common.skc_family;
		s->type = sk->sk_type;
		s->state = sk->__sk_common.skc_state;
		s->protocol = sk->sk_protocol;
		s->lport = sk->__sk_common.skc_num;
		s->rport = bpf_ntohs(sk->__sk_common.skc_dport);
		if (s->family == AF_INET_V) {
			*(u32 *)s->local = sk->__sk_common.skc_rcv_saddr;
			*(u32 *)s->remote = sk->__sk_common.skc_daddr;
		} else {
			bpf_probe_read_kernel(s->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
			bpf_probe_read_kernel(s->remote, 16, &sk->__sk_common.skc_v6_daddr);
		}
	} else {
		sock_fill(sk, s);
	}
	if (!s->lport)
		s->lport = lport_of(sk);
	if (!j->peer)
		return;
	s->rport = bpf_ntohs(j->peer->port);
	__builtin_memcpy(s->remote, j->peer->addr, 16);
	if (s->family == AF_INET6_V && j->peer->family == AF_INET_V) {
		__builtin_memcpy(s->remote + 12, j->peer->addr, 4);
		__builtin_memset(s->remote, 0, 12);
		s->remote[10] = s->remote[11] = 0xff;
	}
}

/* Several pieces, into the first half of @size, so that any place there and any length fit. */
static __always_inline u32 copy_pieces(u8 *to, const u32 size, const struct call_bytes *from, u32 want)
{
	u32 at = 0;

	for (u32 i = 0; i < USER_IOVS; i++) {
		u32 left = want - at, len;
		struct user_vec v;

		if (i >= from->vec_n || at >= want || at >= size / 2 ||
		    bpf_probe_read_user(&v, sizeof(v), (void *)(from->vec + i * sizeof(v))) != 0)
			break;
		len = v.len < left ? v.len : left;
		asm volatile("" : "+r"(len));
		if (len > size / 2)
			len = size / 2;
		if (bpf_probe_read_user(to + at, len, (void *)v.at) != 0)
			break;
		at += len;
	}
	return at;
}

static __always_inline u32 copy(u8 *to, const u32 size, u64 from, u32 want)
{
	u32 n = want;

	asm volatile("" : "+r"(n));
	if (n > size)
		n = size;
	return bpf_probe_read_user(to, n, (void *)from) == 0 ? n : 0;
}

static __always_inline void body_fill(struct rec_stream *r, const struct job *j, const bool typed)
{
	ends_fill(r, j, typed);
	r->id = j->id;
	r->pos = j->pos;
	r->seen = j->seen;
	r->srtt_us = j->srtt_us;
	r->retransmits = j->retransmits;
	r->data.off = 0;
	r->data.len = 0;
	r->flags = j->flags;
	r->role = j->role;
	r->pad[0] = 0;
	r->hdr.len = sizeof(*r);
}

/* @v, of which the verifier now knows nothing, so that it follows what comes next once for all paths to here. */
static __always_inline u64 forget(volatile u64 *room, u64 v)
{
	*room = v;
	return *room;
}

/* The same without memory, whatever @u is. */
static __always_inline u64 forget_by(u64 u, u64 v)
{
	asm volatile("" : "+r"(u));
	v += u;
	asm volatile("" : "+r"(v));
	return v - u;
}

/* What differs by the ways that lead to here. */
static __always_inline void job_forget(struct job *j)
{
	j->want = forget_by(j->id, j->want);
	j->flags = forget_by(j->id, j->flags);
	j->from.at = forget_by(j->id, j->from.at);
	j->from.vec = forget_by(j->id, j->from.vec);
	j->from.vec_n = forget_by(j->id, j->from.vec_n);
}

#define TIMES_BYTES (knobs.request_times ? (u32)sizeof(struct rec_stream_times) : 0)

/* Room for them is there when they are asked for at all. */
static __always_inline void times_fill(struct rec_stream *r)
{
	struct rec_stream_times *times = (void *)(r + 1);

	if (!knobs.request_times)
		return;
	r->hdr.len += sizeof(*times);
	if (thread_now(times->ns, r->hdr.time_ns))
		r->flags |= STREAM_TIMES;
	else
		__builtin_memset(times, 0, sizeof(*times));
}

/* @n bytes of the @want that were asked for lie at @at. */
static __always_inline void data_note(struct rec_stream *r, u32 at, u32 n, u32 want)
{
	struct kind_stats *st;

	if (n) {
		r->data.off = at;
		r->data.len = n;
		r->hdr.len = at + n;
	}
	if (n < r->seen)
		r->flags |= STREAM_FULL;
	if (n >= want)
		return;
	st = stats_get(KIND_REQUEST);
	if (st)
		st->fault++;
}

/* The bytes come last: what led to here is forgotten, and @j not needed any more. */
static __always_inline void data_fill(struct rec_stream *r, const struct job *j, const u32 size,
				      const bool pieces)
{
	u32 at = sizeof(*r) + TIMES_BYTES;
	u8 *to = (u8 *)r + at;
	u64 *room = (u64 *)to;
	struct call_bytes from = {};
	u32 want, n;

	if (pieces) {
		from.vec = forget(room, j->from.vec);
		from.vec_n = forget(room, j->from.vec_n);
		want = forget(room, j->want);
		n = copy_pieces(to, size, &from, want);
	} else {
		from.at = forget(room, j->from.at);
		want = forget(room, j->want);
		n = copy(to, size, from.at, want);
	}
	data_note(r, at, n, want);
}

/* The running task's record of @j with room for @size bytes, which are the caller's to fill; NULL: counted. */
static __always_inline struct rec_stream *record_begin(const struct job *j, const u32 size,
						       const bool typed)
{
	struct rec_stream *r;
	u32 number;

	r = record_reserve(&ring_bulk, sizeof(*r) + size + TIMES_BYTES, KIND_REQUEST, &number);
	if (!r)
		return NULL;
	hdr_fill(&r->hdr, REC_STREAM, (void *)bpf_get_current_task(), number);
	body_fill(r, j, typed);
	times_fill(r);
	return r;
}

static __always_inline int send_sized(struct job *j, const u32 size, const bool pieces,
				      const bool typed)
{
	struct rec_stream *r = record_begin(j, size, typed);

	if (!r)
		return 0;
	if (size)
		data_fill(r, j, size, pieces);
	else if (r->seen)
		r->flags |= STREAM_FULL;
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_REQUEST);
	return 0;
}

/*
 * Functions of their own, for a frame each. Their result is one the compiler does not know and cannot leave out:
 * what it would leave in the register instead the verifier may refuse.
 */
static __always_inline int opaque(int v)
{
	asm volatile("" : "+r"(v));
	return v;
}

#define SENDER(name, size, pieces, typed)                          \
	static __noinline int name(struct job *j)                  \
	{                                                          \
		return opaque(send_sized(j, size, pieces, typed)); \
	}
SENDER(send_none, 0, false, true)
SENDER(send_xxs, DATA_XXS, false, true)
SENDER(send_xs, DATA_XS, false, true)
SENDER(send_s, DATA_S, false, true)
SENDER(send_m, DATA_M, false, true)
SENDER(send_l, DATA_L, false, true)
SENDER(send_pieces_s, DATA_S, true, true)
SENDER(send_pieces_l, DATA_L, true, true)
SENDER(send_none_at, 0, false, false)
SENDER(send_xs_at, DATA_XS, false, false)
SENDER(send_s_at, DATA_S, false, false)
SENDER(send_m_at, DATA_M, false, false)
SENDER(send_l_at, DATA_L, false, false)
SENDER(send_pieces_s_at, DATA_S, true, false)
SENDER(send_pieces_l_at, DATA_L, true, false)

/* The loop over pieces is long to verify: there are fewer sizes for them. */
static __always_inline int job_send_pieces(struct job *j, const bool typed)
{
	if (j->want > DATA_L / 2)
		j->want = DATA_L / 2;
	if (j->want <= DATA_S / 2)
		return opaque(typed ? send_pieces_s(j) : send_pieces_s_at(j));
	return opaque(typed ? send_pieces_l(j) : send_pieces_l_at(j));
}

static __always_inline int job_send(struct job *j, const bool typed)
{
	u32 room = j->want;

	if (!room)
		return opaque(typed ? send_none(j) : send_none_at(j));
	if (!j->from.at)
		return job_send_pieces(j, typed);
	if (typed && room <= DATA_XXS)
		return opaque(send_xxs(j));
	if (room <= DATA_XS)
		return opaque(typed ? send_xs(j) : send_xs_at(j));
	if (room <= DATA_S)
		return opaque(typed ? send_s(j) : send_s_at(j));
	if (room <= DATA_M)
		return opaque(typed ? send_m(j) : send_m_at(j));
	return opaque(typed ? send_l(j) : send_l_at(j));
}

/* --- the end --- */

/* @pos, @seen: bytes that no record has told of, or none, with STREAM_CLOSE. */
static __always_inline void end_send(struct sock *sk, struct entry *e, u32 pos, u32 seen, u16 flags,
				     const bool typed)
{
	struct tcp_sock *tp = tcp_of(sk, typed);
	struct owner o = e->owner;
	struct job j = {
		.sk = sk,
		.id = e->id,
		.pos = pos,
		.seen = seen,
		.flags = flags | (e->opened ? STREAM_OPENED : 0),
		.role = e->role,
	};
	struct rec_stream *r;
	u32 number;

	r = record_reserve(&ring_bulk, sizeof(*r), KIND_REQUEST, &number);
	if (!r)
		return;
	owner_now(&o);
	hdr_fill_owner(&r->hdr, REC_STREAM, &o, number, sizeof(*r));
	j.srtt_us = AT(typed, tp, srtt_us) >> 3;
	j.retransmits = AT(typed, tp, total_retrans);
	body_fill(r, &j, typed);
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_REQUEST);
}

static __always_inline void close_send(struct sock *sk, struct entry *e, u16 flags, const bool typed)
{
	end_send(sk, e, 0, 0, STREAM_CLOSE | flags, typed);
}
