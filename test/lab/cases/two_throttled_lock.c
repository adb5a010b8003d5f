/*
 * cause: cpu-throttled lock-contention
 * cpu: 0.3..0.5
 *
 * Threads share a lock and a CPU limit that is too small: who has the lock is stopped with it.
 */
#include "app.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double held_ms;

static void *thread(void *arg)
{
	for (;; work_ms(held_ms / 10)) {
		pthread_mutex_lock(&lock);
		work_ms(held_ms);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	held_ms = vary(2, 6);
	for (int n = (int)vary(3, 6); n; n--)
		thread_start(thread, NULL);
	thread(NULL);
}
