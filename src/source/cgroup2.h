#pragma once
/*
 * The root of the cgroup version 2 hierarchy, for programs attached to cgroups. Prefers a mount that
 * shows the real root over one that shows a cgroup namespace's; makes a detached mount, which only
 * this process can see, where there is none.
 */

/* A directory descriptor, or -errno (-EPERM without CAP_SYS_ADMIN and without a mount). */
int cgroup2_open(void);
