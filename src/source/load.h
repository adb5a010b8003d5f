#pragma once
/*
 * Loading and attaching probes. A probe that cannot be had is *unavailable* with a reason a person
 * can act on; the rest run. Maps named in PORTHOLE_SHARED_MAPS are made once and shared.
 */
#include "probe/probe.h"

#define PORTHOLE_SHARED_MAPS(X) \
	X(ring_life)            \
	X(ring_bulk)            \
	X(ctl)                  \
	X(stats)                \
	X(seq)                  \
	X(f_cgroup)             \
	X(f_pid)                \
	X(f_uid)                \
	X(f_comm)               \
	X(f_call)               \
	X(f_arg)                \
	X(f_port)               \
	X(f_net)                \
	X(f_path)               \
	X(sys_peers)            \
	X(cg_count)             \
	X(uw_files)             \
	X(uw_pages)             \
	X(uw_rows)              \
	X(uw_rules)             \
	X(py_files)             \
	X(py_layouts)           \
	X(stream_verdicts)      \
	X(sched_places)         \
	X(sched_threads)        \
	X(sched_more)           \
	X(tls_threads)          \
	X(tls_goroutines)       \
	X(tls_seen)

enum shared_map {
#define X(name) MAP_##name,
	PORTHOLE_SHARED_MAPS(X)
#undef X
	MAP_COUNT
};

#define PROBE_LINKS_MAX 4096 /* LIBRARIES_MAX files with some 40 places each, of Go programs */

enum probe_state {
	PROBE_OFF, /* nothing asked for it */
	PROBE_ON,
	PROBE_DEGRADED,	   /* runs, in a lesser way: why tells */
	PROBE_UNAVAILABLE, /* why tells */
};

struct loaded {
	const struct probe *probe;
	enum probe_state state;
	char why[256];
	uint64_t kinds; /* attached for */
	bool fallback;	/* one hook for all system calls instead of one each */
	struct bpf_object *obj;
	struct bpf_link *links[PROBE_LINKS_MAX];
	int events[PROBE_LINKS_MAX]; /* the perf event of a tracepoint's link, which owns it; else -1 */
	size_t nlinks;
	struct cpu_events *cpus;     /* of a hook on the sampling clocks; NULL: none */
	struct libraries *libraries; /* of hooks on functions; NULL: none */
	struct probe_finders find;   /* of functions */
};

struct late;
struct cpu_events;
struct libraries;
struct source_libraries;

struct loader {
	struct loaded *probes; /* probes_n of them, in the order of PORTHOLE_PROBES */
	int maps[MAP_COUNT];   /* -1 until the first probe is loaded */
	struct knobs knobs;
	int tracefs;	    /* directory, or -errno */
	struct late *late;  /* the thread of the late probes; NULL: none runs */
	uint32_t sample_hz; /* of hooks on the sampling clock */
	char no_user_stack[128]; /* why user stacks are refused (source/user_stack.h); "": they are not */
};

/* @sample_hz: see source/cpu_events.h; 0: the usual. 0 or -ENOMEM. */
int loader_init(struct loader *l, const struct knobs *knobs, uint32_t sample_hz,
		const struct probe_finders *find);

/* Keeps a link that is to end with the probe. 0, -E2BIG (PROBE_LINKS_MAX), or -errno when @link is NULL. */
int loaded_keep(struct loaded *p, struct bpf_link *link);

/*
 * Loads and attaches what @kinds need and is not on yet. Returns 0 also when some probe turned out
 * unavailable; -errno when an `always` probe could not be loaded, its `why` telling.
 */
int loader_want(struct loader *l, uint64_t kinds);

/*
 * The first time: verifies all that @kinds need, then attaches. Probes that are slow to verify
 * (probe->late) are left to a thread, and loader_want leaves them alone meanwhile. Once
 * loader_late_done, or earlier and then waiting, the owner calls loader_late_finish, which attaches
 * them. Returns as loader_want.
 */
int loader_begin(struct loader *l, uint64_t kinds);
bool loader_late_done(const struct loader *l);
void loader_late_finish(struct loader *l);

/* A process has begun to run a program: it may map libraries that a probe is attached to. */
void loader_exec(struct loader *l, uint32_t pid);

/* What could not be read at libraries so far. */
void loader_libraries(const struct loader *l, struct source_libraries *ret);

/* Samples CPUs that came online, looks for libraries. To be called often, by the thread that loads; costs next to nothing. */
void loader_tick(struct loader *l);

void loader_close(struct loader *l);
