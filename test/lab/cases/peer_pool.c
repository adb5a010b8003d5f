/*
 * cause: slow-peer
 * cpu: 1
 * peer: cpu=1
 *
 * Several connections to a database that takes its time, waited for with poll, work in between.
 */
#include "app.h"

static double slow_ms;

static void serve(void)
{
	rest_ms(slow_ms * (0.5 + (double)(rand() % 100) / 100));
}

int main(int argc, char **argv)
{
	char buf[1000] = "question";
	struct pollfd p[4];

	begin(argc, argv);
	slow_ms = vary(40, 120);
	if (role == 'b')
		serve_on(5432, sizeof(buf), serve);
	for (int i = 0; i < 4; i++) {
		p[i] = (struct pollfd){ .fd = connect_to(B, 5432), .events = POLLIN };
		move(p[i].fd, buf, sizeof(buf), true);
	}
	while (poll(p, 4, -1) > 0)
		for (int i = 0; i < 4; i++) {
			if (!(p[i].revents & POLLIN) || !move(p[i].fd, buf, sizeof(buf), false))
				continue;
			work_ms(1);
			move(p[i].fd, buf, sizeof(buf), true);
		}
}
