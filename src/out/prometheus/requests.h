#pragma once
/*
 * Metrics of requests as a part of the metrics page: each metric of agg/semconv.h that has a series. Histograms have
 * cumulative buckets, _sum and _count; the graph's counters are _total and _failed_total.
 */
#include "agg/request_metrics.h"

void requests_page(const struct rm_snapshot *s, struct buf *b);
