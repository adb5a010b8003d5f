/*
 * cause: slow-peer
 * cpu: 1
 * peer: cpu=1
 * delay: 15..60
 *
 * The way to the server is long, and each request makes a connection of its own.
 */
#include "app.h"

static void serve(void)
{
}

int main(int argc, char **argv)
{
	char buf[128] = "question";
	int fd;

	begin(argc, argv);
	if (role == 'b')
		serve_on(7001, sizeof(buf), serve);
	for (;; close(fd)) {
		work_ms(1);
		fd = connect_to(B, 7001);
		move(fd, buf, sizeof(buf), true);
		move(fd, buf, sizeof(buf), false);
	}
}
