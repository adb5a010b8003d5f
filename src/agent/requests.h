#pragma once
/*
 * Requests as events: records of socket calls go into decode/streams.h, and each request that comes out goes through
 * the pipeline like any event, with the process, ends and names of its connection's last record.
 *
 * Nothing is made before the first such record. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/stream.h"

struct explain;
struct pipeline;
struct streams;
struct streams_reject;
struct streams_stats;
struct proto;

struct requests {
	bool raw;     /* fill req.text; set before the first record */
	bool explain; /* what requests called; likewise. Times are there when the records have them */
	bool turns;   /* streams_opts.turns; likewise */
	const struct proto *const *protos; /* likewise; NULL: all there are */
	size_t protos_n;
	struct streams *streams; /* NULL: no record came */
	struct explain *calls;	 /* NULL: not asked for */
	uint64_t no_memory;	 /* records that could not be read for want of it */
	/* What the kernel should do with socket @id from now on. May be NULL. */
	void (*verdict)(void *ctx, uint64_t id, enum stream_class class);
	void *ctx;
};

/*
 * A record of type REC_STREAM, which is no event itself; one that cannot be such a record is counted as bad. Its
 * requests are delivered before this returns.
 */
void requests_record(struct pipeline *p, const struct rec_hdr *h);

/* The source has ended: those without an answer are delivered too. */
void requests_end(struct pipeline *p);

/* What is missing of requests, by member of struct streams_stats: X(member, what, reason, what for people, reason). */
#define REQUEST_LOSSES(X)                                                                      \
	X(pool_full, "requests", "pool_full", "requests", "too many waited for their answers") \
	X(window_full, "request_answers", "window_full", "answers to requests",                \
	  "too many waited in one connection")                                                 \
	X(pushed_out, "connections", "table_full", "connections", "too many at once")          \
	X(no_memory, "connections", "no_memory", "connections", "no memory")                   \
	X(held_full, "message_bytes", "held_full", "bytes of messages",                        \
	  "too much waited to be whole")                                                       \
	X(gap_bytes, "message_bytes", "not_captured", "bytes of messages", "not captured")     \
	X(times_full, "request_times", "table_full", "times of requests",                      \
	  "too many threads served at once")

/* All zero when no record came. */
void requests_stats(const struct requests *r, struct streams_stats *ret);

/* What is missing or lacks its answer since @before, each that is not 0 by @put, for people; not counted as lost events. */
void requests_losses(const struct requests *r, const struct streams_stats *before,
		     uint64_t (*put)(void *ctx, uint64_t n, const char *what, const char *why),
		     void *ctx);

/* What parsers refused, by protocol and reason; *ret_n may be 0. Borrowed until the next record. */
const struct streams_reject *requests_rejects(const struct requests *r, size_t *ret_n);

void requests_free(struct requests *r);
