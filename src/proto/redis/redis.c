/*
 * Which connections speak Redis, and where to go on after a gap.
 *
 * Guesses: a command is an array of strings whose first is known; an answer alone says little ("+OK" is NATS's
 * too), so most of them count only where a port is usual.
 *
 * Gaps: commands that are lost have answers that belong to nobody, so what is paired from then on carries REQ_LOST
 * until commands and answers are level again; lost answers end everything that waits.
 */
#include "proto/redis/redis.h"

static const uint16_t ports[] = { 6379, 6380, 6381, 26379, 0 };

/* "*2\r\n$3\r\nGET\r\n"; what follows tells a reply of RESP2's SUBSCRIBE from the command. */
static enum proto_guess guess_array(struct cur c, bool usual)
{
	struct str name;
	char upper[REDIS_WORD];
	int64_t n, len;
	uint8_t b;
	enum proto_result res = redis_number(&c, &n);

	if (res == PROTO_OK && (n == -1 || n == 0))
		return usual ? GUESS_RESPONSE : GUESS_NO;
	if (res != PROTO_OK || n > (1 << 20) || n < 0)
		return res == PROTO_MORE ? GUESS_MORE : GUESS_NO;
	if (!cur_u8(&c, &b))
		return GUESS_MORE;
	if (b != '$')
		return usual && strchr("*:+-_#,%~", b) && b ? GUESS_RESPONSE : GUESS_NO;
	res = redis_number(&c, &len);
	if (res == PROTO_MORE)
		return GUESS_MORE;
	if (res != PROTO_OK || len < -1)
		return GUESS_NO;
	if (len < 1 || len > REDIS_WORD)
		return usual ? GUESS_RESPONSE : GUESS_NO;
	if (!cur_str(&c, (size_t)len, &name))
		return GUESS_MORE;
	res = redis_crlf(&c);
	if (res != PROTO_OK)
		return res == PROTO_MORE ? GUESS_MORE : GUESS_NO;
	for (size_t i = 0; i < name.n; i++)
		upper[i] = (char)(name.p[i] >= 'a' && name.p[i] <= 'z' ? name.p[i] - 32 : name.p[i]);
	if (str_eq(name, STR("message")) || str_eq(name, STR("pmessage")))
		return GUESS_RESPONSE;
	if (n == 3 && str_ends(name, STR("subscribe"))) {
		static const char crlf[] = "\r\n:";

		if (memmem(c.p, cur_left(&c), crlf, 3))
			return GUESS_RESPONSE;
	}
	if (redis_command((struct str){ upper, name.n }) || (usual && memchr(upper, '.', name.n)))
		return GUESS_REQUEST;
	return usual ? GUESS_RESPONSE : GUESS_NO;
}

/* What a line of each type says when nothing else is known. */
static enum proto_guess guess_line(struct cur c, uint8_t type, bool usual)
{
	struct str line;
	enum proto_result res = redis_line(&c, &line);

	if (res != PROTO_OK)
		return res == PROTO_MORE && cur_left(&c) < 128 ? GUESS_MORE : GUESS_NO;
	if (type == '-') {
		size_t n = 0;

		while (n < line.n && line.p[n] >= 'A' && line.p[n] <= 'Z')
			n++;
		/* NATS quotes its errors */
		if (n < 3 || n == line.n || line.p[n] != ' ' || line.n < n + 2 ||
		    line.p[n + 1] == '\'')
			return GUESS_NO;
		return usual || n > 3 ? GUESS_RESPONSE : GUESS_NO;
	}
	return usual ? GUESS_RESPONSE : GUESS_NO;
}

static enum proto_guess guess_number(struct cur c)
{
	int64_t n;
	enum proto_result res = redis_number(&c, &n);

	return res == PROTO_OK ? GUESS_RESPONSE : res == PROTO_MORE ? GUESS_MORE : GUESS_NO;
}

static enum proto_guess guess_inline(struct str head)
{
	char upper[REDIS_WORD];
	size_t n = 0;

