#pragma once
/*
 * What kernel programs keep as totals and the agent reads by the clock: iterators (hooks marked
 * `clock`) of loaded probes, which write whole records. Each enters the stream as it is, so captures
 * have them. Thread of the pipeline; owns nothing.
 */
#include "source/inject.h"
#include "source/load.h"

#define CLOCKWORK_NS (1000ull * 1000 * 1000) /* between two readings */

/*
 * Runs them all; @ret_refused grows by the records that found no room in @q. 0, or -errno of the
 * first that could not be run or wrote what is no record; the others were run all the same.
 */
int clockwork_run(const struct loader *l, struct inject *q, uint64_t *ret_refused);
