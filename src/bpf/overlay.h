/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/* Which layer of an overlay file system a file is in. */
#include "bpf/maps.h"

#define OVERLAYFS_MAGIC 0x794c7630

/*
 * struct ovl_inode is a module's own type on most systems: its inode is followed by the dentry of
 * the upper layer, NULL when there is none (fs/overlayfs/ovl_entry.h, 4.13 to now).
 * Flags of enum exe_flag.
 */
static __always_inline u16 inode_layer(struct inode *inode, struct super_block *sb)
{
	void *upper = NULL;

	if (BPF_CORE_READ(sb, s_magic) != OVERLAYFS_MAGIC)
		return 0;
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode + bpf_core_type_size(struct inode));
	return upper ? EXE_OVERLAY | EXE_UPPER : EXE_OVERLAY;
}
