/*
 * cause: context-switches
 * cpu: 2
 *
 * A queue of one place between a producer and a consumer, who take turns for every item.
 */
#include "app.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int full, between;

static void *side(void *arg)
{
	int mine = arg != NULL;

	for (;;) {
		pthread_mutex_lock(&lock);
		while (full != mine)
			pthread_cond_wait(&changed, &lock);
		full = !mine;
		pthread_mutex_unlock(&lock);
		pthread_cond_signal(&changed);
		for (int i = 0; i < between; i++)
			__asm__ volatile("");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	between = (int)vary(100, 2000);
	thread_start(side, NULL);
	side("consumer");
}
