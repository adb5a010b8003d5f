/*
 * DNS connections: see dns.h. Over TCP a message longer than MESSAGE_WHOLE is looked at up to MESSAGE_SEEN bytes, and
 * the rest is skipped.
 */
#include "proto/dns/dns.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/hash.h"
#include "proto/exchange.h"

#define MESSAGE_WHOLE (PROTO_BUFFER - 2)
#define MESSAGE_SEEN  4096
#define HEAD_BYTES    12

static const uint16_t ports[] = { 53, 5353, 0 };

enum {
	CLASS_IN = 1,
	CLASS_ANY = 255,
	CLASS_TOP = 0x8000, /* mDNS: answer to me alone; forget what you had */
};

/* What every message has that is one. @strict: nothing unusual either. */
static const char *wrong(const struct dns_message *m, bool strict)
{
	uint16_t class = m->class & (uint16_t)~CLASS_TOP;

	if (!dns_opcode_name(m->opcode))
		return "opcode";
	if (!m->answer && (m->rcode || !m->questions))
		return "question";
	if (strict && (m->opcode || m->questions != 1 || !dns_type_name(m->type) ||
		       (class != CLASS_IN && class != CLASS_ANY) ||
		       (!m->answer && (m->answers || m->authorities || m->additionals > 2))))
		return "unusual";
	return NULL;
}

/* Multicast: everybody asks and answers in both directions. */
static bool multicast(const struct dns_message *m)
{
	return m->id == 0 && str_ends(str_of(m->name), STR(".local"));
}

static uint64_t message_key(const struct dns_message *m)
{
	return hash_u64(hash_str(str_of(m->name)) + m->type) << 16 | m->id;
}

static void fill(struct exchange *x, const struct dns_message *m)
{
	struct str name = str_of(m->name);
	const char *type = m->opcode ? dns_opcode_name(m->opcode) : dns_type_name(m->type);
	char text[DNS_NAME_MAX + 2];
	unsigned dots = 0;
	size_t i = name.n;

	if (type)
		exchange_static(x, &x->req.method, type);
	else
		exchange_set(x, &x->req.method,
			     (struct str){ text, (size_t)snprintf(text, 32, "TYPE%u", m->type) });
	exchange_set(x, &x->req.resource, name);
	while (i > 0 && dots < 2)
		dots += name.p[--i] == '.';
	if (dots == 2) { /* a.example.com -> *.example.com */
		text[0] = '*';
		memcpy(text + 1, name.p + i, name.n - i);
		exchange_set(x, &x->req.route, (struct str){ text, name.n - i + 1 });
	} else {
		x->req.route = x->req.resource;
	}
}

static void question(struct proto_io *io, const struct dns_message *m, uint64_t bytes)
{
	struct exchange *x = exchange_find(io, message_key(m));

	if (x) { /* asked again: the first one's time counts */
		x->req.request_bytes += bytes;
		return;
	}
	x = exchange_begin(io, message_key(m));
	if (!x)
		return;
	fill(x, m);
	x->req.request_bytes = bytes;
}

static void result(struct exchange *x, const struct dns_message *m, struct str message)
{
	struct dns_address a[DNS_ADDRESS_MAX];
	char text[DNS_ADDRESS_MAX * (INET6_ADDRSTRLEN + 1)];
	uint16_t rcode = m->rcode;
	size_t used = 0, n = dns_records(message, m, a, DNS_ADDRESS_MAX, &rcode, NULL);
	const char *status = dns_rcode_name(rcode);

	for (size_t i = 0; i < n; i++) {
		if (i)
			text[used++] = ',';
		inet_ntop(a[i].v6 ? AF_INET6 : AF_INET, &a[i].a, text + used, INET6_ADDRSTRLEN);
		used += strlen(text + used);
	}
	if (used)
		exchange_set(x, &x->req.answer, (struct str){ text, used });
	x->req.items = m->answers;
	exchange_code(x, rcode);
	if (status)
		exchange_static(x, &x->req.status, status);
	x->req.ok = rcode ? REQ_OK_NO : REQ_OK_YES;
	if (m->truncated)
		exchange_static(x, &x->req.error, "truncated");
}

static void answer(struct proto_io *io, const struct dns_message *m, struct str message,
		   uint64_t bytes)
{
	struct exchange *x = exchange_find(io, message_key(m));

	if (!x) /* its question was not seen */
		return;
	x->req.response_bytes = bytes;
	result(x, m, message);
	exchange_done(io, x);
}

static void oneway(struct proto_io *io, const struct dns_message *m, struct str message,
		   uint64_t bytes)
{
	struct exchange *x = exchange_begin(io, message_key(m));

	if (!x)
		return;
	fill(x, m);
	if (m->answer)
		result(x, m, message);
	*(io->dir == PROTO_TO_SERVER ? &x->req.request_bytes : &x->req.response_bytes) = bytes;
	exchange_oneway(io, x);
}

