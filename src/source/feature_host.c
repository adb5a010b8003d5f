/*
 * Feature tests that look at the machine and at this process: kernel, lockdown, security modules,
 * capabilities, cgroups, procfs and tracefs. Nothing is tried here that bpf() would notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/feature_row.h"
#include "source/user_stack.h"

#define PROC_MAGIC     0x9fa0
#define INIT_PIDNS_INO 0xeffffffcul /* include/linux/proc_ns.h: PROC_PID_INIT_INO */

static enum feature_state test_kernel(struct prober *p, const struct feature_test *t)
{
	struct utsname u;

	(void)t;
	if (uname(&u))
		return feature_verdict(p, "uname", -errno);
	feature_say(p, "%s %.100s %.40s", u.sysname, u.release, u.machine);
	return strcmp(u.machine, "x86_64") == 0 ? FEATURE_OK : FEATURE_DEGRADED;
}

/* "none [integrity] confidentiality": the one in brackets holds. */
static enum feature_state test_lockdown(struct prober *p, const struct feature_test *t)
{
	char text[128], *mode, *end;
	int err = p->securityfs;

	(void)t;
	if (p->securityfs >= 0)
		err = feature_read(p->securityfs, "lockdown", text, sizeof(text));
	if (err == -ENOENT || err == -ENODEV) {
		feature_say(p, "not built into this kernel");
		return FEATURE_OK;
	}
	if (err < 0) {
		feature_say(p, "cannot be read: %s", feature_errno(p, err));
		return FEATURE_DEGRADED;
	}
	mode = strchr(text, '[');
	end = mode ? strchr(mode, ']') : NULL;
	if (!end)
		return feature_verdict(p, "reading it", -EBADMSG);
	*end = '\0';
	feature_say(p, "%s", ++mode);
	if (strcmp(mode, "none") == 0)
		return FEATURE_OK;
	snprintf(p->lockdown, sizeof(p->lockdown), "%s", mode);
	if (strcmp(mode, "confidentiality") != 0)
		return FEATURE_DEGRADED;
	feature_say(p, "confidentiality: programs may not read kernel memory");
	return FEATURE_MISSING;
}

static enum feature_state test_lsm_list(struct prober *p, const struct feature_test *t)
{
	char list[FEATURE_REASON_BYTES];
	int err = p->securityfs;

	(void)t;
	if (p->securityfs >= 0)
		err = feature_read(p->securityfs, "lsm", list, sizeof(list));
	if (err < 0) {
		feature_say(p, "cannot be read: %s", feature_errno(p, err));
		return FEATURE_DEGRADED;
	}
	feature_say(p, "%s", list[0] ? list : "none");
	return FEATURE_OK;
}

static bool cap_effective(cap_t caps, cap_value_t v)
{
	cap_flag_value_t on = CAP_CLEAR;

	return cap_get_flag(caps, v, CAP_EFFECTIVE, &on) == 0 && on == CAP_SET;
}

/* Appends the names of the capabilities that are @on, without their "cap_". */
static void caps_names(cap_t caps, bool on, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	for (cap_value_t v = 0; v < cap_max_bits() && n + 1 < size; v++) {
		char *name = cap_effective(caps, v) == on ? cap_to_name(v) : NULL;

		if (!name)
			continue;
		n += (size_t)snprintf(ret + n, size - n, " %s",
				      strncmp(name, "cap_", 4) == 0 ? name + 4 : name);
		cap_free(name);
	}
}

static enum feature_state test_privileges(struct prober *p, const struct feature_test *t)
{
	char names[FEATURE_REASON_BYTES - 24];
	cap_t caps = cap_get_proc();
	int all = cap_max_bits(), have = 0;

	(void)t;
	if (!caps)
		return feature_verdict(p, "capget", -errno);
	for (cap_value_t v = 0; v < all; v++)
		have += cap_effective(caps, v);
	p->admin = cap_effective(caps, CAP_SYS_ADMIN);
	p->capable = p->admin || (cap_effective(caps, CAP_BPF) && cap_effective(caps, CAP_PERFMON));
	caps_names(caps, have <= all / 2, names, sizeof(names));
	if (have == all)
		feature_say(p, "all capabilities");
	else if (have == 0)
		feature_say(p, "no capability");
	else
		feature_say(p, "%s%s", have > all / 2 ? "all but" : "only", names);
	cap_free(caps);
	return FEATURE_OK;
}

/* One capability; arg2: another that includes it, when not the same. */
static enum feature_state test_cap(struct prober *p, const struct feature_test *t)
{
	cap_t caps = cap_get_proc();
	bool direct, other;
	char *name;

	if (!caps)
		return feature_verdict(p, "capget", -errno);
	direct = cap_effective(caps, (cap_value_t)t->arg);
	other = cap_effective(caps, (cap_value_t)t->arg2);
	cap_free(caps);
	if (direct) {
		feature_say(p, "effective");
		return FEATURE_OK;
	}
	name = other ? cap_to_name((cap_value_t)t->arg2) : NULL;
	if (name)
		feature_say(p, "%s includes it", name);
	else
		feature_say(p, "not effective");
	cap_free(name);
	return other ? FEATURE_OK : FEATURE_MISSING;
}

static enum feature_state test_cgroups(struct prober *p, const struct feature_test *t)
{
	static const char *const subsys[] = { "", "pids", "memory", "cpu" };
	const struct cgroup_layout *l = &p->cgroups;
	const char *tells = l->v1_subsys <= V1_CPU ? subsys[l->v1_subsys] : "";

