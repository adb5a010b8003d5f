/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Records of the scheduler probe: where each thread's time goes, and why it waits.
 *
 * A thread is always in exactly one state, so its states add up to the time since it was first
 * seen. What blocks it is decided when it leaves the CPU, by the system call it is in and the file
 * behind its descriptor; from its wakeup on it waits for a CPU.
 *
 *     OFFCPU       a sample of lost time, with its stack: one for each quantum of time that a thread
 *                  lost at one place, so the weights of its samples add up to what it lost
 *     SCHED_TIMES  a thread's time by state since it was first seen, read once a second and at its
 *                  end; differences of two are the time between them
 *     SCHED_TAKEN  while threads of one cgroup waited for a CPU, another process ran on it; totals
 *
 * Captures hold them: members keep their places, states their numbers.
 */
#include "wire/record.h"
#include "wire/sched.h"
#include "wire/sock.h"
#include "wire/unwind.h"

/* rec_offcpu.flags */
enum offcpu_flag {
	OFFCPU_NO_STACK = 1,	/* it was not kept: too many threads waited at once */
	OFFCPU_INVOLUNTARY = 2, /* it was taken off the CPU, not blocked */
};

struct rec_offcpu {
	struct rec_hdr hdr; /* of the thread, at the moment it runs again */
	__u64 weight_ns;    /* lost time this sample stands for, in `state` */
	__u64 blocked_ns;   /* of the last interval: from leaving the CPU to the wakeup */
	__u64 waited_ns; /* from the wakeup (or from leaving, when it was taken off) to running */
	__u64 uaddr;	 /* lock: address of the futex; 0: none */
	struct rec_sock sock; /* family 0: the descriptor is no socket */
	__u64 ino;	      /* of the descriptor's file */
	__u32 dev;	      /* major << 20 | minor */
	__s32 fd;	      /* -1: the call has none */
	__u32 waker_pid;      /* who woke it; 0: nobody, or an interrupt on an idle CPU */
	__u32 waker_tid;
	char waker_comm[16]; /* of that thread */
	__u16 nr;	     /* x86-64 system call; 0xffff: none */
	__u16 op;	     /* of a futex call, without flags */
	__u8 state;	     /* enum sched_state */
	__u8 flags;	     /* enum offcpu_flag */
	__u16 mode;	     /* S_IFMT of the descriptor's file; 0: none */
	struct rec_str file; /* walk of the descriptor's file, leaf first */
	__u16 stack_off; /* of its struct rec_stack, from the start of the record; 0: no stack */
	__u16 pad;
	char tail[]; /* the walk, then the stack, which is the record's end */
};
_Static_assert(sizeof(struct rec_offcpu) == 200, "rec_offcpu is stored in captures");

struct rec_sched_times {
	struct rec_hdr hdr; /* of the thread */
	__u64 since_ns; /* CLOCK_BOOTTIME: first seen; the states add up to hdr.time_ns - this */
	__u64 ns[SCHED_STATE_COUNT];
	__u64 voluntary, involuntary; /* switches away from it */
	__u64 wakeups;
	__u64 migrations; /* it ran on another CPU than before */
	char comm[16];	  /* of the thread */
	__u8 state;	  /* now */
	__u8 ended;	  /* the thread ends: its last record */
	__u8 pad[6];
};
_Static_assert(sizeof(struct rec_sched_times) == 64 + 8 * 13 + 32 + 24, "stored in captures");

struct rec_sched_taken {
	struct rec_hdr hdr; /* of the process that ran; pid 0: the CPU was idle, or not known who */
	__u64 waiting;	    /* cgroup of the threads that waited */
	__u64 ns;	    /* total while this process ran, since the probe began */
	__u64 n;	    /* waits */
};
_Static_assert(sizeof(struct rec_sched_taken) == 88, "rec_sched_taken is stored in captures");
