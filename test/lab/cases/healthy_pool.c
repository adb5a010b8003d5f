/*
 * cause: healthy
 * cpu: 1.5
 *
 * Workers that wait on a condition variable for jobs, some dozens a second.
 */
#include "app.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static int jobs;

static void *worker(void *arg)
{
	for (;; work_ms(1)) {
		pthread_mutex_lock(&lock);
		while (!jobs)
			pthread_cond_wait(&more, &lock);
		jobs--;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

int main(int argc, char **argv)
{
	double pause;

	begin(argc, argv);
	for (int n = (int)vary(4, 12); n; n--)
		thread_start(worker, NULL);
	for (pause = vary(10, 40);; rest_ms(pause)) {
		pthread_mutex_lock(&lock);
		jobs++;
		pthread_mutex_unlock(&lock);
		pthread_cond_signal(&more);
	}
}
