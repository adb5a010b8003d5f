#pragma once
/*
 * Gives up what the agent no longer needs once its probes are loaded and its sockets are open.
 *
 * Kept, of what the process had: CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (/proc of others, runtime
 * files), and CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, because a client of the control socket may ask
 * for a kind whose probe is not loaded yet. Everything else leaves the permitted, effective,
 * inheritable, ambient and bounding sets, CAP_SYS_ADMIN first of all, and no_new_privs is set, so
 * no exec can bring it back.
 *
 * Capabilities belong to threads: call this before the first thread is started (kube, metrics).
 */
#include "base/buf.h"

struct privilege {
	uint64_t kept;	  /* bits of CAP_* now permitted */
	uint64_t dropped; /* that were permitted before */
};

/* 0 or -errno with the reason appended to @why; also -EBUSY when there are threads already. */
int privilege_drop(struct privilege *ret, struct buf *why);

/* "sys_ptrace, bpf" for a set of bits. */
void privilege_names(uint64_t set, struct buf *b);
