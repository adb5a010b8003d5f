#pragma once
/*
 * Opening a file below a root directory as the process that lives there sees it: symbolic links and
 * ".." stay within. Only regular files are opened: a container may put a device or a pipe anywhere.
 * Needs openat2 (Linux 5.6).
 */
#include "base/str.h"

/* A descriptor for reading, or -errno; -ENOENT also for what is no regular file. */
int below_open(int root_fd, const char *path);
