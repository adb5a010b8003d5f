#pragma once
/* The rows of a watch from its sums, dearest first (agg/watch.h). */
#include "agent/watching_sums.h"

/* What decides between the target and others where a sum alone cannot tell. */
struct watching_target {
	const uint64_t *cgroups; /* of its processes */
	size_t ncgroups;
	const uint32_t *pids;
	size_t npids;
	const uint16_t *listening; /* ports somebody listens on in its network namespace */
	size_t nlistening;
	bool node; /* everybody is the target */
};

void watching_fill(const struct sums *s, const struct watching_target *t, struct watch *w);

/* Names the code that waits for each lock, by the stacks of @off (labels "state" and "lock"). */
void watching_lock_names(struct watch *w);
