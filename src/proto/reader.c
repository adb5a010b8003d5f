/* Where one direction's bytes meet the parser. See reader.h. */
#include "proto/reader.h"

#include <stdlib.h>

#define IDLE_MAX   8 /* calls of parse in a row that say OK and consume nothing */
#define CHANGE_MAX 4 /* times a connection may become something else */

/* One call's worth of bytes: where they are, and where in them the record begins (before: held). */
struct pass {
	struct reader *r;
	struct reader_side *s;
	struct cur bytes;
	const uint8_t *fresh;
	struct boot_ns now;
	bool closed, cut, datagram;
	unsigned tries, idle;
};

static enum proto_dir side_dir(const struct reader *r, const struct reader_side *s)
{
	return s == &r->side[r->to_server] ? PROTO_TO_SERVER : PROTO_TO_CLIENT;
}

static struct proto_io pass_io(struct pass *p)
{
	return (struct proto_io){
		.dir = side_dir(p->r, p->s),
		.begun = p->bytes.p < p->fresh ? p->s->begun : p->now,
		.time = p->now,
		.datagram = p->datagram,
		.midway = p->r->midway,
		.closed = p->closed,
		.cut = p->cut,
		.skipped = p->s->skipped,
		.lost = p->s->lost_n,
		.opts = &p->r->env->opts,
		.window = &p->r->window,
	};
}

/* --- what is held --- */

static void side_forget(struct reader *r, struct reader_side *s)
{
	free(s->held);
	r->env->held.used -= s->held_n;
	s->held = NULL;
	s->held_n = 0;
}

/* @n bytes were not captured, or not kept: resync from here. */
static void side_lose(struct reader_side *s, uint64_t n)
{
	s->lost_n = n + (s->lost ? s->lost_n : 0);
	s->lost = true;
}

/* Behind what is held; false: no room, and everything that was held or was to be is lost. */
static bool side_hold(struct reader *r, struct reader_side *s, const uint8_t *p, size_t n,
		      struct boot_ns now)
{
	uint8_t *more = NULL;

	if (!n)
		return true;
	if (!budget_take(&r->env->held, n)) {
		more = realloc(s->held, s->held_n + n);
		if (!more)
			r->env->held.used -= n;
	}
	if (!more) {
		r->env->stats.held_full += s->held_n + n;
		side_lose(s, s->held_n + n);
		side_forget(r, s);
		return false;
	}
	memcpy(more + s->held_n, p, n);
	if (!s->held_n)
		s->begun = now;
	s->held = more;
	s->held_n += (uint32_t)n;
	return true;
}

/* Keeps the last @n bytes of what is held. */
static void side_keep(struct reader *r, struct reader_side *s, size_t n, struct boot_ns begun)
{
	uint8_t *less;

	if (!n) {
		side_forget(r, s);
		return;
	}
	if (n == s->held_n)
		return;
	memmove(s->held, s->held + s->held_n - n, n);
	r->env->held.used -= s->held_n - n;
	less = realloc(s->held, n);
	s->held = less ? less : s->held;
	s->held_n = (uint32_t)n;
	s->begun = begun;
}

/* --- states --- */

static void state_free(struct reader *r)
{
	if (!r->proto)
		return;
	if (r->proto->release && r->state)
		r->proto->release(r->state);
	if (r->state)
		r->env->held.used -= r->proto->state_bytes;
	free(r->state);
	r->state = NULL;
	r->proto = NULL;
}

static int state_new(struct reader *r, const struct proto *p)
{
	int err = budget_take(&r->env->held, p->state_bytes);

	if (err)
		return err;
	r->state = calloc(1, p->state_bytes ? p->state_bytes : 1);
	if (!r->state) {
		r->env->held.used -= p->state_bytes;
		return -ENOMEM;
	}
	r->proto = p;
	r->window.protocol = str_of(p->name);
	return 0;
}

static void reader_ignore(struct reader *r, struct proto_io *io, const char *why)
{
	r->ignored = why;
	exchange_abandon(io);
	for (unsigned i = 0; i < 2; i++)
		r->side[i].skip = 0;
}

