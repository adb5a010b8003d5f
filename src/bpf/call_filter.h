/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/* The filter's first dimension: the system call, how it ended, and how it opens (wire/ctl.h). */
#include "bpf/filter.h"

#define EINPROGRESS_V 115

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FILTER_CALLS);
	__type(key, u32);
	__type(value, struct filter_call);
} f_call SEC(".maps");

static __always_inline struct filter_call *filter_call_get(u32 nr)
{
	return bpf_map_lookup_elem(&f_call, &nr);
}

/* @flags: the argument that f->access names; 0 when it names none. */
static __always_inline u64 filter_call_mask(const struct filter_call *f, long ret, u64 flags)
{
	u32 result = ret > 2 ? RESULT_MORE : RESULT_STDIO;

	if (ret < 0)
		result = ret == -EINPROGRESS_V ? RESULT_IN_PROGRESS : RESULT_FAILED;
	return f->mask[result & (RESULT_COUNT - 1)][flags & (CALL_ACCESS - 1)];
}
