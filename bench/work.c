/*
 * A busy service without a network: work SECONDS THREADS. Each thread computes, reads a file that is in memory, takes
 * a lock and rests a moment now and then, as a worker that serves requests does.
 *
 * Prints a line each 100 ms: nanoseconds (CLOCK_MONOTONIC), rounds done by all threads so far.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static atomic_ullong rounds;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t shared;

static uint64_t mix(uint64_t x)
{
	for (int i = 0; i < 16000; i++)
		x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ull;
	return x;
}

static void *worker(void *unused)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char block[512];
	uint64_t x = (uint64_t)(uintptr_t)&block;

	for (unsigned i = 0;; i++) {
		x = mix(x);
		if (pread(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
			exit(1);
		pthread_mutex_lock(&lock);
		shared += x;
		pthread_mutex_unlock(&lock);
		if (i % 32 == 0)
			usleep(50);
		atomic_fetch_add(&rounds, 1);
	}
	return unused;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 1, threads = argc > 2 ? atoi(argv[2]) : 2;
	struct timespec t;
	pthread_t id;

	for (int i = 0; i < threads; i++)
		if (pthread_create(&id, NULL, worker, NULL) != 0)
			return 1;
	for (int i = 0; i < seconds * 10; i++) {
		usleep(100000);
		clock_gettime(CLOCK_MONOTONIC, &t);
		printf("%llu %llu\n", (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec,
		       (unsigned long long)atomic_load(&rounds));
		fflush(stdout);
	}
	return 0;
}
