/* Readings from /proc: the node, a network namespace, a process. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/vitals.h"
#include "source/vitals_file.h"

#define FDS_MAX (1u << 20) /* descriptors counted of one process */

/* --- the node ------------------------------------------------------------------------------------ */

#define NODE(member) offsetof(struct vitals_node, member)

static const struct vitals_key node_stat[] = {
	{ "ctxt", NODE(switches), 1 },
	{ "processes", NODE(forks), 1 },
	{ NULL },
};

static const struct vitals_key node_vm[] = {
	{ "pgscan_kswapd", NODE(scanned), 1 },
	{ "pgscan_direct", NODE(scanned), 1 },
	{ "pgscan_direct", NODE(direct_scanned), 1 },
	{ "pgmajfault", NODE(major_faults), 1 },
	{ "pswpin", NODE(swap_in), 1 },
	{ "pswpout", NODE(swap_out), 1 },
	{ "workingset_refault_file", NODE(refaults), 1 },
	{ "workingset_refault_anon", NODE(refaults), 1 },
	{ "oom_kill", NODE(oom_kills), 1 },
	{ NULL },
};

struct node_memory {
	uint64_t total, available, swap, swap_free;
};

static const struct vitals_key node_mem[] = {
	{ "MemTotal", offsetof(struct node_memory, total), 1024 },
	{ "MemAvailable", offsetof(struct node_memory, available), 1024 },
	{ "SwapTotal", offsetof(struct node_memory, swap), 1024 },
	{ "SwapFree", offsetof(struct node_memory, swap_free), 1024 },
	{ NULL },
};

static const char *const pressures[PRESSURES] = {
	[PRESSURE_CPU] = "cpu",
	[PRESSURE_MEMORY] = "memory",
	[PRESSURE_IO] = "io",
};

static int node_cpu_read(struct vitals_node *n)
{
	uint64_t tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK), v[8];
	char text[256];
	ssize_t got = vitals_file("/proc/stat", text, sizeof(text));

	if (got < 0)
		return (int)got;
	if (sscanf(text, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &v[0], &v[1], &v[2], &v[3], &v[4],
		   &v[5], &v[6], &v[7]) != 8)
		return -EBADMSG;
	n->user_ns = (v[0] + v[1]) * tick;
	n->system_ns = v[2] * tick;
	n->idle_ns = v[3] * tick;
	n->iowait_ns = v[4] * tick;
	n->irq_ns = v[5] * tick;
	n->softirq_ns = v[6] * tick;
	n->steal_ns = v[7] * tick;
	return 0;
}

int vitals_node_read(struct vitals_node *ret)
{
	struct vitals_node n = { .cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN) };
	struct node_memory m = { 0 };
	char path[64];
	int err = node_cpu_read(&n);

	if (err)
		return err;
	(void)vitals_keys("/proc/stat", node_stat, &n);
	(void)vitals_keys("/proc/vmstat", node_vm, &n);
	(void)vitals_keys("/proc/meminfo", node_mem, &m);
	n.memory = m.total;
	n.memory_available = m.available;
	n.swap_used = m.swap - m.swap_free;
	for (size_t i = 0; i < PRESSURES; i++) {
		snprintf(path, sizeof(path), "/proc/pressure/%s", pressures[i]);
		n.has_pressure |= vitals_pressure_read(path, &n.pressure[i]) == 0;
	}
	*ret = n;
	return 0;
}

/* --- network namespace: two lines each, names and numbers, behind a common word ------------------- */

#define NET(member) offsetof(struct vitals_net, member)

static const struct vitals_key net_keys[] = {
	{ "Tcp:InSegs", NET(in_segments), 1 },
	{ "Tcp:OutSegs", NET(out_segments), 1 },
	{ "Tcp:RetransSegs", NET(retransmits), 1 },
	{ "Tcp:EstabResets", NET(resets_in), 1 },
	{ "Tcp:OutRsts", NET(resets_out), 1 },
	{ "Tcp:AttemptFails", NET(connect_fails), 1 },
	{ "TcpExt:ListenOverflows", NET(listen_overflows), 1 },
	{ "TcpExt:ListenDrops", NET(listen_drops), 1 },
	{ "TcpExt:TCPSynRetrans", NET(syn_retransmits), 1 },
	{ "TcpExt:TCPTimeouts", NET(timeouts), 1 },
	{ "Udp:InErrors", NET(udp_in_errors), 1 },
	{ "Udp:NoPorts", NET(udp_no_port), 1 },
	{ NULL },
};