static void reader_become(struct reader *r, struct proto_io *io, const struct proto *p)
{
	const struct proto *was = r->proto;

	state_free(r);
	if (r->changes++ >= CHANGE_MAX || state_new(r, p) != 0) {
		r->proto = was; /* whose state is gone: for the counters' sake alone */
		reader_ignore(r, io, "no-room");
	}
}

/* --- the loop --- */

static void pass_reject(struct pass *p, const char *reason)
{
	struct reader *r = p->r;

	r->bad++;
	r->env->stats.bad++;
	if (r->env->reject)
		r->env->reject(r->env->ctx, r->proto, reason ? reason : "bad");
}

/* From @from to where the cursor is now nothing was understood. */
static void pass_over(struct pass *p, const uint8_t *from)
{
	side_lose(p->s, 0);
	p->r->env->stats.passed += (uint64_t)(p->bytes.p - from);
}

/* A refused message: on from its second byte. A datagram has no second chance. */
static void pass_bad(struct pass *p, const uint8_t *from, const char *reason)
{
	pass_reject(p, reason);
	if (p->datagram || ++p->tries >= READER_TRIES)
		p->bytes.p = p->bytes.end;
	else
		p->bytes.p = from + (from < p->bytes.end);
	pass_over(p, from);
}

/* The skip takes its share; true: it has ended just now. */
static bool pass_skip(struct pass *p)
{
	struct reader_side *s = p->s;
	size_t n = cur_left(&p->bytes);

	if (s->skip != PROTO_FOREVER && n > s->skip)
		n = (size_t)s->skip;
	p->bytes.p += n;
	s->skipped += n;
	if (s->skip != PROTO_FOREVER)
		s->skip -= n;
	s->skip_ended = s->skip == 0;
	return s->skip_ended;
}

/* False: no beginning in these bytes; they are dropped. */
static bool pass_resync(struct pass *p)
{
	const uint8_t *from = p->bytes.p;
	struct proto_io io = pass_io(p);

	if (!cur_left(&p->bytes))
		return false;
	if (!p->r->proto->resync || !p->r->proto->resync(p->r->state, &io, &p->bytes)) {
		p->bytes.p = p->bytes.end;
		pass_over(p, from);
		return false;
	}
	pass_over(p, from);
	p->s->lost = false;
	p->r->env->stats.resyncs++;
	return true;
}

/* What a parser asked for. */
static void pass_follow(struct pass *p, struct proto_io *io)
{
	if (io->skip) {
		p->s->skip = io->skip;
		p->s->skipped = 0;
	}
	if (io->ignore)
		reader_ignore(p->r, io, io->ignore);
	else if (io->become)
		reader_become(p->r, io, io->become);
}

/* One call of parse. False: it wants more, or nothing more can come of these bytes. */
static bool pass_parse(struct pass *p)
{
	const uint8_t *from = p->bytes.p;
	struct proto_io io = pass_io(p);
	enum proto_result res = p->r->proto->parse(p->r->state, &io, &p->bytes);
	bool moved = p->bytes.p > from || io.skip || io.become || io.ignore;

	p->s->skip_ended = false;
	if (res == PROTO_MORE && !moved) {
		if (!p->datagram && cur_left(&p->bytes) <= PROTO_BUFFER)
			return false;
		if (cur_left(&p->bytes))
			pass_bad(p, from, p->datagram ? "short" : "too-long");
		return cur_left(&p->bytes) > 0;
	}
	if (res == PROTO_BAD) {
		pass_bad(p, from, io.reject);
		return cur_left(&p->bytes) > 0;
	}
	p->idle = moved ? 0 : p->idle + 1;
	p->r->good += moved;
	pass_follow(p, &io);
	if (p->idle < IDLE_MAX)
		return true;
	pass_bad(p, from, "stuck");
	return cur_left(&p->bytes) > 0;
}

