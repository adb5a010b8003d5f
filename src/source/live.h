#pragma once
/*
 * The running kernel as a source: loads probes, merges the two rings by time, and lets the agent
 * put its own records into the stream.
 *
 * Records are held for LIVE_HOLD_NS, so that what one CPU wrote a moment later into the other ring
 * still comes in its place. All functions are for the pipeline's thread, except live_inject.
 */
#include "source/cgroups.h"
#include "source/load.h"
#include "source/source.h"

struct live;

struct live_opts {
	uint64_t kinds;		   /* to load at once; process life always is */
	bool env;		   /* capture environments */
	bool times;		   /* knobs.request_times; `kinds` has offcpu then */
	struct probe_finders find; /* of functions (symbol/go_places.h, symbol/func_places.h) */
	uint32_t sample_hz;	   /* samples per second and CPU, 1 to CPU_EVENTS_HZ_MAX; 0: 99 */
};

#define LIVE_HOLD_NS	  (2 * NS_PER_MS)
#define LIVE_INJECT_BYTES (8u << 20) /* of records waiting to enter the stream */

/*
 * 0 or -errno: -EPERM without the privileges, -ENOTSUP when process life cannot be had. @ret_why
 * (256 bytes) tells the reason then.
 */
int live_open(const struct live_opts *opts, char *ret_why, struct source **ret);

/*
 * Waits for the probes that are still being verified (probe->late: io_uring) and attaches them. By
 * itself that happens some tenths of a second after live_open, while records come already. For those
 * who must not begin with less, or are about to give up privileges.
 */
void live_settle(struct source *s);

/* Loads what more @kinds need; already loaded probes go on. As loader_want. */
int live_want(struct source *s, uint64_t kinds);

/* Tells the kernel programs what to send and which filters apply; takes effect at once. */
int live_ctl(struct source *s, const struct ctl *ctl);

/*
 * Reads now what is read once a second (clockwork.h), so that an end has the totals up to it. What
 * could not be read is counted in source_losses.
 */
void live_read(struct source *s);

/* The file descriptor of a shared map, for filters and counters. */
int live_map(struct source *s, enum shared_map map);

/*
 * The table of paths that the kernel programs judge by (wire/ctl.h), shared with them: to be written
 * only while no program uses it. NULL: none is loaded.
 */
struct filter_path *live_paths(struct source *s);

const struct loader *live_loader(struct source *s);
const struct cgroup_layout *live_layout(struct source *s);

/* Any thread: puts a copy of a record into the stream. 0, or -ENOBUFS (counted) when too many wait. */
int live_inject(struct source *s, const struct rec_hdr *h);
