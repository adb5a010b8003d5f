/*
 * cause: signal-storm busy-poll
 * cpu: 1.5
 *
 * A timer's signals, thousands a second, and a loop that asks a pipe whether something has come.
 */
#include <sys/time.h>

#include "app.h"

static void tick(int n)
{
	(void)n;
}

int main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	struct itimerval t;
	int fds[2];

	begin(argc, argv);
	t.it_interval = t.it_value = (struct timeval){ 0, (suseconds_t)vary(200, 700) };
	signal(SIGALRM, tick);
	need(pipe(fds) == 0 && setitimer(ITIMER_REAL, &t, NULL) == 0, "setitimer");
	for (p.fd = fds[0];;)
		poll(&p, 1, 0);
}
