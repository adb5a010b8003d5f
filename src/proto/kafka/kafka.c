/*
 * Kafka: requests and answers, each behind its length, paired by correlation id; brokers answer a connection in order.
 * What an answer looks like is told by the request alone, so its call and version wait in the exchange (`mark`).
 *
 * Messages are read field by field (walk.h) and never gathered: record sets, and whatever is only passed over, become
 * skips, so a fetch's error codes are found between its record sets, also when those are never captured (sendfile).
 * items: records of a produce (of batches in format 2), partitions of every other answer.
 *
 * Not read: what stands in records; SASL tokens without Kafka's framing (SaslHandshake version 0); fields of calls
 * without a list in api.c, and of versions that are newer than it. Names of topic ids are known only from this
 * connection's own Metadata answers.
 */
#include <stdio.h>

#include "proto/exchange.h"
#include "proto/kafka/topics.h"
#include "proto/kafka/walk.h"

#define SIZE_MAX_REQUEST (128u << 20) /* brokers take 100 MiB unless told otherwise */
#define SIZE_MAX_ANSWER	 (1u << 30)
#define VERSION_MAX	 31
#define CLIENT_ID_MAX	 255
#define AHEAD_MAX	 100000 /* requests that may have been lost in one gap */

enum {
	PRODUCE = 0,
	FETCH = 1,
	API_VERSIONS = 18
};

/* exchange.mark: the call in the low byte, its version, what was found, the names seen. */
#define MARK_API(mark)	   ((uint16_t)((mark) & 0xff))
#define MARK_VERSION(mark) ((uint8_t)((mark) >> 8))
#define MARK_ONEWAY	   (1ull << 16)
#define MARK_ERROR	   (1ull << 17)
#define MARK_NAME	   (1ull << 32) /* one name */
#define MARK_NAMES(mark)   ((uint32_t)((mark) >> 32))

struct side {
	struct kafka_walk walk;
	uint64_t key;
	uint32_t asked; /* to skip */
	bool inside;	/* a message */
	bool doubt;	/* after a gap: the next head has to fit what is waited for */
	uint8_t name_n;
	char name[KAFKA_TOPIC_NAME]; /* the last one that was told: an id may follow it */
};

struct kafka {
	struct side side[2];
	struct kafka_topics topics;
	uint32_t last; /* correlation id of the last request */
	bool begun;    /* there was one */
	bool named;    /* it had a client id: clients send it always or never */
};

struct head {
	int64_t size, key, version, id;
	struct str client;
};

/* --- heads --- */

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return true;
}

/* size, call, version, correlation id, client id. PROTO_BAD: *ret_why says what it cannot be. */
static enum proto_result head_read(struct cur *c, struct head *ret, const char **ret_why)
{
	struct head h = { 0 };
	int64_t n;

	*ret_why = "size";
	if (!kafka_int(c, 4, &h.size))
		return PROTO_MORE;
	if (h.size < 10 || h.size > SIZE_MAX_REQUEST)
		return PROTO_BAD;
	*ret_why = "api-key";
	if (!kafka_int(c, 2, &h.key))
		return PROTO_MORE;
	if (h.key < 0 || !kafka_api_find((uint16_t)h.key))
		return PROTO_BAD;
	*ret_why = "version";
	if (!kafka_int(c, 2, &h.version))
		return PROTO_MORE;
	if (h.version < 0 || h.version > VERSION_MAX)
		return PROTO_BAD;
	if (!kafka_int(c, 4, &h.id))
		return PROTO_MORE;
	*ret_why = "client-id";
	if (!kafka_int(c, 2, &n))
		return PROTO_MORE;
	if (n < -1 || n > CLIENT_ID_MAX || n > h.size - 10)
		return PROTO_BAD;
	if (n >= 0 && !cur_str(c, (size_t)n, &h.client)) {
		struct str part = { (const char *)c->p, cur_left(c) };

		return printable(part) ? PROTO_MORE : PROTO_BAD;
	}
	if (!printable(h.client))
		return PROTO_BAD;
	*ret = h;
	return PROTO_OK;
}

