#pragma once
/*
 * A program on the sampling clock (software event cpu-clock) of every CPU that is online, also of
 * those that come online later: cpu_events_refresh looks at the kernel's list of them, which it does
 * by itself at most once a second. A CPU that went away and came back between two looks is not
 * sampled any more, for its event is gone; one that was seen to be away is.
 *
 * One thread: the owner of the loader. Needs CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8).
 */
#include <bpf/libbpf.h>
#include <stdint.h>

#define CPU_EVENTS_MAX	      4096 /* CPUs */
#define CPU_EVENTS_HZ_MAX     1000
#define CPU_EVENTS_HZ_DEFAULT 99

struct cpu_events;

/*
 * @hz: samples per second and CPU, 1 to CPU_EVENTS_HZ_MAX. 0, or -errno when the first CPU's event
 * cannot be had, with a reason that a person can act on in @ret_why (@size bytes).
 */
int cpu_events_open(struct bpf_program *prog, uint32_t hz, struct cpu_events **ret, char *ret_why,
		    size_t size);

/* Opens events for CPUs that are new, closes those of CPUs that are gone. Cheap when called often. */
void cpu_events_refresh(struct cpu_events *e);

/* How many CPUs are sampled now. */
size_t cpu_events_count(const struct cpu_events *e);

/* NULL is fine. */
void cpu_events_close(struct cpu_events *e);

/*
 * "0-3,8" to *ret, a set of bits; CPUs from CPU_EVENTS_MAX on are left out. 0, or -EBADMSG for a text
 * that is no such list.
 */
int cpu_list_parse(const char *text, uint64_t ret[CPU_EVENTS_MAX / 64]);
