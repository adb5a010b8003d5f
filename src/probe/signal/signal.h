/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Record of a signal that was generated: by kill(2) and its kin, or by the kernel.
 *
 * The header's process is the sender. What the kernel itself sends from an interrupt (timers,
 * terminals, child stops) has no sender: pid 0. Source: tracepoint signal:signal_generate.
 */
#include "wire/record.h"

/* What became of it, as the tracepoint has it (include/trace/events/signal.h). */
enum signal_result {
	SIGNAL_DELIVERED, /* queued to the target */
	SIGNAL_IGNORED,
	SIGNAL_PENDING,	  /* was pending already */
	SIGNAL_OVERFLOW,  /* refused: too many are queued */
	SIGNAL_LOSE_INFO, /* queued without its details */
	SIGNAL_RESULTS
};

struct rec_signal {
	struct rec_hdr hdr;
	__u64 target_start_ns;
	__u64 target_cgroup;
	__u32 target_pid;
	__u32 target_tid;
	__s32 number;
	__s32 code;  /* si_code; 0 when the kernel gave none */
	__u8 result; /* enum signal_result */
	__u8 group;  /* 1: to the process, 0: to the one thread */
	__u8 kernel; /* 1: the kernel sent it, not a system call */
	__u8 pad[5];
	char target_comm[16];
};
_Static_assert(sizeof(struct rec_signal) == 120, "rec_signal is stored in captures");
