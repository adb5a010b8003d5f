/*
 * cause: tcp-reset
 * cpu: 1
 * peer: cpu=1
 *
 * The server lets go of connections with a reset, in the middle of things.
 */
#include "app.h"

static void drop_all(int l)
{
	struct linger hard = { 1, 0 };
	char c;

	for (int fd; (fd = accept(l, NULL, NULL)) >= 0; close(fd)) {
		recv(fd, &c, 1, 0);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	}
}

int main(int argc, char **argv)
{
	char buf[100] = "question";
	double pause;

	begin(argc, argv);
	if (role == 'b')
		drop_all(listen_on(7001, 64));
	for (pause = vary(15, 60);; rest_ms(pause)) {
		int fd = connect_to(B, 7001);

		move(fd, buf, sizeof(buf), true);
		recv(fd, buf, sizeof(buf), 0);
		close(fd);
		work_ms(0.5);
	}
}
