/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * What a thread waits for when it blocks inside a system call (x86-64 numbers). Calls that are not
 * here: disk when the kernel waits for input or output, else other.
 */
#include "wire/sched.h"

/* Beyond the states: */
#define CALL_BY_FILE 0x20 /* by what is behind the descriptor */
#define CALL_NFDS0   0x21 /* a sleep when its count of descriptors, an argument, is 0; else poll */
#define CALL_NFDS1   0x22
#define CALL_CLASS   0x3f
#define CALL_FUTEX   0x40 /* the first argument is a futex's address, the second what is done */
#define CALL_FD	     0x80 /* the first argument is a descriptor */
#define CALL_BY_FD   (CALL_FD | CALL_BY_FILE)
#define CALLS	     512

/* clang-format off */
static const __u8 sched_calls[CALLS] = {
	[0] = CALL_BY_FD,      /* read */
	[1] = CALL_BY_FD,      /* write */
	[7] = CALL_NFDS1,      /* poll */
	[17] = CALL_BY_FD,     /* pread64 */
	[18] = CALL_BY_FD,     /* pwrite64 */
	[19] = CALL_BY_FD,     /* readv */
	[20] = CALL_BY_FD,     /* writev */
	[23] = CALL_NFDS0,     /* select */
	[26] = SCHED_DISK,     /* msync */
	[34] = SCHED_WAIT,     /* pause */
	[35] = SCHED_SLEEP,    /* nanosleep */
	[40] = CALL_BY_FD,     /* sendfile: where to */
	[42] = CALL_FD | SCHED_NETWORK,  /* connect */
	[43] = CALL_FD | SCHED_POLL,     /* accept */
	[44] = CALL_FD | SCHED_NETWORK,  /* sendto */
	[45] = CALL_FD | SCHED_NETWORK,  /* recvfrom */
	[46] = CALL_FD | SCHED_NETWORK,  /* sendmsg */
	[47] = CALL_FD | SCHED_NETWORK,  /* recvmsg */
	[48] = CALL_FD | SCHED_NETWORK,  /* shutdown */
	[56] = SCHED_WAIT,     /* clone: of vfork's kind */
	[58] = SCHED_WAIT,     /* vfork */
	[61] = SCHED_WAIT,     /* wait4 */
	[65] = SCHED_LOCK,     /* semop */
	[69] = SCHED_WAIT,     /* msgsnd */
	[70] = SCHED_WAIT,     /* msgrcv */
	[72] = CALL_FD | SCHED_LOCK,     /* fcntl: the one that blocks is a lock */
	[73] = CALL_FD | SCHED_LOCK,     /* flock */
	[74] = CALL_FD | SCHED_DISK,     /* fsync */
	[75] = CALL_FD | SCHED_DISK,     /* fdatasync */
	[128] = SCHED_WAIT,    /* rt_sigtimedwait */
	[130] = SCHED_WAIT,    /* rt_sigsuspend */
	[162] = SCHED_DISK,    /* sync */
	[187] = CALL_FD | SCHED_DISK,    /* readahead */
	[202] = CALL_FUTEX | SCHED_LOCK, /* futex */
	[208] = SCHED_DISK,    /* io_getevents */
	[220] = SCHED_LOCK,    /* semtimedop */
	[230] = SCHED_SLEEP,   /* clock_nanosleep */
	[232] = CALL_FD | SCHED_POLL,    /* epoll_wait */
	[242] = SCHED_WAIT,    /* mq_timedsend */
	[243] = SCHED_WAIT,    /* mq_timedreceive */
	[247] = SCHED_WAIT,    /* waitid */
	[270] = CALL_NFDS0,    /* pselect6 */
	[271] = CALL_NFDS1,    /* ppoll */
	[275] = CALL_BY_FD,    /* splice: where from */
	[277] = CALL_FD | SCHED_DISK,    /* sync_file_range */
	[281] = CALL_FD | SCHED_POLL,    /* epoll_pwait */
	[288] = CALL_FD | SCHED_POLL,    /* accept4 */
	[295] = CALL_BY_FD,    /* preadv */
	[296] = CALL_BY_FD,    /* pwritev */
	[299] = CALL_FD | SCHED_NETWORK, /* recvmmsg */
	[306] = CALL_FD | SCHED_DISK,    /* syncfs */
	[307] = CALL_FD | SCHED_NETWORK, /* sendmmsg */
	[326] = CALL_BY_FD,    /* copy_file_range */
	[327] = CALL_BY_FD,    /* preadv2 */
	[328] = CALL_BY_FD,    /* pwritev2 */
	[333] = SCHED_DISK,    /* io_pgetevents */
	[426] = CALL_FD | SCHED_POLL,    /* io_uring_enter */
	[435] = SCHED_WAIT,    /* clone3: of vfork's kind */
	[441] = CALL_FD | SCHED_POLL,    /* epoll_pwait2 */
	[449] = SCHED_LOCK,     /* futex_waitv: no single address */
	[455] = SCHED_LOCK,    /* futex_wait */
};
/* clang-format on */
