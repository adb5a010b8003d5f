/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Record of a process that the kernel kills because memory ran out, of the machine or of a cgroup.
 *
 * The header's process is the victim. `trigger` is the process that asked for memory. Sizes are the
 * victim's when it was chosen. Source: tracepoint oom:mark_victim.
 */
#include "wire/record.h"

struct rec_oom {
	struct rec_hdr hdr;
	__u64 trigger_start_ns;
	__u64 total_vm_bytes; /* 0 in all sizes: not known */
	__u64 anon_rss_bytes;
	__u64 file_rss_bytes;
	__u64 shmem_rss_bytes;
	__u32 trigger_pid;
	__s16 score_adj; /* oom_score_adj */
	__u8 known;	 /* 0: of the victim only the pid is known */
	__u8 pad;
	char trigger_comm[16];
};
_Static_assert(sizeof(struct rec_oom) == 128, "rec_oom is stored in captures");
