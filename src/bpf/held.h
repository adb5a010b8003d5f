/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Short heads are read into memory that lies with the socket, and looked at there. One that tells of a body which this
 * call did not bring is held back: when the next call brings the rest of it, as of a server that writes a head and then a
 * small file, both are one record, made at the end. When it brings anything else, or the connection ends, the head's
 * record is made after all, with the time that it had.
 *
 *     head | body     one record, with the head's bytes, at the time of the body's last
 *     head | part...  the head's record late; then as bpf/body.h says
 *
 * So no request is shown later than it was over, and no time is changed but that of a first byte whose answer came in
 * two calls. Only where memory can lie with sockets; otherwise each head is a record at once.
 */
#include "bpf/body.h"

#define HELD_BODY (64u << 10) /* of a longer one the next call is seldom the last */

struct held {
	struct head_xs head;
	u64 time_ns;
	u32 pos;
	u32 n; /* its bytes */
};

/* What lies with a socket. */
struct entry_held {
	struct entry e;
	struct held ways[2]; /* received, sent: two threads may be at it */
};

static __always_inline struct held *held_of(struct entry *e, bool out)
{
	return &((struct entry_held *)e)->ways[out];
}

/* --- made at once --- */

/* @from as a record's data, of which @n bytes of @want are there. */
static __always_inline void data_held(struct rec_stream *r, const struct head_xs *from, u32 n,
				      u32 want)
{
	u32 at = sizeof(*r) + TIMES_BYTES;

	__builtin_memcpy((u8 *)r + at, from->d, DATA_XS);
	data_note(r, at, n, want);
}

/* As head_send_s; 0 also when it is held. */
static __noinline int head_send_held(struct job *j, struct entry *e, u64 from)
{
	bool out = j->flags & STREAM_OUT;
	struct held *h = held_of(e, out);
	u32 n = copy(h->head.d, DATA_XS, from, j->want), to;
	u64 looked = head_look_xs(&h->head, n, e->head_asked, e->head_like);
	struct rec_stream *r;

	head_note(e, LOAD(u32, h->head.d), looked);
	to = looked;
	if (to > j->seen && to - j->seen <= HELD_BODY && n == j->seen && n) {
		h->time_ns = bpf_ktime_get_boot_ns();
		h->pos = j->pos;
		h->n = n;
		body_begin(e, out, j->pos, j->seen, to);
		e->holding = e->body_way;
		return opaque(0);
	}
	r = record_begin(j, DATA_XS, true);
	if (!r)
		return opaque(0);
	data_held(r, &h->head, n, j->want);
	return opaque(head_submit(j, e, r, to));
}

static __always_inline u32 body_look(struct entry *e, struct rec_stream *r)
{
	u64 *room = (void *)r + sizeof(*r) + TIMES_BYTES - 8;
	u64 was = *room;
	u32 n = r->data.len, word = LOAD(u32, room + 1);
	u64 looked = head_look_s((void *)room, n, e->head_asked, e->head_like);

	*room = was;
	head_note(e, word, looked);
	return (u32)looked;
}

/* The record of a call that begins a message, and what follows from it. */
static __noinline int head_send_s(struct job *j, struct entry *e, u64 from)
{
	u32 at = sizeof(struct rec_stream) + TIMES_BYTES;
	struct rec_stream *r = record_begin(j, DATA_S, true);

	if (!r)
		return opaque(0);
	data_note(r, at, copy((u8 *)r + at, DATA_S, from, j->want), j->want);
	return opaque(head_submit(j, e, r, body_look(e, r)));
}

/* The first bytes of a call that may begin a message, as far as they lie in one piece and are looked at. */
static __always_inline bool head_find(const struct job *j, struct user_vec *ret)
{
	ret->at = j->from.at;
	ret->len = j->want;
	if (ret->at)
		return ret->len <= BODY_HEAD || ret->len >= CALL_LEAST;
	return bpf_probe_read_user(ret, sizeof(*ret), (void *)j->from.vec) == 0 && ret->len &&
	       ret->len <= BODY_HEAD;
}

/* What is left of a call whose first @n bytes have been told of: all of its first piece, if it has several. */
static __always_inline void job_left(struct job *j, u32 n)
{
	if (j->from.at) {
		j->from.at += n;
	} else {
		j->from.vec += sizeof(struct user_vec);
		j->from.vec_n--;
	}
}

/* The record of a call that may begin a message; true: none was made, or @j is what is left of it. */
static __always_inline bool job_send_head(struct job *j, struct entry *e)
{
	u32 want = j->want, n;
	struct user_vec v;

	if (!head_find(j, &v))
		return true;
	n = v.len < want ? v.len : want;
	if (n > BODY_HEAD)
		n = BODY_HEAD;
	j->want = n;
	if (!opaque(!stream_knobs.table && n <= DATA_XS ? head_send_held(j, e, v.at) :
							  head_send_s(j, e, v.at)))
		return false;
	job_left(j, n);
	j->want = want - n;
	return true;
}

/* --- made later --- */

static __always_inline void held_job(struct sock *sk, struct entry *e, const struct held *h,
				     u32 seen, struct job *ret)
{
	struct tcp_sock *tp = tcp_of(sk, true);

	__builtin_memset(ret, 0, sizeof(*ret));
	ret->sk = sk;
	ret->id = e->id;
	ret->pos = h->pos;
	ret->seen = seen;
	ret->want = h->n;
	ret->srtt_us = tp->srtt_us >> 3;
	ret->retransmits = tp->total_retrans;
	ret->flags = (e->holding == 1 ? STREAM_OUT : 0) | (e->opened ? STREAM_OPENED : 0);
	ret->role = e->role;
}

/* The head and all that followed, up to @end. */
static __noinline int held_whole(struct sock *sk, struct entry *e, u32 end)
{
	struct held *h = held_of(e, e->holding == 1);
	struct rec_stream *r;
	struct job j;

	held_job(sk, e, h, end - h->pos, &j);
	e->holding = 0;
	r = record_begin(&j, DATA_XS, true);
	if (!r)
		return opaque(0);
	data_held(r, &h->head, h->n, h->n);
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_REQUEST);
	return opaque(0);
}

/* The head alone, from wherever it is found that it stays so. */
static __noinline int held_alone(struct sock *sk, struct entry *e)
{
	struct held *h = held_of(e, e->holding == 1);
	struct owner o = e->owner;
	struct rec_stream *r;
	struct job j;
	u32 number;

	held_job(sk, e, h, h->n, &j);
	e->holding = 0;
	r = record_reserve(&ring_bulk, sizeof(*r) + DATA_XS + TIMES_BYTES, KIND_REQUEST, &number);
	if (!r)
		return opaque(0);
	owner_now(&o);
	hdr_fill_owner(&r->hdr, REC_STREAM, &o, number, sizeof(*r));
	r->hdr.time_ns = h->time_ns;
	body_fill(r, &j, true);
	data_held(r, &h->head, h->n, h->n);
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_REQUEST);
	return opaque(0);
}

/* A call goes one way while a head is held. True: it brought all that was missing, and is told of. */
static __always_inline bool held_over(struct sock *sk, struct entry *e, bool out)
{
	struct tcp_sock *tp = tcp_of(sk, true);
	u32 end = out ? tp->write_seq : received_end(sk, true);

	if (e->holding != (out ? 1 : 2) || end != e->body_end) {
		held_alone(sk, e);
		return false;
	}
	e->body_way = 0;
	held_whole(sk, e, end);
	return true;
}
