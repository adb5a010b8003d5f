/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The path of a (mount, dentry) pair, as the directory cache has it.
 *
 * Components are written leaf first, each ended by NUL: "passwd\0etc\0". User space turns them
 * round (decode/walk.h). The walk crosses mounts and ends at the root of the mount tree, so the
 * path is the one in the task's mount namespace, whatever chroot says. bpf_d_path does this better
 * but is not allowed in tracepoints.
 */
#include "bpf/maps.h"

/* Appends one component; the end unchanged when there is no room or nothing to read. */
static __always_inline u32 walk_name(char *tail, u32 at, const u32 cap, struct dentry *d)
{
	long n;

	if (at > cap - REC_NAME_MAX)
		return at;
	n = bpf_probe_read_kernel_str(tail + at, REC_NAME_MAX, BPF_CORE_READ(d, d_name.name));
	return n > 0 ? at + (n & (REC_NAME_MAX * 2 - 1)) : at;
}

/*
 * Appends the walk at @at in a tail of @cap bytes (a constant). Returns the new end; *ret_cut when
 * it had to stop early, for depth or room.
 */
static __always_inline u32 walk_path(char *tail, u32 at, const u32 cap, struct path *path,
				     bool *ret_cut)
{
	struct dentry *d = BPF_CORE_READ(path, dentry);
	struct vfsmount *vm = BPF_CORE_READ(path, mnt);
	const u32 mnt_off = bpf_core_field_offset(struct mount, mnt);

	*ret_cut = false;
	for (int i = 0; i < REC_WALK_DEEP; i++) {
		struct dentry *parent = BPF_CORE_READ(d, d_parent);
		struct dentry *root = BPF_CORE_READ(vm, mnt_root);
		u32 end;

		if (d == root || d == parent) {
			struct mount *m = (void *)vm - mnt_off;
			struct mount *up = BPF_CORE_READ(m, mnt_parent);

			if (m == up || d != root)
				return d == root ? at : walk_name(tail, at, cap, d);
			d = BPF_CORE_READ(m, mnt_mountpoint);
			vm = (void *)up + mnt_off;
			continue;
		}
		end = walk_name(tail, at, cap, d);
		if (end == at)
			break;
		at = end;
		d = parent;
	}
	*ret_cut = true;
	return at;
}