static void side_begin(struct side *s, uint64_t key, uint32_t left)
{
	s->inside = true;
	s->key = key;
	s->asked = 0;
	s->name_n = 0;
	s->walk = (struct kafka_walk){ .left = left };
}

static void side_fields(struct side *s, const struct kafka_api *api, uint8_t version,
			const struct kafka_field *fields, bool flexible_head)
{
	s->walk.flexible = version >= api->flexible;
	s->walk.version = version;
	s->walk.at = version <= api->last ? fields : NULL;
	if (s->walk.flexible && flexible_head && s->walk.at)
		kafka_walk_tags(&s->walk);
}

/* The same, and after a gap it also has to come after those that were seen. */
static enum proto_result request_here(const struct kafka *k, struct cur *c, struct head *ret,
				      const char **ret_why)
{
	enum proto_result r = head_read(c, ret, ret_why);
	int32_t ahead = (int32_t)((uint32_t)ret->id - k->last);

	if (r != PROTO_OK || !k->side[PROTO_TO_SERVER].doubt)
		return r;
	*ret_why = "lost";
	if (ret->version > kafka_api_find((uint16_t)ret->key)->last)
		return PROTO_BAD;
	if ((k->named || !k->begun) && !ret->client.n)
		return PROTO_BAD;
	return k->begun && (ahead <= 0 || ahead > AHEAD_MAX) ? PROTO_BAD : PROTO_OK;
}

static enum proto_result request_head(struct kafka *k, struct proto_io *io, struct cur *c)
{
	struct cur head = *c;
	const struct kafka_api *api;
	struct side *s = &k->side[io->dir];
	struct exchange *x;
	struct head h = { 0 };
	enum proto_result r = request_here(k, &head, &h, &io->reject);

	if (r != PROTO_OK)
		return r;
	api = kafka_api_find((uint16_t)h.key);
	side_begin(s, (uint32_t)h.id, (uint32_t)h.size - (uint32_t)(head.p - c->p - 4));
	side_fields(s, api, (uint8_t)h.version, api->request, true);
	s->doubt = false;
	k->last = (uint32_t)h.id;
	k->begun = true;
	k->named = h.client.n > 0;
	c->p = head.p;
	x = exchange_begin(io, s->key);
	if (!x)
		return PROTO_OK;
	x->mark = (uint64_t)h.key | (uint64_t)h.version << 8;
	x->req.request_bytes = (uint64_t)h.size + 4;
	exchange_static(x, &x->req.method, api->name);
	if (h.client.n)
		exchange_set(x, &x->req.agent, h.client);
	return PROTO_OK;
}

/*
 * An answer to nothing that waits: from before we looked, or to one that was pushed out. When its id lies ahead of
 * every request it is none.
 */
static enum proto_result answer_unasked(struct kafka *k, struct proto_io *io, uint32_t id)
{
	bool doubt = k->side[io->dir].doubt;

	if (!doubt && (!k->begun || (int32_t)(id - k->last) <= 0))
		return PROTO_OK;
	io->reject = doubt ? "lost" : "correlation-id";
	return PROTO_BAD;
}

/* Brokers answer in order: the answers of those before @x were in the gap. */
static void answers_lost(struct proto_io *io, const struct exchange *x)
{
	struct exchange *old = exchange_oldest(io);

	for (; old && old != x; old = exchange_oldest(io)) {
		old->req.flags |= REQ_LOST | REQ_UNANSWERED;
		exchange_done(io, old);
	}
}

static enum proto_result answer_head(struct kafka *k, struct proto_io *io, struct cur *c)
{
	struct cur head = *c;
	struct side *s = &k->side[io->dir];
	const struct kafka_api *api;
	struct exchange *x;
	int64_t size, id;
	enum proto_result r;