static enum proto_result message_take(struct proto_io *io, struct str message, uint64_t bytes)
{
	struct dns_message m;

	if (!dns_read(message, &m)) {
		io->reject = message.n < HEAD_BYTES ? "short" : "name";
		return PROTO_BAD;
	}
	io->reject = wrong(&m, false);
	if (!io->reject && !multicast(&m) && m.answer != (io->dir == PROTO_TO_CLIENT))
		io->reject = "direction";
	if (!io->reject && !multicast(&m) && !m.questions)
		io->reject = "question";
	if (io->reject)
		return PROTO_BAD;
	if (multicast(&m))
		oneway(io, &m, message, bytes);
	else if (m.answer)
		answer(io, &m, message, bytes);
	else
		question(io, &m, bytes);
	return PROTO_OK;
}

/* The length before a message on TCP. */
static bool length_read(struct cur *c, size_t *ret)
{
	uint8_t b[2];

	if (!cur_copy(c, b, 2))
		return false;
	*ret = (size_t)b[0] << 8 | b[1];
	return true;
}

static enum proto_result parse(void *state, struct proto_io *io, struct cur *c)
{
	struct cur at = *c;
	struct str message;
	size_t len = cur_left(c), seen;
	enum proto_result res;

	(void)state;
	if (!len)
		return PROTO_MORE;
	if (!io->datagram && !length_read(&at, &len))
		return PROTO_MORE;
	if (len < HEAD_BYTES) {
		io->reject = "short";
		return PROTO_BAD;
	}
	seen = io->datagram || len <= MESSAGE_WHOLE ? len : MESSAGE_SEEN;
	if (!cur_str(&at, seen, &message))
		return PROTO_MORE;
	res = message_take(io, message, len + (io->datagram ? 0 : 2));
	if (res != PROTO_OK)
		return res;
	io->skip = len - seen;
	*c = at;
	return PROTO_OK;
}

static enum proto_guess guess_message(struct str s, bool usual)
{
	struct dns_message m;
	bool whole = false;
	uint16_t rcode = 0;

	if (!dns_read(s, &m) || wrong(&m, !usual && !multicast(&m)))
		return GUESS_NO;
	dns_records(s, &m, NULL, 0, &rcode, &whole);
	if (!usual && !whole)
		return GUESS_NO;
	return m.answer ? GUESS_RESPONSE : GUESS_REQUEST;
}

/* Whether it is a datagram or comes behind a length is not said: both are tried. */
/* Behind its length. */
static enum proto_guess guess_stream(struct str head, bool usual)
{
	struct cur c = cur_of(head.p, head.n);
	struct str message;
	size_t len;

	if (!length_read(&c, &len) || cur_left(&c) < HEAD_BYTES)
		return usual ? GUESS_MORE : GUESS_NO;
	if (len < HEAD_BYTES || (cur_left(&c) < len && !usual))
		return GUESS_NO;
	if (!cur_str(&c, len < cur_left(&c) ? len : cur_left(&c), &message))
		return GUESS_NO;
	return guess_message(message, usual);
}

/*
 * The length first: taken for the id it would make the id the flags, which then say anything. The other way round
 * the flags of a datagram are its number of questions, and one is no valid result of a question.
 */
static enum proto_guess guess(struct str head, bool usual)
{
	enum proto_guess stream = guess_stream(head, usual), datagram;

	if (stream == GUESS_REQUEST || stream == GUESS_RESPONSE)
		return stream;
	datagram = guess_message(head, usual);
	return datagram == GUESS_NO ? stream : datagram;
}

/* A length that fits, and behind it what is usual: by chance hardly ever. */
static bool resync(void *state, struct proto_io *io, struct cur *c)
{
	struct dns_message m;

	(void)state;
	if (io->datagram)
		return true;
	for (; cur_left(c) > HEAD_BYTES + 2; c->p++) {
		struct cur at = *c;
		size_t len;

		if (length_read(&at, &len) && len >= HEAD_BYTES &&
		    dns_read((struct str){ (const char *)at.p,
					   cur_left(&at) < len ? cur_left(&at) : len },
			     &m) &&
		    !wrong(&m, true) && m.answer == (io->dir == PROTO_TO_CLIENT))
			return true;
	}
	return false;
}

const struct proto proto_dns = {
	.name = "dns",
	.help = "DNS over UDP and TCP, mDNS",
	.ports = ports,
	.stream = true,
	.datagram = true,
	.guess = guess,
	.parse = parse,
	.resync = resync,
};
