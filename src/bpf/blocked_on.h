/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/* What a task is blocked on: found by blocked.h, kept by thread.h. */
#include "bpf/vmlinux.h"

struct blocked_on {
	u64 arg;    /* futex address or descriptor */
	u16 nr, op; /* system call, SCHED_NO_CALL; of a futex call what is done */
	u8 has_fd;  /* arg is a descriptor */
	u8 pad[3];
};
