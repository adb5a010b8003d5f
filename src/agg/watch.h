#pragma once
/*
 * What was seen of a target, and of the node around it, during one watch: the evidence that
 * `porthole why` judges. agent/watching.h fills it; cause/ reads it and nothing else, so a
 * hypothesis can be tested with a struct written by hand.
 *
 * Plain data. Rows of each table come dearest first and are bounded (WATCH_*_MAX); rows that did
 * not fit are summed in `more`. All strings live in the watch's arena, or in the profiles. A number
 * that could not be had is absent (`has`, or a table of no rows with a line in `unseen`), never
 * zero.
 *
 * Times are nanoseconds of the watch's window, summed over threads unless said otherwise.
 */
#include "agg/profile.h"
#include "base/arena.h"
#include "event/thread_time.h"
#include "event/vitals.h"

#define WATCH_THREADS_MAX 2048
#define WATCH_ROWS_MAX	  256 /* of each other table */
#define WATCH_BEFORE_MAX  8
#define WATCH_UNSEEN_MAX  32
#define WATCH_ARENA_BYTES (4u << 20)
#define WATCH_SECONDS_MAX 600

/* Who: as findings name them. */
struct watch_who {
	uint32_t pid, tid; /* tid 0: the process */
	struct str comm;
	struct str where; /* pod "shop/cart-1/app", container id, unit or cgroup path; absent: unknown */
};

struct watch_thread {
	struct watch_who who;
	uint64_t ns[THREAD_STATE_COUNT];
	uint64_t switches, preempted; /* off the CPU by its own will; by force */
	uint64_t wakeups;	      /* of others, that it caused */
};

/* Who ran while the target's threads were ready. */
struct watch_rival {
	struct watch_who who;
	uint64_t ns;
	bool self; /* another thread of the target */
};

/* A call that waits for events and found none: it returned 0. */
#define WATCH_NOTHING 4096

/* A system call with one outcome. */
struct watch_call {
	struct watch_who who;
	struct str name; /* "openat" */
	int error;	 /* errno, 0: done */
	uint64_t count;
	uint64_t bytes;	 /* moved, by calls that move bytes */
	struct str path; /* of the failed, the one that failed most; absent */
	uint64_t path_count;
};

enum watch_file_type {
	WATCH_FILE,
	WATCH_SOCKET,
	WATCH_PIPE,
	WATCH_TERMINAL,
	WATCH_OTHER_FILE
};

/* Reads or writes through one descriptor. */
struct watch_file {
	struct watch_who who;
	enum watch_file_type type;
	struct str name; /* path; of a socket its peer */
	int fd;
	bool writes, appends;
	uint64_t calls, bytes;
	uint64_t wait_ns; /* of disk or network waits in them */
};

struct watch_lock {
	struct watch_who who; /* process */
	uint64_t address;
	uint64_t wait_ns, waits;
	uint64_t mutual_ns; /* of it: ended by a thread that waits for the same lock at other times */
	bool mutex;	    /* the waiters stand in a function that takes a lock */
	struct watch_who holder; /* who most often ended the waits: it let go */
	uint64_t holder_wakes;
	struct str function; /* where the waiters stand, innermost own function */
};

/* A peer the target talked to. */
struct watch_peer {
	struct watch_who who;
	struct str address;			      /* "10.0.0.7:5432" */
	struct str name;			      /* "service shop/db"; absent */
	uint64_t connects, connect_fails, connect_ns; /* handshakes: time summed */
	bool server; /* the target accepted the connections: waiting for requests is no loss */
	uint64_t wait_ns, waits; /* blocked in calls on its sockets */
	uint64_t asked,
		asked_ns; /* requests answered; time to their answers, summed: they may overlap */
	uint64_t resets, retransmits, segments;
	uint64_t rtt_ns; /* smoothed, the last seen; 0: not known */
	int error;	 /* of the failed connects, the commonest errno */
};

/* Requests of one route, as this end saw them. */
struct watch_request {
	struct watch_who who;
	struct str protocol, route;
	struct str peer; /* whom it asked; absent: it was asked */
	uint64_t count, failed, unanswered;
	uint64_t ns, worst_ns; /* of the answered, summed; the longest */
	struct str status;     /* of the failed, the last */
};

struct watch_name { /* a DNS question */
	struct watch_who who;
	struct str name, server;
	uint64_t asked, answered, failed; /* failed: NXDOMAIN, SERVFAIL, ... */
	uint64_t ns, worst_ns;		  /* of the answered */
	struct str result;		  /* of the failed: "NXDOMAIN" */
};

struct watch_device {
	struct str name; /* "vda"; by all who use it, not by the target alone */
	uint64_t reads, writes, flushes, read_bytes, written_bytes;
	uint64_t ns;	  /* from being queued to completion, summed */
	uint64_t busy_ns; /* with at least one request in flight */
};

struct watch_exec { /* short-lived processes */
	struct watch_who parent;
	struct str program;
	uint64_t started, ended;
	uint64_t life_ns; /* of the ended, summed */
};

