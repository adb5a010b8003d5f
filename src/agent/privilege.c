/* The list of what stays, and the system calls that take the rest away; raw, for one thread. */
#include "agent/privilege.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

#define BIT(cap) (1ull << (cap))

#define KEPT                                                                                \
	(BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_BPF) | BIT(CAP_PERFMON) | \
	 BIT(CAP_NET_ADMIN))

static int caps_get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capget, &h, data) == 0 ? 0 : -errno;
}

static uint64_t permitted(const struct __user_cap_data_struct data[2])
{
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

static int caps_set(uint64_t set)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)set, .permitted = (uint32_t)set },
		{ .effective = (uint32_t)(set >> 32), .permitted = (uint32_t)(set >> 32) },
	};

	return syscall(SYS_capset, &h, data) == 0 ? 0 : -errno;
}

/* Needs CAP_SETPCAP; without it the set only matters to a program that no_new_privs rules out. */
static void bounding_drop(uint64_t keep)
{
	for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(keep & BIT(cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static bool threads_run(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 3; /* ".", ".." and this one */
}

int privilege_drop(struct privilege *ret, struct buf *why)
{
	struct __user_cap_data_struct data[2];
	uint64_t had, keep;
	int err = threads_run() ? -EBUSY : caps_get(data);

	if (err == 0) {
		had = permitted(data);
		keep = had & KEPT;
		bounding_drop(keep);
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
		err = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
	}
	if (!err)
		err = caps_set(keep);
	if (err) {
		buf_printf(why, "dropping capabilities: %s",
			   err == -EBUSY ? "threads run already" : strerror(-err));
		return err;
	}
	*ret = (struct privilege){ .kept = keep, .dropped = had & ~keep };
	return 0;
}

void privilege_names(uint64_t set, struct buf *b)
{
	bool any = false;

	for (int cap = 0; cap < 64; cap++) {
		char *name = set & BIT(cap) ? cap_to_name(cap) : NULL;

		if (!name)
			continue;
		buf_printf(b, "%s%s", any ? ", " : "",
			   strncmp(name, "cap_", 4) == 0 ? name + 4 : name);
		cap_free(name);
		any = true;
	}
}
