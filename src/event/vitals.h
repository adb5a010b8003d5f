#pragma once
/*
 * What the kernel's own accounting files say of the node, a cgroup, a network namespace and a
 * process at one moment. Counters are since boot or birth; a question is answered by two readings
 * and their difference. source/vitals.h reads them; agg/ and cause/ compare them.
 *
 * Members whose bit is missing from `has` are unknown, not zero. Times in nanoseconds, sizes in
 * bytes. Sources: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/{memory,cpuacct}.rst,
 * scheduler/sched-bwc.rst, accounting/psi.rst; proc(5); Documentation/networking/snmp_counter.rst.
 */
#include <stdbool.h>
#include <stdint.h>

/* Pressure stall information: time in which some, or all, tasks that could run waited. */
struct vitals_pressure {
	uint64_t some_ns, full_ns;
};

enum vitals_resource {
	PRESSURE_CPU,
	PRESSURE_MEMORY,
	PRESSURE_IO,
	PRESSURES
};

enum vitals_group_has {
	GROUP_CPU = 1,	    /* cpu_ns */
	GROUP_QUOTA = 2,    /* quota_ns .. throttled_ns */
	GROUP_MEMORY = 4,   /* memory, memory_max, ... */
	GROUP_PRESSURE = 8, /* pressure */
	GROUP_REFAULT = 16,
	GROUP_PIDS = 32,
};

#define VITALS_NO_LIMIT UINT64_MAX

struct vitals_group {
	uint32_t has; /* enum vitals_group_has */
	uint64_t cpu_ns, cpu_user_ns, cpu_system_ns;
	uint64_t quota_ns,
		period_ns; /* quota: VITALS_NO_LIMIT when there is none; the tightest above counts */
	uint64_t periods, throttled, throttled_ns;
	uint64_t memory, memory_max, memory_high, anon, file; /* limits: the tightest above counts */
	uint64_t limit_hits; /* times the limit was reached (max events; failcnt) */
	uint64_t oom_kills;
	uint64_t faults, major_faults;
	uint64_t scanned, reclaimed; /* pages */
	uint64_t refaults;	     /* pages read again soon after they were evicted */
	uint64_t pids, pids_max;
	struct vitals_pressure pressure[PRESSURES];
};

struct vitals_node {
	uint32_t cpus; /* online */
	uint64_t user_ns, system_ns, idle_ns, iowait_ns, irq_ns, softirq_ns, steal_ns;
	uint64_t switches, forks;
	uint64_t memory, memory_available, swap_used;
	uint64_t scanned, direct_scanned, major_faults, swap_in, swap_out,
		refaults; /* pages; events */
	uint64_t oom_kills;
	bool has_pressure;
	struct vitals_pressure pressure[PRESSURES];
};

/* Of a block device, by all who use it. */
struct vitals_device {
	char name[32];
	uint64_t reads, writes, flushes;
	uint64_t read_bytes, written_bytes;
	uint64_t read_ns, write_ns,
		flush_ns; /* from being queued to completion, summed: they overlap */
	uint64_t busy_ns; /* with at least one in flight */
};

/* Of a network namespace. */
struct vitals_net {
	uint64_t in_segments, out_segments, retransmits;
	uint64_t resets_in;  /* established connections that were reset */
	uint64_t resets_out; /* RSTs sent */
	uint64_t connect_fails;
	uint64_t listen_overflows, listen_drops;
	uint64_t syn_retransmits, timeouts;
	uint64_t udp_in_errors, udp_no_port;
};

/* Of a process; all its threads together. */
struct vitals_process {
	uint64_t minor_faults, major_faults;
	uint64_t resident, swapped;
	uint64_t read_bytes, written_bytes; /* that reached the block layer */
	uint64_t user_ns, system_ns;
	uint32_t threads;
	uint32_t fds, fds_max; /* open descriptors; the soft limit */
};
