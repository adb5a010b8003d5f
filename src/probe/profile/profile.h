/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Record of a sample: what a CPU was doing when the sampling clock rang, with the kernel's and the
 * program's stack. The header's process and thread are those that ran. The idle task is not sampled.
 *
 * The tail is as wire/unwind.h has it. The user part of a sample in the kernel is where the program
 * entered it. Source: perf event cpu-clock.
 */
#include "wire/record.h"
#include "wire/unwind.h"

enum sample_flag {
	SAMPLE_USER =
		1, /* the CPU ran the program's own code; else the kernel's, for it or by itself */
};

struct rec_sample {
	struct rec_hdr hdr;
	__u32 flags; /* enum sample_flag */
	__u32 pad;
	struct rec_stack stack; /* last: the tail follows */
};
_Static_assert(sizeof(struct rec_sample) == 80, "rec_sample is stored in captures");
