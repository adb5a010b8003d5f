/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * (All hash maps are preallocated: up to 6.0 a tracing program that allocates may deadlock, and the
 * kernel warns.)
 *
 * The maps all probes share. Each object declares them; the agent makes them once and hands every
 * object the same ones (bpf_map__reuse_fd), so sizes here and there must agree: source/maps.c takes
 * them from the first object it opens.
 */
#include "bpf/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "wire/ctl.h"
#include "wire/record.h"

/*
 * A function that the verifier goes through once, by itself, whatever leads to it: not static, and
 * weak so that the compiler does not look into it either. It can take numbers only.
 */
#define VERIFIED_ONCE __weak __noinline

/*
 * Since 6.2 the verifier can be told a pointer's type, and members are plain loads: a helper call for each costs more
 * than the rest of a switch.
 */
#define CASTS bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_cgrp_storage_get)

extern void *bpf_rdonly_cast(const void *obj, u32 btf_id) __ksym __weak;

/*
 * A task whose members are read and that is given to no helper. Of a pointer that it trusts, the verifier looks through
 * the names of all types of the kernel at each step, which was a third of the time that loading took.
 */
static __always_inline struct task_struct *task_read_only(struct task_struct *t)
{
	return CASTS ? bpf_rdonly_cast(t, bpf_core_type_id_kernel(struct task_struct)) : t;
}

/* A typed pointer as a number: the verifier lets nobody reckon with one. */
static __always_inline u64 pointer_number(const void *pointer)
{
	u64 from = (u64)pointer, to = 0;

	bpf_probe_read_kernel(&to, sizeof(to), &from);
	return to;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_LIFE_BYTES);
} ring_life SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BULK_BYTES);
} ring_bulk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ctl);
} ctl SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KIND_COUNT);
	__type(key, u32);
	__type(value, struct kind_stats);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} seq SEC(".maps");

/* Clauses that a cgroup, process, user, command name leaves: bpf/filter.h. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_ENTRIES);
	__type(key, u64);
	__type(value, u64);
} f_cgroup SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_ENTRIES);
	__type(key, u32);
	__type(value, u64);
} f_pid SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_ENTRIES);
	__type(key, u32);
	__type(value, u64);
} f_uid SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILTER_ENTRIES);
	__type(key, char[16]);
	__type(value, u64);
} f_comm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, CG_COUNT_ENTRIES);
	__type(key, struct cg_key);
	__type(value, struct cg_val);
} cg_count SEC(".maps");

const volatile struct knobs knobs SEC(".rodata.knobs") = {};