	if (!kafka_int(&head, 4, &size))
		return PROTO_MORE;
	if (size < 4 || size > SIZE_MAX_ANSWER) {
		io->reject = "size";
		return PROTO_BAD;
	}
	if (!kafka_int(&head, 4, &id))
		return PROTO_MORE;
	x = exchange_find(io, (uint32_t)id);
	r = x ? PROTO_OK : answer_unasked(k, io, (uint32_t)id);
	if (r != PROTO_OK)
		return r;
	if (s->doubt && x)
		answers_lost(io, x);
	s->doubt = false;
	side_begin(s, (uint32_t)id, (uint32_t)size - 4);
	c->p = head.p;
	if (!x)
		return PROTO_OK;
	api = kafka_api_find(MARK_API(x->mark));
	side_fields(s, api, MARK_VERSION(x->mark), api->answer, api->key != API_VERSIONS);
	x->req.response_bytes = (uint64_t)size + 4;
	exchange_answered(io, x);
	return PROTO_OK;
}

/* --- values --- */

static void text_add(struct exchange *x, const char *before, struct str s)
{
	char text[EXCHANGE_TEXT];
	int n = snprintf(text, sizeof(text), "%.*s%s%.*s", STR_ARG(x->req.text),
			 x->req.text.n ? before : "", STR_ARG(s));

	if (n > 0 && (size_t)n < sizeof(text))
		exchange_set(x, &x->req.text, (struct str){ text, (size_t)n });
	else
		x->req.flags |= REQ_CUT;
}

static void name_add(struct proto_io *io, struct exchange *x, struct str name)
{
	if (MARK_NAMES(x->mark) < UINT32_MAX)
		x->mark += MARK_NAME;
	if (MARK_NAMES(x->mark) == 1)
		exchange_set(x, &x->req.resource, name);
	if (io->opts->raw)
		text_add(x, " ", name);
}

/* Of a request; of a fetch's answer when its request named none (an incremental one). */
static bool names_wanted(struct proto_io *io, const struct exchange *x)
{
	return io->dir == PROTO_TO_SERVER || (MARK_API(x->mark) == FETCH && !x->req.resource.p);
}

static void on_name(struct kafka *k, struct proto_io *io, struct exchange *x, struct kafka_value *v)
{
	struct side *s = &k->side[io->dir];

	s->name_n = v->text.n <= sizeof(s->name) ? (uint8_t)v->text.n : 0;
	if (s->name_n)
		memcpy(s->name, v->text.p, s->name_n);
	if (v->text.n && names_wanted(io, x))
		name_add(io, x, v->text);
}

static void on_topic_id(struct kafka *k, struct proto_io *io, struct exchange *x,
			struct kafka_value *v)
{
	struct side *s = &k->side[io->dir];
	char id[KAFKA_ID_TEXT];
	struct str name;

	if (s->name_n && io->dir == PROTO_TO_CLIENT)
		kafka_topics_learn(&k->topics, v->text, (struct str){ s->name, s->name_n });
	if (s->name_n || kafka_id_zero(v->text) || !names_wanted(io, x))
		return;
	name = kafka_topics_find(&k->topics, v->text);
	if (!name.p) {
		kafka_id_text(v->text, id);
		name = (struct str){ id, sizeof(id) };
	}
	name_add(io, x, name);
}

static void on_partition(struct kafka *k, struct proto_io *io, struct exchange *x,
			 struct kafka_value *v)
{
	char text[24];

	(void)k;
	if (io->dir == PROTO_TO_CLIENT)
		x->req.items += MARK_API(x->mark) != PRODUCE;
	else if (io->opts->raw)
		text_add(x, "/",
			 (struct str){ text,
				       (size_t)snprintf(text, sizeof(text), "%d", (int)v->number) });
}

static void on_acks(struct kafka *k, struct proto_io *io, struct exchange *x, struct kafka_value *v)
{
	(void)k;
	(void)io;
	if (v->number == 0)
		x->mark |= MARK_ONEWAY;
}

/* The first of them counts. */
static void on_error(struct kafka *k, struct proto_io *io, struct exchange *x, struct kafka_value *v)
{
	const char *name = kafka_error_name((int16_t)v->number);

	(void)k;
	(void)io;
	if (!v->number || x->mark & MARK_ERROR)
		return;
	x->mark |= MARK_ERROR;
	x->req.ok = REQ_OK_NO;
	exchange_code(x, v->number);
	if (name)
		exchange_static(x, &x->req.status, name);
}

