/*
 * cause: cpu-neighbour
 * cpuset: 1
 * cpu: 1
 * shares: 256
 * peer: cpuset=1 cpu=1 shares=2048
 *
 * A program with a little work every few ms, on the same CPU as a heavier container that never rests.
 */
#include "app.h"

static void *burn(void *arg)
{
	for (;;)
		work_ms(50);
	return arg;
}

int main(int argc, char **argv)
{
	double work, rest;

	begin(argc, argv);
	if (role == 'b') {
		thread_start(burn, NULL);
		burn(NULL);
	}
	work = vary(2, 6);
	for (rest = work * vary(1, 2);; rest_ms(rest))
		work_ms(work);
}
