/*
 * A process that opens and closes files: opens SECONDS RATE. RATE is opens per second, 0: flat out.
 * One open in sixteen is of a file under /etc/, the others are elsewhere, none of them there in vain.
 *
 * Prints one line: opens, opens under /etc/, wall ns, CPU ns (user and system).
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TURN 16 /* opens between two looks at the clock; the first is the one under /etc/ */
#define NS   1000000000ull

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

/* Each way a file is opened in practice: a device, /proc, a library, something that is not there. */
static const char *const paths[TURN] = {
	"/etc/hostname", "/dev/null",	     "/proc/self/stat",	   "/usr/lib/os-release",
	"/usr/bin/env",	 "/dev/zero",	     "/usr/share/zoneinfo/UTC", "/bin/true",
	"/dev/null",	 "/usr/lib/os-release", "/tmp/no-such-file", "/usr/bin/env",
	"/dev/zero",	 "/usr/bin/id",	     "/usr/lib/no-such.so", "/dev/null",
};

static void turn(void)
{
	for (int i = 0; i < TURN; i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
	}
}

/* Until @due; the last stretch awake, for a sleep is 50 us late. */
static void wait_until(uint64_t due)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (due > now + 200000) {
		struct timespec t = { 0, (long)(due - now - 100000) };

		nanosleep(&t, NULL);
	}
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	uint64_t rate = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, turns = 0;
	uint64_t start = clock_ns(CLOCK_MONOTONIC), now = start;
	uint64_t end = start + (uint64_t)(seconds * (double)NS);

	while (now < end) {
		turn();
		turns++;
		if (rate)
			wait_until(start + turns * TURN * NS / rate);
		now = clock_ns(CLOCK_MONOTONIC);
	}
	printf("%llu %llu %llu %llu\n", (unsigned long long)(turns * TURN),
	       (unsigned long long)turns, (unsigned long long)(now - start),
	       (unsigned long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}
