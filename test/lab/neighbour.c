/*
 * cause: healthy
 * cpu: 1
 * shares: 256
 * memory: 128
 *
 * The container beside (--neighbour): a CPU's worth of work, some files, some connections with itself. It
 * has no more weight than it asks for: who is looked at is not kept from its CPU by it.
 */
#include "app.h"

static void serve(void)
{
}

static void *files(void *arg)
{
	char buf[4096] = "text";

	for (unsigned int i = 0;; i++, rest_ms(20)) {
		int fd = open("notes", O_RDWR | O_CREAT | (i % 100 ? 0 : O_TRUNC), 0644);

		write(fd, buf, sizeof(buf));
		close(fd);
	}
	return arg;
}

static void *server(void *arg)
{
	serve_on(7001, 100, serve);
	return arg;
}

static void *client(void *arg)
{
	char buf[100] = "question";
	int fd = connect_to("127.0.0.1", 7001);

	while (move(fd, buf, sizeof(buf), true) && move(fd, buf, sizeof(buf), false))
		rest_ms(2);
	return arg;
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	thread_start(files, NULL);
	thread_start(server, NULL);
	thread_start(client, NULL);
	for (;; rest_ms(1))
		work_ms(20);
}
