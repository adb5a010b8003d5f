/*
 * cause: healthy
 * cpu: 1
 * peer: cpu=1
 *
 * A server at some 10 % of a CPU; its client is in another container.
 */
#include "app.h"

static void serve(void)
{
	work_ms(1);
}

int main(int argc, char **argv)
{
	char buf[512] = "question";
	double pause;
	int fd;

	begin(argc, argv);
	pause = vary(7, 14);
	if (role == 'a')
		serve_on(7001, sizeof(buf), serve);
	for (fd = connect_to(A, 7001);; rest_ms(pause))
		if (!move(fd, buf, sizeof(buf), true) || !move(fd, buf, sizeof(buf), false))
			return 1;
}
