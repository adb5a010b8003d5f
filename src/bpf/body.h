/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Bodies of HTTP/1 that are passed over. Of a message that begins with a call, and that tells its length, it is known
 * where the body ends: calls that lie inside of it make no record, the one that ends it makes one without bytes.
 * Positions tell user space what went by in between; nothing else has to be kept. Every BODY_STEP bytes there is a
 * record all the same, so that a connection that is busy is not taken for a quiet one.
 *
 *     | head, first bytes | ...      ...      ... | last bytes | next head
 *       record of BODY_HEAD  no records             record, 0    record
 *
 * What the reader of user space does with such a message (proto/http) is what is done here, and not more: a body that
 * may not be there (the answer to HEAD, 204, 304) is not passed over; and when the other end speaks meanwhile, it is
 * over. A head that does not lie in the call's first BODY_HEAD bytes, or whose lines end without CR, is as any. One that
 * tells a length and has chunks too, which no reader may take, hides as many bytes as it says till the other end speaks.
 *
 * Only where the kernel has typed pointers: the others' verifiers have no room for it.
 */
#include "bpf/stream.h"

#define BODY_HEAD  DATA_S /* bytes of a call that are looked at */
#define CALL_LEAST 4096	  /* of a shorter one that is longer than BODY_HEAD all is copied instead */
#define BODY_MOST  (1u << 30) /* positions are of 32 bits */
#define BODY_STEP  (1u << 20)
#define NAME_BYTES 15 /* "content-length:" */
#define NAME_STEPS 128
#define END_STEPS  288
#define DIGITS	   10

/* How far on the name can stand when its last byte would be this one (Horspool's search); 0: here. */
#define NOWHERE 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15
const volatile u8 body_name_step[256] SEC(".rodata.body") = {
	/* clang-format off */
	NOWHERE,
	NOWHERE,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 7, 15, 15, /* - */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 0, 15, 15, 15, 15, 15, /* : */
	15, 15, 15, 14, 15, 5, 15, 3, 1, 15, 15, 15, 6, 15, 4, 13, /* C E G H L N O */
	15, 15, 15, 15, 2, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* T */
	15, 15, 15, 14, 15, 5, 15, 3, 1, 15, 15, 15, 6, 15, 4, 13, /* c e g h l n o */
	15, 15, 15, 15, 2, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* t */
	NOWHERE,
	NOWHERE,
	NOWHERE,
	NOWHERE,
	NOWHERE,
	NOWHERE,
	NOWHERE,
	NOWHERE,
	/* clang-format on */
};
#undef NOWHERE

#define WORD(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#define LOAD(type, p)	 (*(const type *)(p))
#define LOWER8		 0x2020202020202020ull
#define CONTENT		 0x2d746e65746e6f63ull /* "content-" */
#define LENG		 0x676e656cu
#define TH		 0x6874u
#define CRLFCRLF	 0x0a0d0a0du

/* A record's data, and the 8 bytes before them, in which places are kept: see forget. */
struct head_xs {
	u64 room;
	u8 d[DATA_XS];
};

struct head_s {
	u64 room;
	u8 d[DATA_S];
};

struct head {
	const u8 *d;
	volatile u64 *room;
	u32 n; /* of them are there */
};

/* Whether "Content-Length" stands there, and one more byte. */
static __always_inline bool is_name(const u8 *p)
{
	return (LOAD(u64, p) | LOWER8) == CONTENT && (LOAD(u32, p + 8) | (u32)LOWER8) == LENG &&
	       (LOAD(u16, p + 12) | 0x2020) == TH;
}

/*
 * Heads of one connection are much alike: where the name stood in the last one, and how far behind the number the end,
 * is looked at first. (A head with another end before that would have to be made for it, and hide its own bytes.)
 */
#define LIKE(name_end, rest) ((name_end) | (rest) << 16)
#define LIKE_NAME_END(like)  ((like) & 0xffff)
#define LIKE_REST(like)	     ((like) >> 16)
#define LOOKED(to, like)     ((u64)(like) << 32 | (to))

/* Behind "Content-Length:" when it stands where it stood; 0: not. */
static __always_inline u32 head_name_like(const struct head *h, u32 like, const u32 size)
{
	u32 at = forget(h->room, LIKE_NAME_END(like) - NAME_BYTES);

	if (at > size - NAME_BYTES || at + NAME_BYTES > h->n)
		return 0;
	return is_name(h->d + at) && h->d[at + NAME_BYTES - 1] == ':' ? at + NAME_BYTES : 0;
}

static __always_inline bool head_ends(const struct head *h, u32 end, const u32 size)
{
	u32 at = forget(h->room, end - 4);

	return at <= size - 4 && at + 4 <= h->n && LOAD(u32, h->d + at) == CRLFCRLF;
}

/* Behind "Content-Length:"; 0: nowhere. */
static __always_inline u32 head_name(const struct head *h, const u32 size)
{
	u32 at = 0;

	for (u32 i = 0; i < NAME_STEPS; i++) {
		const u8 *p;
		u32 step;

		at = forget(h->room, at);
		if (at > size - NAME_BYTES || at + NAME_BYTES > h->n)
			return 0;
		p = h->d + at;
		step = body_name_step[p[NAME_BYTES - 1]];
		if (!step && is_name(p))
			return at + NAME_BYTES;
		at += step ? step : NAME_BYTES;
	}
	return 0;
}

