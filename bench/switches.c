/*
 * A storm of context switches: switches SECONDS [CPU [WORK]]. Two processes, pinned to one CPU, hand a byte
 * to and fro through pipes; one of them computes WORK steps each time, so that the rate can be chosen.
 *
 * Prints one line: switches, wall ns, ns a switch.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS   1000000000ull
#define TURN 1000

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static uint64_t work(uint64_t x, unsigned steps)
{
	while (steps--)
		x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ull;
	return x;
}

static void echo(int from, int to)
{
	char c;

	while (read(from, &c, 1) == 1)
		if (write(to, &c, 1) != 1)
			break;
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned steps = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	volatile uint64_t kept = 1;
	uint64_t start, end, now, n = 0;
	int there[2], back[2];
	cpu_set_t set;
	char c = 'x';
	pid_t pid;

	CPU_ZERO(&set);
	CPU_SET((size_t)(argc > 2 ? atoi(argv[2]) : 0), &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0 || pipe(there) != 0 || pipe(back) != 0) {
		perror("switches");
		return 1;
	}
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		close(back[0]);
		echo(there[0], back[1]);
	}
	start = now = clock_ns();
	end = start + (uint64_t)((argc > 1 ? atof(argv[1]) : 1) * (double)NS);
	while (now < end) {
		for (int i = 0; i < TURN; i++, n += 2) {
			kept = work(kept, steps);
			if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
				return 1;
		}
		now = clock_ns();
	}
	printf("%llu %llu %.1f\n", (unsigned long long)n, (unsigned long long)(now - start),
	       (double)(now - start) / (double)n);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
