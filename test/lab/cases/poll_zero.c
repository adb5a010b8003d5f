/*
 * cause: busy-poll
 * cpu: 1.5
 *
 * A loop around poll() with a timeout of zero.
 */
#include "app.h"

int main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	int fds[2], between;

	begin(argc, argv);
	between = (int)vary(100, 3000);
	need(pipe(fds) == 0, "pipe");
	for (p.fd = fds[0]; poll(&p, 1, 0) == 0;)
		for (int i = 0; i < between; i++)
			__asm__ volatile("");
	return 1;
}
