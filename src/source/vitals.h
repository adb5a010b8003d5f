#pragma once
/*
 * Readings of the kernel's accounting files (event/vitals.h says what they mean). Each call opens,
 * reads and closes; nothing is kept. Files that are not there leave their bits or members unset:
 * -errno is returned only when nothing at all could be read (a process or cgroup that is gone).
 *
 * Version 1 and 2 hierarchies, and both at once (hybrid), as struct cgroup_layout has found them.
 */
#include <stddef.h>

#include "event/vitals.h"
#include "source/cgroups.h"

/* Limits count at every level: a pod's is its container's too. At most VITALS_LEVELS levels up. */
#define VITALS_LEVELS 16

struct vitals_reader {
	char v1_cpu[256], v1_cpuacct[256], v1_memory[256], v1_pids[256], v2[256]; /* mounts, "" none */
};

/* Finds the mounts. 0 or -errno. */
int vitals_open(struct vitals_reader *ret);

/*
 * @path: the cgroup's, in the version 1 hierarchies when @v1, else in version 2's. 0 or -errno
 * (-ENOENT: none of its files is there).
 */
int vitals_group_read(const struct vitals_reader *r, bool v1, const char *path,
		      struct vitals_group *ret);
int vitals_node_read(struct vitals_node *ret);

/*
 * Block devices that were ever used, without partitions, at most @max. @path NULL: /proc/diskstats. 0
 * or -errno.
 */
int vitals_devices_read(const char *path, struct vitals_device *ret, size_t max, size_t *ret_n);

/* Of the namespace that process @pid is in. */
int vitals_net_read(uint32_t pid, struct vitals_net *ret);
int vitals_process_read(uint32_t pid, struct vitals_process *ret);
