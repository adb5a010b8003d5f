#pragma once
/*
 * One agent a node. The lock is flock(2) on a file that holds the pid of its owner: the kernel lets
 * go of it whenever the owner ends, kill -9 included, so nothing has to be cleaned up; the file
 * itself stays and means nothing without the lock. Its folder is made (0700) when missing.
 *
 * Not an abstract socket: those are of a network namespace, and anybody may take their names.
 */
#include "base/buf.h"

#define LOCK_FILE "/run/porthole/porthole.pid"

/*
 * 0 and the descriptor to keep open; -EEXIST: another agent has it, and @why says which pid;
 * another -errno with the reason appended to @why.
 */
int lock_take(const char *path, int *ret_fd, struct buf *why);

/* Gives it back at once, also when a child still has the descriptor. -1 is fine. */
void lock_drop(int *fd);

/* Makes the folder of @path, 0700, when it is missing. 0 or -errno. */
int lock_folder(const char *path);
