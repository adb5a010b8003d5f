/*
 * cause: exec-storm
 * cpu: 1.5
 *
 * A helper program is started for every little thing.
 */
#include <spawn.h>

#include "app.h"

int main(int argc, char **argv)
{
	char *args[] = { "true", NULL }, *env[] = { NULL };
	double pause;
	pid_t pid;

	begin(argc, argv);
	for (pause = vary(0.5, 8);; rest_ms(pause)) {
		if (posix_spawn(&pid, "/usr/bin/true", NULL, NULL, args, env) == 0)
			waitpid(pid, NULL, 0);
	}
}
