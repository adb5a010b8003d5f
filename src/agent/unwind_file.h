#pragma once
/*
 * The file behind a mapping of a running process, for reading.
 *
 * By /proc/PID/map_files, which is the mapping's own file whatever happened to its path, and needs
 * CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE (5.9). Else by its path as /proc/PID/maps has it, below
 * /proc/PID/root; then the inode number must be the mapping's, except on file systems that show
 * another one than they use (overlay, btrfs).
 */
#include <stdint.h>
#include <sys/types.h>

#include "wire/unwind.h"

/* 0, or -errno: -ENOENT and -ESRCH when the process or the mapping is gone. */
int unwind_file_open(pid_t pid, const struct rec_vma *vma, int *ret_fd);
