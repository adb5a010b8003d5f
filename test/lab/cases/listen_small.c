/*
 * cause: listen-overflow
 * cpu: 1
 * peer: cpu=1
 *
 * A server with a short queue, and too slow for it.
 */
#include "app.h"

static double slow_ms;

static void server(int l)
{
	char buf[64];

	for (int fd; (fd = accept(l, NULL, NULL)) >= 0; close(fd)) {
		rest_ms(slow_ms);
		work_ms(2);
		if (move(fd, buf, sizeof(buf), false))
			move(fd, buf, sizeof(buf), true);
	}
}

static void *client(void *arg)
{
	char buf[64] = "question";

	for (;; rest_ms(20)) {
		int fd = connect_to(A, 7001);

		move(fd, buf, sizeof(buf), true);
		move(fd, buf, sizeof(buf), false);
		close(fd);
	}
	return arg;
}

int main(int argc, char **argv)
{
	int backlog;

	begin(argc, argv);
	backlog = (int)vary(1, 5);
	slow_ms = vary(20, 60);
	if (role == 'a')
		server(listen_on(7001, backlog));
	for (int i = 0; i < 24; i++)
		thread_start(client, NULL);
	client(NULL);
}
