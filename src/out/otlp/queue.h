#pragma once
/*
 * Encoded items that wait, each with the Resource it is of; and a request made of them, where items of one resource that
 * follow each other share a group. No lock of its own.
 */
#include "base/buf.h"

struct otlp_queue {
	struct buf bytes; /* u32 length of resource, u32 of item, both; bytes.max: how much may wait */
	size_t n;
};

/* false: no room; nothing was changed. */
bool otlp_queue_put(struct otlp_queue *q, struct str resource, struct str item);

/*
 * Takes items from the front as long as the request stays under @max bytes (one is taken in any case), and appends
 * their groups to @request. How many; the queue keeps the rest.
 */
size_t otlp_queue_take(struct otlp_queue *q, size_t max, struct buf *request);
