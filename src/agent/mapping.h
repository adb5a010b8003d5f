#pragma once
/*
 * Events of the kinds `request` and `tcp` to a map of services (`porthole map`): who is at each end, as processes,
 * containers and the cluster tell it.
 *
 * --where and --pod say what is counted; who is at an address is learned from all that comes. A form of the sink that
 * prints nothing by itself. One mapping a process, one thread.
 */
#include "agent/sink.h"

struct k8s;
struct mapping;

#define MAPPING_KINDS "request,tcp"

/* @where, @pod, @container, @pid of @o select. 0; -EINVAL with the reason in @why; -ENOMEM. */
int mapping_new(const struct query_opts *o, struct mapping **ret, struct buf *why);
void mapping_free(struct mapping *m);

/* What it needs of a sink. */
void mapping_sink(struct mapping *m, struct sink_opts *ret);

/* The cluster's tables, borrowed until mapping_use(m, NULL): before the first event. */
void mapping_use(struct mapping *m, const struct k8s *k8s);

/* All so far as @form ("text", "dot", "json", "html"). @live: rates are by the clock. 0 or -ENOMEM, -EINVAL. */
int mapping_put(struct mapping *m, const char *form, bool live, uint64_t lost, struct buf *b);