/* Until the parser wants more. At the end p->bytes is what it has not consumed. */
static void pass_run(struct pass *p)
{
	bool again = true;

	while (again && !p->r->ignored) {
		if (p->s->skip && !pass_skip(p))
			return;
		if (!p->s->skip_ended && !p->closed && !cur_left(&p->bytes))
			return;
		if (p->s->lost && !pass_resync(p))
			return;
		again = pass_parse(p);
		if (p->closed && !cur_left(&p->bytes))
			return;
	}
	if (p->r->ignored)
		p->bytes.p = p->bytes.end;
}

/* Behind what is held, or where they lie. */
static void side_run(struct reader *r, unsigned side, const uint8_t *data, size_t n,
		     struct boot_ns now, bool closed)
{
	struct reader_side *s = &r->side[side];
	size_t held = s->held_n;
	struct pass p = { .r = r, .s = s, .now = now, .closed = closed };

	if (!held) {
		p.bytes = cur_of(data, n);
		p.fresh = data;
	} else {
		if (!side_hold(r, s, data, n, now))
			return;
		p.bytes = cur_of(s->held, s->held_n);
		p.fresh = s->held + held;
	}
	pass_run(&p);
	if (!held)
		side_hold(r, s, p.bytes.p, cur_left(&p.bytes), now);
	else
		side_keep(r, s, cur_left(&p.bytes), p.bytes.p < p.fresh ? s->begun : now);
}

/* The skip's share of @n bytes that nobody captured; what is left of them. */
static uint64_t gap_skip(struct reader *r, unsigned side, uint64_t n, struct boot_ns now)
{
	struct reader_side *s = &r->side[side];

	/* More than one: of messages without a head. */
	for (unsigned i = 0; i < IDLE_MAX && s->skip && n; i++) {
		uint64_t eaten = s->skip < n ? s->skip : n;

		n -= eaten;
		s->skipped += eaten;
		if (s->skip != PROTO_FOREVER)
			s->skip -= eaten;
		s->skip_ended = s->skip == 0;
		if (s->skip_ended)
			side_run(r, side, NULL, 0, now, false);
	}
	return n;
}

/* What is held has nothing behind it: a parser that waited for more of a message may take what there is. */
static void held_cut(struct reader *r, unsigned side)
{
	struct reader_side *s = &r->side[side];
	struct pass p = { .r = r, .s = s, .now = s->last, .cut = true };

	p.bytes = cur_of(s->held, s->held_n);
	p.fresh = s->held + s->held_n;
	pass_run(&p);
	side_keep(r, s, cur_left(&p.bytes), s->begun);
}

/* @n bytes that nobody captured. */
static void side_gap(struct reader *r, unsigned side, uint64_t n, struct boot_ns now)
{
	struct reader_side *s = &r->side[side];

	if (n && s->held_n && r->proto && !s->lost && !r->ignored)
		held_cut(r, side);
	n = gap_skip(r, side, n, now);
	if (!n || r->ignored)
		return;
	if (r->proto) { /* else nobody could have read them */
		r->env->stats.gaps++;
		r->env->stats.gap_bytes += n;
	}
	side_lose(s, n);
	side_forget(r, s);
	s->skip = 0;
}

/* A parser that changed the protocol may have left bytes of the other side to the new one. */
static void other_run(struct reader *r, unsigned side, const struct proto *was)
{
	if (r->proto != was && !r->ignored && r->side[!side].held_n)
		side_run(r, !side, NULL, 0, r->side[!side].last, false);
	for (unsigned i = 0; i < 2 && r->ignored; i++)
		side_forget(r, &r->side[i]);
}

/* Nobody knows yet who reads it. */
static void side_wait(struct reader *r, struct reader_side *s, struct str data, struct boot_ns now)
{
	if (s->held_n + data.n > PROTO_BUFFER) {
		side_lose(s, 0);
		side_forget(r, s);
	}
	side_hold(r, s, (const uint8_t *)data.p, data.n, now);
}

