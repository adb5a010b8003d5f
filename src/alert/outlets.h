#pragma once
/*
 * Where alerts go: standard output, a file, syslog, the journal, an HTTP receiver.
 *
 *	outlets_put -> intake (memory, bounded) -> spool (disk or memory, bounded) -> one thread a channel
 *
 * outlets_put never waits: one thread moves alerts from the intake into the spool, and each channel
 * has a thread that reads the spool in order at its own pace. A channel that fails waits (from
 * backoff_min_ms, doubling up to backoff_max_ms, half of it by lot) and sends the same alert again;
 * the others go on. So each alert arrives at least once and in order; more than once only where the
 * answer to it was lost (a connection cut, a crash between sending and noting it). A receiver that
 * says it will never take an alert (HTTP 4xx but 408 and 429) is believed: counted as refused.
 *
 * When a bound is reached the oldest alerts of the least severe priority go, counted per channel
 * and priority. With a directory the spool survives the process, kill -9 too (not a power cut:
 * nothing is synced); a channel goes on where it was, by its name. What was still in the intake at
 * a kill -9, normally less than a millisecond's alerts, is lost.
 *
 * Threads: open, put, reopen and close from one thread; stats from any. The channels' threads have
 * all signals blocked, and the capabilities of the one that opened.
 */
#include "alert/alert.h"

#define OUTLETS_MAX	      8
#define OUTLETS_INTAKE_ALERTS 8192
#define OUTLETS_INTAKE_BYTES  (16u << 20)
#define OUTLETS_SPOOL_MIN     (64u << 10)
#define OUTLET_NAME_MAX	      32

struct outlet_opts {
	const char *kind; /* "stdout", "file", "syslog", "journald", "http" */
	const char *name; /* unique: [a-z0-9_-]; NULL: the kind */
	bool text;	  /* the text line; else JSON. http: always JSON; journald: MESSAGE */
	/* file: absolute. syslog, journald: the socket, NULL: /dev/log, /run/systemd/journal/socket */
	const char *path;
	uint64_t max_bytes; /* file: rotate before it grows beyond; 0: never */
	unsigned keep;	    /* file: PATH.1 ... PATH.keep; 0: start anew */
	/* http */
	const char *url;	     /* http:// or https:// */
	const char *ca, *cert, *key; /* PEM files; NULL or "": the system's CAs, no certificate */
	const char *const *headers;  /* "Name: value" */
	size_t nheaders;
	bool insecure;	     /* any certificate will do */
	uint32_t timeout_ms; /* of one request; 0: 10,000 */
};

struct outlets_opts {
	const struct outlet_opts *channels;
	size_t nchannels;
	const char *spool_dir; /* made when missing, 0700; NULL or "": in memory */
	uint64_t spool_bytes;  /* 0: 64 MiB on disk, 16 MiB in memory */
	uint32_t backoff_min_ms, backoff_max_ms; /* 0: 500, 60,000 */
};

struct outlet_stats {
	const char *name, *kind;
	bool failing;	 /* the last try failed */
	char error[160]; /* of the last failure; "" once it works again */
	uint64_t sent, failures, refused;
	uint64_t pending; /* in the spool */
	uint64_t cut;	  /* sent, but shortened to fit the channel */
	uint64_t dropped[PRIORITIES];
};

struct outlets_stats {
	uint64_t put;
	uint64_t intake_dropped[PRIORITIES];
	uint64_t spool_bytes, spool_max_bytes;
	uint64_t spool_errors;	/* writes that failed: those alerts are in memory */
	uint64_t spool_refused; /* alerts lost: no record can hold them, or no memory */
	uint64_t spool_absent;	/* waiting for channels that are not configured any more */
	uint64_t spool_expired; /* of those, given up after SPOOL_ABSENT_DAYS */
	uint64_t sync_errors;
	/* Found at the start: bytes of torn or damaged records, given up. */
	uint64_t damaged_bytes;
};

struct outlets;

/*
 * 0; -EINVAL: wrong options; -EBUSY: the spool directory is another process's; or -errno. The
 * reason is appended to @why. A receiver out of reach is no failure here.
 */
int outlets_open(const struct outlets_opts *o, struct outlets **ret, struct buf *why);

/* Takes over the reference; NULL is fine. */
void outlets_put(struct outlets *o, struct alert *a);

/* Files are opened again (after someone else's rotation). */
void outlets_reopen(struct outlets *o);

size_t outlets_count(const struct outlets *o);
void outlets_channel(const struct outlets *o, size_t i, struct outlet_stats *ret);
void outlets_stats(const struct outlets *o, struct outlets_stats *ret);

/*
 * Sends what is there for at most @deadline_ms, ends the threads and frees all. What was not sent
 * stays in a spool on disk, and is lost in memory. Returns how many alerts, summed over channels,
 * were not sent. NULL is fine.
 */
uint64_t outlets_close(struct outlets *o, uint32_t deadline_ms);
