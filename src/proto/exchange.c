/*
 * The window of one connection: a list by age, and when it is long and asked by key, a hash over it. Exchanges come
 * from blocks that the pool keeps; under AddressSanitizer a free one may not be touched.
 */
#include "proto/exchange.h"

#include <stdlib.h>

#include "base/hash.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)	  ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define BLOCK	   64  /* exchanges of one allocation */
#define SLOTS	   256 /* a power of two */
#define WORTH_HASH 32  /* a shorter window is walked */

/* --- the pool: blocks of BLOCK + 1; the first of each links the blocks --- */

static bool pool_grow(struct exchange_pool *p)
{
	struct exchange *b = malloc((BLOCK + 1) * sizeof(*b));

	if (!b)
		return false;
	b->next = p->blocks;
	p->blocks = b;
	for (size_t i = 1; i <= BLOCK; i++) {
		b[i].next = p->free;
		p->free = &b[i];
		ASAN_POISON_MEMORY_REGION(&b[i], sizeof(b[i]));
	}
	return true;
}

static struct exchange *pool_take(struct exchange_pool *p)
{
	struct exchange *x;

	if (p->n >= (p->max ? p->max : EXCHANGE_POOL) || (!p->free && !pool_grow(p)))
		return NULL;
	x = p->free;
	ASAN_UNPOISON_MEMORY_REGION(x, sizeof(*x));
	p->free = x->next;
	p->n++;
	memset(x, 0, offsetof(struct exchange, text));
	return x;
}

static void pool_give(struct exchange_pool *p, struct exchange *x)
{
	x->next = p->free;
	p->free = x;
	p->n--;
	ASAN_POISON_MEMORY_REGION(x, sizeof(*x));
}

void exchange_pool_free(struct exchange_pool *p)
{
	while (p->blocks) {
		struct exchange *b = p->blocks;

		p->blocks = b->next;
		ASAN_UNPOISON_MEMORY_REGION(b, (BLOCK + 1) * sizeof(*b));
		free(b);
	}
	p->free = NULL;
}

/* --- the window --- */

void window_init(struct window *w, struct exchange_pool *p, struct str protocol, void *owner)
{
	*w = (struct window){ .pool = p, .protocol = protocol, .owner = owner };
}

static struct window_slot *slot_of(const struct window *w, uint64_t key)
{
	return &w->slot[hash_u64(key) & (SLOTS - 1)];
}

static void slot_add(struct window *w, struct exchange *x)
{
	struct window_slot *s = slot_of(w, x->key);

	x->same = NULL;
	if (s->newest)
		s->newest->same = x;
	else
		s->oldest = x;
	s->newest = x;
}

static void slot_remove(struct window *w, const struct exchange *x)
{
	struct window_slot *s = slot_of(w, x->key);
	struct exchange *before = NULL, *at = s->oldest;

	for (; at != x; at = at->same)
		before = at;
	if (before)
		before->same = x->same;
	else
		s->oldest = x->same;
	if (s->newest == x)
		s->newest = before;
}

static void window_hash(struct window *w)
{
	w->slot = calloc(SLOTS, sizeof(*w->slot));
	for (struct exchange *x = w->slot ? w->oldest : NULL; x; x = x->next)
		slot_add(w, x);
}

static void window_remove(struct window *w, struct exchange *x)
{
	if (w->slot)
		slot_remove(w, x);
	*(x->prev ? &x->prev->next : &w->oldest) = x->next;
	*(x->next ? &x->next->prev : &w->newest) = x->prev;
	if (!--w->n) {
		free(w->slot);
		w->slot = NULL;
	}
}

static void window_done(struct window *w, struct exchange *x)
{
	window_remove(w, x);
	if (w->pool->done)
		w->pool->done(w->pool->ctx, w, x);
	pool_give(w->pool, x);
}

static void window_give_up(struct window *w, struct exchange *x, struct boot_ns now)
{
	x->req.flags |= REQ_UNANSWERED;
	x->req.end = now;
	window_done(w, x);
}

void window_close(struct window *w, struct boot_ns now)
{
	while (w->oldest)
		window_give_up(w, w->oldest, now);
}

/* --- for parsers --- */

