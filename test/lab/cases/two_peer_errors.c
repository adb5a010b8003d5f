/*
 * cause: slow-peer syscall-errors
 * cpu: 1
 * peer: cpu=1
 *
 * A client of a slow server; beside that it looks for a file that is not there.
 */
#include "app.h"

static double slow_ms;

static void serve(void)
{
	rest_ms(slow_ms);
}

static void *search(void *arg)
{
	for (;; rest_ms(1))
		open("/data/etc/override.conf", O_RDONLY);
	return arg;
}

int main(int argc, char **argv)
{
	char buf[256] = "question";
	int fd;

	begin(argc, argv);
	slow_ms = vary(30, 90);
	if (role == 'b')
		serve_on(7001, sizeof(buf), serve);
	fd = connect_to(B, 7001);
	for (thread_start(search, NULL); move(fd, buf, sizeof(buf), true);)
		move(fd, buf, sizeof(buf), false);
	return 1;
}