/* Cuts what went by before; advances the position, and answers how many bytes were lost before these. */
static uint32_t side_place(struct reader_side *s, uint32_t pos, uint32_t *seen, struct str *data)
{
	uint32_t ahead = pos - s->next, old = s->next - pos;

	if (!s->started)
		ahead = 0;
	else if (ahead && old <= READER_OLD) {
		old = old < *seen ? old : *seen;
		*data = str_skip(*data, old);
		*seen -= old;
		return 0;
	}
	s->started = true;
	s->next = pos;
	return ahead;
}

void reader_feed(struct reader *r, unsigned side, uint32_t pos, uint32_t seen, struct str data,
		 struct boot_ns now)
{
	struct reader_side *s = &r->side[side];
	uint32_t ahead = side_place(s, pos, &seen, &data);
	const struct proto *was = r->proto;

	if (!seen)
		return;
	if (data.n > seen)
		data.n = seen;
	s->next += seen;
	s->last = now;
	if (r->ignored)
		return;
	side_gap(r, side, ahead, now);
	if (r->proto && data.n)
		side_run(r, side, (const uint8_t *)data.p, data.n, now, false);
	else if (data.n)
		side_wait(r, s, data, now);
	side_gap(r, side, seen - data.n, now);
	other_run(r, side, was);
}

void reader_feed_next(struct reader *r, unsigned side, uint32_t seen, struct str data,
		      struct boot_ns now)
{
	reader_feed(r, side, r->side[side].next, seen, data, now);
}

void reader_datagram(struct reader *r, unsigned side, uint32_t seen, struct str data,
		     struct boot_ns now)
{
	struct reader_side *s = &r->side[side];
	struct pass p = { .r = r, .s = s, .now = now, .datagram = true };

	(void)seen;
	if (!r->proto || r->ignored)
		return;
	s->last = now;
	s->lost = s->skip_ended = false;
	s->skip = 0;
	p.bytes = cur_of(data.p, data.n);
	p.fresh = p.bytes.p;
	pass_run(&p);
	s->skip = 0;
}

void reader_init(struct reader *r, struct readers *env, void *owner)
{
	*r = (struct reader){ .env = env };
	window_init(&r->window, &env->pool, STR_NONE, owner);
}

int reader_start(struct reader *r, const struct proto *p, unsigned to_server)
{
	bool reply_first = r->side[!to_server].begun.ns < r->side[to_server].begun.ns;
	int err = state_new(r, p);

	if (err)
		return err;
	r->to_server = to_server & 1;
	r->good = r->bad = 0;
	for (unsigned i = 0; i < 2; i++) {
		unsigned side = reply_first ? !to_server ^ i : to_server ^ i;

		if (r->side[side].held_n && !r->ignored)
			side_run(r, side, NULL, 0, r->side[side].last, false);
	}
	return 0;
}

void reader_stop(struct reader *r)
{
	struct proto_io io = { .window = &r->window };

	exchange_abandon(&io);
	state_free(r);
	for (unsigned i = 0; i < 2; i++) {
		struct reader_side *s = &r->side[i];

		side_forget(r, s);
		*s = (struct reader_side){ .next = s->next, .started = s->started, .last = s->last };
	}
}

void reader_forget(struct reader *r, unsigned side)
{
	side_forget(r, &r->side[side]);
}

void reader_close(struct reader *r, struct boot_ns now)
{
	for (unsigned i = 0; i < 2 && r->proto && !r->ignored; i++) {
		unsigned side = r->to_server ^ i;
		struct reader_side *s = &r->side[side];

		if (!s->started)
			continue;
		if (s->skip) {
			s->skip = 0;
			s->skip_ended = true;
		}
		side_run(r, side, NULL, 0, s->last, true);
	}
	window_close(&r->window, now);
	reader_free(r);
}

void reader_free(struct reader *r)
{
	struct proto_io io = { .window = &r->window };

	exchange_abandon(&io);
	state_free(r);
	for (unsigned i = 0; i < 2; i++)
		side_forget(r, &r->side[i]);
}
