/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/* The filter's first dimensions: the system call, how it ended, how it opens, an argument (wire/ctl.h). */
#include "bpf/filter.h"

#define EINPROGRESS_V 115

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FILTER_CALLS);
	__type(key, u32);
	__type(value, struct filter_call);
} f_call SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_ARGS);
	__type(key, u64);
	__type(value, u64);
} f_arg SEC(".maps");

static __always_inline struct filter_call *filter_call_get(u32 nr)
{
	return bpf_map_lookup_elem(&f_call, &nr);
}

/* @flags: the argument that f->access names; 0 when it names none. */
static __always_inline u64 filter_call_mask(const struct filter_call *f, long ret, u64 flags)
{
	u32 result = ret > 2 ? RESULT_MORE : RESULT_STDIO, way = CALL_ACCESS_OF(flags);

	if (ret < 0)
		result = ret == -EINPROGRESS_V ? RESULT_IN_PROGRESS : RESULT_FAILED;
	asm volatile("" : "+r"(way)); /* else the mask stands where older verifiers forget it */
	return f->mask[result & (RESULT_COUNT - 1)][way & (CALL_ACCESS - 1)];
}

/* @value: of the argument f->arg, which is not CALL_NO_ARG. */
static __always_inline u64 filter_arg_mask(const struct filter_call *f, u32 nr, u64 value)
{
	u64 key = FILTER_ARG_KEY(nr, value);

	return mask_or(bpf_map_lookup_elem(&f_arg, &key), f->arg_other);
}
