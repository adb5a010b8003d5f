#pragma once
/*
 * What each pod, container, systemd unit and cgroup did, per interval and since the start.
 *
 * In: the kernel's cumulative counters by cgroup and kind, the number of living processes, the CPU
 * time and memory of a cgroup, each handed over once an interval. Out: rows that sum the cgroups
 * which belong together, busiest first. It reads no clock and no file.
 *
 * A tick is: board_begin; board_count and board_process in any order; board_end; board_cpu and
 * board_memory for what board_each shows; board_rows. A cgroup's first counter value counts from
 * zero: the kernel's counters begin with the agent. Its CPU time comes as a difference, because
 * that began before. A cgroup that one tick does not name is forgotten by the next.
 *
 * Rows borrow their names from the cgroups handed over in this tick, which have to outlive them
 * (enrich/ keeps a removed one for a minute). One owner, one thread. At most BOARD_CGROUPS_MAX cgroups; those beyond are missing, and
 * board_full says how many.
 */
#include "event/event.h"

#define BOARD_CGROUPS_MAX 4096

/* `errors` is the part of `events` that failed: an exit with a status, a call with an errno. */
struct board_count {
	uint64_t events, errors;
};

enum board_by {
	BOARD_BY_CONTAINER,
	BOARD_BY_POD,
	BOARD_BY_UNIT,
	BOARD_BY_CGROUP
};

enum board_sort {
	BOARD_SORT_BUSY, /* CPU time, an event weighing as much as BOARD_EVENT_NS of it */
	BOARD_SORT_CPU,
	BOARD_SORT_MEMORY,
	BOARD_SORT_PROCS,
	BOARD_SORT_EXECS,
	BOARD_SORT_OPENS,
	BOARD_SORT_CONNS,
	BOARD_SORT_ERRORS,
	BOARD_SORT_EVENTS,
	BOARD_SORT_NAME,
};

#define BOARD_EVENT_NS 20000

/* What the name of a row is the name of. */
enum board_scope {
	BOARD_POD,
	BOARD_CONTAINER,
	BOARD_UNIT,
	BOARD_CGROUP
};

struct board_row {
	enum board_scope scope;
	const struct cgroup *cgroup;	      /* one of its cgroups; names are read from it */
	uint32_t cgroups, procs;	      /* how many of each are in it now */
	struct board_count now[KIND_COUNT];   /* in this interval */
	struct board_count total[KIND_COUNT]; /* since the start */
	uint64_t cpu_ns, cpu_total_ns;
	uint64_t memory_bytes;
	bool has_cpu, has_memory;
};

/* One cgroup. For readers of accounting files: see board_each. */
struct board_cgroup {
	const struct cgroup *cgroup; /* NULL: not in this tick */
	uint32_t procs;
	uint64_t idle_ticks;
	struct board_count seen[KIND_COUNT]; /* the kernel's values, in this tick */
	struct board_count last[KIND_COUNT]; /* and in the one before */
	struct board_count now[KIND_COUNT], total[KIND_COUNT];
	uint64_t cpu_ns, cpu_total_ns, memory_bytes;
	bool has_cpu, has_memory;
};

struct board;

/* 0 or -ENOMEM. */
int board_new(struct board **ret);
void board_free(struct board *b);

/*
 * Starts a tick that ends at @now. @fresh: with a new interval, all that was `now` is zero again;
 * else the interval goes on, for intervals longer than names are known.
 */
void board_begin(struct board *b, struct boot_ns now, bool fresh);

/* The kernel's counter of @cg and @kind has reached these values. */
void board_count(struct board *b, const struct cgroup *cg, enum kind_id kind, uint64_t events,
		 uint64_t errors);

/* One living process is in @cg. */
void board_process(struct board *b, const struct cgroup *cg);

/* All counters are in: what is new becomes `now`. */
void board_end(struct board *b);

/* CPU time that @c used since the last tick; memory it has now. */
void board_cpu(struct board_cgroup *c, uint64_t delta_ns);
void board_memory(struct board_cgroup *c, uint64_t bytes);

/* Calls back for each cgroup of this tick; stops when @each returns nonzero. */
void board_each(struct board *b, int (*each)(void *ctx, struct board_cgroup *c), void *ctx);

/* For how many ticks the cgroup has had no process and no event; 0: not known. */
uint64_t board_idle(const struct board *b, uint64_t cgroup);

/* The kernel's counters of this cgroup were deleted: its next values count from zero. */
void board_forget(struct board *b, uint64_t cgroup);

/*
 * The rows of this tick, sorted; valid until the next board call that changes something. Rows
 * without a process and without an event in this interval are left out. Returns how many, -ENOMEM.
 */
long board_rows(struct board *b, enum board_by by, enum board_sort sort,
		const struct board_row **ret);

/* All cgroups together, forgotten ones too; it has no names. */
void board_sum(const struct board *b, struct board_row *ret);

/* Length of this interval; 0 in the first tick. */
uint64_t board_interval_ns(const struct board *b);

/* How many counters and processes of this tick belong to cgroups there was no room for. */
uint64_t board_full(const struct board *b);

/* What a row says, from its counts by kind. */
uint64_t board_conns(const struct board_count *c);  /* connections made and accepted */
uint64_t board_errors(const struct board_count *c); /* calls that failed, not exits */
uint64_t board_events(const struct board_count *c); /* all */
uint64_t board_done(const struct board_count *c, enum kind_id kind); /* that succeeded */

/* "container" to BOARD_BY_CONTAINER, and so on. False: no such word. */
bool board_by_parse(const char *word, enum board_by *ret);
bool board_sort_parse(const char *word, enum board_sort *ret);
