/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Records the agent makes itself: what it learned outside the kernel's stream, put into the stream
 * so that captures hold it. (TASK_SEEN is probe/process/process.h's.)
 */
#include "wire/ctl.h"
#include "wire/record.h"

/* CGROUP_SEEN: a cgroup that was there at the start. */
struct rec_cgroup_seen {
	struct rec_hdr hdr;
	__u64 id;
	struct rec_str path;
	__u32 pad;
	char tail[];
};
_Static_assert(sizeof(struct rec_cgroup_seen) == 80, "rec_cgroup_seen is stored in captures");

/* KUBE, CONTAINER: an encoded object (kube/obj.h, enrich/container_name.h). */
struct rec_blob {
	struct rec_hdr hdr;
	struct rec_str blob;
	__u32 pad;
	char tail[];
};
_Static_assert(sizeof(struct rec_blob) == 72, "rec_blob is stored in captures");
