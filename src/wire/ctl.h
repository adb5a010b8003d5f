/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * What the agent tells the kernel programs, and what they count.
 *
 * `struct ctl` is the one element of the map `ctl`: which kinds are wanted, and the filter. The agent
 * changes it while programs run; a program reads each member once. A kind that is neither wanted nor
 * counted costs the hook and one load.
 *
 * The filter: each expression that somebody wants events for is a clause, a bit of a mask. An event
 * starts with the clauses its kind can match and loses, one dimension after the other, those that it
 * certainly cannot match: of its system call and result, its process, its path. One that has none
 * left is dropped. User space made the masks by judging each expression with that knowledge alone,
 * and judges what passes again, with all of it. Masks only ever clear the bits of their own set
 * ctl.dim, so any mixture of an old and a new ctl lets more through, not less.
 *
 * `struct knobs` is read-only data set before load; the verifier deletes what it turns off.
 */
#include <linux/types.h>

#include "wire/kinds.h"

#define FILTER_CLAUSES 63
#define FILTER_ALL     (1ull << 63) /* who wants everything; no dimension clears it */

/* From cheap to dear, as the programs go through them. */
enum filter_dim {
	DIM_CALL,   /* map f_call, by system call, result and access mode */
	DIM_ARG,    /* map f_arg, by the value of one small argument of the call */
	DIM_PID,    /* map f_pid */
	DIM_UID,    /* map f_uid, by effective uid */
	DIM_CGROUP, /* map f_cgroup; one that is not there passes */
	DIM_COMM,   /* map f_comm */
	DIM_FAMILY, /* ctl.family, by the socket behind the descriptor */
	DIM_ENDS,   /* maps f_port and f_net, by the ports and addresses of a connection's ends */
	DIM_PATH,   /* map f_path; one that cannot be judged passes */
	DIM_COUNT
};

/* How a system call ended. */
enum call_result {
	RESULT_STDIO, /* 0, 1 or 2 */
	RESULT_MORE,
	RESULT_IN_PROGRESS, /* -EINPROGRESS */
	RESULT_FAILED,
	RESULT_COUNT
};

/* How an open opens: its access mode, and whether it may create a file (O_CREAT, O_TMPFILE). */
#define CALL_ACCESS	      8
#define CALL_CREATES	      4
#define OPEN_CREATES	      020000100
#define CALL_ACCESS_OF(flags) (((flags) & 3) | ((flags) & OPEN_CREATES ? CALL_CREATES : 0))

#define FILTER_CALLS 512
#define CALL_NO_ARG  0xff
#define CALL_BY_PEER 0xfe /* 1: the call names another peer than its socket's last one; else 0 */

struct filter_call {
	__u64 mask[RESULT_COUNT][CALL_ACCESS];
	__u64 arg_other; /* of values of `arg` that f_arg does not have */
	__u8 access; /* argument that has an open's flags, or one of CALL_*; CALL_NO_ARG: place 0 */
	__u8 arg;    /* argument whose value f_arg has; CALL_NO_ARG: none */
	__u8 pad[6];
};

/* Key of f_arg: the call in the upper half, the argument's lower half in the other. */
#define FILTER_ARG_KEY(nr, value) ((__u64)(nr) << 32 | (__u32)(value))
#define FILTER_ARGS		  1024

/*
 * A network: the first @bits of an address, IPv4's inside IPv6 (::ffff:10.0.0.1). What a network
 * leaves includes what those around it do: only the longest is found. A connection leaves what any
 * port or address of its two ends leaves, or of the peer that the call names: which end is the server
 * is for user space to say.
 */
struct filter_net {
	__u32 bits;
	__u8 addr[16];
};
#define FILTER_NETS  1024
#define FILTER_PORTS 4096

/* What is behind a descriptor. */
enum sock_family {
	FAMILY_NONE, /* no socket, or one of another family */
	FAMILY_IPV4,
	FAMILY_IPV6, /* IPv4 too, when the address is one inside an IPv6 one */
	FAMILY_UNIX,
	FAMILY_COUNT
};

/*
 * Paths are judged by an automaton (base/automaton.h, which has the same numbers) that reads them
 * from their last byte to the first, absolute and normal, as fd.name is. The agent writes it through
 * memory that it shares with the kernel.
 */
#define FILTER_PATH_STATES  16384
#define FILTER_PATH_CLASSES 64
#define FILTER_PATH_BEGIN   1
#define FILTER_PATH_STOP    1
#define FILTER_PATH_HIT	    0x8000

#define FILTER_PATH_HEADS 8

struct path_head {
	__u64 word, mask, clauses;
};

struct filter_path {
	/* The first bytes of paths that clauses want, for those (headed) that only want beginnings. */
	struct path_head head[FILTER_PATH_HEADS];
	__u64 headed;
	__u8 class[256];
	__u8 cut; /* class of the last slash, which is met first */
	__u8 pad[55];
	__u16 next[FILTER_PATH_STATES][FILTER_PATH_CLASSES];
	struct {
		__u64 hit;  /* clauses that may match a path with this in it */
		__u64 deny; /* those that do not, when it is all of the path */
	} out[FILTER_PATH_STATES];
};

struct ctl {
	__u64 wanted;		/* KIND_BITs sent as records */
	__u64 counted;		/* KIND_BITs counted per cgroup */
	__u64 clauses[64];	/* of each kind */
	__u64 dim[DIM_COUNT];	/* clauses that it may clear; 0: it is off */
	__u64 other[DIM_COUNT]; /* what keys that are not in its map leave */
	__u64 family[FAMILY_COUNT];
	__u64 tree;	  /* clauses that children inherit in f_pid */
	__u32 self;	  /* the agent's pid: its own doings are not recorded */
	__u32 want_flags; /* enum want_flag */
	/* offcpu: a sample for each so much lost time (0: 10 ms, ~0: none), of intervals from so long on */
	__u64 off_quantum_ns, off_min_ns;
};

/* What costs, and is recorded only when somebody looks at it. */
enum want_flag {
	WANT_FILE = 1, /* of opened files: the path without links, inode and device */
	WANT_DATA = 2, /* the first bytes of what is sent and received */
};

/* Controllers whose version 1 hierarchy can tell the container. */
enum v1_subsys {
	V1_NONE, /* version 2 tells */
	V1_PIDS,
	V1_MEMORY,
	V1_CPU,
};

struct knobs {
	__u32 v1_subsys;	  /* enum v1_subsys */
	__u32 v1_hierarchy;	  /* id of that controller's hierarchy */
	__u32 env;		  /* capture the environment on exec */
	__u32 kernel_stacks_only; /* reading user memory from a perf event may freeze this kernel */
	__u32 request_times;	  /* records of socket calls have their thread's times (stream.h) */
	__u32 samples_shared; /* a sampling clock's own reader gets its samples too: for tests */
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