struct watch_signal {
	struct watch_who sender, target;
	struct str name;
	uint64_t count;
};

struct watch_process {
	struct watch_who who;
	bool has; /* both readings are there */
	struct vitals_process before, after;
	uint32_t fds_middle; /* open descriptors half-way */
};

/* The target's cgroup, and the one above that a limit comes from. */
struct watch_group {
	struct str name;
	struct vitals_group before, after;
};

/*
 * A function and the CPU time of its own. What the C library does for it (memcpy, strlen) counts as
 * its own, and is named in `callee` when it is most of it; so does the interpreter's for a function
 * that it interprets.
 */
struct watch_hot {
	struct str name, module, callee;
	enum frame_kind kind; /* FRAME_KERNEL: a function of the kernel */
	bool nameless;
	uint64_t ns;
};

#define WATCH_TABLES(X)       \
	X(thread, threads)    \
	X(rival, rivals)      \
	X(call, calls)        \
	X(file, files)        \
	X(lock, locks)        \
	X(peer, peers)        \
	X(request, requests)  \
	X(name, names)        \
	X(device, devices)    \
	X(exec, execs)        \
	X(signal, signals)    \
	X(process, processes) \
	X(group, groups)      \
	X(hot, hots)

struct watch {
	struct str target; /* for people: "pod shop/cart-1", "process 4711 (nginx)", "this node" */
	bool node;	   /* the target is the whole node */
	uint64_t duration_ns;
	uint64_t threads_seen;
	uint64_t ns[THREAD_STATE_COUNT]; /* of all the target's threads */
	uint64_t switches, preempted;
	const uint64_t (*seconds)[THREAD_STATE_COUNT]; /* the same by second; borrowed */
	size_t nseconds;
	const struct profile *cpu;   /* on-CPU samples of the target, type 0 in ns; NULL: none */
	const struct profile *off;   /* off-CPU, with a label "state"; NULL: none */
	uint64_t user_ns, kernel_ns; /* of cpu: in the program's code, in the kernel's */

#define X(type, table)              \
	struct watch_##type *table; \
	size_t n##table;            \
	uint64_t more_##table; /* rows that did not fit */
	WATCH_TABLES(X)
#undef X

	bool has_node, has_net;
	struct vitals_node node_before, node_after;
	struct vitals_net net_before, net_after;
	uint64_t oom_kills; /* of the target's processes, seen as events */
	struct str oom_victim;

	struct str unseen[WATCH_UNSEEN_MAX]; /* what could not be seen, and why */
	size_t nunseen;
	struct str before[WATCH_BEFORE_MAX]; /* what an agent kept of the target, for people */
	size_t nbefore;
	struct arena arena;
};

/* An empty watch. 0 or -ENOMEM. */
int watch_init(struct watch *w);
void watch_free(struct watch *w);

/* A copy in the watch's arena; absent when it is full. */
struct str watch_text(struct watch *w, struct str s);
struct str watch_printf(struct watch *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void watch_unseen(struct watch *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void watch_before(struct watch *w, const char *line);

/* A new zeroed row; NULL (counted in more_*) when the table is full. Sorting is the filler's job. */
#define X(type, table) struct watch_##type *watch_add_##type(struct watch *w);
WATCH_TABLES(X)
#undef X

/* --- questions that several hypotheses ask ------------------------------------------------------ */

/* All states summed: what the threads lived through. */
uint64_t watch_total_ns(const struct watch *w);

/*
 * The time in which the target had work: on a CPU, ready for one, or held up. A thread that waits
 * for work to come (an idle worker on its condition variable, a server without requests) has none, so
 * of the waits for locks and peers only those count that hold work up: contended, requested.
 */
uint64_t watch_busy_ns(const struct watch *w);

/* @ns in thousandths of that, or of the watch's length where there was less work than that. */
uint32_t watch_cost(const struct watch *w, uint64_t ns);

/* @count per second of the watch. */
double watch_rate(const struct watch *w, uint64_t count);

/* Its waiters were held up by others that had it, not idle until somebody has work for them. */
bool watch_lock_contended(const struct watch_lock *l);

/* Calls of the target by that name (any error when @error is negative), summed. */
struct watch_sum {
	uint64_t count, bytes;
};
struct watch_sum watch_calls(const struct watch *w, const char *name, int error);
struct watch_sum watch_calls_all(const struct watch *w);

/* Calls of process @pid that failed with @error. */
uint64_t watch_errors(const struct watch *w, uint32_t pid, int error);

/* Value of type 0 below which a predicate holds for any frame, or only for the leaf, of the stack. */
typedef bool (*watch_frame_is)(const struct frame *f, const void *ctx);
uint64_t watch_stacks_ns(const struct profile *p, watch_frame_is is, const void *ctx, bool leaf);

/* Fills `hots`, user_ns and kernel_ns from `cpu`; memory that is short leaves them empty. */
void watch_hot_fill(struct watch *w);
