/*
 * cause: signal-storm
 * cpu: 1
 *
 * A timer that fires thousands of times a second.
 */
#include <sys/time.h>

#include "app.h"

static volatile unsigned long ticks;

static void tick(int n)
{
	(void)n;
	ticks++;
}

int main(int argc, char **argv)
{
	struct itimerval t;

	begin(argc, argv);
	t.it_interval = t.it_value = (struct timeval){ 0, (suseconds_t)vary(150, 700) };
	signal(SIGALRM, tick);
	setitimer(ITIMER_REAL, &t, NULL);
	for (;;)
		pause();
}
