/*
 * cause: signal-storm
 * cpu: 1
 *
 * Two processes that tell each other by signals that there is something in the shared memory.
 */
#include "app.h"

static void knock(int n)
{
	(void)n;
}

int main(int argc, char **argv)
{
	double every;
	pid_t other;

	begin(argc, argv);
	every = vary(0.3, 1.5);
	signal(SIGUSR1, knock);
	signal(SIGCHLD, SIG_IGN);
	other = fork();
	for (; other == 0; pause())
		;
	for (;; rest_ms(every)) {
		kill(other, SIGUSR1);
		work_ms(0.02);
	}
}
