#pragma once
/*
 * Capture files: what a source gave, kept; and a source made of one.
 *
 * A capture is a header block with the facts needed to read the rest (format version, time of day,
 * clock offset, host name, kernel, architecture, cgroup layout), then blocks of records exactly as
 * they came, and at the end a block of counters. Each block has a checksum; a truncated or damaged
 * file is read up to the damage, which is counted and said. The agent's own records (processes seen
 * at the start, cgroups, cluster objects) are in the stream like the kernel's, so nothing else is
 * needed to name everything. Little-endian; the format is in doc/CAPTURE.md.
 */
#include "source/source.h"

struct capture_writer;

/* Creates @path (0600, exclusive of nothing: an existing file is replaced). 0 or -errno. */
int capture_create(const char *path, const struct event_host *host, struct capture_writer **ret);

/* Adds one record, whole. 0 or -errno (-ENOSPC and kin: the file ends at the last whole block). */
int capture_add(struct capture_writer *w, const struct rec_hdr *h);

/* Writes what is buffered when the oldest of it is older than a second. 0 or -errno. */
int capture_tick(struct capture_writer *w);

/* Adds the final counters, ends the file and frees the writer, which may be NULL. 0 or -errno. */
int capture_end(struct capture_writer *w, const struct kind_stats stats[KIND_COUNT]);

/*
 * A source that gives the records of @path. 0 or -errno; -EBADMSG: not a capture, or one of a newer
 * format: *ret_why tells (static text). Damage further on ends the stream: s->losses.damaged and
 * capture_damage tell where.
 */
int capture_open(const char *path, struct source **ret, const char **ret_why);

/* What ended the reading early, or NULL. Static text; *ret_offset is the byte in the file. */
const char *capture_damage(const struct source *s, uint64_t *ret_offset);
