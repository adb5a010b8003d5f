#pragma once
/*
 * What a process's BPF programs and maps cost, its own or another's: found through the descriptors
 * it holds (/proc/PID/fdinfo), so a running agent is measured without its help.
 *
 * Run times are the kernel's own statistics and zero unless something has enabled them
 * (cost_stats_enable, or kernel.bpf_stats_enabled); they slow each run by some 20 ns. Names need
 * CAP_SYS_ADMIN for another process's programs. One owner, one thread.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COST_PROGRAMS_MAX 512
#define COST_MAPS_MAX	  512

struct cost_program {
	uint32_t id;
	char name[64]; /* "" when it may not be asked for */
	uint64_t runs, run_ns, memory_bytes;
};

struct cost_map {
	uint32_t id, type; /* enum bpf_map_type */
	char name[16];
	uint32_t key_bytes, value_bytes, entries_max;
	uint64_t memory_bytes;
};

struct cost {
	size_t nprograms, nmaps;
	struct cost_program programs[COST_PROGRAMS_MAX];
	struct cost_map maps[COST_MAPS_MAX];
	uint64_t cpu_ns, rss_bytes; /* of the process */
};

/* Turns the kernel's statistics on for as long as the descriptor returned is open; -errno. */
int cost_stats_enable(void);

/* Everything, ordered by id. 0 or -errno (no such process, not allowed). */
int cost_read(pid_t pid, struct cost *ret);

/* CPU time and resident memory of a process alone. 0 or -errno. */
int cost_process(pid_t pid, uint64_t *ret_cpu_ns, uint64_t *ret_rss_bytes);

/* What all programs ran, in ns. */
uint64_t cost_run_ns(const struct cost *c);

/* "hash", "ringbuf", ...; "other". */
const char *cost_map_type(uint32_t type);