static void net_pair(char *names, char *values, struct vitals_net *ret)
{
	char *save_n = NULL, *save_v = NULL, key[96];
	const char *group = strtok_r(names, " ", &save_n);
	const char *same = strtok_r(values, " ", &save_v);

	if (!group || !same || strcmp(group, same) != 0)
		return;
	for (;;) {
		const char *n = strtok_r(NULL, " ", &save_n), *v = strtok_r(NULL, " ", &save_v);

		if (!n || !v)
			return;
		snprintf(key, sizeof(key), "%s%s", group, n);
		for (const struct vitals_key *k = net_keys; k->key; k++)
			if (strcmp(k->key, key) == 0)
				*(uint64_t *)((char *)ret + k->offset) = strtoull(v, NULL, 10);
	}
}

static int net_file(uint32_t pid, const char *name, struct vitals_net *ret)
{
	_cleanup_(freep) char *text = malloc(VITALS_FILE_BYTES);
	char path[64], *save = NULL;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, name);
	n = vitals_file(path, text, VITALS_FILE_BYTES);
	if (n < 0)
		return (int)n;
	for (char *names = strtok_r(text, "\n", &save); names; names = strtok_r(NULL, "\n", &save)) {
		char *values = strtok_r(NULL, "\n", &save);

		if (!values)
			break;
		net_pair(names, values, ret);
	}
	return 0;
}

int vitals_net_read(uint32_t pid, struct vitals_net *ret)
{
	struct vitals_net n = { 0 };
	int err = net_file(pid, "snmp", &n);

	if (err)
		return err;
	(void)net_file(pid, "netstat", &n);
	*ret = n;
	return 0;
}

/* --- a process ----------------------------------------------------------------------------------- */

#define PROCESS(member) offsetof(struct vitals_process, member)

static const struct vitals_key process_status[] = {
	{ "VmRSS", PROCESS(resident), 1024 },
	{ "VmSwap", PROCESS(swapped), 1024 },
	{ NULL },
};

static const struct vitals_key process_io[] = {
	{ "read_bytes", PROCESS(read_bytes), 1 },
	{ "write_bytes", PROCESS(written_bytes), 1 },
	{ NULL },
};

static uint32_t fds_count(uint32_t pid)
{
	char path[64];
	uint32_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	d = opendir(path);
	if (!d)
		return 0;
	while (n < FDS_MAX + 2 && readdir(d))
		n++;
	closedir(d);
	return n > 2 ? n - 2 : 0; /* . and .. */
}

static uint32_t fds_limit(uint32_t pid)
{
	char path[64], text[4096];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%u/limits", pid);
	if (vitals_file(path, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "Max open files");
	return line ? (uint32_t)strtoul(line + strlen("Max open files"), NULL, 10) : 0;
}

int vitals_process_read(uint32_t pid, struct vitals_process *ret)
{
	uint64_t tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK), user, system;
	struct vitals_process v = { 0 };
	char path[64], text[1024];
	const char *behind;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	n = vitals_file(path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	behind = strrchr(text, ')'); /* a name may hold anything, brackets too */
	if (!behind ||
	    sscanf(behind + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %lu %*u %lu %*u %lu %lu %*d %*d %*d %*d %u",
		   &v.minor_faults, &v.major_faults, &user, &system, &v.threads) != 5)
		return -EBADMSG;
	v.user_ns = user * tick;
	v.system_ns = system * tick;
	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	(void)vitals_keys(path, process_status, &v);
	snprintf(path, sizeof(path), "/proc/%u/io", pid);
	(void)vitals_keys(path, process_io, &v);
	v.fds = fds_count(pid);
	v.fds_max = fds_limit(pid);
	*ret = v;
	return 0;
}
