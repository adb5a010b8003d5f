#pragma once
/*
 * The users and groups of a container, from its own /etc/passwd and /etc/group, as a process in it
 * sees them: what Falco calls user.name there.
 *
 * The files are the container's, and it may have put anything in their place. So they are opened
 * without leaving its root, without crossing into another mount (which keeps file systems out that
 * answer when they like), only when they are regular files, and read up to CONTAINER_USERS_MAX
 * bytes. Needs CAP_SYS_PTRACE. A look costs some 0.05 ms: once per container.
 */
#include "base/buf.h"

#define CONTAINER_USERS_MAX (64u << 10) /* of one file; the rest is not read */

/*
 * Appends the blob of a USERS record (enrich/users.h), for container @id, seen by process @pid. 0, or
 * -ENOENT when the process is gone, has the node's root, or there is no such file; the error of
 * openat2(2) otherwise.
 */
int container_users_read(uint32_t pid, struct str id, struct buf *ret);

/* The same of the root directory @root, for tests. */
int container_users_at(int root, struct str id, struct buf *ret);
