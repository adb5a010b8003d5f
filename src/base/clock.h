#pragma once
/*
 * Two clocks that must not be mixed, so they are two types. Both count nanoseconds.
 *   boot_ns  the kernel's CLOCK_BOOTTIME: stamps records and process starts, never jumps
 *   wall_ns  Unix time: what people read
 * The offset between them is part of the kernel facts (source/facts.h), and of each capture.
 */
#include <stdint.h>
#include <time.h>

struct boot_ns {
	uint64_t ns;
};

struct wall_ns {
	uint64_t ns;
};

#define NS_PER_SEC 1000000000ull
#define NS_PER_MS  1000000ull

static inline uint64_t clock_read_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static inline struct boot_ns clock_boot(void)
{
	return (struct boot_ns){ clock_read_ns(CLOCK_BOOTTIME) };
}

static inline struct wall_ns clock_wall(void)
{
	return (struct wall_ns){ clock_read_ns(CLOCK_REALTIME) };
}
