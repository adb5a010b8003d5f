#pragma once
/*
 * What a protocol's parser is: bytes of one connection in, exchanges (a request and its answer) out.
 * Each folder proto/NAME ends in one `struct proto` called proto_NAME, named by one line in
 * PORTHOLE_PROTOS below; nothing else lists protocols.
 *
 * Parsers are pure: no I/O, no clock, no memory but their state and what exchange_* give. Every byte is
 * hostile, everything may be missing: a connection may be met midway, and gaps occur anywhere. Bytes come
 * through the cursor; a parser never keeps a pointer to them.
 *
 *   parse   called whenever a direction has bytes that it has not consumed, and when a skip has ended
 *           (then maybe with none). It advances the cursor past what it consumed:
 *             PROTO_OK    some was consumed, or a skip was asked for, or a state was left: called again
 *             PROTO_MORE  what is there is the beginning of something: nothing was consumed
 *             PROTO_BAD   cannot be this protocol: io->reject says why; the reader resynchronises, from the
 *                         second byte of what it gave on
 *           Up to PROTO_BUFFER bytes are kept for a PROTO_MORE; who would need more asks for a skip.
 *   skip    io->skip = n: the next n bytes (after those consumed) are nothing to parse: a body. They may
 *           have been captured or not. PROTO_FOREVER: all until the connection ends. When they have
 *           passed, parse is called again, with io->skipped of them (at the end of the connection: fewer).
 *   gap     bytes were lost outside of a skip. resync() gets what comes after, and advances the cursor to
 *           where a message can begin; false: nowhere in these (all are dropped, called again with the next).
 *           It puts the state right; exchanges whose pairing is now uncertain it ends with exchange_abandon.
 *   end     the connection is closed: parse is called once more for each direction with io->closed and
 *           what is left; then what is still open is handed on as unanswered.
 *
 * Direction is the protocol's: towards the server, or towards the client; guess() finds out which is which.
 */
#include "base/cur.h"
#include "event/request.h"

#define PORTHOLE_PROTOS(X) \
	X(http)            \
	X(http2)           \
	X(redis)           \
	X(postgres)        \
	X(mysql)           \
	X(dns)             \
	X(kafka)           \
	X(mongo)           \
	X(nats)            \
	X(amqp)            \
	X(cql)             \
	X(websocket)

#define PROTO_BUFFER  (16u << 10) /* bytes kept of a message that is not whole, each direction */
#define PROTO_FOREVER UINT64_MAX

enum proto_dir {
	PROTO_TO_SERVER,
	PROTO_TO_CLIENT
};

enum proto_result {
	PROTO_OK,
	PROTO_MORE,
	PROTO_BAD
};

/* What the first bytes seen in one direction look like. */
enum proto_guess {
	GUESS_NO,
	GUESS_MORE,	/* too few to tell */
	GUESS_REQUEST,	/* they go to the server */
	GUESS_RESPONSE, /* they come from it */
};

struct proto_opts {
	bool raw; /* fill req.text */
};

struct window; /* proto/exchange.h */

struct proto_io {
	enum proto_dir dir;
	struct boot_ns begun; /* when the first of the cursor's bytes came */
	struct boot_ns time;  /* when the last came */
	bool datagram;	      /* the cursor holds exactly one datagram */
	bool midway;	      /* the connection was met after its begin */
	bool closed;	      /* nothing more comes in this direction */
	bool cut;	  /* what follows these bytes was not captured; MORE: they are lost too */
	uint64_t skipped; /* of the last skip in this direction, passed over */
	uint64_t lost;	  /* resync: bytes that were lost before these */
	const struct proto_opts *opts;
	struct window *window;
	/* Out: */
	uint64_t skip;
	const char *reject; /* with PROTO_BAD: the counter's name: "chunk-size" (static, [a-z-]) */
	const struct proto *become; /* from the next byte on (after the skip) both directions speak this */
	const char *ignore; /* the rest of the connection cannot be read, why: "tls", "compressed" */
};

struct proto {
	const char *name, *help;
	const uint16_t *ports; /* usual ones of servers, ended by 0: tried first there */
	bool stream, datagram;
	bool bodies; /* its messages are HTTP/1's, and so is how long a body is (bpf/body.h) */
	size_t state_bytes; /* of a connection's state: zeroed, 8-byte aligned */
	/*
	 * @head: the first bytes of a direction that were not understood yet, at least one. @usual: one end has a
	 * usual port. Who can be mistaken for another says GUESS_NO unless @usual.
	 */
	enum proto_guess (*guess)(struct str head, bool usual);
	enum proto_result (*parse)(void *state, struct proto_io *io, struct cur *bytes);
	bool (*resync)(void *state, struct proto_io *io, struct cur *bytes);
	void (*release)(void *state); /* what the state owns; NULL: nothing */
};

#define X(name) extern const struct proto proto_##name;
PORTHOLE_PROTOS(X)
#undef X

/* In the order in which they are asked. */
extern const struct proto *const protos[];
extern const size_t protos_n;

/* The protocol of that name, or NULL. */
const struct proto *proto_find(struct str name);
