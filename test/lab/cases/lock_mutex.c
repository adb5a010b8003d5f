/*
 * cause: lock-contention
 * cpu: 2
 *
 * Threads that hold one mutex while they work, and then have a little to do outside.
 */
#include "app.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double held_ms;

static void *thread(void *arg)
{
	(void)arg;
	for (;;) {
		pthread_mutex_lock(&lock);
		work_ms(held_ms);
		pthread_mutex_unlock(&lock);
		work_ms(held_ms / 10);
		rest_ms(held_ms / 5);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	held_ms = vary(0.5, 3);
	for (int n = (int)vary(4, 9); n > 1; n--)
		thread_start(thread, NULL);
	thread(NULL);
}