	(void)t;
	if (p->cgroups_err)
		return feature_verdict(p, "/proc/cgroups", p->cgroups_err);
	if (l->v1_subsys == V1_NONE && l->v2_mount[0])
		feature_say(p, "version 2 at %.100s", l->v2_mount);
	else if (l->v1_subsys != V1_NONE && l->v1_mount[0] && l->v2_mount[0])
		feature_say(p, "hybrid: %s (version 1) tells the container; version 2 at %.80s",
			    tells, l->v2_mount);
	else if (l->v1_subsys != V1_NONE && l->v1_mount[0])
		feature_say(p, "version 1: %s tells the container", tells);
	if (p->row->reason[0])
		return FEATURE_OK;
	feature_say(p, "no cgroup file system is mounted here");
	return FEATURE_DEGRADED;
}

/* Is /proc there, and whose processes does it show? */
static enum feature_state test_procfs(struct prober *p, const struct feature_test *t)
{
	struct statfs fs;
	struct stat st;
	char self[32];
	ssize_t n;

	(void)t;
	if (statfs("/proc", &fs) || fs.f_type != PROC_MAGIC) {
		feature_say(p, "/proc is not a procfs");
		return FEATURE_MISSING;
	}
	n = readlink("/proc/self", self, sizeof(self) - 1);
	if (n <= 0 || stat("/proc/self/ns/pid", &st))
		return feature_verdict(p, "/proc/self", n < 0 || errno ? -errno : -ENOENT);
	self[n] = '\0';
	if (st.st_ino != INIT_PIDNS_INO) {
		feature_say(p, "this is a pid namespace of its own: only its processes are in /proc");
		return FEATURE_DEGRADED;
	}
	if (atoi(self) != getpid()) {
		feature_say(p, "/proc shows another pid namespace");
		return FEATURE_DEGRADED;
	}
	if (stat("/proc/1/status", &st) || access("/proc/1/status", R_OK)) {
		feature_say(p, "other users' processes are hidden (hidepid)");
		return FEATURE_DEGRADED;
	}
	feature_say(p, "shows the host's processes");
	return FEATURE_OK;
}

static enum feature_state test_tracefs(struct prober *p, const struct feature_test *t)
{
	char dir[64], path[32];
	ssize_t n;

	(void)t;
	if (p->tracefs < 0) {
		feature_verdict(p, "not mounted, and mounting a private one", p->tracefs);
		return FEATURE_DEGRADED;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->tracefs);
	n = readlink(path, dir, sizeof(dir) - 1);
	dir[n > 0 ? n : 0] = '\0';
	if (strcmp(dir, "/") == 0 || n <= 0)
		feature_say(p, "not mounted; a private one serves");
	else
		feature_say(p, "at %s", dir);
	return FEATURE_OK;
}

#define ROOT "run as root, or give it this capability"

static enum feature_state test_user_stacks(struct prober *p, const struct feature_test *t)
{
	char why[128];

	(void)t;
	if (user_stack_safe_here(why, sizeof(why)))
		return FEATURE_OK;
	feature_say(p, "%s", why);
	return FEATURE_MISSING;
}

const struct feature_test feature_tests_host[] = {
	{ "kernel", "x86_64 is what porthole is tested on", "nothing; other machines are untested",
	  test_kernel },
	{ "lockdown", "reading the kernel's memory",
	  "nothing: under integrity tracepoints serve; under confidentiality boot with lockdown=integrity",
	  test_lockdown, .required = true },
	{ "user_stacks", "stacks of programs in profiles", "a kernel with the repair",
	  test_user_stacks },
	{ "lsm_list", "which security modules are asked", "CAP_SYS_ADMIN, or mount securityfs",
	  test_lsm_list },
	{ "privileges", "capabilities of this process", "run as root", test_privileges },
	{ "cap_bpf", "loading programs", ROOT, test_cap, .arg = CAP_BPF, .arg2 = CAP_SYS_ADMIN },
	{ "cap_perfmon", "attaching programs to the kernel", ROOT, test_cap, .arg = CAP_PERFMON,
	  .arg2 = CAP_SYS_ADMIN },
	{ "cap_net_admin", "programs on packets and sockets", ROOT, test_cap, .arg = CAP_NET_ADMIN,
	  .arg2 = CAP_NET_ADMIN },
	{ "cap_sys_ptrace", "executables and directories of others' processes", ROOT, test_cap,
	  .arg = CAP_SYS_PTRACE, .arg2 = CAP_SYS_PTRACE },
	{ "cap_dac_read_search", "files of containers and runtimes", ROOT, test_cap,
	  .arg = CAP_DAC_READ_SEARCH, .arg2 = CAP_DAC_OVERRIDE },
	{ "cap_sys_admin", "private mounts, run statistics", ROOT "; the rest works without",
	  test_cap, .arg = CAP_SYS_ADMIN, .arg2 = CAP_SYS_ADMIN },
	{ "cgroups", "which container a process is in", "mount cgroup2 at /sys/fs/cgroup",
	  test_cgroups },
	{ "procfs", "what ran before porthole", "mount procfs at /proc; in a pod set hostPID: true",
	  test_procfs, .required = true },
	{ "tracefs", "numbers of tracepoints",
	  "mount -t tracefs nodev /sys/kernel/tracing, or CAP_SYS_ADMIN", test_tracefs },
	{ NULL },
};