struct exchange *exchange_begin(struct proto_io *io, uint64_t key)
{
	struct window *w = io->window;
	struct exchange *x = w->n < WINDOW_MAX ? pool_take(w->pool) : NULL;

	if (!x && w->oldest) {
		w->pool->pushed_out++;
		window_give_up(w, w->oldest, io->time);
		x = pool_take(w->pool);
	}
	if (!x) {
		w->pool->refused++;
		return NULL;
	}
	x->key = key;
	x->req.protocol = w->protocol;
	x->req.start = io->begun;
	x->req.code = -1;
	x->req.flags = io->midway ? REQ_MIDWAY : 0;
	x->req.retransmits = w->retransmits;
	x->prev = w->newest;
	*(w->newest ? &w->newest->next : &w->oldest) = x;
	w->newest = x;
	w->n++;
	if (w->slot)
		slot_add(w, x);
	if (w->pool->begun)
		w->pool->begun(w->pool->ctx, w, x);
	return x;
}

struct exchange *exchange_oldest(const struct proto_io *io)
{
	return io->window->oldest;
}

struct exchange *exchange_newest(const struct proto_io *io)
{
	return io->window->newest;
}

struct exchange *exchange_find(const struct proto_io *io, uint64_t key)
{
	struct window *w = io->window;
	struct exchange *x = w->oldest;

	if (!w->slot && w->n >= WORTH_HASH)
		window_hash(w);
	if (w->slot) {
		for (x = slot_of(w, key)->oldest; x && x->key != key; x = x->same)
			;
		return x;
	}
	while (x && x->key != key)
		x = x->next;
	return x;
}

void exchange_set(struct exchange *x, struct str *text, struct str s)
{
	const char *end = x ? x->text + x->used : NULL;
	bool mine;

	if (!x)
		return;
	if (!s.p) {
		*text = STR_NONE;
		return;
	}
	mine = text->p >= x->text && text->p <= end;
	if (mine && text->p + text->n == end)
		x->used = (uint16_t)(text->p - x->text); /* the last one: its room is used again */
	if (s.n > (size_t)(EXCHANGE_TEXT - x->used)) {
		s.n = (size_t)(EXCHANGE_TEXT - x->used);
		x->req.flags |= REQ_CUT;
	}
	memmove(x->text + x->used, s.p, s.n);
	*text = (struct str){ x->text + x->used, s.n };
	x->used = (uint16_t)(x->used + s.n);
}

void exchange_static(struct exchange *x, struct str *text, const char *s)
{
	if (x)
		*text = str_of(s);
}

void exchange_code(struct exchange *x, int64_t code)
{
	uint64_t left = code < 0 ? -(uint64_t)code : (uint64_t)code;
	char s[24], *at = s + sizeof(s);

	if (!x)
		return;
	x->req.code = code;
	do
		*--at = (char)('0' + left % 10);
	while (left /= 10);
	if (code < 0)
		*--at = '-';
	exchange_set(x, &x->req.status, (struct str){ at, (size_t)(s + sizeof(s) - at) });
}

void exchange_answered(struct proto_io *io, struct exchange *x)
{
	if (x && !x->req.answered.ns)
		x->req.answered = io->begun;
}

void exchange_done(struct proto_io *io, struct exchange *x)
{
	if (!x)
		return;
	exchange_answered(io, x);
	x->req.end = io->time;
	window_done(io->window, x);
}

void exchange_oneway(struct proto_io *io, struct exchange *x)
{
	if (!x)
		return;
	x->req.flags |= REQ_ONEWAY;
	x->req.end = io->time;
	window_done(io->window, x);
}

void exchange_drop(struct proto_io *io, struct exchange *x)
{
	if (!x)
		return;
	window_remove(io->window, x);
	if (io->window->pool->dropped)
		io->window->pool->dropped(io->window->pool->ctx, io->window, x);
	pool_give(io->window->pool, x);
}

void exchange_abandon(struct proto_io *io)
{
	struct window *w = io->window;

	if (w->oldest)
		w->oldest->req.lost_bytes += io->lost;
	while (w->oldest) {
		w->oldest->req.flags |= REQ_LOST;
		window_done(w, w->oldest);
	}
}
