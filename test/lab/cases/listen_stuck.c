/*
 * cause: listen-overflow
 * cpu: 1
 * peer: cpu=1
 *
 * A server that does batch work in the loop that accepts.
 */
#include "app.h"

static void *client(void *arg)
{
	for (;; rest_ms(*(double *)arg)) {
		int fd = try_connect(A, 7001);

		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	double pause;
	int l;

	begin(argc, argv);
	pause = vary(20, 50);
	if (role == 'b') {
		for (int i = 0; i < 40; i++)
			thread_start(client, &pause);
		client(&pause);
	}
	for (l = listen_on(7001, (int)vary(8, 17));; rest_ms(vary(300, 700)))
		for (int i = 0; i < 20; i++) {
			work_ms(0.5);
			close(accept(l, NULL, NULL));
		}
}
