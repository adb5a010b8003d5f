#pragma once
/*
 * The table of processes: (pid, start time) to struct proc. Filled by life records (fork, exec,
 * exit, seen), read by every event. The dead stay for a grace period, and as long as a living child
 * names them as its parent, so that late events and ancestor chains find them.
 *
 * One owner, one thread. Pointers stay valid until the process is dead and its grace is over, which
 * is checked only in proc_table_reap. At most PROCS_MAX entries; beyond that the oldest dead go
 * first, then new processes share one "unknown" entry (counted).
 */
#include "base/clock.h"
#include "event/event.h"

#define PROCS_MAX	 65536
#define PROCS_DEAD_MAX	 8192
#define PROC_GRACE_NS	 (10 * NS_PER_SEC)
#define PROC_CMDLINE_MAX 4096 /* bytes of the joined command line */

struct proc_table;

struct proc_stats {
	uint64_t unknown; /* events of a process nothing was known about */
	uint64_t full;	  /* processes not entered: table full */
	uint32_t alive, dead;
};

/* 0 or -ENOMEM. */
int proc_table_new(struct proc_table **ret);
void proc_table_free(struct proc_table *t);

/* The process, or NULL. */
struct proc *proc_find(struct proc_table *t, uint32_t pid, uint64_t start_ns);

/* The living process of that pid, or NULL. */
struct proc *proc_find_pid(struct proc_table *t, uint32_t pid);

/* The same, entered as unknown when it is not there. Never NULL. */
struct proc *proc_get(struct proc_table *t, uint32_t pid, uint64_t start_ns);

/*
 * Applies a fork, exec, exit or seen record. @subject is the process the record is about (exec,
 * exit: itself; fork: the parent). Returns the process that changed.
 */
struct proc *proc_apply(struct proc_table *t, struct proc *subject, const struct life *life,
			struct boot_ns now);

/* Frees the dead whose grace is over at @now. Call between records. */
void proc_table_reap(struct proc_table *t, struct boot_ns now);

/* What stands for all that did not fit; not among those of proc_each. */
struct proc *proc_table_overflow(struct proc_table *t);

/* Calls back for each process, dead ones too; stops when @each returns nonzero. */
void proc_each(struct proc_table *t, int (*each)(void *ctx, struct proc *p), void *ctx);

const struct proc_stats *proc_table_stats(const struct proc_table *t);
