#pragma once
/*
 * Connections: records of socket calls (probe/stream/stream.h) in, requests out. Puts each direction's bytes in
 * order, finds out which protocol is spoken (and changes its mind), feeds the parser (proto/proto.h), and hands on each
 * exchange that is done.
 *
 * A connection is known by the socket's identity, its two ends, and whether it is read at a TLS library. Memory is bounded: connections, bytes
 * that wait for more, exchanges (proto/exchange.h); what is pushed out is counted, the neighbours are not touched.
 * One thread; callbacks run inside streams_record.
 */
#include "event/request.h"
#include "proto/proto.h"

struct streams;
struct rec_stream;

#define STREAMS_MAX	  65536	      /* connections; the one longest quiet goes first */
#define STREAMS_DATAGRAMS 8192	      /* likewise pairs that exchange datagrams, beside those */
#define STREAMS_HELD	  (24u << 20) /* bytes that wait for more, and parsers' states, of all */
#define STREAMS_GUESSES	  8 /* chunks looked at before a connection is given up as unknown */
#define STREAMS_REVISE	  8 /* refused messages, a third of all, before another protocol is tried */
#define STREAMS_WAIT_NS	  (10 * NS_PER_SEC) /* a pair quiet for so long gets no more answers */

/* What the kernel should do with a connection from now on. */
enum stream_verdict {
	STREAM_KEEP, /* its protocol is known: copy what the parser can use */
	STREAM_BODIES, /* the same; bodies whose length a message tells need not be told of (proto.h) */
	STREAM_DROP, /* nothing here can be read */
};

struct streams_stats {
	uint64_t records, bytes, held; /* held: bytes that wait now */
	uint64_t connections, connections_now, pushed_out;
	uint64_t unknown;	  /* connections given up: no parser knows them */
	uint64_t revised;	  /* connections whose protocol was another after all */
	uint64_t gaps, gap_bytes; /* outside of bodies */
	uint64_t resyncs;	  /* places where a parser found a beginning again */
	uint64_t bad;		  /* messages refused by a parser */
	uint64_t requests, unanswered;
	uint64_t window_full, pool_full; /* handed on as unanswered, not begun: too many waited */
	uint64_t held_full;		 /* bytes dropped because STREAMS_HELD was reached */
	uint64_t no_memory;		 /* connections not followed for want of memory */
	uint64_t times_full; /* exchanges whose thread found no room: their times are not known */
};

/* Refused messages, and connections that could not be read on, by protocol and reason. */
struct streams_reject {
	const char *protocol, *reason; /* static */
	uint64_t n;
};

struct streams_opts {
	struct proto_opts proto;
	bool turns; /* connections that nobody can read: their questions and answers (proto/turns) */
	/*
	 * A request is done. @last: the connection's latest record with bytes, without them; @is_server: as in struct
	 * conn, of the record's process. Everything is borrowed.
	 */
	void (*request)(void *ctx, const struct rec_stream *last, int8_t is_server,
			const struct request *r);
	/*
	 * May be NULL. @id: rec_stream.id. Not told of what is read at TLS libraries: the socket itself carries
	 * what nobody can read.
	 */
	void (*verdict)(void *ctx, uint64_t id, enum stream_verdict v);
	const struct proto *const *protos; /* NULL: all there are */
	size_t protos_n;
	void *ctx;
};

/* 0 or -ENOMEM. */
int streams_new(const struct streams_opts *o, struct streams **ret);
void streams_free(struct streams *s);

/* One record, whose lengths the decoder has checked. @data: what of it was captured. */
void streams_record(struct streams *s, const struct rec_stream *r, struct str data);

/* Hands on what waits as unanswered: the source has ended at @now. */
void streams_end(struct streams *s, struct boot_ns now);

void streams_stats(const struct streams *s, struct streams_stats *ret);
/* *ret_n rows, borrowed until the next record. */
const struct streams_reject *streams_rejects(const struct streams *s, size_t *ret_n);