/* Behind the empty line; 0: nowhere from @at on. */
static __always_inline u32 head_end(const struct head *h, u32 at, const u32 size)
{
	for (u32 i = 0; i < END_STEPS; i++) {
		const u8 *p;
		u32 last;

		at = forget(h->room, at);
		if (at > size - 4 || at + 4 > h->n)
			return 0;
		p = h->d + at;
		last = p[3];
		if (last == '\n' && LOAD(u32, p) == CRLFCRLF)
			return at + 4;
		at += last == '\n' ? 2 : last == '\r' ? 1 : 4;
	}
	return 0;
}

/* The number there, and in *at the place of the CR behind it; 0: none, or none that is of use. */
static __always_inline u32 head_number(const struct head *h, u32 *at, const u32 size)
{
	u32 v = 0, place = *at;

	for (u32 i = 0; i < DIGITS + 2; i++) {
		u32 c;

		place = forget(h->room, place);
		if (place >= size || place >= h->n)
			return 0;
		c = h->d[place];
		if (c == '\r') {
			*at = place;
			return v;
		}
		place++;
		if (c == ' ' && !v)
			continue;
		v = forget(h->room, v);
		if (c < '0' || c > '9' || v > BODY_MOST / 10)
			return 0;
		v = v * 10 + (c - '0');
	}
	return 0;
}

/* Whether a message that begins so can have a body. */
static __always_inline bool head_body(const u8 *d, bool head_asked)
{
	u32 code = LOAD(u32, d + 8); /* " 200" */

	if (LOAD(u32, d) != WORD('H', 'T', 'T', 'P'))
		return d[0] == 'P'; /* POST, PUT, PATCH */
	return !head_asked && d[9] >= '2' && code != WORD(' ', '2', '0', '4') &&
	       code != WORD(' ', '3', '0', '4');
}

/* LOOKED: bytes from the first to the body's last, 0: not known; and what to remember. */
static __always_inline u64 head_look(const struct head *h, bool head_asked, u32 like, const u32 size)
{
	u32 at, name_end, number_end, n;

	if (h->n < 16 || !head_body(h->d, head_asked))
		return LOOKED(0, like);
	name_end = like ? head_name_like(h, like, size) : 0;
	if (!name_end)
		name_end = head_name(h, size);
	if (!name_end)
		return LOOKED(0, 0);
	number_end = name_end;
	n = head_number(h, &number_end, size);
	if (!n)
		return LOOKED(0, like);
	if (name_end == LIKE_NAME_END(like) && head_ends(h, number_end + LIKE_REST(like), size))
		return LOOKED(number_end + LIKE_REST(like) + n, like);
	at = head_end(h, number_end, size);
	return at ? LOOKED(at + n, LIKE(name_end, at - number_end)) : 0;
}

/* Verified by themselves: what leads to them would have them verified many times over. */
VERIFIED_ONCE u64 head_look_xs(struct head_xs *x, u32 n, bool head_asked, u32 like)
{
	if (!x)
		return 0;
	return head_look(&(struct head){ x->d, &x->room, n }, head_asked, like, DATA_XS);
}

VERIFIED_ONCE u64 head_look_s(struct head_s *x, u32 n, bool head_asked, u32 like)
{
	if (!x)
		return 0;
	return head_look(&(struct head){ x->d, &x->room, n }, head_asked, like, DATA_S);
}

/* What is to be remembered of a head that began with @word. */
static __always_inline void head_note(struct entry *e, u32 word, u64 looked)
{
	e->head_like = looked >> 32;
	if (word != WORD('H', 'T', 'T', 'P'))
		e->head_asked = word == WORD('H', 'E', 'A', 'D');
}

/* From here on the bytes up to @to, from @pos on, are a body's, of which @seen went by with the head. */
static __always_inline void body_begin(struct entry *e, bool out, u32 pos, u32 seen, u32 to)
{
	e->body_end = pos + to;
	e->body_at = e->body_told = pos + seen;
	e->body_way = out ? 1 : 2;
}

/* Gives the record of a head away. It may be of the first bytes alone: true, and @j is what is left of it. */
static __always_inline int head_submit(struct job *j, struct entry *e, struct rec_stream *r, u32 to)
{
	if (to > j->seen)
		body_begin(e, j->flags & STREAM_OUT, j->pos, j->seen, to);
	if (to < j->seen && r->data.len < j->seen) {
		r->seen = r->data.len;
		r->flags &= ~STREAM_FULL;
	}
	j->pos += r->seen;
	j->seen -= r->seen;
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_REQUEST);
	return j->seen != 0;
}

/* Whether bodies of this connection may be passed over. */
static __always_inline bool body_wanted(const struct entry *e)
{
	return e->class == STREAM_CLASS_BODIES || (e->class == STREAM_CLASS_UNKNOWN && e->http);
}

/* Whether a call that moved @n bytes lies inside of a body; *ret_ends: it ends it, or its bytes are to be told of. */
static __always_inline bool body_passes(struct entry *e, struct sock *sk, bool out, bool *ret_told)
{
	struct tcp_sock *tp = tcp_of(sk, true);
	u32 end;
	s32 left;

	if (e->body_way != (out ? 1 : 2)) {
		e->body_way = 0;
		return false;
	}
	end = out ? tp->write_seq : received_end(sk, true);
	left = e->body_end - end;
	if (left <= 0)
		e->body_way = 0;
	if (left < 0)
		return false;
	e->body_at = end;
	if (left > 0 && end - e->body_told < BODY_STEP)
		return true;
	e->body_told = end;
	*ret_told = true;
	return false;
}
