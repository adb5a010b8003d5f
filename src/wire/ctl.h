/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * What the agent tells the kernel programs, and what they count.
 *
 * `struct ctl` is the one element of the map `ctl`: which kinds are wanted and which filters are
 * on. The agent changes it while programs run; a program reads each member once. A kind that is
 * neither wanted nor counted costs the hook and one load. Filters are necessary conditions: what
 * passes may still be dropped in user space, what is dropped here could never have matched.
 *
 * `struct knobs` is read-only data set before load; the verifier deletes what it turns off.
 */
#include <linux/types.h>

#include "wire/kinds.h"

enum filter_flag {
	FILTER_CGROUP = 1, /* map f_cgroup holds a verdict; a cgroup without one passes */
	FILTER_PID = 2,	   /* map f_pid holds the wanted processes */
	FILTER_UID = 4,	   /* map f_uid holds the wanted real uids */
	FILTER_COMM = 8,   /* map f_comm holds the wanted command names */
	FILTER_PATH = 16,  /* paths[] holds the prefixes one of which the file's path has */
};

#define FILTER_PATHS	  4
#define FILTER_PATH_BYTES 64

/* An absolute, normalised prefix; longer ones are shortened (still necessary). */
struct path_prefix {
	__u64 word[FILTER_PATH_BYTES / 8];
	__u64 mask[FILTER_PATH_BYTES / 8]; /* 0xff for each byte that counts */
};

struct ctl {
	__u64 wanted;	      /* KIND_BITs sent as records */
	__u64 counted;	      /* KIND_BITs counted per cgroup */
	__u64 filtered_kinds; /* kinds the filters apply to */
	__u32 filters;	      /* enum filter_flag */
	__u32 self;	      /* the agent's pid: its own doings are not recorded */
	__u32 npaths;
	__u32 tree; /* children of a process in f_pid enter it */
	struct path_prefix paths[FILTER_PATHS];
};

/* Controllers whose version 1 hierarchy can tell the container. */
enum v1_subsys {
	V1_NONE, /* version 2 tells */
	V1_PIDS,
	V1_MEMORY,
	V1_CPU,
};

struct knobs {
	__u32 v1_subsys;    /* enum v1_subsys */
	__u32 v1_hierarchy; /* id of that controller's hierarchy */
	__u32 env;	    /* capture the environment on exec */
	__u32 pad;
};

/* Per kind and CPU: map `stats`, index kind. */
struct kind_stats {
	__u64 events;	 /* records handed over */
	__u64 ring_full; /* lost: no room in the ring */
	__u64 map_full;	 /* lost: a table of the kernel program was full */
	__u64 fault;	 /* pieces that could not be read and are absent */
	__u64 cut;	 /* pieces longer than their maximum */
};

/* Map `cg_count`: what a cgroup did, for the board. */
struct cg_key {
	__u64 cgroup;
	__u32 kind;
	__u32 pad;
};

struct cg_val {
	__u64 events;
	__u64 errors;
};

#define RING_LIFE_BYTES	 (2u << 20)
#define RING_BULK_BYTES	 (8u << 20)
#define FILTER_ENTRIES	 8192
#define CG_COUNT_ENTRIES 8192
