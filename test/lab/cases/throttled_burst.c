/*
 * cause: cpu-throttled
 * cpu: 0.7..0.9
 *
 * Threads that work at the same time, in bursts: on average within the limit, which they use up in the
 * first part of each period all the same.
 */
#include "app.h"

static pthread_barrier_t start;
static double burst_ms, pause_ms;

static void *thread(void *arg)
{
	for (;;) {
		pthread_barrier_wait(&start);
		work_ms(burst_ms);
		if (arg)
			rest_ms(pause_ms);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int n;

	begin(argc, argv);
	n = (int)vary(4, 8);
	burst_ms = 400.0 / n;
	pause_ms = vary(450, 800);
	pthread_barrier_init(&start, NULL, (unsigned int)n);
	while (--n)
		thread_start(thread, NULL);
	thread("rest");
}
