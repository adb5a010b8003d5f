/*
 * cause: memory-limit
 * cpu: 1
 * memory: 48..96
 *
 * A worker that grows until it is killed, and is started again.
 */
#include "app.h"

static void grow(void)
{
	double pause = vary(2, 6);

	for (;; rest_ms(pause)) {
		char *p = malloc(MIB);

		memset(p, 1, MIB);
		work_ms(0.5);
	}
}

int main(int argc, char **argv)
{
	pid_t pid;

	for (begin(argc, argv);; rest_ms(100)) {
		pid = fork();
		if (pid == 0)
			grow();
		waitpid(pid, NULL, 0);
	}
}
