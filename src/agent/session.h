#pragma once
/*
 * One run over one source: what every command that reads events shares. Opens the kernel or a
 * capture, brings the tables up to date, and turns records until a deadline, a count, a signal or
 * the end of the file.
 *
 * Signals INT and TERM end a session_run; the caller flushes and closes. One thread.
 */
#include "agent/pushdown.h"
#include "probe/stream/verdict.h"

struct outside;
struct outside_opts;
struct unwinding;

struct session_opts {
	const char *replay; /* capture or pcap file to read; NULL: this kernel */
	uint64_t kinds;	    /* to load at the start (live) */
	bool env;	    /* capture environments */
	bool raw;	    /* requests have their texts (req.text) */
	bool explain;	    /* and where their time went; `kinds` needs no offcpu for that */
	uint32_t sample_hz; /* samples per second and CPU, 1 to 1000; 0: 99 */
	bool whole; /* live: all probes are attached when it returns, also those slow to load */
	const struct outside_opts *outside; /* NULL: the API only where the environment names one */
	/* Live: programs are loaded, no thread runs yet. Not 0 ends session_open. May be NULL. */
	int (*loaded)(void *ctx, struct buf *why);
	void *ctx;
};

#define RELAXED_STACKS_MS 20

struct session {
	struct source *source;
	struct pipeline pipeline;
	struct pushdown pushdown;	 /* live only */
	struct outside *outside;	 /* live only */
	struct unwinding *unwinding;	 /* live; NULL until the first stack comes */
	struct python_files *python;	 /* likewise */
	struct stream_verdicts verdicts; /* live; opened with the first one */
	bool live;
	bool piped; /* a replay whose source can be waited for */
	int epoll, signals;
	int signal;  /* that ended the run; 0: none */
	bool hangup; /* SIGHUP came: who reloads something clears it */
	/*
	 * Nobody waits for events: look only so often, or when an eighth of a ring is full (the
	 * kernel programs wake us then). 0: every few milliseconds. RELAXED_STACKS_MS: for who has to open
	 * the files that stacks go through while their processes live.
	 */
	int relaxed_ms;
	/* After each batch of records; also when none came for a while. Nonzero ends the run. */
	int (*batch)(void *ctx);
	void *ctx;
};

/* 0 or -errno; the reason, for people, is appended to @why. */
int session_open(const struct session_opts *o, struct session *ret, struct buf *why);

/* Another descriptor to wait for: @ready is called with @ctx when it is readable. 0 or -errno. */
struct session_watch {
	int fd;
	void (*ready)(struct session_watch *w);
	void *ctx;
};
int session_watch(struct session *s, struct session_watch *w);
void session_unwatch(struct session *s, struct session_watch *w);

/*
 * Turns records until @until (CLOCK_BOOTTIME, 0: no deadline), the end of a replay, a signal, or
 * until batch() says so. 0, or -errno when the source failed.
 */
int session_run(struct session *s, struct boot_ns until);

/* Turns the records that are there now, without waiting or hold: what was held comes too. */
void session_drain(struct session *s);

void session_close(struct session *s);

/*
 * One line per reason of loss to @b, nothing when there was none: "lost 12 open events: ring full".
 * Returns how many events were lost.
 */
uint64_t session_losses(struct session *s, struct buf *b);
