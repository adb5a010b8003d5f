#pragma once
/*
 * Where records come from: the running kernel (live.h), a capture file (capture.h) or a file of
 * packets (pcap.h). Everything after this is the same for all.
 *
 * A source hands out one record at a time, in order of time as far as the bounded hold of the live
 * source allows. The record is borrowed until the next source_next. Records of a live source are
 * the kernel's and trusted in nothing but their length; those of a file in nothing.
 */
#include "event/event.h"
#include "wire/ctl.h"
#include "wire/record.h"

struct source;

/* Packets of a pcap file of which no record was made; the text completes "N packets ...". */
#define SOURCE_PACKETS(X)                                   \
	X(other, "that are neither TCP nor UDP over IP")    \
	X(fragments, "that are fragments of IP datagrams")  \
	X(cut, "whose headers were not captured whole")     \
	X(malformed, "whose lengths contradict each other") \
	X(copies, "that were captured twice")               \
	X(no_memory, "for which there was no memory")

/* Of probes at functions of libraries: field, what, and why it is missing. */
#define SOURCE_LIBRARIES(X)                                                           \
	X(untied, "calls of TLS libraries", "no socket is known of their bytes")      \
	X(full, "looks at TLS libraries", "too many of them")                         \
	X(none, "files named as TLS libraries", "without their functions")            \
	X(unread, "Go programs with TLS", "their code is not what probes are put on") \
	X(gone, "TLS libraries in use", "their files cannot be opened any more")      \
	X(failed, "TLS libraries", "the kernel refused to attach")                    \
	X(waits, "looks for TLS libraries", "too many programs started at once")

/* Losses that are not the kernel's: by reason, since the start. */
struct source_losses {
	uint64_t injected; /* agent's own records refused: their queue was full */
	uint64_t unread;   /* readings by the clock (clockwork.h) that failed */
	uint64_t damaged;  /* blocks or records of a file that could not be read */
	struct source_libraries {
#define X(name, what, why) uint64_t name;
		SOURCE_LIBRARIES(X)
#undef X
	} libraries; /* as of the last second */
	struct source_packets {
#define X(name, text) uint64_t name;
		SOURCE_PACKETS(X)
#undef X
	} packets;
};

struct source_ops {
	int (*next)(struct source *s, const struct rec_hdr **ret);
	int (*fd)(struct source *s);
	int (*stats)(struct source *s, struct kind_stats ret[KIND_COUNT]);
	void (*close)(struct source *s);
};

struct source {
	const struct source_ops *ops;
	struct event_host host;
	struct source_losses losses;
	bool ended; /* nothing will come any more */
	/* What ended the reading of a file early, and the byte in it; NULL: nothing. As long as this. */
	const char *damage;
	uint64_t damage_at;
};

/* 1 and a record; 0: none now (live) or none any more (s->ended); -errno: reading failed. */
static inline int source_next(struct source *s, const struct rec_hdr **ret)
{
	return s->ops->next(s, ret);
}

/* To poll for reading before the next source_next; -1 when there is nothing to wait for. */
static inline int source_fd(struct source *s)
{
	return s->ops->fd(s);
}

/* The kernel's counters by kind, summed over CPUs. 0 or -errno. */
static inline int source_stats(struct source *s, struct kind_stats ret[KIND_COUNT])
{
	return s->ops->stats(s, ret);
}

static inline void source_close(struct source *s)
{
	if (s)
		s->ops->close(s);
}
