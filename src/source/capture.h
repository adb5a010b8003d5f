#pragma once
/*
 * Capture files: what a source gave, kept; and a source made of one.
 *
 * A capture is a header block with the facts needed to read the rest (format version, time of day,
 * clock offset, host name, kernel, architecture), then blocks of records exactly as they came, and
 * at the end a block of counters. Each block has a checksum; a truncated or damaged file is read up
 * to the damage, which is counted and said. The agent's own records (processes seen at the start,
 * cgroups, cluster objects) are in the stream like the kernel's, so nothing else is needed to name
 * everything. Little-endian; the format is in doc/CAPTURE.md.
 *
 * A writer and a reader belong to one thread each. Memory is bounded whatever the file says: about
 * 0.6 MiB for a writer, 2.5 MiB for a reader. The path "-" is standard output or input; pipes work.
 */
#include "base/clock.h"
#include "source/source.h"

struct capture_writer;

/* What a capture says of the machine and program that made it; absent when the file does not. */
struct capture_facts {
	struct str kernel;  /* release, as uname -r */
	struct str arch;    /* as uname -m */
	struct str version; /* of the porthole that wrote it */
	struct wall_ns created;
	uint64_t page_size; /* bytes */
};

/*
 * Creates @path, mode 0600; an existing regular file is replaced, not written into. "-": standard
 * output, -ENOTTY when that is a terminal. A write can block when the target is a pipe; who does
 * not ignore SIGPIPE dies of a closed one. 0 or -errno.
 */
int capture_create(const char *path, const struct event_host *host, struct capture_writer **ret);

/*
 * Adds one record, whole; it is copied. 0, -EINVAL: h->len is no record's, or -errno of a write
 * (-ENOSPC and kin). After a failed write the file ends at its last whole block, nothing more is
 * written, and each later call returns the same error.
 */
int capture_add(struct capture_writer *w, const struct rec_hdr *h);

/* Writes what is buffered when the oldest of it is older than a second. 0 or -errno. */
int capture_tick(struct capture_writer *w);

/*
 * Adds the final counters, ends the file and frees the writer, which may be NULL. @stats NULL: the
 * counters are not known. 0 or -errno, of an earlier write also.
 */
int capture_end(struct capture_writer *w, const struct kind_stats stats[KIND_COUNT]);

/*
 * A source that gives the records of @path. 0; -EBADMSG: not a capture, damaged in its header, or
 * of a newer format; or -errno. *ret_why (static text) is set on every failure. Waits for the
 * header when @path is a pipe; after that source_next never waits, and source_fd is the pipe.
 * source_stats is -ENODATA until the counters, which stand at the end, were read.
 * Damage further on ends the stream: s->losses.damaged counts it, s->damage tells what, s->damage_at where.
 */
int capture_open(const char *path, struct source **ret, const char **ret_why);

/*
 * The same of an open descriptor, which is closed with the source; on failure it is not closed.
 * @begun: the file's first bytes, when they were read from it already; at most a header's 16.
 */
int capture_open_fd(int fd, struct str begun, struct source **ret, const char **ret_why);

/* Is this how a capture begins? Of 8 bytes at least. */
bool capture_is(struct str begun);

/* Facts of a source made by capture_open; they live as long as it. */
const struct capture_facts *capture_facts(const struct source *s);