static void on_message(struct kafka *k, struct proto_io *io, struct exchange *x,
		       struct kafka_value *v)
{
	(void)k;
	(void)io;
	if (v->text.n && !x->req.error.p)
		exchange_set(x, &x->req.error, v->text);
}

static void on_count(struct kafka *k, struct proto_io *io, struct exchange *x, struct kafka_value *v)
{
	(void)k;
	(void)io;
	x->req.items += (uint64_t)v->number;
}

typedef void value_fn(struct kafka *k, struct proto_io *io, struct exchange *x,
		      struct kafka_value *v);

static value_fn *const meanings[] = {
	[KAFKA_NAME] = on_name,	  [KAFKA_TOPIC_ID] = on_topic_id, [KAFKA_PARTITION] = on_partition,
	[KAFKA_ACKS] = on_acks,	  [KAFKA_ERROR] = on_error,	  [KAFKA_MESSAGE] = on_message,
	[KAFKA_COUNT] = on_count,
};

/* --- messages --- */

/* The exchange of the message that is being read; NULL: it has gone, or there never was one. */
static struct exchange *side_exchange(struct kafka *k, struct proto_io *io)
{
	struct side *s = &k->side[io->dir];
	struct exchange *x;

	if (io->dir == PROTO_TO_CLIENT)
		return exchange_find(io, s->key);
	x = exchange_newest(io);
	return x && x->key == s->key ? x : NULL;
}

static void request_end(struct proto_io *io, struct exchange *x)
{
	uint32_t more = MARK_NAMES(x->mark) > 1 ? MARK_NAMES(x->mark) - 1 : 0;
	char text[KAFKA_TEXT + 16];

	if (more) {
		int n = snprintf(text, sizeof(text), "%.*s +%u", STR_ARG(x->req.resource), more);

		exchange_set(x, &x->req.resource, (struct str){ text, (size_t)n });
	}
	if (x->mark & MARK_ONEWAY)
		exchange_oneway(io, x);
}

static void answer_end(struct proto_io *io, struct exchange *x)
{
	const struct kafka_api *api = kafka_api_find(MARK_API(x->mark));

	if (!(x->mark & MARK_ERROR) && api->answer && MARK_VERSION(x->mark) <= api->last) {
		x->req.ok = REQ_OK_YES;
		x->req.code = 0;
		exchange_static(x, &x->req.status, kafka_error_name(0));
	}
	exchange_done(io, x);
}

/* What is left of the message is passed over; then it is whole. */
static enum proto_result message_end(struct kafka *k, struct proto_io *io, struct cur *c)
{
	struct side *s = &k->side[io->dir];
	struct exchange *x;

	s->walk.at = NULL;
	if (!cur_skip(c, s->walk.left)) {
		io->skip = s->asked = s->walk.left;
		s->walk.left = 0;
		return PROTO_OK;
	}
	s->walk.left = 0;
	s->inside = false;
	x = side_exchange(k, io);
	if (x && io->dir == PROTO_TO_SERVER)
		request_end(io, x);
	else if (x)
		answer_end(io, x);
	return PROTO_OK;
}

static void value(struct kafka *k, struct proto_io *io, struct kafka_value *v)
{
	struct exchange *x = side_exchange(k, io);

	if (x && meanings[v->means])
		meanings[v->means](k, io, x, v);
}

static enum proto_result message(struct kafka *k, struct proto_io *io, struct cur *c)
{
	struct side *s = &k->side[io->dir];
	const uint8_t *from = c->p;
	struct kafka_value v;
	uint32_t skip;

	for (;;) {
		enum kafka_step step = kafka_walk_step(&s->walk, c, &v, &skip);

		if (step == KAFKA_MORE)
			return c->p > from ? PROTO_OK : PROTO_MORE;
		if (step == KAFKA_ENDED)
			return message_end(k, io, c);
		if (step == KAFKA_BAD) {
			io->reject = "field";
			return PROTO_BAD;
		}
		value(k, io, &v);
		if (step == KAFKA_OVER) {
			io->skip = s->asked = skip;
			return PROTO_OK;
		}
	}
}

