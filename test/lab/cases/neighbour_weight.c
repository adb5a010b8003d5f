/*
 * cause: cpu-neighbour
 * cpu: 2
 * shares: 64..128
 * peer: shares=4096
 *
 * Batch threads of another pod, of far greater weight, fill all CPUs; this one has two threads of its own.
 */
#include "app.h"

static void *burn(void *arg)
{
	for (;;)
		work_ms(50);
	return arg;
}

static void *jobs(void *arg)
{
	double rest = *(double *)arg;

	for (;; rest_ms(rest))
		work_ms(4);
	return NULL;
}

int main(int argc, char **argv)
{
	double rest;

	begin(argc, argv);
	if (role == 'b')
		for (int i = 0; i < 5; i++)
			thread_start(burn, NULL);
	rest = role == 'b' ? 1000 : vary(5, 15);
	if (role == 'a')
		thread_start(jobs, &rest);
	jobs(&rest);
}
