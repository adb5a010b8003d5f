/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The path of a (mount, dentry) pair, as the directory cache has it.
 *
 * Components are written leaf first, each ended by NUL: "passwd\0etc\0". User space turns them
 * round (walk_to_path in probe/path.c). The walk crosses mounts and ends at the root of the mount
 * tree, so the path is the one in the task's mount namespace, whatever chroot says. bpf_d_path does
 * this better but is not allowed in tracepoints.
 *
 * A tail that is filled piece by piece has TAIL_BYTES(MASK), MASK + 1 a power of two, and its end is
 * kept in the record itself. Reading it back from there makes it "any number" to the verifier, so
 * every turn of a loop looks the same and its work stays linear in the depth.
 */
#include "bpf/maps.h"

#define TAIL_BYTES(mask) ((mask) + 1 + REC_NAME_MAX)

struct tail {
	char *p;
	volatile u32 *end; /* in the record */
	u32 mask;	   /* a constant */
};

static __always_inline u32 tail_end(const struct tail *t)
{
	return *t->end & t->mask;
}

/*
 * @v, of which the verifier now knows nothing: states that differed in it alone become one. It goes
 * through the room behind the tail, which belongs to nothing between two pieces.
 */
static __always_inline u64 tail_forget(const struct tail *t, u64 v)
{
	volatile u64 *room = (void *)(t->p + TAIL_BYTES(t->mask) - 16);

	*room = v;
	return *room;
}

/*
 * Appends the walk; returns whether it had to stop early, for depth or room. There is one way out
 * of the loop.
 */
static __always_inline bool walk_path(const struct tail *t, struct path *path)
{
	struct dentry *d = BPF_CORE_READ(path, dentry);
	struct vfsmount *vm = BPF_CORE_READ(path, mnt);
	const u32 mnt_off = bpf_core_field_offset(struct mount, mnt);
	bool more = true;

	for (int i = 0; i < REC_WALK_DEEP && more; i++) {
		struct dentry *parent = BPF_CORE_READ(d, d_parent);
		struct dentry *root = BPF_CORE_READ(vm, mnt_root);
		u32 at = tail_end(t);
		long n;

		if (d == root) {
			struct mount *m = (void *)vm - mnt_off;
			struct mount *up = BPF_CORE_READ(m, mnt_parent);

			d = BPF_CORE_READ(m, mnt_mountpoint);
			vm = (void *)up + mnt_off;
			more = m != up;
			continue;
		}
		if (at > t->mask - REC_NAME_MAX)
			break;
		n = bpf_probe_read_kernel_str(t->p + at, REC_NAME_MAX, BPF_CORE_READ(d, d_name.name));
		if (n > 0)
			*t->end = at + (n & (REC_NAME_MAX * 2 - 1));
		more = d != parent; /* a file without a directory: memfd, pipe */
		d = parent;
	}
	return more;
}

/*
 * A file that is the root of a mount which is no longer anywhere (bind-mounted, then detached, as
 * runc does with its own binary) has no path: its name alone is appended. Returns whether it was so.
 */
static __always_inline bool walk_leaf(const struct tail *t, struct path *path, u32 from)
{
	struct dentry *d = BPF_CORE_READ(path, dentry);
	u32 at = tail_end(t);
	long n;

	if (at != from || at > t->mask - REC_NAME_MAX)
		return false;
	n = bpf_probe_read_kernel_str(t->p + at, REC_NAME_MAX, BPF_CORE_READ(d, d_name.name));
	if (n > 0)
		*t->end = at + (n & (REC_NAME_MAX * 2 - 1));
	return true;
}
