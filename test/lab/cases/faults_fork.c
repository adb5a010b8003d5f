/*
 * cause: page-faults
 * cpu: 1.5
 * memory: 384
 *
 * A child is forked for each snapshot, and both write to the memory that they share until then.
 */
#include "app.h"

static void touch(char *p, size_t size)
{
	for (size_t at = 0; at < size; at += 4096)
		p[at]++;
}

int main(int argc, char **argv)
{
	size_t size;
	char *p;
	pid_t pid;

	begin(argc, argv);
	size = (size_t)vary(40, 100) * MIB;
	p = malloc(size);
	for (touch(p, size);; waitpid(pid, NULL, 0)) {
		pid = fork();
		if (pid == 0) {
			rest_ms(150);
			_exit(0);
		}
		touch(p, size);
		work_ms(0.5);
	}
}
