#pragma once
/*
 * Reads one connection by one protocol: puts what its parser (proto.h) is promised around the bytes of both
 * directions. Used by decode/streams.h, and by the tests and fuzzers of parsers (feed_test.h, feed_fuzz.h).
 *
 *     record of a side --> old bytes cut --> behind what is held --> skip | resync | parse, again and again
 *                          gap: skip, or lost                         what is left is held
 *
 * A side is an end's own direction, whichever that turns out to be; until reader_start says which goes to the server
 * and who parses, bytes are only held. A message that lies whole in a record, with nothing held before it, is parsed
 * where it lies. Per record a parser may refuse READER_TRIES times, then the rest of the record is dropped; a message
 * that wants more than PROTO_BUFFER bytes is refused as "too-long". Held bytes and states come out of one budget for
 * all connections; bytes that do not fit are dropped, counted, and a gap. Refusing costs nothing but the record.
 * One thread, no I/O.
 */
#include "base/grow.h"
#include "proto/exchange.h"

#define READER_TRIES 16
#define READER_OLD \
	(16u << 20) /* bytes: a position further back than this is a jump, not a repetition */

struct reader_stats {
	uint64_t gaps, gap_bytes; /* outside of skips */
	uint64_t bad;		  /* messages refused */
	uint64_t resyncs;	  /* beginnings found again */
	uint64_t passed;	  /* bytes passed over until then */
	uint64_t held_full;	  /* bytes dropped for want of room */
};

/* What all connections share. */
struct readers {
	struct proto_opts opts;
	struct budget held; /* bytes that wait, and states; max is the owner's to set */
	struct exchange_pool pool;
	struct reader_stats stats;
	void (*reject)(void *ctx, const struct proto *p, const char *reason); /* may be NULL */
	void *ctx;
};

struct reader_side {
	uint8_t *held;
	uint32_t held_n;
	uint32_t next; /* position of the next byte, when started */
	bool started, lost, skip_ended;
	struct boot_ns begun, last; /* of the first held byte; of the last byte seen */
	uint64_t skip, skipped;	    /* still to pass; passed of it */
	uint64_t lost_n;	    /* bytes not captured, since `lost` */
};

struct reader {
	struct readers *env;
	const struct proto *proto; /* NULL: not known */
	void *state;
	const char *ignored; /* why nothing more is read; NULL: it is */
	struct window window;
	struct reader_side side[2];
	uint8_t to_server; /* which side */
	uint8_t changes;   /* of protocol, by the parsers' own wish */
	bool midway;
	uint32_t good, bad; /* calls of parse that understood, that refused, since reader_start */
};

/* @owner: what window.owner says. */
void reader_init(struct reader *r, struct readers *env, void *owner);
void reader_free(struct reader *r);

/* @p parses from now on, beginning with what is held. 0, -ENOSPC (budget), -ENOMEM. */
int reader_start(struct reader *r, const struct proto *p, unsigned to_server);

/*
 * Forgets the protocol and its state, and what is held; what waits is handed on with REQ_LOST. The positions stay.
 */
void reader_stop(struct reader *r);

/* Forgets what is held of @side, which nobody knows; what comes next may be a beginning. */
void reader_forget(struct reader *r, unsigned side);

/*
 * @seen bytes went by on @side, of which the first data.n were captured; the first is at @pos. With r->proto NULL
 * they are held, PROTO_BUFFER at most; who wants to guess first feeds what was captured, then the rest.
 */
void reader_feed(struct reader *r, unsigned side, uint32_t pos, uint32_t seen, struct str data,
		 struct boot_ns now);

/* The same with the position that comes next: where bytes cannot be lost unseen. */
void reader_feed_next(struct reader *r, unsigned side, uint32_t seen, struct str data,
		      struct boot_ns now);

/* One datagram; each is parsed for itself. */
void reader_datagram(struct reader *r, unsigned side, uint32_t seen, struct str data,
		     struct boot_ns now);

/* Nothing more comes: what is left is parsed with io->closed, what waits is handed on. */
void reader_close(struct reader *r, struct boot_ns now);
