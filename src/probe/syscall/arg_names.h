#pragma once
/*
 * Names of flags and of numbered arguments, as sysdig has them and in its order, which its rendering
 * shows. Each table is ended by a NULL name. Values are Linux's user interface on x86-64
 * (include/uapi); vocabulary: falcosecurity/libs, driver/flags_table.c.
 */
#include "probe/syscall/table.h"

/* In open_names the access mode, a number, is a bit: ACCESS(1 << mode). */
#define ACCESS(v)   ((uint64_t)(v) << 60)
#define CREATED_BIT (1ull << 59) /* the call made the file: no flag of the kernel's */

extern const struct flag_name open_names[], fd_names[], resolve_names[], mode_names[],
	mknod_names[], at_names[], clone_names[], mount_names[], umount_names[], module_names[],
	unload_names[], memfd_names[], fault_names[], domain_names[], rename_names[],
	accept_names[], ptrace_names[], bpf_names[];
