#pragma once
/*
 * Sums by key, of everything a watch adds up: one table for all sorts of rows, which watching_fill.c
 * turns into the evidence. Bounded (WATCHING_SUMS); one thread.
 */
#include "agent/watching.h"
#include "base/intern.h"

/* What a row is about; `a` and `b` of its key. */
enum sum_sort {
	SUM_THREAD,   /* tid, start of the process */
	SUM_CALL,     /* number, error */
	SUM_IO,	      /* descriptor, 1 when it writes */
	SUM_LOCK,     /* address */
	SUM_WAKER,    /* address, tid of who ended waits for it */
	SUM_WAITER,   /* address, tid of who waited for it */
	SUM_PEER,     /* address (folded to a word), port */
	SUM_FILE,     /* path: waits for its device */
	SUM_REQUEST,  /* protocol and route; the peer's address and port, or 0 */
	SUM_NAME,     /* name asked of DNS */
	SUM_QUESTION, /* id and port: a question that waits for its answer */
	SUM_EXEC,     /* program; pid: the parent */
	SUM_SIGNAL,   /* number, sender's pid; pid: the target */
	SUM_RIVAL,    /* pid: who ran */
	SUM_FAILED,   /* call, path */
};

#define SUM_VALUES 16

struct sum {
	struct sum *next; /* with the same hash */
	uint32_t sort, pid;
	uint64_t a, b;
	struct watch_who who;
	struct str text, more, peer;
	uint64_t v[SUM_VALUES];
	uint32_t flag;
};

struct sums;

int sums_new(struct sums **ret);
void sums_free(struct sums *s);

/* The row, zeroed when new (*ret_new); NULL when there is no room (counted). */
struct sum *sum_at(struct sums *s, enum sum_sort sort, uint32_t pid, uint64_t a, uint64_t b);
struct sum *sum_find(const struct sums *s, enum sum_sort sort, uint32_t pid, uint64_t a, uint64_t b);

/* A copy that lives as long as the sums; equal texts are one. */
struct str sums_text(struct sums *s, struct str text);

/* Seconds are counted from here. */
void sums_begin(struct sums *s, struct boot_ns begin);

/* What threads spent in each state during the second that @time is in; NULL: too late, or too early. */
uint64_t *sums_second(struct sums *s, struct boot_ns time);
const uint64_t (*sums_seconds(const struct sums *s, size_t *ret_n))[THREAD_STATE_COUNT];

size_t sums_count(const struct sums *s);
struct sum *sums_get(const struct sums *s, size_t i);
uint64_t sums_refused(const struct sums *s);
