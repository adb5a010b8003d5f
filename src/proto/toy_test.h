#pragma once
/*
 * For tests: a protocol of lines, LETTER KEY (digits) SPACE REST NEWLINE, and the same in capitals ("loud").
 *
 *	to the server: q request; n one that gets no answer; b: KEY bytes follow the line, part of the newest request
 *	to the client: a answer; f answer whose body goes on to the end; u answer, then both sides are loud;
 *	               i answer, then nothing can be read
 *
 * REST is the method in requests, the status in answers.
 */
#include "proto/exchange.h"

struct toy_state {
	uint64_t skipping; /* bytes asked for */
	uint64_t forever;  /* key of the answer that has no end */
	bool endless, in_body;
};

extern const struct proto toy, toy_loud;

static inline bool toy_line(struct cur *c, bool loud, uint8_t *ret_letter, uint64_t *ret_key,
			    struct str *ret_rest)
{
	const char *nl = memchr(c->p, '\n', cur_left(c));
	uint64_t key = 0;
	const uint8_t *p = c->p;

	if (!nl)
		return false;
	*ret_letter = loud ? (uint8_t)(*c->p + 'a' - 'A') : *c->p;
	for (p += *p != '\n'; *p >= '0' && *p <= '9'; p++) /* ends at the newline at last */
		key = key * 10 + (uint64_t)(*p - '0');
	*ret_key = key;
	p += *p == ' ';
	*ret_rest = (struct str){ (const char *)p, (size_t)(nl - (const char *)p) };
	c->p = (const uint8_t *)nl + 1;
	return true;
}

static inline enum proto_result toy_request(struct toy_state *t, struct proto_io *io,
					    uint8_t letter, uint64_t key, struct str rest, size_t n)
{
	struct exchange *x;

	if (letter == 'b') {
		x = exchange_newest(io);
		if (x)
			x->req.request_bytes += n + key;
		io->skip = key;
		t->skipping = key;
		return PROTO_OK;
	}
	if (letter != 'q' && letter != 'n') {
		io->reject = "letter";
		return PROTO_BAD;
	}
	x = exchange_begin(io, key);
	if (!x)
		return PROTO_OK;
	exchange_set(x, &x->req.method, rest);
	x->req.request_bytes = n;
	if (letter == 'n')
		exchange_oneway(io, x);
	return PROTO_OK;
}

static inline enum proto_result toy_answer(struct toy_state *t, struct proto_io *io, uint8_t letter,
					   uint64_t key, struct str rest, size_t n)
{
	struct exchange *x = exchange_find(io, key);

	if (!memchr("afui", letter, 4)) {
		io->reject = "letter";
		return PROTO_BAD;
	}
	if (!x)
		return PROTO_OK;
	exchange_answered(io, x);
	exchange_set(x, &x->req.status, rest);
	x->req.ok = str_eq(rest, STR("OK")) ? REQ_OK_YES : REQ_OK_NO;
	x->req.response_bytes = n;
	if (letter == 'f') {
		t->endless = true;
		t->forever = key;
		io->skip = PROTO_FOREVER;
		return PROTO_OK;
	}
	exchange_done(io, x);
	if (letter == 'u')
		io->become = &toy_loud;
	if (letter == 'i')
		io->ignore = "tls";
	return PROTO_OK;
}

static inline enum proto_result toy_parse_as(struct toy_state *t, struct proto_io *io,
					     struct cur *c, bool loud)
{
	const uint8_t *from = c->p;
	uint8_t letter;
	uint64_t key;
	struct str rest;
	size_t n;

	if (io->dir == PROTO_TO_CLIENT && t->endless) {
		struct exchange *x = exchange_find(io, t->forever);

		t->endless = false;
		if (x)
			x->req.response_bytes += io->skipped;
		exchange_done(io, x);
		return PROTO_OK;
	}
	if (!cur_left(c) || !toy_line(c, loud, &letter, &key, &rest))
		return PROTO_MORE;
	n = (size_t)(c->p - from);
	return io->dir == PROTO_TO_SERVER ? toy_request(t, io, letter, key, rest, n) :
					    toy_answer(t, io, letter, key, rest, n);
}

static inline enum proto_result toy_parse(void *state, struct proto_io *io, struct cur *c)
{
	return toy_parse_as(state, io, c, false);
}

static inline enum proto_result toy_loud_parse(void *state, struct proto_io *io, struct cur *c)
{
	return toy_parse_as(state, io, c, true);
}

/* After the next end of a line. */
static inline bool toy_resync(void *state, struct proto_io *io, struct cur *c)
{
	const uint8_t *nl = memchr(c->p, '\n', cur_left(c));

	((struct toy_state *)state)->endless = false;
	if (!nl)
		return false;
	exchange_abandon(io);
	c->p = nl + 1;
	return true;
}

static inline enum proto_guess toy_guess_as(struct str head, bool loud)
{
	char c = head.p[0], from = loud ? 'A' : 'a';

	if (head.n < 3)
		return c == from || c == from + 'q' - 'a' ? GUESS_MORE : GUESS_NO;
	if (head.p[1] < '0' || head.p[1] > '9' || !memchr(head.p, ' ', head.n))
		return GUESS_NO;
	return c == from + 'q' - 'a' ? GUESS_REQUEST : c == from ? GUESS_RESPONSE : GUESS_NO;
}

static inline enum proto_guess toy_guess(struct str head, bool usual)
{
	(void)usual;
	return toy_guess_as(head, false);
}

static inline enum proto_guess toy_loud_guess(struct str head, bool usual)
{
	(void)usual;
	return toy_guess_as(head, true);
}

/* clang-format off */
const struct proto toy = {
	.name = "toy", .help = "for tests", .stream = true, .datagram = true, .state_bytes = sizeof(struct toy_state),
	.guess = toy_guess, .parse = toy_parse, .resync = toy_resync,
};
const struct proto toy_loud = {
	.name = "loud", .help = "for tests", .stream = true, .state_bytes = sizeof(struct toy_state),
	.guess = toy_loud_guess, .parse = toy_loud_parse, .resync = toy_resync,
};
/* clang-format on */
