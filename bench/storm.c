/*
 * A storm of short processes: storm SECONDS [PAUSE_US]. Forks, executes /bin/true, waits, again.
 *
 * Prints one line: processes, wall ns, CPU ns of this process and all its children.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ull

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static void child(void)
{
	static char *const argv[] = { "/bin/true", "bench", NULL };

	execv(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	uint64_t start = clock_ns(), now = start, count = 0;
	uint64_t end = start + (uint64_t)((argc > 1 ? atof(argv[1]) : 1) * (double)NS);
	unsigned pause_us = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	while (now < end) {
		pid_t pid = fork();

		if (pid == 0)
			child();
		if (pid < 0 || waitpid(pid, NULL, 0) < 0) {
			perror("storm");
			return 1;
		}
		count++;
		if (pause_us)
			usleep(pause_us);
		now = clock_ns();
	}
	printf("%llu %llu %llu\n", (unsigned long long)count, (unsigned long long)(now - start),
	       (unsigned long long)(cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN)));
	return 0;
}