	while (n < head.n && n < REDIS_WORD && head.p[n] != ' ' && head.p[n] != '\r') {
		upper[n] = (char)(head.p[n] >= 'a' && head.p[n] <= 'z' ? head.p[n] - 32 : head.p[n]);
		if (upper[n] < 'A' || upper[n] > 'Z')
			return GUESS_NO;
		n++;
	}
	if (n == head.n)
		return GUESS_MORE;
	return redis_command((struct str){ upper, n }) ? GUESS_REQUEST : GUESS_NO;
}

static enum proto_guess guess(struct str head, bool usual)
{
	struct cur c = cur_of(head.p, head.n);
	uint8_t type;

	if (!cur_u8(&c, &type))
		return GUESS_MORE;
	if (type == '*')
		return guess_array(c, usual);
	if (type == '+' || type == '-')
		return guess_line(c, type, usual);
	if (!usual || !type)
		return GUESS_NO;
	if (strchr("$:%>~|!=", type))
		return guess_number(c);
	if (strchr("_#,(", type))
		return guess_line(c, type, usual);
	return guess_inline(head);
}

/* --- gaps --- */

/* The next place where a line begins. */
static bool next_line(struct cur *c)
{
	const uint8_t *lf = cur_left(c) ? memchr(c->p, '\n', cur_left(c)) : NULL;

	return lf && cur_skip(c, (size_t)(lf + 1 - c->p)) && cur_left(c);
}

/* "*2\r\n$3\r\nGET\r\n" of a known command; too short to tell is good enough at the end of the bytes. */
static bool command_here(struct cur c)
{
	uint8_t type;

	return cur_u8(&c, &type) && type == '*' &&
	       (guess_array(c, false) == GUESS_REQUEST || guess_array(c, false) == GUESS_MORE);
}

static bool value_here(struct cur c, bool pushes)
{
	struct str line;
	uint8_t type;

	if (!cur_u8(&c, &type) || !type)
		return false;
	if (pushes && type == '*')
		return guess_array(c, false) == GUESS_RESPONSE;
	if (pushes)
		return type == '>' && guess_number(c) == GUESS_RESPONSE;
	if (strchr("*$:%>~|!=", type))
		return guess_number(c) == GUESS_RESPONSE;
	return strchr("+-", type) && redis_line(&c, &line) == PROTO_OK;
}

static bool resync_ask(struct redis *r, struct proto_io *io, struct cur *c)
{
	struct redis_ask *a = &r->ask;
	struct exchange *x = a->left ? exchange_newest(io) : NULL;

	if (x && x->key == a->number && !(x->req.flags & REQ_LOST)) {
		x->req.flags |= REQ_LOST; /* its answer comes all the same */
		x->req.lost_bytes += io->lost;
	}
	a->left = 0;
	a->at_end = a->skipping = false;
	a->replies = REDIS_REPLIES_ON;
	r->unsure = r->unsure > 1 ? r->unsure : 1;
	do {
		if (command_here(*c))
			return true;
	} while (next_line(c));
	return false;
}

/* With nothing waiting, only a push can be told from the rest of an answer. */
static bool resync_answer(struct redis *r, struct proto_io *io, struct cur *c)
{
	struct redis_answer *a = &r->answer;
	bool first = !a->lost, none;

	if (first || r->asked - r->answered > 1) {
		r->unsure = r->asked - r->answered > 1 ? 2 : 1;
		exchange_abandon(io);
		r->answered = r->asked;
		if (r->ask.left && r->asked)
			r->answered--;
	}
	*a = (struct redis_answer){ .lost = true };
	none = r->asked == r->answered;
	do {
		if (value_here(*c, none)) {
			a->lost = false;
			return true;
		}
	} while (next_line(c));
	return false;
}

static bool resync(void *state, struct proto_io *io, struct cur *c)
{
	return io->dir == PROTO_TO_SERVER ? resync_ask(state, io, c) : resync_answer(state, io, c);
}

static enum proto_result parse(void *state, struct proto_io *io, struct cur *c)
{
	return io->dir == PROTO_TO_SERVER ? redis_ask_parse(state, io, c) :
					    redis_answer_parse(state, io, c);
}

const struct proto proto_redis = {
	.name = "redis",
	.help = "Redis, Valkey: RESP2 and RESP3, pipelines, transactions, publish and subscribe",
	.ports = ports,
	.stream = true,
	.state_bytes = sizeof(struct redis),
	.guess = guess,
	.parse = parse,
	.resync = resync,
};