static enum proto_result kafka_parse(void *state, struct proto_io *io, struct cur *c)
{
	struct kafka *k = state;
	struct side *s = &k->side[io->dir];
	uint32_t asked = s->asked;
	enum proto_result r;

	s->asked = 0;
	if (asked && io->skipped < asked) { /* the connection ended in there */
		s->inside = false;
		return PROTO_OK;
	}
	if (s->inside)
		return message(k, io, c);
	r = io->dir == PROTO_TO_SERVER ? request_head(k, io, c) : answer_head(k, io, c);
	return r == PROTO_OK && !s->walk.left ? message(k, io, c) : r;
}

/* --- after a gap --- */

/* What was being read: an answer ends here, a request still gets its own. */
static void message_lost(struct kafka *k, struct proto_io *io)
{
	struct side *s = &k->side[io->dir];
	struct exchange *x = s->inside ? side_exchange(k, io) : NULL;

	s->inside = false;
	s->asked = 0;
	if (!x)
		return;
	x->req.flags |= REQ_LOST;
	x->req.lost_bytes += io->lost;
	if (io->dir == PROTO_TO_CLIENT)
		exchange_done(io, x);
}

/* PROTO_MORE: it may begin here. */
static enum proto_result answer_here(struct proto_io *io, struct cur c)
{
	int64_t size, id;
	struct exchange *x;

	if (!kafka_int(&c, 4, &size))
		return PROTO_MORE;
	if (size < 4 || size > SIZE_MAX_ANSWER)
		return PROTO_BAD;
	if (!kafka_int(&c, 4, &id))
		return PROTO_MORE;
	x = exchange_find(io, (uint32_t)id);
	if (x)
		answers_lost(io, x);
	return x ? PROTO_OK : PROTO_BAD;
}

static bool kafka_resync(void *state, struct proto_io *io, struct cur *c)
{
	struct kafka *k = state;
	struct head h = { 0 };
	const char *why;

	message_lost(k, io);
	k->side[io->dir].doubt = true;
	for (; cur_left(c); c->p++) {
		struct cur here = *c;

		if (*c->p > SIZE_MAX_ANSWER >> 24) /* no length begins so */
			continue;
		if ((io->dir == PROTO_TO_SERVER ? request_here(k, &here, &h, &why) :
						  answer_here(io, here)) != PROTO_BAD)
			return true;
	}
	return false;
}

static void kafka_release(void *state)
{
	kafka_topics_free(&((struct kafka *)state)->topics);
}

/*
 * A request's head is tight enough when it names its client; without that, and for answers (a length and a
 * number), only a usual port will do.
 */
static enum proto_guess kafka_guess(struct str head, bool usual)
{
	struct cur c = cur_of(head.p, head.n), answer = c;
	int64_t size, id;
	struct head h;
	const char *why;
	enum proto_result r = head_read(&c, &h, &why);

	if (r == PROTO_OK && h.version <= kafka_api_find((uint16_t)h.key)->last &&
	    (h.client.n || (usual && !h.client.p && h.size > 10)))
		return GUESS_REQUEST;
	if (r == PROTO_MORE)
		return GUESS_MORE;
	if (usual && kafka_int(&answer, 4, &size) && size >= 6 && size <= SIZE_MAX_REQUEST &&
	    kafka_int(&answer, 4, &id) && id >= 0)
		return GUESS_RESPONSE;
	return GUESS_NO;
}

static const uint16_t ports[] = { 9092, 9093, 9094, 19092, 29092, 0 };

const struct proto proto_kafka = {
	.name = "kafka",
	.help = "Apache Kafka: calls by name, topic or group, error",
	.ports = ports,
	.stream = true,
	.state_bytes = sizeof(struct kafka),
	.guess = kafka_guess,
	.parse = kafka_parse,
	.resync = kafka_resync,
	.release = kafka_release,
};
