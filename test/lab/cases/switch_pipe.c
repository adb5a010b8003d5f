/*
 * cause: context-switches
 * cpu: 2
 *
 * Two threads hand a token to each other through pipes.
 */
#include "app.h"

static int there[2], back[2];
static size_t size;

static void *echo(void *arg)
{
	char buf[1024];

	while (read(there[0], buf, size) > 0)
		write(back[1], buf, size);
	return arg;
}

int main(int argc, char **argv)
{
	char buf[1024] = "token";

	begin(argc, argv);
	size = (size_t)vary(16, 900);
	need(pipe(there) == 0 && pipe(back) == 0, "pipe");
	thread_start(echo, NULL);
	do
		write(there[1], buf, size);
	while (read(back[0], buf, size) > 0);
}
