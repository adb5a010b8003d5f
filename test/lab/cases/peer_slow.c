/*
 * cause: slow-peer
 * cpu: 1
 * peer: cpu=1
 *
 * A client whose server takes its time for each answer.
 */
#include "app.h"

static double slow_ms;

static void serve(void)
{
	rest_ms(slow_ms);
}

int main(int argc, char **argv)
{
	char buf[256] = "question";
	int fd;

	begin(argc, argv);
	slow_ms = vary(25, 90);
	if (role == 'b')
		serve_on(7001, sizeof(buf), serve);
	for (fd = connect_to(B, 7001);;) {
		work_ms(1);
		if (!move(fd, buf, sizeof(buf), true) || !move(fd, buf, sizeof(buf), false))
			return 1;
	}
}
