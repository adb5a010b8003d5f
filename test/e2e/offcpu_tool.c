/*
 * Known stacks for test/e2e/offcpu.sh: waits again and again at the end of a known chain of calls.
 *
 *     offcpu_tool mutex|pipe|sleep SECONDS
 *
 * Built without frame pointers, against a C library without them. Prints the address of main.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N    __attribute__((noinline, noclone))
#define TICK 20000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int over, sink;
static int pipes[2];

int main(int argc, char **argv);
void wait_mutex(void);
void wait_pipe(void);
void wait_sleep(void);
void level2(void (*wait)(void), unsigned long x);
void level1(void (*wait)(void));

static void tick(void)
{
	struct timespec t = { 0, TICK };

	nanosleep(&t, NULL);
}

N void wait_mutex(void)
{
	pthread_mutex_lock(&lock);
	sink++;
	pthread_mutex_unlock(&lock);
}

N void wait_pipe(void)
{
	char c;

	if (read(pipes[0], &c, 1) != 1)
		sink++;
	sink++;
}

N void wait_sleep(void)
{
	tick();
	sink++;
}

/* A frame whose size is not known when compiled. */
N void level2(void (*wait)(void), unsigned long x)
{
	volatile char *room = __builtin_alloca(x & 255);

	room[0] = 1;
	wait();
	sink += room[0];
}

N void level1(void (*wait)(void))
{
	level2(wait, (unsigned long)sink | 64);
	sink++;
}

/* Has the lock most of the time, and fills the pipe. */
static void *other(void *arg)
{
	(void)arg;
	while (!over) {
		pthread_mutex_lock(&lock);
		tick();
		pthread_mutex_unlock(&lock);
		if (write(pipes[1], "x", 1) != 1)
			break;
		usleep(200); /* or nobody else ever gets it */
	}
	return NULL;
}

static const struct {
	const char *name;
	void (*wait)(void);
} modes[] = { { "mutex", wait_mutex }, { "pipe", wait_pipe }, { "sleep", wait_sleep } };

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc == 3 ? atoi(argv[2]) : 0);
	void (*wait)(void) = NULL;
	pthread_t thread;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argc == 3 && strcmp(modes[i].name, argv[1]) == 0)
			wait = modes[i].wait;
	printf("%p\n", (void *)(uintptr_t)main);
	fflush(stdout);
	if (!wait || pipe(pipes) != 0 || pthread_create(&thread, NULL, other, NULL) != 0)
		return 2;
	while (time(NULL) < end)
		level1(wait);
	over = 1;
	pthread_join(thread, NULL);
	return 0;
}
