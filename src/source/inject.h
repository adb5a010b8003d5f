#pragma once
/*
 * A bounded first-in first-out queue of whole records, filled by any thread and drained by one:
 * how seeds and cluster objects enter a live stream.
 */
#include "wire/record.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct inject {
	pthread_mutex_t lock;
	char *p;
	size_t head, tail, cap, max; /* bytes of records in [head, tail) */
	int eventfd;		     /* readable when something waits */
	char *out;		     /* the record handed out last */
	size_t out_cap;
};

int inject_init(struct inject *q, size_t max);
void inject_free(struct inject *q);

/* Copies the record. 0, -ENOBUFS when @max would be passed, -EINVAL for an impossible length. */
int inject_add(struct inject *q, const struct rec_hdr *h);

/* The oldest record, valid until the next call; NULL when none waits. */
const struct rec_hdr *inject_take(struct inject *q);
