/* Sampling clocks: one perf event for each CPU. The links own the descriptors. */
#include "source/cpu_events.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ONLINE_LIST   "/sys/devices/system/cpu/online"
#define LIST_BYTES    4096
#define REFRESH_NS    NS_PER_SEC
#define MAX_RATE      "/proc/sys/kernel/perf_event_max_sample_rate"
#define SET_WORDS     (CPU_EVENTS_MAX / 64)
#define SET_HAS(s, n) ((s)[(n) / 64] >> ((n) % 64) & 1)

struct cpu_events {
	struct bpf_program *prog;
	uint32_t hz;
	uint64_t looked_ns;
	char list[LIST_BYTES]; /* as it was last read */
	size_t n;
	struct bpf_link *links[CPU_EVENTS_MAX];
};

static int number_parse(const char **p, unsigned long *ret)
{
	char *end;

	if (**p < '0' || **p > '9')
		return -EBADMSG;
	*ret = strtoul(*p, &end, 10);
	*p = end;
	return 0;
}

int cpu_list_parse(const char *text, uint64_t ret[SET_WORDS])
{
	uint64_t set[SET_WORDS] = { 0 };
	unsigned long from, to;

	for (const char *p = text; *p && *p != '\n'; p += *p == ',') {
		if (number_parse(&p, &from) != 0)
			return -EBADMSG;
		to = from;
		if (*p == '-' && (p++, number_parse(&p, &to) != 0))
			return -EBADMSG;
		if (*p && *p != ',' && *p != '\n')
			return -EBADMSG;
		for (unsigned long n = from; n <= to && n < CPU_EVENTS_MAX; n++)
			set[n / 64] |= 1ull << (n % 64);
	}
	memcpy(ret, set, sizeof(set));
	return 0;
}

/* 0 or -errno; @ret is NUL-ended. */
static int file_read(const char *path, char *ret, size_t size)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

static int event_open(struct cpu_events *e, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.freq = 1,
		.sample_freq = e->hz,
	};
	_cleanup_(closep) int fd =
		(int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;

	if (fd < 0)
		return -errno;
	link = bpf_program__attach_perf_event(e->prog, fd);
	if (!link)
		return -errno;
	take_fd(&fd);
	e->links[cpu] = link;
	e->n++;
	return 0;
}

static void event_close(struct cpu_events *e, int cpu)
{
	bpf_link__destroy(e->links[cpu]);
	e->links[cpu] = NULL;
	e->n--;
}

/* The first error, when no CPU at all could be had; a single one that vanishes meanwhile is none. */
static int events_match(struct cpu_events *e)
{
	uint64_t online[SET_WORDS];
	int err = cpu_list_parse(e->list, online), first = 0;

	for (int cpu = 0; !err && cpu < CPU_EVENTS_MAX; cpu++) {
		bool on = SET_HAS(online, cpu);
		int failed = 0;

		if (on && !e->links[cpu])
			failed = event_open(e, cpu);
		else if (!on && e->links[cpu])
			event_close(e, cpu);
		if (!first)
			first = failed;
	}
	return err ? err : e->n ? 0 : first;
}

static void why_not(int err, uint32_t hz, char *ret, size_t size)
{
	char rate[32] = "?";

	if (err == -EPERM || err == -EACCES) {
		snprintf(ret, size, "sampling needs CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8)");
	} else if (err == -EINVAL && file_read(MAX_RATE, rate, sizeof(rate)) == 0) {
		rate[strcspn(rate, "\n")] = '\0';
		snprintf(ret, size, "%u samples per second asked for, " MAX_RATE " says %s", hz,
			 rate);
	} else {
		snprintf(ret, size, "no sampling clock on any CPU");
	}
}

int cpu_events_open(struct bpf_program *prog, uint32_t hz, struct cpu_events **ret, char *ret_why,
		    size_t size)
{
	struct cpu_events *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->prog = prog;
	e->hz = hz;
	e->looked_ns = clock_boot().ns;
	err = file_read(ONLINE_LIST, e->list, sizeof(e->list));
	if (err)
		snprintf(ret_why, size, ONLINE_LIST " cannot be read");
	else
		err = events_match(e);
	if (err) {
		if (!ret_why[0])
			why_not(err, hz, ret_why, size);
		cpu_events_close(e);
		return err;
	}
	*ret = e;
	return 0;
}

void cpu_events_refresh(struct cpu_events *e)
{
	char list[LIST_BYTES];
	uint64_t now = clock_boot().ns;

	if (now - e->looked_ns < REFRESH_NS)
		return;
	e->looked_ns = now;
	if (file_read(ONLINE_LIST, list, sizeof(list)) != 0 || strcmp(list, e->list) == 0)
		return;
	memcpy(e->list, list, sizeof(list));
	events_match(e);
}

size_t cpu_events_count(const struct cpu_events *e)
{
	return e->n;
}

void cpu_events_close(struct cpu_events *e)
{
	for (int cpu = 0; e && cpu < CPU_EVENTS_MAX; cpu++)
		if (e->links[cpu])
			event_close(e, cpu);
	free(e);
}
