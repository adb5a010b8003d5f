/*
 * cause: tcp-retransmit
 * cpu: 1
 * peer: cpu=1
 * delay: 0.3..1
 * loss: 4..9
 *
 * Small requests over a wire that loses packets: each loss costs a timeout.
 */
#include "app.h"

static void serve(void)
{
}

static void *client(void *arg)
{
	char buf[200] = "question";
	int fd = connect_to(B, 7001);

	while (move(fd, buf, sizeof(buf), true) && move(fd, buf, sizeof(buf), false))
		rest_ms(3);
	return arg;
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	if (role == 'b')
		serve_on(7001, 200, serve);
	for (int i = 0; i < 3; i++)
		thread_start(client, NULL);
	client(NULL);
}
