#pragma once
/*
 * One request and its answer between two programs, as its protocol tells it: the body of events of
 * kind `request`. Made by decode/streams.h out of what parsers (proto/) find in a connection's bytes.
 *
 * Strings are absent when the protocol or the capture does not tell. Without being asked for raw text
 * they hold no literals and no query strings: `resource` is a path, a statement's shape, a name, a topic.
 * Times are CLOCK_BOOTTIME. Bytes count what went over the connection (plaintext when TLS was
 * looked into), heads and bodies, captured or not.
 */
#include "base/clock.h"
#include "event/event.h"
#include "event/thread_time.h"

enum req_ok {
	REQ_OK_UNKNOWN, /* no answer was seen, or the protocol does not say */
	REQ_OK_YES,
	REQ_OK_NO,
};

enum req_flag {
	REQ_CUT = 1,	    /* some text was longer than is kept */
	REQ_LOST = 2,	    /* some of its bytes were not seen where they mattered */
	REQ_UNANSWERED = 4, /* no answer came: connection closed, or too many others waiting */
	REQ_ONEWAY = 8,	    /* the protocol answers none of these (publish, push, notify) */
	REQ_TLS = 16,	    /* read at the TLS library */
	REQ_MIDWAY = 32, /* the connection was there before we looked: something may be unknown */
	REQ_STREAM = 64, /* goes on for long: upgraded, streaming call, subscription */
};

#define REQUEST_CALLS_MAX 16

/* Why it cannot be said where a request's time went. */
enum request_times_why {
	TIMES_KNOWN,
	TIMES_NOT_SEEN, /* its begin or its end was no call that told its thread's times */
	TIMES_THREADS,	/* one thread began it, another ended it */
	TIMES_SHARED,	/* its thread had others open meanwhile, of the same side */
	TIMES_WHY_COUNT
};

/*
 * Of the thread that received it and sent the answer (server), or sent it and received the answer (client): its time
 * by state from the call with the first byte to the call with the last.
 */
struct request_times {
	uint64_t ns[THREAD_STATE_COUNT]; /* zero unless TIMES_KNOWN; sum: end - start */
	uint32_t tid;			 /* that began it; 0: not seen */
	uint8_t why;			 /* enum request_times_why */
};

/* For people. */
static inline struct str request_times_reason(uint8_t why)
{
	static const char *const reasons[TIMES_WHY_COUNT] = {
		[TIMES_KNOWN] = "known",
		[TIMES_NOT_SEEN] = "its begin or end was not seen with its thread's times",
		[TIMES_THREADS] = "one thread took it up, another ended it",
		[TIMES_SHARED] = "its thread had other requests open meanwhile",
	};

	return str_of(reasons[why < TIMES_WHY_COUNT ? why : TIMES_NOT_SEEN]);
}

/* A request that a thread made of another program while it served one. */
struct request_call {
	struct str protocol, what, peer; /* what: method and route; peer: address:port */
	uint64_t latency_ns;
};

struct request {
	struct str protocol; /* as `req.protocol` has it: "http", "http2", "grpc", "redis", ...; static */
	struct str method; /* HTTP method, SQL verb, Redis command, DNS type, Kafka call, gRPC method */
	struct str resource; /* path, statement shape, name, topic, key space */
	struct str route;    /* resource with its variable parts folded: /users/{id} */
	struct str status;   /* as the protocol says it: 404, NOT_FOUND, 23505, NXDOMAIN, OK */
	struct str error;    /* the message that came with it */
	struct str host;     /* whom the client named: Host, :authority, database, virtual host */
	struct str text;     /* whole path with query, raw statement, arguments: only on request */
	struct str answer;   /* DNS: the addresses that the name has: "10.0.0.1,2001:db8::1" */
	struct str trace;    /* traceparent as it stood in the request */
	struct str agent;    /* who the client says it is: User-Agent, client id, user */
	int64_t code;	     /* status as a number; -1: none */
	uint64_t id;	     /* see request_id */
	/* First byte of it; first and last byte of the answer, or when it was given up; 0: none. */
	struct boot_ns start, answered, end;
	uint64_t request_bytes, response_bytes;
	uint64_t lost_bytes;  /* of both: neither captured nor meant to be skipped */
	uint64_t items;	      /* rows, messages, replies, frames in the answer (or in a one-way) */
	uint32_t rtt_us;      /* smoothed, of the connection; 0: not known */
	uint32_t retransmits; /* of this end, between its first and last byte */
	const struct request_times *times; /* NULL: not asked for */
	const struct request_call *calls; /* by the same thread within it, when its times are known */
	uint32_t calls_n;		  /* shown, REQUEST_CALLS_MAX at most */
	uint32_t calls_all;		  /* how many there were */
	uint64_t calls_ns;		  /* time in which one of them was open */
	uint16_t flags;			  /* enum req_flag */
	uint8_t ok;			  /* enum req_ok */
};

/*
 * What a request is called afterwards. Made of when it ended and of a hash of its records, so that who reads the same
 * records, now or of a capture, gives it the same: no counter has to be shared or kept. The time (in units of 17 s, for
 * 104 days) is for finding it. 41 bits of hash: at 1,000 requests a second, one in 100 million shares its id.
 */
uint64_t request_id(struct boot_ns end, uint64_t hash);

#define REQUEST_ID_TEXT 12

void request_id_text(uint64_t id, char ret[REQUEST_ID_TEXT + 1]);
/* Also with "-" between, in capitals, and o, i, l for 0 and 1. False: it is none. */
bool request_id_parse(struct str text, uint64_t *ret);

/* Between which two moments the last request of that id ended that can have been seen at @now. */
void request_id_when(uint64_t id, struct boot_ns now, struct boot_ns *ret_from,
		     struct boot_ns *ret_to);

/* To its end; ends of two CPUs' clocks can be a little out of order. */
static inline uint64_t request_latency_ns(const struct request *r)
{
	return r->end.ns > r->start.ns ? r->end.ns - r->start.ns : 0;
}
